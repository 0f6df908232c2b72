"""Changing products by JSON merge patches: what is left out, what null does, what two editors at once get."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_catalog.products.changes import merge_patch
from vitrine_kit.ids import new_id

EUR = {"amount_minor": 100, "currency": "EUR"}

# The examples of RFC 7396, appendix A.
RFC_EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(("target", "patch", "result"), RFC_EXAMPLES)
def test_a_merge_patch_does_what_the_rfc_says(target, patch, result):
    assert merge_patch(target, patch) == result


@given(JSON, JSON)
def test_a_merge_patch_applied_twice_changes_nothing_more(target, patch):
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


async def test_members_left_out_keep_and_null_goes_back_to_the_default(catalog):
    made = await catalog.create(
        vendor="Weaver",
        product_type="Shirts",
        tags=["a"],
        description_html="<p>x</p>",
        seo={"title": "T", "description": "D"},
        extra={"a": {"b": 1, "c": 2}},
        category_ids=[(await catalog.category("Shirts"))["id"]],
    )
    path = f"/products/{made['id']}"
    changed = (await catalog.send("PATCH", path, {"title": "Another", "extra": {"a": {"b": None}}})).json()
    assert changed == {
        **made,
        "title": "Another",
        "extra": {"a": {"c": 2}},
        "version": 2,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > made["updated_at"]
    emptied = await catalog.send(
        "PATCH",
        path,
        {
            "vendor": None,
            "product_type": None,
            "tags": None,
            "description_html": None,
            "seo": {"title": None},
            "extra": None,
            "category_ids": None,
            "variants": None,
            "options": None,
        },
    )
    assert emptied.status_code == 200, emptied.text
    found = emptied.json()
    assert [found[name] for name in ("vendor", "product_type", "tags", "description_html")] == [
        "",
        "",
        [],
        "",
    ]
    assert (found["seo"], found["extra"], found["categories"]) == (
        {"title": None, "description": "D"},
        {},
        [],
    )
    again = (await catalog.send("PATCH", path, {"seo": None, "status": "archived", "vendor": "Mill"})).json()
    assert (again["seo"], again["status"], again["vendor"]) == (
        {"title": None, "description": None},
        "archived",
        "Mill",
    )


async def test_the_content_type_of_merge_patches_is_taken_too(catalog):
    made = await catalog.create()
    response = await catalog.client.patch(
        f"/api/catalog/v1/products/{made['id']}",
        content=b'{"title": "Another"}',
        headers={**catalog.editor, "Content-Type": "application/merge-patch+json"},
    )
    assert response.json()["title"] == "Another"


async def test_the_list_of_variants_is_replaced_in_one_transaction(catalog):
    made = await catalog.create(
        options=[{"name": "Size", "values": ["S", "M"]}],
        variants=[{"option_values": ["S"], "price": EUR, "sku": "s"}, {"option_values": ["M"], "price": EUR}],
    )
    small, medium = made["variants"]
    path = f"/products/{made['id']}"
    body = {
        "options": [{"name": "Size", "values": ["S", "M", "L"]}],
        "variants": [
            {"option_values": ["L"], "price": EUR, "stock": {"on_hand": 4}},
            # Two variants swap their values.
            {"id": medium["id"], "option_values": ["S"]},
            {"id": small["id"], "option_values": ["M"], "price": {"amount_minor": 900}},
        ],
    }
    changed = (await catalog.send("PATCH", path, body)).json()
    assert [variant["option_values"] for variant in changed["variants"]] == [["L"], ["S"], ["M"]]
    assert [variant["id"] for variant in changed["variants"]][1:] == [medium["id"], small["id"]]
    assert changed["variants"][2]["sku"] == "s"
    assert changed["price_range"] == {"min_minor": 100, "max_minor": 900, "currency": "EUR"}
    fewer = (await catalog.send("PATCH", path, {"variants": [{"id": small["id"]}]})).json()
    assert [variant["id"] for variant in fewer["variants"]] == [small["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"options": [{"name": "Size", "values": ["S"]}]}, "variants.1.option_values.0"),
        ({"options": []}, "variants.0.option_values"),
        ({"variants": [{"id": str(new_id())}]}, "variants.0.id"),
        ({"variants": [{"option_values": ["S"]}, {"option_values": ["S"]}]}, "variants.1.option_values"),
        ({"variants": [{"option_values": ["S"], "price": {"amount_minor": 1}}]}, "variants.0.price"),
        ({"slug": None}, "slug"),
        ({"status": None}, "status"),
        ({"category_ids": [str(new_id())]}, "category_ids.0"),
        ({"variants": [{"option_values": ["S"], "extra": {"a": 2**60}}]}, "variants.0.extra"),
    ],
)
async def test_a_patch_that_would_break_the_product_changes_nothing(catalog, body, field):
    made = await catalog.create(
        options=[{"name": "Size", "values": ["S", "M"]}],
        variants=[{"option_values": ["S"]}, {"option_values": ["M"]}],
    )
    response = await catalog.send("PATCH", f"/products/{made['id']}", {"title": "Changed", **body})
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field
    assert (await catalog.get(f"/products/{made['id']}", headers=catalog.editor)).json() == made


async def test_extra_fields_stay_bounded_when_they_are_merged(catalog):
    made = await catalog.create(extra={"a": "x" * 40_000})
    response = await catalog.send("PATCH", f"/products/{made['id']}", {"extra": {"b": "x" * 40_000}})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "extra"


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"price": {"currency": "USD"}}, "price.currency"),
        ({"cost": {"currency": "EUR"}}, "cost.amount_minor"),
        ({"compare_at_price": {"amount_minor": 5, "currency": "USD"}}, "compare_at_price.currency"),
        ({"option_values": ["M"]}, "option_values"),
        ({"option_values": ["Q"]}, "option_values.0"),
        ({"picture_id": str(new_id())}, "picture_id"),
    ],
)
async def test_a_variants_patch_is_checked_against_the_others(catalog, patch, field):
    made = await catalog.create(
        options=[{"name": "Size", "values": ["S", "M"]}],
        variants=[
            {"option_values": ["S"], "price": EUR, "cost": None},
            {"option_values": ["M"], "price": EUR},
        ],
    )
    body = {**patch, "compare_at_price": {"amount_minor": 7}} if field == "price.currency" else patch
    path = f"/products/{made['id']}/variants/{made['variants'][0]['id']}"
    response = await catalog.send("PATCH", path, body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["field"] == field


async def test_a_first_amount_needs_a_currency_and_a_lone_one_may_change_it(catalog):
    made = await catalog.create(variants=[{}])
    path = f"/products/{made['id']}/variants/{made['variants'][0]['id']}"
    without = await catalog.send("PATCH", path, {"price": {"amount_minor": 5}})
    assert without.json()["errors"][0]["field"] == "price.currency"
    await catalog.send("PATCH", path, {"price": EUR})
    in_yen = await catalog.send("PATCH", path, {"price": {"currency": "JPY"}})
    assert in_yen.json()["price"] == {"amount_minor": 100, "currency": "JPY"}
    cleared = await catalog.send(
        "PATCH", path, {"price": None, "stock": None, "weight_grams": None, "taxable": None}
    )
    assert cleared.json()["price"] is None
    assert cleared.json()["stock"] == {"tracked": False, "on_hand": 0, "policy": "deny"}
    assert cleared.json()["taxable"] is True
    partly = await catalog.send(
        "PATCH", path, {"stock": {"policy": "continue", "tracked": None}, "barcode": "4006381333931"}
    )
    assert partly.json()["stock"] == {"tracked": False, "on_hand": 0, "policy": "continue"}
    assert partly.json()["barcode"] == "4006381333931"


async def test_of_two_editors_with_one_version_the_second_is_told(catalog):
    made = await catalog.create()
    path = f"/products/{made['id']}"
    etag = (await catalog.get(path)).headers["ETag"]
    first = await catalog.send("PATCH", path, {"title": "First"}, headers={"If-Match": etag})
    assert first.status_code == 200
    second = await catalog.send("PATCH", path, {"title": "Second"}, headers={"If-Match": etag})
    assert second.status_code == 412
    assert second.json()["current"] == {"version": 2}
    assert (
        await catalog.send("PATCH", path, {"title": "Third"}, headers={"If-Match": "*"})
    ).status_code == 200


async def test_a_tag_that_a_proxy_weakened_counts_as_what_it_was(catalog):
    made = await catalog.create()
    path = f"/products/{made['id']}"
    etag = (await catalog.get(path)).headers["ETag"]
    several = f'"99-other", W/{etag}'
    assert (
        await catalog.send("PATCH", path, {"title": "B"}, headers={"If-Match": several})
    ).status_code == 200
    for stale in (f"W/{etag}", '""', "", "nonsense", '"-"', ","):
        response = await catalog.send("PATCH", path, {"title": "C"}, headers={"If-Match": stale})
        assert response.status_code == 412, stale


async def test_of_parallel_patches_with_one_version_exactly_one_wins(catalog):
    made = await catalog.create()
    path = f"/products/{made['id']}"
    sent = [catalog.send("PATCH", path, {"title": f"T{n}"}, headers={"If-Match": '"1-"'}) for n in range(8)]
    statuses = sorted(response.status_code for response in await asyncio.gather(*sent))
    assert statuses == [200, *[412] * 7]


async def test_parallel_patches_without_a_version_all_count(catalog):
    made = await catalog.create()
    path = f"/products/{made['id']}"
    answers = await asyncio.gather(*(catalog.send("PATCH", path, {"extra": {f"k{n}": n}}) for n in range(8)))
    assert {response.status_code for response in answers} == {200}
    found = (await catalog.get(path, headers=catalog.editor)).json()
    assert found["version"] == 9
    assert found["extra"] == {f"k{n}": n for n in range(8)}


async def test_parallel_additions_never_make_twins(catalog):
    made = await catalog.create(options=[{"name": "Size", "values": ["S"]}])
    path = f"/products/{made['id']}/variants"
    answers = await asyncio.gather(*(catalog.send("POST", path, {"option_values": ["S"]}) for _ in range(6)))
    assert sorted(response.status_code for response in answers) == [201, *[422] * 5]
