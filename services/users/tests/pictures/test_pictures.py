"""People's pictures: made small and bare of what came with them, shown by id, and gone with the account."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image
from users_world import API, GOOD_PASSWORD, Person, World
from vitrine_kit.pictures import UnusablePicture
from vitrine_users.pictures.portraits import SIDE_PIXELS, portrait_of
from vitrine_users.pictures.routes import MAX_BYTES

HIDDEN = b"somewhere in a private garden"


def encoded(kind: str, size: tuple[int, int] = (600, 400), mode: str = "RGB", **options: Any) -> bytes:
    written = BytesIO()
    Image.new(mode, size, "teal").save(written, kind, **options)
    return written.getvalue()


def with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = HIDDEN.decode()
    exif[0x0112] = 6
    return encoded("JPEG", exif=exif.tobytes(), comment=HIDDEN)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


async def put(world: World, person: Person, data: Any, kind: str = "image/png") -> httpx.Response:
    return await world.send(person, "PUT", "/me/picture", content=data, headers={"Content-Type": kind})


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_each_kind_becomes_a_small_square(kind: str) -> None:
    made = portrait_of(encoded(kind))

    with Image.open(BytesIO(made)) as image:
        assert (image.format, image.size) == ("WEBP", (SIDE_PIXELS, SIDE_PIXELS))
    assert len(made) < 64 * 1024


def test_nothing_but_pixels_is_kept() -> None:
    source = with_place()
    assert HIDDEN in source

    made = portrait_of(source)

    assert HIDDEN not in made
    with Image.open(BytesIO(made)) as image:
        assert not image.getexif()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        encoded("JPEG")[:400],
        encoded("PNG")[:-30],
        png_that_claims(20_000, 20_000),
        png_that_claims(30_000, 2),
    ],
)
def test_what_is_broken_or_a_bomb_is_refused(data: bytes) -> None:
    with pytest.raises(UnusablePicture):
        portrait_of(data)


async def test_a_picture_is_set_shown_replaced_and_removed(world: World) -> None:
    person = await world.person()
    assert (await world.get(person, "/me")).json()["picture_id"] is None

    assert (await put(world, person, with_place(), "image/jpeg")).status_code == 204
    me = await world.get(person, "/me")
    first = me.json()["picture_id"]
    shown = await world.client.get(f"{API}/pictures/{first}")
    assert shown.status_code == 200
    assert shown.headers["Content-Type"] == "image/webp"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Cache-Control"].startswith("private")
    assert HIDDEN not in shown.content

    assert (await put(world, person, encoded("PNG"))).status_code == 204
    second = (await world.get(person, "/me")).json()["picture_id"]
    assert second != first
    assert (await world.client.get(f"{API}/pictures/{first}")).status_code == 404
    assert (await world.get(person, "/me")).headers["ETag"] != me.headers["ETag"]

    assert (await world.send(person, "DELETE", "/me/picture")).status_code == 204
    assert (await world.send(person, "DELETE", "/me/picture")).status_code == 404
    assert (await world.client.get(f"{API}/pictures/{second}")).status_code == 404


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"no picture", "image/png", 422),
        (encoded("JPEG")[:300], "image/jpeg", 422),
        (encoded("PNG"), "image/svg+xml", 415),
        (b"{}", "application/json", 415),
        (b"\0" * (MAX_BYTES + 1), "image/png", 413),
    ],
)
async def test_what_cannot_be_taken_is_refused(world: World, data: bytes, kind: str, status: int) -> None:
    person = await world.person()

    answer = await put(world, person, data, kind)

    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await world.get(person, "/me")).json()["picture_id"] is None


async def test_a_body_without_a_declared_length_is_bounded_too(world: World) -> None:
    person = await world.person()

    async def endless() -> Any:
        for _ in range(MAX_BYTES // 65536 + 2):
            yield b"\0" * 65536

    assert (await put(world, person, endless())).status_code == 413


async def test_the_picture_goes_with_the_account_and_into_the_export(world: World) -> None:
    person = await world.person()
    await put(world, person, encoded("PNG"))
    picture_id = (await world.get(person, "/me")).json()["picture_id"]

    with zipfile.ZipFile(io.BytesIO((await world.get(person, "/me/export")).content)) as archive:
        packed = archive.read("picture.webp")
    assert packed == (await world.client.get(f"{API}/pictures/{picture_id}")).content
    left = await world.send(person, "DELETE", "/me", json={"password": GOOD_PASSWORD})
    assert left.status_code == 202, left.text

    assert (await world.client.get(f"{API}/pictures/{picture_id}")).status_code == 404
