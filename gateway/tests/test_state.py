"""The shop's categories as the pages see them."""

from __future__ import annotations

from gateway_app import SECRET
from shop_neighbours import FakeCatalog
from vitrine_gateway.clients.catalog import CatalogClient
from vitrine_gateway.settings import GatewaySettings
from vitrine_gateway.state import Shelves
from vitrine_kit.outbound import Neighbour, Policy

PATH = "/api/catalog/v1/categories"


async def test_categories_are_read_again_after_a_while_and_kept_while_the_catalog_is_away() -> None:
    now = [0.0]
    catalog = FakeCatalog()
    catalog.add_category("Bowls")
    settings = GatewaySettings(secret_key=SECRET)
    policy = Policy(max_retries=0)
    neighbour = Neighbour("catalog", "http://catalog", settings, transport=catalog.transport(), policy=policy)
    shelves = Shelves(CatalogClient(neighbour), lambda: now[0])
    assert [entry.name for entry in await shelves.categories()] == ["Bowls"]
    catalog.add_category("Vases")
    now[0] = 14.0
    assert len(await shelves.categories()) == 1
    assert catalog.asked(PATH) == 1
    now[0] = 15.0
    assert len(await shelves.categories()) == 2
    catalog.stopped = True
    now[0] = 100.0
    assert len(await shelves.categories()) == 2
    catalog.stopped = False
    catalog.add_category("Cups")
    assert len(await shelves.categories()) == 3, "it is asked again at once, not after a while"
    catalog.add_category("Jugs")
    shelves.expire()
    assert len(await shelves.categories()) == 4
