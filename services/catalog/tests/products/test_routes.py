"""The routes of products: what they take, give, refuse and hide."""

from typing import Any

import pytest
from vitrine_catalog.products.schemas import ProductOut
from vitrine_kit.ids import new_id

SHIRT: dict[str, Any] = {
    "title": "Linen shirt",
    "status": "active",
    "description_html": "<p onclick='x()'>Cool <script>alert(1)</script>linen</p>",
    "vendor": "Weaver & Sons",
    "product_type": "Shirts",
    "tags": ["summer", "linen", "summer"],
    "seo": {"title": "Shirt", "description": None},
    "options": [{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["White"]}],
    "variants": [
        {
            "sku": "LS-S",
            "option_values": ["S", "White"],
            "price": {"amount_minor": 4990, "currency": "EUR"},
            "cost": {"amount_minor": 1200, "currency": "EUR"},
            "stock": {"tracked": True, "on_hand": 3, "policy": "deny"},
            "weight_grams": 210,
            "extra": {"tax code": "X"},
        },
        {
            "sku": "LS-M",
            "option_values": ["M", "White"],
            "price": {"amount_minor": 5490, "currency": "EUR"},
            "compare_at_price": {"amount_minor": 5990, "currency": "EUR"},
        },
    ],
    "extra": {"google": {"gender": "unisex"}},
}


async def test_a_product_is_created_whole_and_read_back(catalog):
    shirts = await catalog.category("Shirts")
    response = await catalog.send("POST", "/products", {**SHIRT, "category_ids": [shirts["id"]]})
    assert response.status_code == 201
    made = response.json()
    assert response.headers["Location"] == f"/api/catalog/v1/products/{made['id']}"
    ProductOut.model_validate_json(response.content)
    assert made["slug"] == "linen-shirt"
    assert made["description_html"] == "<p>Cool linen</p>"
    assert made["tags"] == ["summer", "linen"]
    assert made["price_range"] == {"min_minor": 4990, "max_minor": 5490, "currency": "EUR"}
    assert made["in_stock"] is True
    assert made["version"] == 1
    assert made["categories"] == [{"id": shirts["id"], "slug": "shirts", "name": "Shirts"}]
    assert [variant["position"] for variant in made["variants"]] == [0, 1]

    again = await catalog.get(f"/products/{made['id']}", headers=catalog.editor)
    assert again.json() == made
    by_slug = await catalog.get("/products/by-slug/linen-shirt", headers=catalog.editor)
    assert by_slug.json() == made


async def test_the_public_sees_neither_costs_nor_imported_extras(catalog):
    made = (await catalog.send("POST", "/products", SHIRT)).json()
    assert made["variants"][0]["cost"] == {"amount_minor": 1200, "currency": "EUR"}
    seen = (await catalog.get(f"/products/{made['id']}")).json()
    assert seen["extra"] == {}
    assert {(variant["cost"], str(variant["extra"])) for variant in seen["variants"]} == {(None, "{}")}


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_what_is_not_active_is_invisible_to_the_public(catalog, status):
    made = await catalog.create(title="Secret lamp", status=status)
    for path in (f"/products/{made['id']}", f"/products/by-slug/{made['slug']}"):
        assert (await catalog.get(path)).status_code == 404
        assert (await catalog.get(path, headers=catalog.customer)).status_code == 404
        assert (await catalog.get(path, headers=catalog.editor)).status_code == 200
    for path in ("/products", f"/products?status={status}", "/products?q=secret", "/search?q=secret"):
        assert (await catalog.get(path)).json()["items"] == []
        assert len((await catalog.get(path, headers=catalog.editor)).json()["items"]) == 1


async def test_there_is_no_such_product(catalog):
    for method, path in (
        ("GET", f"/products/{new_id()}"),
        ("GET", "/products/by-slug/nothing"),
        ("PATCH", f"/products/{new_id()}"),
        ("DELETE", f"/products/{new_id()}"),
        ("POST", f"/products/{new_id()}/variants"),
    ):
        response = await catalog.send(method, path, {} if method in {"PATCH", "POST"} else None)
        assert response.status_code == 404, path
        assert response.headers["Content-Type"] == "application/problem+json"


async def test_a_public_read_may_be_cached_and_revalidated_and_a_private_one_may_not(catalog):
    made = await catalog.create()
    path = f"/products/{made['id']}"
    public = await catalog.get(path)
    assert public.headers["Cache-Control"].startswith("public, max-age=")
    assert "stale-while-revalidate" in public.headers["Cache-Control"]
    assert "Authorization" in public.headers["Vary"]
    private = await catalog.get(path, headers=catalog.customer)
    assert private.headers["Cache-Control"] == "private, no-store"

    same = await catalog.get(path, headers={"If-None-Match": f"W/{public.headers['ETag']}"})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == public.headers["ETag"]
    await catalog.send("PATCH", path, {"title": "Another thing"})
    assert (await catalog.get(path, headers={"If-None-Match": public.headers["ETag"]})).status_code == 200


async def test_an_entity_tag_tells_of_what_lies_outside_the_row(catalog):
    shirts = await catalog.category("Shirts")
    made = await catalog.create(category_ids=[shirts["id"]])
    before = (await catalog.get(f"/products/{made['id']}")).headers["ETag"]
    await catalog.send("PATCH", f"/categories/{shirts['id']}", {"name": "Blouses"})
    after = await catalog.get(f"/products/{made['id']}", headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.json()["categories"][0]["name"] == "Blouses"


async def test_a_product_is_deleted_with_all_that_belongs_to_it(catalog):
    made = (await catalog.send("POST", "/products", SHIRT)).json()
    path = f"/products/{made['id']}"
    assert (await catalog.send("DELETE", path, headers={"If-Match": '"7-x"'})).status_code == 412
    assert (await catalog.send("DELETE", path, headers={"If-Match": '"1-x"'})).status_code == 204
    assert (await catalog.send("GET", path)).status_code == 404
    assert (await catalog.send("DELETE", path)).status_code == 404
    assert (await catalog.get("/search?q=linen")).json()["items"] == []


async def test_a_repeated_creation_with_one_key_creates_once(catalog):
    headers = {"Idempotency-Key": "k-1", **catalog.editor}
    first = await catalog.send("POST", "/products", SHIRT, as_=headers)
    second = await catalog.send("POST", "/products", SHIRT, as_=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    other = await catalog.send("POST", "/products", {"title": "Other"}, as_=headers)
    assert other.status_code == 422
    assert len((await catalog.get("/products")).json()["items"]) == 1


async def test_variants_are_added_changed_and_removed(catalog):
    made = (await catalog.send("POST", "/products", SHIRT)).json()
    path = f"/products/{made['id']}"
    await catalog.send(
        "PATCH", path, {"options": [{"name": "Size", "values": ["S", "M", "L"]}, SHIRT["options"][1]]}
    )
    added = await catalog.send(
        "POST",
        f"{path}/variants",
        {"option_values": ["L", "White"], "sku": "LS-L", "price": {"amount_minor": 5990, "currency": "EUR"}},
    )
    assert added.status_code == 201
    assert added.json()["position"] == 2
    variant = f"{path}/variants/{added.json()['id']}"
    changed = await catalog.send(
        "PATCH",
        variant,
        {
            "price": {"amount_minor": 6990},
            "stock": {"tracked": True, "on_hand": -2},
            "extra": {"a": {"b": 1}},
        },
    )
    assert changed.status_code == 200
    assert changed.json()["price"] == {"amount_minor": 6990, "currency": "EUR"}
    assert changed.json()["stock"] == {"tracked": True, "on_hand": -2, "policy": "deny"}
    assert (await catalog.get(path)).json()["price_range"]["max_minor"] == 6990
    assert changed.headers["ETag"].startswith('"4-')
    stale = await catalog.send("PATCH", variant, {"sku": "x"}, headers={"If-Match": '"3-x"'})
    assert stale.status_code == 412
    assert stale.json()["current"] == {"version": 4}
    assert (await catalog.send("DELETE", variant)).status_code == 204
    assert (await catalog.send("DELETE", variant)).status_code == 404
    assert (await catalog.send("PATCH", variant, {})).status_code == 404
    assert (await catalog.get(path)).json()["price_range"]["max_minor"] == 5490


async def test_a_variant_of_another_product_is_not_found(catalog):
    shirt = (await catalog.send("POST", "/products", SHIRT)).json()
    other = await catalog.create()
    path = f"/products/{other['id']}/variants/{shirt['variants'][0]['id']}"
    assert (await catalog.send("PATCH", path, {})).status_code == 404
    assert (await catalog.send("DELETE", path)).status_code == 404
