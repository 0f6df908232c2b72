"""Lists of products: filters, orders, pages that neither repeat nor lose a row, and a constant number of statements."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vitrine_catalog.products.listing import MAX_EXPANDED_VARIANTS
from vitrine_catalog.products.schemas import ProductPage
from vitrine_kit.pagination import encode_cursor


def priced(amount: int | None, **members: Any) -> dict[str, Any]:
    price = None if amount is None else {"amount_minor": amount, "currency": "EUR"}
    return {"variants": [{"price": price}], **members}


async def walk(catalog, path: str, **options: Any) -> list[dict[str, Any]]:
    """All items of a list, page after page."""
    items: list[dict[str, Any]] = []
    following: str | None = f"/api/catalog/v1{path}"
    while following:
        response = await catalog.client.get(following, **options)
        assert response.status_code == 200, response.text
        ProductPage.model_validate_json(response.content)
        items += response.json()["items"]
        following = response.json()["next"]
    return items


SOME_ID = "01a20000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("sort", ["newest", "oldest", "title", "price", "-price", "updated"])
async def test_pages_of_an_order_hold_every_product_once(catalog, sort):
    prices = [500, 500, 500, None, 100, None, 900]
    for n, price in enumerate(prices):
        await catalog.create(title=["Same", "same", "Zebra"][n % 3], **priced(price))
    whole = await walk(catalog, f"/products?sort={sort}")
    assert len({item["id"] for item in whole}) == len(prices)
    paged = await walk(catalog, f"/products?sort={sort}&limit=2")
    assert [item["id"] for item in paged] == [item["id"] for item in whole]


async def test_orders_are_what_they_say(catalog):
    first = await catalog.create(title="banana", **priced(300))
    second = await catalog.create(title="Apple", **priced(None))
    third = await catalog.create(title="cherry", **priced(100))
    await catalog.send("PATCH", f"/products/{second['id']}", {"vendor": "x"})

    async def titles(sort: str) -> list[str]:
        return [item["title"] for item in (await catalog.get(f"/products?sort={sort}")).json()["items"]]

    assert await titles("newest") == ["cherry", "Apple", "banana"]
    assert await titles("oldest") == ["banana", "Apple", "cherry"]
    assert await titles("title") == ["Apple", "banana", "cherry"]
    assert await titles("price") == ["cherry", "banana", "Apple"]
    assert await titles("-price") == ["banana", "cherry", "Apple"]
    assert (await titles("updated"))[0] == "Apple"
    assert {first["slug"], third["slug"]} == {"banana", "cherry"}


async def test_a_page_goes_on_where_it_ended_while_rows_come_and_go(catalog):
    made = [await catalog.create(title=f"T{n}") for n in range(6)]
    page = (await catalog.get("/products?sort=oldest&limit=3")).json()
    await catalog.send("DELETE", f"/products/{made[2]['id']}")
    await catalog.create(title="Late")
    rest = (await catalog.client.get(page["next"])).json()["items"]
    assert [item["title"] for item in rest] == ["T3", "T4", "T5"]


async def test_filters_narrow_alone_and_together(catalog):
    top = await catalog.category("Clothes")
    below = await catalog.category("Shirts", parent_id=top["id"])
    shirt = await catalog.create(
        title="Shirt",
        vendor="Mill",
        product_type="Top",
        tags=["linen", "a,b"],
        category_ids=[below["id"]],
        **priced(500),
    )
    lamp = await catalog.create(title="Lamp", vendor="Forge", **priced(9000))
    draft = await catalog.create(title="Draft", status="draft")

    async def found(**params: Any) -> set[str]:
        response = await catalog.get("/products", params=params, headers=catalog.editor)
        assert response.status_code == 200, response.text
        return {item["title"] for item in response.json()["items"]}

    assert await found(category="clothes") == {"Shirt"}
    assert await found(category="shirts") == {"Shirt"}
    assert await found(category="nothing") == set()
    assert await found(vendor="Forge") == {"Lamp"}
    assert await found(product_type="Top") == {"Shirt"}
    assert await found(tag="a,b") == {"Shirt"}
    assert await found(tag="a") == set()
    assert await found(status="draft") == {"Draft"}
    assert await found(q="sHirt") == {"Shirt"}
    assert await found(price_min=600) == {"Lamp"}
    assert await found(price_max=600) == {"Shirt"}
    assert await found(price_min=500, price_max=500) == {"Shirt"}
    assert await found(in_stock=True) == {"Shirt", "Lamp"}
    assert await found(updated_after=lamp["updated_at"]) == {"Draft"}
    assert await found(updated_after="2026-01-01T00:00:00+14:00", vendor="Mill") == {"Shirt"}
    assert await found(created_by=str(shirt["created_by"])) == {"Shirt"}
    assert await found(category="clothes", vendor="Forge") == set()
    assert await found(category="clothes", vendor="Mill", tag="linen", q="shi", price_max=500) == {"Shirt"}
    assert draft["in_stock"] is False


async def test_a_list_item_has_what_was_asked_for(catalog):
    category = await catalog.category("Things")
    made = await catalog.create(category_ids=[category["id"]], **priced(500))
    await catalog.send(
        "POST", f"/products/{made['id']}/pictures", {"source_url": "https://example.org/a.jpg"}
    )
    [item] = (await catalog.get("/products")).json()["items"]
    assert set(item) == {
        "id", "slug", "title", "status", "vendor", "product_type", "tags", "price_range", "in_stock", "picture",
        "created_at", "updated_at", "created_by", "version",
    }  # fmt: skip
    assert item["picture"]["url"] == "https://example.org/a.jpg"
    [item] = (await catalog.get("/products?fields=id,price_range")).json()["items"]
    assert item == {"id": made["id"], "price_range": {"min_minor": 500, "max_minor": 500, "currency": "EUR"}}
    [item] = (await catalog.get("/products?fields=id&expand=variants,pictures,categories")).json()["items"]
    assert set(item) == {"id", "variants", "pictures", "categories"}
    assert item["variants"][0]["price"] == {"amount_minor": 500, "currency": "EUR"}
    assert item["categories"] == [{"id": category["id"], "slug": "things", "name": "Things"}]


async def test_the_number_of_statements_does_not_depend_on_the_number_of_products(catalog):
    category = await catalog.category("Things")
    path = "/products?expand=variants,pictures,categories,created_by&category=things&q=thing&sort=price"
    counts = []
    for _ in range(2):
        for _ in range(4):
            made = await catalog.create(category_ids=[category["id"]], **priced(1))
            await catalog.send(
                "POST", f"/products/{made['id']}/pictures", {"source_url": "https://example.org/a"}
            )
        async with catalog.statements() as sent:
            items = (await catalog.get(path)).json()["items"]
        counts.append((len(items), len(sent)))
    assert counts == [(4, 5), (8, 5)]

    for plain, expected in (
        ("/products", 1),
        ("/search?q=thing", 1),
        (f"/products/{made['id']}", 1),
        ("/categories", 1),
    ):
        async with catalog.statements() as sent:
            assert (await catalog.get(plain)).status_code == 200
        assert len(sent) == expected, plain


async def test_a_page_with_variants_ends_before_it_grows_too_large(catalog):
    for n in range(4):
        await catalog.create(title=f"Rope {n}", options=[{"name": "Length", "values": []}])
    database = catalog.app.extensions["vitrine"].database
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "INSERT INTO catalog.variant (id, product_id, option_values)"
            " SELECT gen_random_uuid(), p.id, ARRAY['v' || n] FROM catalog.product p, generate_series(1, 2000) n"
        )
    page = (await catalog.get("/products?expand=variants&sort=title&fields=title")).json()
    assert [item["title"] for item in page["items"]] == ["Rope 0", "Rope 1"]
    assert sum(len(item["variants"]) for item in page["items"]) <= MAX_EXPANDED_VARIANTS
    rest = (await catalog.client.get(page["next"])).json()
    assert [item["title"] for item in rest["items"]] == ["Rope 2", "Rope 3"]
    assert rest["next"] is None


BAD = [
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=many", "limit"),
    ("sort=random", "sort"),
    ("after=nonsense", "after"),
    ("after=", "after"),
    (f"after={encode_cursor(['2026-01-01T00:00:00+00:00'])}", "after"),
    (f"after={encode_cursor([7, SOME_ID])}", "after"),
    (f"after={encode_cursor(['2026-01-01T00:00:00', SOME_ID])}", "after"),
    (f"sort=price&after={encode_cursor([2**63, SOME_ID])}", "after"),
    (f"sort=title&after={encode_cursor([None, SOME_ID])}", "after"),
    ("fields=id,password", "fields"),
    ("fields=", "fields"),
    ("expand=secrets", "expand"),
    ("price_min=-1", "price_min"),
    ("price_max=1e99", "price_max"),
    (f"price_max={10**30}", "price_max"),
    ("in_stock=perhaps", "in_stock"),
    ("updated_after=yesterday", "updated_after"),
    ("updated_after=989", "updated_after"),
    ("updated_after=1767225600.5", "updated_after"),
    ("updated_after=2026-01-01", "updated_after"),
    ("updated_after=2026-01-01T00:00Z", "updated_after"),
    ("updated_after=2026-01-01T00:00:00", "updated_after"),
    ("updated_after=0001-01-01T00:00:00%2B14:00", "updated_after"),
    ("created_by=me", "created_by"),
    ("status=deleted", "status"),
    ("colour=red", "colour"),
    ("vendor=a&vendor=b", "vendor"),
    ("vendor=%00", "vendor"),
    (f"vendor={'x' * 256}", "vendor"),
    (f"q={'x' * 201}", "q"),
]


@pytest.mark.parametrize(("query", "field"), BAD)
async def test_a_parameter_that_makes_no_sense_is_named(catalog, query, field):
    response = await catalog.get(f"/products?{query}")
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(after=st.text(max_size=60), sort=st.sampled_from(["newest", "title", "price"]))
async def test_no_cursor_breaks_the_list(catalog, after, sort):
    response = await catalog.get(f"/products?sort={sort}&after={quote(after)}")
    assert response.status_code in {200, 422}, response.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    vendor=st.text(max_size=30),
    tag=st.text(max_size=30),
    q=st.text(max_size=60),
    prices=st.tuples(st.integers(-5, 10**16), st.integers(-5, 10**16)),
)
async def test_no_filter_breaks_the_list(catalog, vendor, tag, q, prices):
    params = {"vendor": vendor, "tag": tag, "q": q, "price_min": prices[0], "price_max": prices[1]}
    response = await catalog.get("/products", params=params)
    assert response.status_code in {200, 422}, response.text


async def test_the_longest_title_fits_into_a_cursor(catalog):
    for _ in range(3):
        await catalog.create(title="\N{PILE OF POO}" * 500)
    assert len(await walk(catalog, "/products?sort=title&limit=1")) == 3


async def test_parallel_readers_get_their_own_answers(catalog):
    for n in range(5):
        await catalog.create(title=f"T{n}", vendor=f"V{n}")
    answers = await asyncio.gather(*(catalog.get(f"/products?vendor=V{n % 5}") for n in range(30)))
    for n, response in enumerate(answers):
        assert [item["title"] for item in response.json()["items"]] == [f"T{n % 5}"]
