"""What must hold between options, variants and amounts, and how a request that breaks it is told so."""

from typing import Any

import pytest

EUR = {"amount_minor": 100, "currency": "EUR"}
SIZE = {"name": "Size", "values": ["S", "M"]}


def variant(*values: str, **members: Any) -> dict[str, Any]:
    return {"option_values": list(values), **members}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"options": [SIZE], "variants": [variant("S"), variant("S")]}, "variants.1.option_values"),
    ({"variants": [variant(), variant()]}, "variants.1.option_values"),
    ({"options": [SIZE], "variants": [variant("S"), variant("XXL")]}, "variants.1.option_values.0"),
    ({"options": [SIZE], "variants": [variant()]}, "variants.0.option_values"),
    ({"options": [SIZE], "variants": [variant("S", "M")]}, "variants.0.option_values"),
    ({"options": [SIZE, {"name": "SIZE", "values": []}]}, "options.1.name"),
    ({"options": [{"name": "Size", "values": ["S", "S"]}]}, "options.0.values.1"),
    ({"options": [{"name": f"o{n}", "values": []} for n in range(11)]}, "options"),
    (
        {
            "options": [SIZE],
            "variants": [variant("S", price=EUR), variant("M", price={"amount_minor": 1, "currency": "USD"})],
        },
        "variants.1.price.currency",
    ),
    (
        {"variants": [variant(price=EUR, cost={"amount_minor": 1, "currency": "USD"})]},
        "variants.0.price.currency",
    ),
    ({"variants": [variant(price={"amount_minor": -1, "currency": "EUR"})]}, "variants.0.price.amount_minor"),
    (
        {"variants": [variant(price={"amount_minor": 10**15, "currency": "EUR"})]},
        "variants.0.price.amount_minor",
    ),
    (
        {"variants": [variant(price={"amount_minor": 1.5, "currency": "EUR"})]},
        "variants.0.price.amount_minor",
    ),
    ({"variants": [variant(price={"amount_minor": 1, "currency": "XAU"})]}, "variants.0.price.currency"),
    ({"variants": [variant(price={"amount_minor": 1, "currency": "eur"})]}, "variants.0.price.currency"),
    ({"variants": [variant(price={"amount_minor": 1})]}, "variants.0.price.currency"),
    ({"variants": [variant(weight_grams=-1)]}, "variants.0.weight_grams"),
    ({"variants": [variant(stock={"on_hand": 2**40})]}, "variants.0.stock.on_hand"),
    ({"variants": [variant(stock={"policy": "maybe"})]}, "variants.0.stock.policy"),
    ({"variants": [variant(picture_id="019b2f0e-0000-7000-8000-000000000000")]}, "variants.0.picture_id"),
    ({"variants": [variant(sku="a\u0007b")]}, "variants.0.sku"),
    ({"variants": [variant(colour="red")]}, "variants.0.colour"),
    ({"category_ids": ["019b2f0e-0000-7000-8000-000000000000"]}, "category_ids.0"),
    ({"category_ids": ["nonsense"]}, "category_ids.0"),
    ({"title": ""}, "title"),
    ({"title": "   "}, "title"),
    ({"title": "x" * 501}, "title"),
    ({"title": None}, "title"),
    ({"title": 7}, "title"),
    ({"slug": "Not A Slug"}, "slug"),
    ({"slug": "a--b"}, "slug"),
    ({"status": "gone"}, "status"),
    ({"tags": "a,b"}, "tags"),
    ({"tags": [""]}, "tags.0"),
    ({"description_html": "x" * 100_001}, "description_html"),
    ({"extra": {"n": 2**60}}, "extra"),
    ({"extra": {"n": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}, "extra"),
    ({"extra": {"n": "x" * 70_000}}, "extra"),
    ({"extra": {"n\u0000": 1}}, "extra.(name)"),
    ({"id": "019b2f0e-0000-7000-8000-000000000000"}, "id"),
]


@pytest.mark.parametrize(("members", "field"), WRONG, ids=[field for _, field in WRONG])
async def test_a_product_that_does_not_hold_together_is_refused_by_field(catalog, members, field):
    response = await catalog.send("POST", "/products", {"title": "A thing", **members})
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field
    assert (await catalog.send("GET", "/products")).json()["items"] == []


async def test_a_product_takes_two_thousand_variants_and_no_more(catalog):
    values = [f"v{n}" for n in range(2001)]
    body = {
        "title": "Rope",
        "options": [{"name": "Length", "values": values[:2000]}],
        "variants": [{"option_values": [value]} for value in values[:2000]],
    }
    # How many are taken is what counts here, not how long a busy machine needs for them.
    patient = {"X-Request-Timeout-Ms": "60000"}
    made = await catalog.send("POST", "/products", body, headers=patient)
    assert made.status_code == 201, made.text
    assert len(made.json()["variants"]) == 2000
    one_more = await catalog.send(
        "POST",
        f"/products/{made.json()['id']}/variants",
        {"option_values": ["v1"]},
        headers=patient,
    )
    assert one_more.status_code == 422
    assert "2000" in one_more.text
    body["variants"] = [{"option_values": [value]} for value in values]
    refused = await catalog.send("POST", "/products", body, headers=patient)
    assert refused.json()["errors"][0]["field"] == "variants"


async def test_real_shops_repeat_skus(catalog):
    await catalog.create(variants=[{"sku": "ONE"}])
    await catalog.create(variants=[{"sku": "ONE"}])
    assert len((await catalog.get("/search?q=one")).json()["items"]) == 2


@pytest.mark.parametrize(
    ("variants", "in_stock"),
    [
        ([], False),
        ([{}], True),
        ([{"stock": {"tracked": True, "on_hand": 0}}], False),
        ([{"stock": {"tracked": True, "on_hand": 1}}], True),
        ([{"stock": {"tracked": True, "on_hand": 0, "policy": "continue"}}], True),
    ],
)
async def test_a_product_is_in_stock_if_some_variant_can_be_sold(catalog, variants, in_stock):
    made = await catalog.create(variants=variants)
    assert made["in_stock"] is in_stock
    listed = (await catalog.get(f"/products?in_stock={str(in_stock).lower()}")).json()["items"]
    assert [item["id"] for item in listed] == [made["id"]]


async def test_a_product_without_prices_has_no_price_range(catalog):
    made = await catalog.create(variants=[{"cost": EUR}])
    assert made["price_range"] is None
    assert made["variants"][0]["price"] is None
