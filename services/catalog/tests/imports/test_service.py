"""An import goes through its states, and on from where it stopped when its worker is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from import_files import counts
from vitrine_catalog.imports.queries import take_up
from vitrine_catalog.imports.service import give_up, run_import
from vitrine_kit.jobs import Worker
from waiting import until

from .conftest import API, Importer

HEADER = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src\n"


def shop(products: int, variants: int = 2) -> bytes:
    """A shop of this many products."""
    lines = [HEADER]
    for n in range(products):
        for v in range(variants):
            title, name = (f"Product {n}", "Size") if v == 0 else ("", "")
            lines.append(f"p-{n},{title},{name},S{v},SKU-{n}-{v},{n}.{v:02},https://p.example/{n}/{v}.jpg\n")
    return "".join(lines).encode()


def everything(products: int, variants: int = 2) -> dict[str, dict[str, int]]:
    return {
        "products": counts(created=products),
        "variants": counts(created=products * variants),
        "images": counts(created=products * variants),
    }


async def begin(importer: Importer, import_id: UUID, *, batches: int) -> asyncio.Task[None]:
    """Start an import in small batches; return once some are merged."""
    task = asyncio.create_task(run_import(import_id, importer.database, batch_products=10))

    async def has_merged() -> bool:
        found = await importer.look(import_id)
        return found["progress"]["products_done"] >= batches * 10

    await until(has_merged, 30)
    return task


async def stored(importer: Importer) -> tuple[int, int, int]:
    [row] = await importer.rows(
        "SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM variant), (SELECT count(*) FROM picture)"
    )
    products, variants, pictures = row.values() if len(row) == 3 else (0, 0, 0)
    return products, variants, pictures


async def test_a_worker_does_it_and_progress_shows_meanwhile(importer: Importer) -> None:
    import_id = await importer.queue(shop(300))
    worker = Worker(importer.catalog.app, poll_s=0.1)
    running = asyncio.create_task(worker.run())

    async def is_over() -> bool:
        return (await importer.look(import_id))["status"] == "done"

    await until(is_over, 30)
    worker.stop.set()
    await running
    assert (await importer.look(import_id))["counts"] == everything(300)


async def test_a_killed_import_goes_on_where_it_stopped(importer: Importer) -> None:
    import_id = await importer.queue(shop(400))
    task = await begin(importer, import_id, batches=2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    halfway = await importer.look(import_id)
    assert halfway["status"] == "merging"
    assert 20 <= halfway["progress"]["products_done"] < 400
    await run_import(import_id, importer.database)
    done = await importer.look(import_id)
    assert done["status"] == "done"
    assert done["counts"] == everything(400)
    assert await importer.rows("SELECT count(*) FROM product") == [{"count": 400}]
    assert await importer.rows("SELECT count(*) FROM picture") == [{"count": 800}]


async def test_staged_rows_lost_with_the_database_are_read_again(importer: Importer) -> None:
    content = shop(200) + b"bad,,,,,free,\n"
    import_id = await importer.queue(content)
    task = await begin(importer, import_id, batches=2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # What a crash of PostgreSQL does to an unlogged table.
    await importer.execute("DELETE FROM import_row")
    await run_import(import_id, importer.database)
    done = await importer.look(import_id)
    assert done["status"] == "done"
    assert done["counts"]["products"] == counts(created=200, failed=1)
    assert done["counts"]["variants"] == counts(created=400, failed=1)
    lines = [(item["line"], item["field"]) for item in (await importer.problems(import_id))["items"]]
    assert lines == [(402, "Variant Price"), (402, "Title")]


async def test_two_workers_with_one_job_do_it_once(importer: Importer) -> None:
    import_id = await importer.queue(shop(300))
    await asyncio.gather(
        run_import(import_id, importer.database, batch_products=20),
        run_import(import_id, importer.database, batch_products=20),
    )
    done = await importer.look(import_id)
    assert done["counts"] == everything(300)
    assert await importer.rows("SELECT count(*) FROM variant") == [{"count": 600}]


async def test_a_worker_whose_job_was_taken_from_it_stops(importer: Importer) -> None:
    import_id = await importer.queue(shop(400))
    task = await begin(importer, import_id, batches=1)
    async with importer.database.transaction() as session:
        assert await take_up(session, import_id) is not None
    await task
    assert (await importer.look(import_id))["status"] == "merging"
    assert len(await importer.spooled()) == 1
    await run_import(import_id, importer.database)
    assert (await importer.look(import_id))["counts"] == everything(400)


async def test_the_same_file_twice_at_once_comes_in_once(importer: Importer) -> None:
    ids = [await importer.queue(shop(200)) for _ in range(2)]
    await asyncio.gather(*(run_import(each, importer.database, batch_products=25) for each in ids))
    both = [(await importer.look(each))["counts"]["products"] for each in ids]
    assert sum(each["created"] for each in both) == 200
    assert sum(each["unchanged"] for each in both) == 200
    assert sum(each["updated"] + each["failed"] for each in both) == 0
    assert await importer.rows("SELECT count(*) FROM product") == [{"count": 200}]


async def test_cancelling_keeps_what_is_merged(importer: Importer) -> None:
    import_id = await importer.queue(shop(600))
    task = await begin(importer, import_id, batches=1)
    await importer.catalog.client.post(f"{API}/imports/{import_id}/cancel", headers=importer.headers)
    await task
    done = await importer.look(import_id)
    assert done["status"] == "cancelled"
    assert 10 <= done["counts"]["products"]["created"] < 600
    assert await importer.rows("SELECT count(*) FROM product") == [
        {"count": done["counts"]["products"]["created"]}
    ]
    assert await importer.rows("SELECT 1 FROM import_row") == []
    assert await importer.spooled() == []


async def test_a_request_to_cancel_is_heeded_by_the_next_worker(importer: Importer) -> None:
    import_id = await importer.queue(shop(3))
    await importer.execute("UPDATE import_job SET cancel_requested = true, status = 'reading'")
    await run_import(import_id, importer.database)
    assert (await importer.look(import_id))["status"] == "cancelled"


async def test_nothing_is_imported_from_a_file_that_is_not_well_formed(importer: Importer) -> None:
    done = await importer.run(shop(5) + b'x,"open\n')
    assert done["status"] == "failed"
    assert done["error"] == {
        "title": "MalformedFile",
        "detail": "the quote opened here is never closed",
        "line": 12,
        "column": 3,
    }
    assert await importer.rows("SELECT 1 FROM product") == []
    assert await importer.rows("SELECT 1 FROM import_row") == []
    assert await importer.spooled() == []


async def test_unless_the_good_rows_are_asked_for(importer: Importer) -> None:
    done = await importer.run(shop(5) + b'x,"open\n', keep_good_rows="true")
    assert done["status"] == "done"
    assert done["counts"] == everything(5)
    [problem] = (await importer.problems(done["id"]))["items"]
    assert problem["line"] == 12
    assert "nothing after it" in problem["message"]


async def test_a_file_that_is_gone_fails_its_import(importer: Importer) -> None:
    import_id = await importer.queue(shop(1))
    for path in await importer.spooled():
        path.unlink()
    await run_import(import_id, importer.database)
    assert "gone" in (await importer.look(import_id))["error"]["detail"]


async def test_an_import_that_failed_too_often_says_so(importer: Importer) -> None:
    import_id = await importer.queue(shop(1))
    await give_up(import_id, importer.database, "again and again")
    done = await importer.look(import_id)
    assert (done["status"], done["error"]["title"]) == ("failed", "ImportFailed")
    await give_up(import_id, importer.database, "once more")
    await run_import(import_id, importer.database)
    assert await importer.rows("SELECT 1 FROM product") == []


async def test_variations_without_a_parent_are_reported(importer: Importer) -> None:
    content = (
        b"Type,SKU,Name,Parent,Regular price,Categories\n"
        b"variation,A-1,,A,5,\nvariation,B-1,,B,5,\nvariable,A,Tee,,,Tees\n"
    )
    done = await importer.run(content)
    assert done["counts"]["variants"] == counts(created=1, failed=1)
    [problem] = (await importer.problems(done["id"]))["items"]
    assert (problem["line"], problem["field"]) == (3, "Parent")


@asynccontextmanager
async def trouble(importer: Importer, when: str, sqlstate: str) -> AsyncIterator[None]:
    """Have PostgreSQL itself refuse certain products."""
    connection = await asyncpg.connect(importer.catalog.database.admin_url)
    try:
        await connection.execute(
            f"CREATE SEQUENCE catalog.trouble; GRANT USAGE ON SEQUENCE catalog.trouble TO PUBLIC;"
            f"CREATE FUNCTION catalog.make_trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {when} THEN RAISE EXCEPTION 'trouble' USING ERRCODE = '{sqlstate}'; END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER trouble BEFORE INSERT ON catalog.product"
            " FOR EACH ROW EXECUTE FUNCTION catalog.make_trouble()"
        )
        yield
    finally:
        await connection.execute(
            "DROP TRIGGER IF EXISTS trouble ON catalog.product; DROP FUNCTION IF EXISTS catalog.make_trouble();"
            "DROP SEQUENCE IF EXISTS catalog.trouble"
        )
        await connection.close()


async def test_a_product_that_cannot_be_stored_fails_alone(importer: Importer) -> None:
    async with trouble(importer, "NEW.title = 'Product 3'", "23514"):
        done = await importer.run(shop(6))
    assert done["status"] == "done"
    assert done["counts"]["products"] == counts(created=5, failed=1)
    assert done["counts"]["variants"] == counts(created=10, failed=2)
    assert done["counts"]["images"] == counts(created=10, failed=2)
    [problem] = (await importer.problems(done["id"]))["items"]
    assert problem["line"] == 8
    assert "23514" in problem["message"]


async def test_a_deadlock_is_tried_again(importer: Importer) -> None:
    async with trouble(importer, "nextval('catalog.trouble') = 1", "40P01"):
        done = await importer.run(shop(6))
    assert done["counts"] == everything(6)
