"""Slugs: made of titles, unique whatever happens at once, stable once made."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_catalog.texts import MAX_SLUG_CHARS, slug_of


@given(st.text(max_size=300))
def test_any_text_makes_a_slug(text):
    slug = slug_of(text, "product")
    assert 0 < len(slug) <= MAX_SLUG_CHARS
    assert slug.isascii()
    assert slug == slug.lower().strip("-")
    assert not set(slug) - set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Élan — Ünïcode & Co. 🎉", "elan-unicode-co"),
        ("🎉", "product"),
        ("50% off", "50-off"),
        ("日本語", "ri-ben-yu"),
    ],
)
async def test_a_slug_is_made_of_the_title(catalog, title, slug):
    assert (await catalog.create(title=title))["slug"] == slug


async def test_equal_titles_get_numbered_slugs_even_at_once(catalog):
    made = await asyncio.gather(*(catalog.create(title="Same thing") for _ in range(12)))
    slugs = {each["slug"] for each in made}
    assert slugs == {"same-thing", *(f"same-thing-{n}" for n in range(2, 13))}


async def test_past_fifty_equal_titles_slugs_stay_unique(catalog):
    for _ in range(53):
        await catalog.create(title="Same")
    assert len({item["slug"] for item in (await catalog.get("/products?limit=100")).json()["items"]}) == 53


async def test_a_slug_that_was_asked_for_and_is_taken_is_a_conflict(catalog):
    await catalog.create(slug="the-one")
    for response in (
        await catalog.send("POST", "/products", {"title": "x", "slug": "the-one"}),
        await catalog.send("PATCH", f"/products/{(await catalog.create())['id']}", {"slug": "the-one"}),
    ):
        assert response.status_code == 409
        assert response.json()["errors"][0]["field"] == "slug"


async def test_of_parallel_wishes_for_one_slug_one_is_granted(catalog):
    answers = await asyncio.gather(
        *(catalog.send("POST", "/products", {"title": "x", "slug": "the-one"}) for _ in range(6))
    )
    assert sorted(response.status_code for response in answers) == [201, *[409] * 5]


async def test_a_slug_outlives_its_title(catalog):
    made = await catalog.create(title="Old name")
    changed = await catalog.send("PATCH", f"/products/{made['id']}", {"title": "New name"})
    assert changed.json()["slug"] == "old-name"
    renamed = await catalog.send("PATCH", f"/products/{made['id']}", {"slug": "new-name"})
    assert renamed.json()["slug"] == "new-name"
