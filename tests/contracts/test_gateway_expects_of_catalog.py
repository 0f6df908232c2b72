"""What the gateway relies on in the catalogue, verified with the gateway's own client against the running service."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from vitrine_gateway.clients.catalog import CatalogClient
from vitrine_kit.problems import NotFound, PreconditionFailed, Unprocessable


@pytest_asyncio.fixture(scope="module")
async def catalog(providers: Any) -> AsyncIterator[CatalogClient]:
    neighbour = providers.neighbour("gateway", "catalog")
    yield CatalogClient(neighbour)
    await neighbour.aclose()


def lamp(**changes: Any) -> dict[str, Any]:
    price = {"amount_minor": 8900, "currency": "EUR"}
    return {
        "title": f"Lamp {uuid4().hex[:8]}",
        "status": "active",
        "options": [{"name": "Colour", "values": ["Sand", "Ink"]}],
        "variants": [{"option_values": [colour], "price": price} for colour in ("Sand", "Ink")],
        **changes,
    }


async def test_a_product_is_made_found_changed_and_removed(catalog: CatalogClient, providers: Any) -> None:
    token = providers.owner_token
    made = await catalog.create_product(lamp(), token, key=uuid4().hex)
    found = await catalog.get_product_by_slug(made.slug, None)
    assert found.value.id == made.id
    assert [variant.title for variant in found.value.variants] == ["Sand", "Ink"]
    assert found.etag
    await catalog.change_product(made.id, {"title": "Lamp, larger"}, token, etag=found.etag)
    with pytest.raises(PreconditionFailed):
        await catalog.change_product(made.id, {"title": "Too late"}, token, etag=found.etag)
    with pytest.raises(Unprocessable) as caught:
        now = (await catalog.get_product(made.id, token)).etag
        await catalog.change_product(made.id, {"title": ""}, token, etag=now)
    assert caught.value.errors[0].field == "title"
    await catalog.delete_product(made.id, token)
    with pytest.raises(NotFound):
        await catalog.get_product(made.id, token)


async def test_the_same_key_makes_one_product(catalog: CatalogClient, providers: Any) -> None:
    body, key = lamp(), uuid4().hex
    first = await catalog.create_product(body, providers.owner_token, key=key)
    assert (await catalog.create_product(body, providers.owner_token, key=key)).id == first.id


async def test_pictures_come_and_go(catalog: CatalogClient, providers: Any) -> None:
    token = providers.owner_token
    made = await catalog.create_product(lamp(), token, key=uuid4().hex)
    await catalog.add_picture_from(made.id, "https://example.org/lamp.jpg", "A lamp", token, key=uuid4().hex)
    found = (await catalog.get_product(made.id, token)).value
    assert [picture.alt for picture in found.pictures] == ["A lamp"]
    await catalog.delete_picture(made.id, found.pictures[0].id, token)
    assert not (await catalog.get_product(made.id, token)).value.pictures


async def test_lists_and_search_page_on(catalog: CatalogClient, providers: Any) -> None:
    word = f"quokka{uuid4().hex[:8]}"
    for number in range(3):
        await catalog.create_product(lamp(title=f"{word} {number}"), providers.owner_token, key=uuid4().hex)
    first = await catalog.search({"q": word, "limit": 2})
    assert len(first.items) == 2
    assert first.after is not None
    second = await catalog.search({"q": word, "limit": 2, "after": first.after})
    assert len({item.id for item in (*first.items, *second.items)}) == 3
    page = await catalog.list_products({"limit": 1, "sort": "newest"})
    assert page.after is not None
    assert await catalog.list_categories() is not None


async def test_an_import_is_taken_and_can_be_followed(catalog: CatalogClient, providers: Any) -> None:
    token = providers.owner_token
    rows = b"Handle,Title,Option1 Name,Option1 Value,Variant Price\nmug,Mug,Title,Default Title,12.00\n"
    started = await catalog.start_import(io.BytesIO(rows), "mugs.csv", "text/csv", {}, token, key=uuid4().hex)
    followed = await catalog.get_import(started.id, token)
    assert followed.id == started.id
    assert started.id in {entry.id for entry in (await catalog.list_imports({"limit": 5}, token)).items}
    assert (await catalog.list_row_problems(started.id, {"limit": 5}, token)).items is not None
