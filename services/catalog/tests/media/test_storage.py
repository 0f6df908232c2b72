"""Where picture files lie, and what is said where there is no place for them."""

import asyncio

import pytest
from PIL import Image
from vitrine_catalog.media import storage
from vitrine_kit.problems import Unavailable, Unprocessable
from vitrine_kit.settings import ServiceSettings


def test_pictures_need_a_place():
    with pytest.raises(Unavailable):
        storage.media_root(ServiceSettings(secret_key="s" * 32))  # type: ignore[arg-type]


async def test_a_picture_is_placed_once_and_removed_twice(tmp_path):
    source, root = tmp_path / "source", tmp_path / "media"
    Image.new("RGB", (4, 4)).save(source, "PNG")

    async def place() -> str:
        async with storage.inspected(source, root) as picture:
            await storage.place(picture, root)
            return picture.file_name

    [name, same] = await asyncio.gather(place(), place())
    assert name == same
    assert [path.name for path in root.rglob("*") if path.is_file()] == [(root / name).name]
    for _ in range(2):
        await storage.remove(root, name)
    assert not (root / name).exists()


async def test_what_is_not_placed_is_gone(tmp_path):
    source, root = tmp_path / "source", tmp_path / "media"
    source.write_bytes(b"no picture")
    with pytest.raises(Unprocessable):
        async with storage.inspected(source, root):
            pass
    Image.new("RGB", (4, 4)).save(source, "PNG")
    async with storage.inspected(source, root):
        pass
    assert not [path for path in root.rglob("*") if path.is_file()]
