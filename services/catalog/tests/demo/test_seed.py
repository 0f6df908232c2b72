"""The demo shop comes in once, whole, and by the catalogue's own rules."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from vitrine_catalog import create_app
from vitrine_catalog.demo.seed import in_order, seed_demo
from vitrine_catalog.demo.shop import load_shop
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import service_environment


def database_of(catalog: Any) -> Any:
    return catalog.app.extensions["vitrine"].database


async def count(catalog: Any, table: str) -> int:
    return int(await database_of(catalog).fetch_value(text(f"SELECT count(*) FROM {table}")))


async def test_the_shop_comes_in_whole_and_once(catalog: Any) -> None:
    shop = load_shop()
    assert await seed_demo(database_of(catalog)) == len(shop.products)
    assert await seed_demo(database_of(catalog)) == 0
    assert await count(catalog, "product") == len(shop.products)
    assert await count(catalog, "variant") == sum(len(product.variants) for product in shop.products)
    assert await count(catalog, "picture") == sum(len(product.pictures) for product in shop.products)

    mug = (await catalog.get("/products/by-slug/morning-mug")).json()
    assert [option["name"] for option in mug["options"]] == ["Glaze"]
    assert mug["price_range"] == {"min_minor": 2400, "max_minor": 2400, "currency": "EUR"}
    assert [variant["picture_id"] for variant in mug["variants"]] == [each["id"] for each in mug["pictures"]]
    assert (mug["pictures"][0]["width"], mug["pictures"][0]["height"]) == (1200, 1200)
    files = [path for path in catalog.media_root.rglob("*.webp") if path.is_file()]
    assert len(files) >= sum(len(product.pictures) for product in shop.products)
    assert (await catalog.get("/products/by-slug/pantry-jar")).status_code == 404
    found = (await catalog.get("/search", params={"q": "teapot"})).json()["items"]
    assert found[0]["slug"] == "teapot-for-two"


async def test_a_shop_with_products_is_left_alone_unless_it_is_forced(catalog: Any) -> None:
    made = await catalog.create(title="Morning mug")
    assert await seed_demo(database_of(catalog)) == 0
    assert await count(catalog, "product") == 1
    added = await seed_demo(database_of(catalog), force=True)
    assert added == len(load_shop().products) - 1
    assert (await catalog.get("/products/by-slug/morning-mug")).json()["id"] == made["id"]
    assert await seed_demo(database_of(catalog), force=True) == 0


async def test_two_at_once_bring_in_one_shop(catalog: Any) -> None:
    added = await asyncio.gather(seed_demo(database_of(catalog)), seed_demo(database_of(catalog)))
    assert sorted(added) == [0, len(load_shop().products)]


def test_the_newest_are_the_bestsellers() -> None:
    order = in_order(load_shop().products)
    bestsellers = [product for product in order if "bestseller" in product.tags]
    assert order[-len(bestsellers) :] == bestsellers
    assert order != load_shop().products


async def test_the_command_says_what_it_did(
    catalog: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in service_environment("catalog", catalog.keys, catalog.database).items():
        monkeypatch.setenv(name, value)
    app = create_app(ServiceSettings(media_root=tmp_path / "media", pool_wait_s=5))
    runner = app.test_cli_runner()
    first = await asyncio.to_thread(runner.invoke, args=["seed-demo"])
    assert (first.exit_code, first.output) == (0, "49 products added.\n")
    again = await asyncio.to_thread(runner.invoke, args=["seed-demo"])
    assert (again.exit_code, again.output) == (0, "There are products already: nothing was added.\n")
