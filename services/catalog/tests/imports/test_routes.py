"""Imports over HTTP: who may, what is taken, what is refused and how, and what can be read of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from import_files import counts
from vitrine_catalog.imports.service import run_import

from .conftest import API, Importer

SHOPIFY = "Handle,Title,Variant Price,Variant SKU,Image Src\n"
FILE = (SHOPIFY + "cup,Cup,9.50,C1,https://p.example/cup.jpg\nmug,Mug,12,C1,\nbad,Bad,free,,\n").encode()

NO_IMPORT = "01a20000-0000-7000-8000-000000000000"
ROUTES = [
    ("POST", "/imports"),
    ("GET", "/imports"),
    ("GET", f"/imports/{NO_IMPORT}"),
    ("GET", f"/imports/{NO_IMPORT}/problems"),
    ("POST", f"/imports/{NO_IMPORT}/cancel"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_only_who_may_import_may(importer: Importer, method: str, path: str) -> None:
    client, keys = importer.catalog.client, importer.catalog.keys
    assert (await client.request(method, API + path)).status_code == 401
    forbidden = await client.request(method, API + path, headers=keys.bearer("catalog:write"))
    assert forbidden.status_code == 403


async def test_a_file_is_taken_queued_and_imported(importer: Importer) -> None:
    response = await importer.send(FILE, file_name="shop.csv", currency="USD")
    assert response.status_code == 202
    queued = response.json()
    assert response.headers["Location"].endswith(f"/api/catalog/v1/imports/{queued['id']}")
    assert (queued["name"], queued["status"], queued["format"]) == ("shop.csv", "queued", "shopify")
    assert queued["currency"] == "USD"
    assert queued["progress"]["bytes_total"] == len(FILE)
    jobs = await importer.rows("SELECT entrypoint FROM pgqueuer")
    assert jobs == [{"entrypoint": "import.run"}]
    [spooled] = await importer.spooled()
    assert spooled.read_bytes() == FILE

    await run_import(queued["id"], importer.database)
    done = await importer.look(queued["id"])
    assert done["status"] == "done"
    assert done["error"] is None
    assert done["finished_at"] >= done["started_at"] >= done["created_at"]
    assert done["progress"] == {
        "rows_read": 3, "rows_total": 3, "bytes_read": len(FILE), "bytes_total": len(FILE),
        "products_done": 3, "products_total": 3,
    }  # fmt: skip
    assert done["counts"] == {
        "products": counts(created=3),
        "variants": counts(created=2, failed=1),
        "images": counts(created=1),
    }
    assert await importer.spooled() == []
    [cup] = await importer.rows(
        "SELECT v.* FROM variant v JOIN product p ON p.id = product_id WHERE slug = 'cup'"
    )
    assert (cup["price_minor"], cup["currency"]) == (950, "USD")


async def test_a_form_sent_twice_makes_one_import(importer: Importer) -> None:
    headers = {**importer.headers, "Idempotency-Key": uuid4().hex}

    async def send(content: bytes) -> Any:
        files = {"file": ("shop.csv", content, "text/csv")}
        return await importer.catalog.client.post(f"{API}/imports", files=files, headers=headers)

    first, again = await send(FILE), await send(FILE)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await importer.spooled()) == 1
    other = await send(FILE + b"jug,Jug,3.00,,\n")
    assert other.status_code == 422
    assert len(await importer.spooled()) == 1


async def test_problems_are_listed_by_line_page_by_page(importer: Importer) -> None:
    done = await importer.run(FILE)
    assert done["problems"] == 2
    first = await importer.problems(done["id"], limit=1)
    assert first["items"] == [
        {
            "line": 3,
            "field": "Variant SKU",
            "message": "the SKU C1 stands in line 2 too: both are kept",
            "severity": "warning",
        }
    ]
    second = (await importer.catalog.client.get(first["next"], headers=importer.headers)).json()
    assert [(item["line"], item["field"], item["severity"]) for item in second["items"]] == [
        (4, "Variant Price", "error")
    ]
    assert second["next"] is None


async def test_imports_are_listed_newest_first(importer: Importer) -> None:
    ids = [str(await importer.queue(FILE, name=f"file {n}")) for n in range(3)]
    get = importer.catalog.client.get
    page = (await get(f"{API}/imports", params={"limit": 2}, headers=importer.headers)).json()
    assert [item["id"] for item in page["items"]] == ids[:0:-1]
    rest = (await get(page["next"], headers=importer.headers)).json()
    assert [item["id"] for item in rest["items"]] == ids[:1]
    assert rest["next"] is None


@pytest.mark.parametrize("path", ["/imports", "/imports/{id}/problems"])
async def test_a_bad_cursor_is_refused(importer: Importer, path: str) -> None:
    import_id = await importer.queue(FILE)
    response = await importer.catalog.client.get(
        API + path.format(id=import_id), params={"after": "nonsense"}, headers=importer.headers
    )
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "after"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/imports/{}"), ("GET", "/imports/{}/problems"), ("POST", "/imports/{}/cancel")],
)
async def test_what_is_not_there_is_not_found(importer: Importer, method: str, path: str) -> None:
    response = await importer.catalog.client.request(
        method, API + path.format(uuid4()), headers=importer.headers
    )
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content", "line", "column", "reason"),
    [
        (b"name,age\nAda,36\n", 1, None, "no catalogue"),
        (b"", None, None, "empty"),
        (b"PK\x03\x04\x00\x00", 1, None, "Excel"),
        (SHOPIFY.encode(), 1, None, "stands alone"),
        (b'"Handle,Title\n', 1, 1, "never closed"),
        (
            "Handle,Title,Vendor\na,ö,ü\nb,ä,ö\nc,é,ü\nd,\udcff,x\n".encode("utf-8", "surrogateescape"),
            5,
            3,
            "utf-8",
        ),
    ],
)
async def test_what_is_no_catalogue_is_refused_with_reason_and_line(
    importer: Importer, content: bytes, line: int | None, column: int | None, reason: str
) -> None:
    response = await importer.send(content)
    assert response.status_code == 422
    problem = response.json()
    [error] = problem["errors"]
    assert (error["field"], error.get("line")) == ("file", line)
    assert problem.get("column") == column
    assert reason in error["message"]
    assert await importer.spooled() == []
    assert await importer.rows("SELECT 1 FROM import_job") == []


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"currency": "EURO"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"name": "x" * 256}, "name"),
        ({"keep_good_rows": "yes"}, "keep_good_rows"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_texts_beside_the_file_are_checked(
    importer: Importer, texts: dict[str, str], field: str
) -> None:
    response = await importer.send(FILE, **texts)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
    assert await importer.spooled() == []


async def test_other_bodies_are_refused(importer: Importer) -> None:
    post = importer.catalog.client.post
    response = await post(
        f"{API}/imports", content=FILE, headers={**importer.headers, "Content-Type": "text/csv"}
    )
    assert response.status_code == 415
    response = await post(
        f"{API}/imports", data={"name": "x"}, files={"other": b""}, headers=importer.headers
    )
    assert response.status_code == 422


async def test_a_file_over_64_mib_is_refused_and_not_kept(importer: Importer) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="big.csv"\r\n\r\n' + FILE
    tail = b"\r\n--x--\r\n"

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(65):
            yield b"row,Row,1,,\n" * (1 << 20 // 12)
            yield b"x" * (1 << 20)
        yield tail

    headers = {**importer.headers, "Content-Type": "multipart/form-data; boundary=x"}
    response = await importer.catalog.client.post(f"{API}/imports", content=body(), headers=headers)
    assert response.status_code == 413
    assert await importer.spooled() == []


async def test_an_upload_that_breaks_off_leaves_nothing(importer: Importer) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + FILE
    headers = {**importer.headers, "Content-Type": "multipart/form-data; boundary=x"}
    response = await importer.catalog.client.post(f"{API}/imports", content=head, headers=headers)
    assert response.status_code == 400
    assert await importer.spooled() == []
    assert await importer.rows("SELECT 1 FROM import_job") == []


async def test_cancelling_before_it_begins(importer: Importer) -> None:
    import_id = await importer.queue(FILE)
    cancel: Any = lambda: importer.catalog.client.post(  # noqa: E731 - said twice below
        f"{API}/imports/{import_id}/cancel", headers=importer.headers
    )
    assert (await cancel()).json()["status"] == "cancelled"
    assert (await cancel()).status_code == 200
    await run_import(import_id, importer.database)
    assert await importer.rows("SELECT 1 FROM product") == []
    assert await importer.spooled() == []


async def test_an_import_that_is_over_cannot_be_cancelled(importer: Importer) -> None:
    done = await importer.run(FILE)
    response = await importer.catalog.client.post(
        f"{API}/imports/{done['id']}/cancel", headers=importer.headers
    )
    assert response.status_code == 409


async def test_many_may_send_at_once(importer: Importer) -> None:
    ids = await asyncio.gather(*(importer.queue(FILE) for _ in range(8)))
    assert len(set(ids)) == 8
    assert len(await importer.spooled()) == 8
