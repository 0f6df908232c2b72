"""Pictures of products: uploads that are looked into, references, order, removal."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image
from vitrine_catalog.media.tasks import remove_files
from vitrine_catalog.pictures.service import MAX_PICTURES
from vitrine_catalog.products.schemas import PictureOut
from vitrine_kit.ids import new_id

URL = "https://example.org/a.jpg"


def drawn(kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "red", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


async def upload(
    catalog, product_id: str, data: bytes, *, headers: dict[str, str] | None = None, **texts: str
):
    return await catalog.client.post(
        f"/api/catalog/v1/products/{product_id}/pictures",
        files={"file": ("photo.png", data, "image/png")},
        data=texts,
        headers={**catalog.editor, **(headers or {})},
    )


def files(catalog) -> list[Path]:
    return [path for path in catalog.media_root.rglob("*") if path.is_file()]


async def run_removals(catalog) -> int:
    """Do the removals that are queued, as the worker would."""
    database = catalog.app.extensions["vitrine"].database
    async with database.transaction() as session:
        connection = await session.connection()
        rows = (
            (await connection.exec_driver_sql("DELETE FROM catalog.pgqueuer RETURNING payload"))
            .scalars()
            .all()
        )
    with catalog.app.app_context():
        for payload in rows:
            await remove_files(orjson.loads(payload), database)
            await remove_files(orjson.loads(payload), database)
    return len(rows)


@pytest.mark.parametrize(
    ("kind", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("GIF", "gif"), ("AVIF", "avif")]
)
async def test_a_picture_is_uploaded_and_shown(catalog, kind, suffix):
    made = await catalog.create()
    response = await upload(catalog, made["id"], drawn(kind), alt="A red thing")
    assert response.status_code == 201, response.text
    PictureOut.model_validate_json(response.content)
    picture = response.json()
    assert (picture["width"], picture["height"], picture["alt"], picture["position"]) == (
        40,
        30,
        "A red thing",
        0,
    )
    assert picture["url"].startswith("/media/")
    assert picture["url"].endswith(f".{suffix}")
    stored = catalog.media_root / picture["url"].removeprefix("/media/")
    with Image.open(stored) as image:
        assert (image.format, image.size) == (kind, (40, 30))
    assert stored.stat().st_mode & 0o044 == 0o044
    found = (await catalog.get(f"/products/{made['id']}")).json()
    assert found["pictures"] == [picture]
    assert found["version"] == 2
    [item] = (await catalog.get("/products")).json()["items"]
    assert item["picture"] == picture


async def test_equal_pictures_share_a_file_until_the_last_is_gone(catalog):
    first, second = await catalog.create(), await catalog.create()
    answers = await asyncio.gather(
        *(upload(catalog, each["id"], drawn(colour="blue")) for each in (first, second, first))
    )
    assert {response.status_code for response in answers} == {201}
    assert len({response.json()["url"] for response in answers}) == 1
    stored = catalog.media_root / answers[0].json()["url"].removeprefix("/media/")

    await catalog.send("DELETE", f"/products/{first['id']}/pictures/{answers[0].json()['id']}")
    assert await run_removals(catalog) == 1
    assert stored.exists()
    await catalog.send("DELETE", f"/products/{first['id']}")
    assert await run_removals(catalog) == 1
    assert stored.exists()
    await catalog.send("DELETE", f"/products/{second['id']}")
    assert await run_removals(catalog) == 1
    assert not stored.exists()


async def test_the_file_outlives_a_deletion_that_is_not_committed(catalog):
    made = await catalog.create()
    url = (await upload(catalog, made["id"], drawn(colour="green"))).json()["url"]
    refused = await catalog.send("DELETE", f"/products/{made['id']}", headers={"If-Match": '"1-x"'})
    assert refused.status_code == 412
    assert await run_removals(catalog) == 0
    assert (catalog.media_root / url.removeprefix("/media/")).exists()


async def test_a_picture_is_referred_to_by_its_address(catalog):
    made = await catalog.create()
    path = f"/products/{made['id']}/pictures"
    response = await catalog.send("POST", path, {"source_url": URL, "alt": "There"})
    assert response.status_code == 201
    assert response.json() == {
        "id": response.json()["id"],
        "url": URL,
        "alt": "There",
        "position": 0,
        "width": None,
        "height": None,
    }
    again = await catalog.send("POST", path, {"source_url": URL})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "source_url")
    removed = await catalog.send("DELETE", f"{path}/{response.json()['id']}")
    assert removed.status_code == 204
    assert await run_removals(catalog) == 0


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/a", "javascript:alert(1)", "//example.org/a", "https://", "https://u:p@example.org/",
     "https://a b/",
     "https://[::1/", "https://example.org/" + "x" * 2000, "https://example.org/" + "ä" * 1500, 7, None,
     "https://example.org:99999999/"],
)  # fmt: skip
async def test_an_address_that_is_none_is_refused(catalog, url):
    made = await catalog.create()
    response = await catalog.send("POST", f"/products/{made['id']}/pictures", {"source_url": url})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "source_url"


async def test_pictures_are_ordered_described_and_removed(catalog):
    made = await catalog.create(variants=[{}])
    path = f"/products/{made['id']}/pictures"
    ids = [(await catalog.send("POST", path, {"source_url": f"{URL}{n}"})).json()["id"] for n in range(3)]
    first = (await catalog.send("POST", path, {"source_url": f"{URL}first", "position": 0})).json()["id"]

    async def order() -> list[str]:
        pictures = (await catalog.get(f"/products/{made['id']}")).json()["pictures"]
        assert [picture["position"] for picture in pictures] == list(range(len(pictures)))
        return [picture["id"] for picture in pictures]

    assert await order() == [first, *ids]
    moved = await catalog.send("PATCH", f"{path}/{first}", {"position": 99, "alt": "Last"})
    assert (moved.status_code, moved.json()["alt"], moved.json()["position"]) == (200, "Last", 3)
    assert await order() == [*ids, first]
    assert (await catalog.send("PATCH", f"{path}/{first}", {"alt": None})).json()["alt"] == ""

    variant = f"/products/{made['id']}/variants/{made['variants'][0]['id']}"
    shown = await catalog.send("PATCH", variant, {"picture_id": ids[0]})
    assert shown.json()["picture_id"] == ids[0]
    assert (await catalog.send("DELETE", f"{path}/{ids[0]}")).status_code == 204
    found = (await catalog.get(f"/products/{made['id']}")).json()
    assert found["variants"][0]["picture_id"] is None
    assert (await catalog.send("DELETE", f"{path}/{ids[0]}")).status_code == 404
    assert (await catalog.send("PATCH", f"{path}/{ids[0]}", {})).status_code == 404


async def test_a_picture_of_another_product_is_not_found(catalog):
    first, second = await catalog.create(), await catalog.create()
    picture = (await catalog.send("POST", f"/products/{first['id']}/pictures", {"source_url": URL})).json()
    path = f"/products/{second['id']}/pictures/{picture['id']}"
    assert (await catalog.send("PATCH", path, {"alt": "x"})).status_code == 404
    assert (await catalog.send("DELETE", path)).status_code == 404
    response = await catalog.send(
        "PATCH",
        f"/products/{second['id']}",
        {"variants": [{"option_values": [], "picture_id": picture["id"]}]},
    )
    assert response.json()["errors"][0]["field"] == "variants.0.picture_id"


async def test_there_is_a_limit_of_pictures(catalog):
    made = await catalog.create()
    database = catalog.app.extensions["vitrine"].database
    async with database.transaction() as session:
        connection = await session.connection()
        for n in range(MAX_PICTURES):
            await connection.exec_driver_sql(
                "INSERT INTO catalog.picture (id, product_id, source_url) VALUES ($1, $2, $3)",
                (new_id(), made["id"], f"{URL}{n}"),
            )
    path = f"/products/{made['id']}/pictures"
    assert (await catalog.send("POST", path, {"source_url": URL})).json()["errors"][0][
        "field"
    ] == "source_url"
    assert (await upload(catalog, made["id"], drawn())).json()["errors"][0]["field"] == "file"


async def test_an_upload_repeated_with_one_key_adds_one_picture(catalog):
    made = await catalog.create()
    key = {**catalog.editor, "Idempotency-Key": "upload-1"}
    first = await upload(catalog, made["id"], drawn(), headers=key)
    again = await upload(catalog, made["id"], drawn(), headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (await upload(catalog, made["id"], drawn(colour="pink"), headers=key)).status_code == 422
    assert len((await catalog.get(f"/products/{made['id']}")).json()["pictures"]) == 1


async def test_nothing_is_left_behind_by_what_is_refused(catalog):
    made = await catalog.create()
    before = set(files(catalog))
    spool = catalog.app.extensions["vitrine"].settings.spool_root
    spooled = set(spool.iterdir())
    path = f"/api/catalog/v1/products/{made['id']}/pictures"

    async def refused(status: int, field: str | None = None, **options: Any) -> None:
        response = await catalog.client.post(
            path, headers={**catalog.editor, **options.pop("headers", {})}, **options
        )
        assert response.status_code == status, response.text
        if field is not None:
            assert response.json()["errors"][0]["field"] == field

    await refused(422, "file", files={"file": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")})
    await refused(422, "file", files={"file": ("a.png", b"")})
    await refused(422, "other", files={"other": ("a.png", drawn())})
    await refused(422, "file", files={"x": (None, b"only a text")})
    await refused(422, "position", files={"file": ("a.png", drawn())}, data={"position": "-1"})
    await refused(422, "position", files={"file": ("a.png", drawn())}, data={"position": "9" * 30})
    await refused(422, "colour", files={"file": ("a.png", drawn())}, data={"colour": "red"})
    await refused(422, "alt", files={"file": ("a.png", drawn())}, data={"alt": "x" * 1001})
    await refused(412, files={"file": ("a.png", drawn())}, headers={"If-Match": '"9-x"'})
    await refused(415, content=b"x", headers={"Content-Type": "text/plain"})
    await refused(400, content=b"{", headers={"Content-Type": "application/json"})
    response = await upload(catalog, str(new_id()), drawn())
    assert response.status_code == 404
    assert set(files(catalog)) == before
    assert set(spool.iterdir()) == spooled
