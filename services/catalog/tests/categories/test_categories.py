"""Categories: a tree without circles or twins, in a steady order, safe for several editors at once."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vitrine_catalog.categories.models import MAX_DEPTH
from vitrine_catalog.categories.schemas import CategoryOut, CategoryTree
from vitrine_kit.ids import new_id


async def names(catalog, **params: Any) -> list[str]:
    response = await catalog.get("/categories", params=params)
    CategoryTree.model_validate_json(response.content)
    return ["  " * (item["depth"] - 1) + item["name"] for item in response.json()["items"]]


async def test_a_category_is_created_read_changed_and_deleted(catalog):
    response = await catalog.send(
        "POST", "/categories", {"name": "Gärten", "description_html": "<b onload=x>B</b>"}
    )
    assert response.status_code == 201
    made = response.json()
    CategoryOut.model_validate_json(response.content)
    assert (made["slug"], made["depth"], made["description_html"]) == ("garten", 1, "<b>B</b>")
    path = f"/categories/{made['id']}"
    assert response.headers["Location"].endswith(path)
    assert (await catalog.get(path)).json() == made
    assert (await catalog.get("/categories/by-slug/garten")).json() == made
    etag = (await catalog.get(path)).headers["ETag"]
    assert (await catalog.get(path, headers={"If-None-Match": etag})).status_code == 304

    changed = await catalog.send(
        "PATCH",
        path,
        {"name": "Gardens", "slug": "gardens", "position": 3, "description_html": None},
        headers={"If-Match": etag},
    )
    assert changed.status_code == 200
    assert [changed.json()[name] for name in ("name", "slug", "position", "description_html", "version")] == [
        "Gardens",
        "gardens",
        3,
        "",
        2,
    ]
    assert (await catalog.send("PATCH", path, {"name": "x"}, headers={"If-Match": etag})).status_code == 412
    assert (await catalog.send("DELETE", path, headers={"If-Match": etag})).status_code == 412
    assert (await catalog.send("DELETE", path)).status_code == 204
    assert (await catalog.get(path)).status_code == 404


async def test_there_is_no_such_category(catalog):
    for method, path in (
        ("GET", f"/categories/{new_id()}"),
        ("GET", "/categories/by-slug/nothing"),
        ("PATCH", f"/categories/{new_id()}"),
        ("DELETE", f"/categories/{new_id()}"),
    ):
        assert (await catalog.send(method, path, {} if method == "PATCH" else None)).status_code == 404


async def test_the_tree_is_read_in_its_order(catalog):
    clothes = await catalog.category("Clothes", position=2)
    await catalog.category("Tools", position=1)
    await catalog.category("shoes", parent_id=clothes["id"])
    shirts = await catalog.category("Shirts", parent_id=clothes["id"])
    await catalog.category("Linen", parent_id=shirts["id"])
    assert await names(catalog) == ["Tools", "Clothes", "  Shirts", "    Linen", "  shoes"]
    assert await names(catalog, depth=1) == ["Tools", "Clothes"]
    assert await names(catalog, parent="clothes") == ["  Shirts", "    Linen", "  shoes"]
    assert await names(catalog, parent="clothes", depth=2) == ["  Shirts", "  shoes"]
    assert await names(catalog, parent="nothing") == []


async def test_no_category_lies_below_itself(catalog):
    top = await catalog.category("Top")
    middle = await catalog.category("Middle", parent_id=top["id"])
    low = await catalog.category("Low", parent_id=middle["id"])
    for parent in (top, middle, low):
        response = await catalog.send("PATCH", f"/categories/{top['id']}", {"parent_id": parent["id"]})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "parent_id"
    moved = await catalog.send("PATCH", f"/categories/{low['id']}", {"parent_id": None})
    assert moved.json()["depth"] == 1
    assert (
        await catalog.send("PATCH", f"/categories/{top['id']}", {"parent_id": low["id"]})
    ).status_code == 200


async def test_parallel_moves_never_close_a_circle(catalog):
    made = [await catalog.category(f"C{n}") for n in range(4)]
    moves = [
        catalog.send("PATCH", f"/categories/{made[a]['id']}", {"parent_id": made[b]["id"]})
        for a, b in ((0, 1), (1, 2), (2, 3), (3, 0), (1, 0), (2, 1))
    ]
    statuses = {response.status_code for response in await asyncio.gather(*moves)}
    assert statuses <= {200, 422}
    assert len(await names(catalog)) == 4


async def test_the_tree_is_bounded_in_depth(catalog):
    parent = None
    for n in range(MAX_DEPTH):
        parent = (await catalog.category(f"L{n}", parent_id=parent))["id"]
    response = await catalog.send("POST", "/categories", {"name": "Too deep", "parent_id": parent})
    assert response.json()["errors"][0]["field"] == "parent_id"
    other = await catalog.category("Other")
    first = (await catalog.get("/categories/by-slug/l0")).json()
    moved = await catalog.send("PATCH", f"/categories/{first['id']}", {"parent_id": other["id"]})
    assert moved.json()["errors"][0]["field"] == "parent_id"
    assert (await catalog.get(f"/categories/{parent}")).json()["depth"] == MAX_DEPTH


async def test_twins_and_taken_slugs_are_conflicts(catalog):
    shirts = await catalog.category("Shirts")
    twin = await catalog.send("POST", "/categories", {"name": "Shirts"})
    assert (twin.status_code, twin.json()["errors"][0]["field"]) == (409, "name")
    slug = await catalog.send("POST", "/categories", {"name": "Other", "slug": "shirts"})
    assert (slug.status_code, slug.json()["errors"][0]["field"]) == (409, "slug")
    below = await catalog.category("Shirts", parent_id=shirts["id"])
    assert below["slug"] == "shirts-2"
    up = await catalog.send("PATCH", f"/categories/{below['id']}", {"parent_id": None})
    assert up.status_code == 409


async def test_a_category_with_others_below_it_is_not_deleted(catalog):
    top = await catalog.category("Top")
    await catalog.category("Low", parent_id=top["id"])
    assert (await catalog.send("DELETE", f"/categories/{top['id']}")).status_code == 409


async def test_products_outlive_their_category(catalog):
    first, second = await catalog.category("First"), await catalog.category("Second")
    made = await catalog.create(category_ids=[second["id"], first["id"], second["id"]])
    assert [each["name"] for each in made["categories"]] == ["Second", "First"]
    await catalog.send("DELETE", f"/categories/{second['id']}")
    found = (await catalog.get(f"/products/{made['id']}")).json()
    assert [each["name"] for each in found["categories"]] == ["First"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a", "parent_id": str(new_id())}, "parent_id"),
        ({"name": "a", "parent_id": "x"}, "parent_id"),
        ({"name": "a", "position": -1}, "position"),
        ({"name": "a", "slug": "/"}, "slug"),
        ({"name": "a", "colour": 1}, "colour"),
    ],
)
async def test_a_category_that_makes_no_sense_is_refused_by_field(catalog, body, field):
    response = await catalog.send("POST", "/categories", body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


async def test_parallel_creations_of_one_name_make_one(catalog):
    answers = await asyncio.gather(*(catalog.send("POST", "/categories", {"name": "Same"}) for _ in range(6)))
    assert sorted(response.status_code for response in answers) == [201, *[409] * 5]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
async def test_whatever_moves_are_asked_for_it_stays_a_tree(catalog, moves):
    made = [(await catalog.category(f"C{n}-{new_id()}")) for n in range(6)]
    for which, where in moves:
        response = await catalog.send(
            "PATCH", f"/categories/{made[which]['id']}", {"parent_id": made[where]["id"]}
        )
        assert response.status_code in {200, 422}
    reached = {item["id"] for item in (await catalog.get("/categories")).json()["items"]}
    assert {each["id"] for each in made} <= reached


async def test_fifty_names_that_make_one_slug_all_get_one(catalog):
    for n in range(52):
        await catalog.category("🎉" * (n + 1))
    slugs = {item["slug"] for item in (await catalog.get("/categories")).json()["items"]}
    assert len(slugs) == 52
    assert {"category", "category-2"} <= slugs
