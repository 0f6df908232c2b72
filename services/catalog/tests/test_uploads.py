"""Forms are taken apart as they come: streamed to disk, bounded, and refused where they make no sense."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Blueprint
from vitrine_catalog import uploads
from vitrine_kit.asgi import Bridge
from vitrine_kit.problems import Unavailable
from vitrine_kit.service import create_service
from vitrine_kit.settings import ServiceSettings

MAX_BYTES = 3 * 1024 * 1024


@pytest.fixture(scope="session")
async def receiver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[httpx.AsyncClient, Path]]:
    """An app that receives one file and tells what it got."""
    directory = tmp_path_factory.mktemp("spool") / "inside"
    bp = Blueprint("uploads", __name__)

    @bp.post("/kept")
    async def kept() -> dict[str, Any]:
        upload = await uploads.receive(into=directory, max_bytes=MAX_BYTES, max_texts=2)
        found = {"digest": hashlib.sha256(upload.path.read_bytes()).hexdigest()}
        upload.path.unlink()
        return {
            **found,
            "name": upload.file_name,
            "sha256": upload.sha256,
            "size": upload.size_bytes,
            **upload.texts,
        }

    @bp.post("/passing")
    async def passing() -> dict[str, Any]:
        async with uploads.receiving(into=directory, max_bytes=MAX_BYTES) as upload:
            assert upload.path.exists()
            if upload.texts.get("fail"):
                raise Unavailable("on purpose")
        return {}

    app = create_service(
        "receiver", ServiceSettings(secret_key="s" * 32), import_name="vitrine_catalog", blueprints=[bp]
    )  # type: ignore[arg-type]
    async with Bridge(app).running() as bridge:
        transport = httpx.ASGITransport(bridge, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client, directory


def form(*parts: bytes, boundary: bytes = b"xx") -> bytes:
    return (
        b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    )


def part(name: str, value: bytes, *more: str, file_name: str | None = None) -> bytes:
    named = f'; filename="{file_name}"' if file_name is not None else ""
    lines = [f'Content-Disposition: form-data; name="{name}"{named}', *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + value


async def test_a_large_file_arrives_as_it_was_sent(receiver):
    client, directory = receiver
    data = bytes(range(256)) * 10_000
    response = await client.post("/kept", files={"file": ("a/b\\c.bin", data)}, data={"note": "größe"})
    assert response.status_code == 200, response.text
    digest = hashlib.sha256(data).hexdigest()
    assert response.json() == {
        "digest": digest, "sha256": digest, "size": len(data), "name": "a_b_c.bin", "note": "größe",
    }  # fmt: skip
    assert not any(directory.iterdir())


async def test_a_form_in_the_smallest_pieces_is_the_same_form(receiver):
    client, _ = receiver
    body = form(
        part("note", b"x"), part("file", b"\r\n--x\r\n-- content", "Content-Type: a/b", file_name="f")
    )

    async def pieces() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    response = await client.post("/kept", content=pieces(), headers=headers)
    assert response.status_code == 200, response.text
    assert response.json()["size"] == len(b"\r\n--x\r\n-- content")


def hostile() -> Iterator[tuple[str, dict[str, Any], int, str | None]]:
    kind = {"Content-Type": "multipart/form-data; boundary=xx"}
    good = part("file", b"x", file_name="f")
    yield "no form", {"content": b"{}", "headers": {"Content-Type": "application/json"}}, 415, None
    yield "no type", {"content": b"{}"}, 415, None
    yield "no boundary", {"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 400, None
    yield "empty", {"content": b"", "headers": kind}, 400, None
    yield "no part", {"content": form(), "headers": kind}, 422, "file"
    yield "other boundary", {"content": form(good, boundary=b"yy"), "headers": kind}, 400, None
    yield "cut off", {"content": form(good)[:-9], "headers": kind}, 400, None
    yield "too large", {"files": {"file": ("f", b"x" * (MAX_BYTES + 1))}}, 413, None
    yield "far too large", {"files": {"file": ("f", b"x" * (MAX_BYTES * 2))}}, 413, None
    yield "two files", {"content": form(good, good), "headers": kind}, 422, "file"
    yield "unknown file", {"content": form(part("other", b"x", file_name="f")), "headers": kind}, 422, "other"
    yield "text for file", {"content": form(part("file", b"x")), "headers": kind}, 422, "file"
    yield "a text twice", {"content": form(part("a", b"x"), part("a", b"x"), good), "headers": kind}, 422, "a"
    yield (
        "many texts",
        {"content": form(*(part(f"t{n}", b"x") for n in range(5)), good), "headers": kind},
        400,
        None,
    )
    yield "long text", {"content": form(part("a", b"x" * 9000), good), "headers": kind}, 422, "a"
    yield "no utf-8", {"content": form(part("a", b"\xff\xfe"), good), "headers": kind}, 422, "a"
    yield "nul", {"content": form(part("a", b"\0"), good), "headers": kind}, 422, "a"
    yield (
        "long header",
        {"content": form(part("a", b"x", "X-Y: " + "z" * 9000), good), "headers": kind},
        400,
        None,
    )
    yield "no disposition", {"content": form(b"X-Y: z\r\n\r\nvalue", good), "headers": kind}, 200, None


HOSTILE = list(hostile())


@pytest.mark.parametrize(("name", "options", "status", "field"), HOSTILE, ids=[name for name, *_ in HOSTILE])
async def test_a_form_that_makes_no_sense_is_refused_and_leaves_no_file(
    receiver, name, options, status, field
):
    client, directory = receiver
    response = await client.post("/kept", **options)
    assert response.status_code == status, response.text
    if field is not None:
        assert response.json()["errors"][0]["field"] == field
    assert not directory.exists() or not any(directory.iterdir())


async def test_a_file_that_was_only_passing_is_gone_whatever_happens(receiver):
    client, directory = receiver
    for data, status in (({}, 200), ({"fail": "yes"}, 503)):
        assert (await client.post("/passing", files={"file": ("f", b"x")}, data=data)).status_code == status
        assert not any(directory.iterdir())


def test_uploads_need_a_place(tmp_path):
    bare = {"secret_key": "s" * 32}
    with pytest.raises(Unavailable):
        uploads.spool_directory(ServiceSettings(**bare))  # type: ignore[arg-type]
    beside = ServiceSettings(**bare, media_root=tmp_path / "media")  # type: ignore[arg-type]
    assert uploads.spool_directory(beside) == tmp_path / "spool"
    given = ServiceSettings(**bare, media_root=tmp_path / "media", spool_root=tmp_path / "x")  # type: ignore[arg-type]
    assert uploads.spool_directory(given) == tmp_path / "x"
