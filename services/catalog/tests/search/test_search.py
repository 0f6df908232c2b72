"""Full-text search: what is found, in which order, page by page, and what nobody may find."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vitrine_catalog.search.schemas import SearchPage


async def found(catalog, q: str, **params: Any) -> list[str]:
    response = await catalog.get("/search", params={"q": q, **params})
    assert response.status_code == 200, response.text
    SearchPage.model_validate_json(response.content)
    return [item["title"] for item in response.json()["items"]]


async def test_every_text_of_a_product_is_searched(catalog):
    await catalog.create(
        title="Evening dresses",
        vendor="Weaver",
        product_type="Gowns",
        tags=["moonlight"],
        description_html="<p>Flowing <b>velvet</b></p>",
        options=[{"name": "Colour", "values": ["Burgundy"]}],
        variants=[{"option_values": ["Burgundy"], "sku": "EV-100/7x", "barcode": "4006381333931"}],
    )
    await catalog.create(title="Something else")
    for q in (
        "dress", "dresses", "DRESSES", "weaver", "gown", "moonlight", "velvet", "burgundy",
        "EV-100/7x", "ev100", "ev-100", "100/7", "4006381333931", "40063813",
        "even", "dress wea", '"evening dresses"', "dress -lamp", "lamp OR velvet",
    ):  # fmt: skip
        assert await found(catalog, q) == ["Evening dresses"], q
    for q in (
        "lamp",
        "dress lamp",
        '"dresses evening"',
        "dress -velvet",
        "-dress evening",
        "strong",
        "p",
        "b",
    ):
        assert "Evening dresses" not in await found(catalog, q), q


async def test_a_title_ranks_above_a_label_and_that_above_a_description(catalog):
    await catalog.create(title="Chair", description_html="good beside a lamp")
    await catalog.create(title="Table", tags=["lamp"])
    await catalog.create(title="Lamp")
    assert await found(catalog, "lamp") == ["Lamp", "Table", "Chair"]
    ranks = [item["rank"] for item in (await catalog.get("/search?q=lamp")).json()["items"]]
    assert ranks == sorted(ranks, reverse=True)


async def test_pages_of_equal_ranks_hold_every_product_once(catalog):
    for _ in range(7):
        await catalog.create(title="Lamp")
    await catalog.create(title="Lamp lamp lamp")
    whole = (await catalog.get("/search?q=lamp&limit=100")).json()["items"]
    paged, following = [], "/api/catalog/v1/search?q=lamp&limit=3"
    while following:
        page = (await catalog.client.get(following)).json()
        paged += page["items"]
        following = page["next"]
    assert len({item["id"] for item in paged}) == 8
    assert paged == whole


async def test_filters_narrow_a_search(catalog):
    things = await catalog.category("Things")
    await catalog.create(title="Red lamp", vendor="Forge", category_ids=[things["id"]])
    await catalog.create(
        title="Blue lamp", tags=["sale"], variants=[{"price": {"amount_minor": 5, "currency": "EUR"}}]
    )
    assert await found(catalog, "lamp", vendor="Forge") == ["Red lamp"]
    assert await found(catalog, "lamp", category="things") == ["Red lamp"]
    assert await found(catalog, "lamp", tag="sale") == ["Blue lamp"]
    assert await found(catalog, "lamp", price_max=5) == ["Blue lamp"]
    response = await catalog.get("/search?q=lamp&fields=title&expand=variants&vendor=Forge")
    [item] = response.json()["items"]
    assert set(item) == {"title", "variants", "rank"}


async def test_the_index_follows_every_change(catalog):
    made = await catalog.create(title="Lamp", options=[{"name": "C", "values": ["x"]}])
    path = f"/products/{made['id']}"
    await catalog.send("PATCH", path, {"title": "Chandelier"})
    assert await found(catalog, "lamp") == []
    assert await found(catalog, "chandelier") == ["Chandelier"]
    variant = (
        await catalog.send("POST", f"{path}/variants", {"option_values": ["x"], "sku": "QQ-77"})
    ).json()
    assert await found(catalog, "qq77") == ["Chandelier"]
    await catalog.send("PATCH", f"{path}/variants/{variant['id']}", {"sku": "ZZ-88"})
    assert await found(catalog, "qq77") == []
    assert await found(catalog, "zz 88") == ["Chandelier"]
    await catalog.send("DELETE", f"{path}/variants/{variant['id']}")
    assert await found(catalog, "zz88") == []
    await catalog.send("PATCH", path, {"status": "archived"})
    assert await found(catalog, "chandelier") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "q"), ("q=", "q"), (f"q={'x' * 201}", "q"), ("q=a&sort=price", "sort"), ("q=a&after=x", "after")],
)
async def test_a_search_that_makes_no_sense_names_the_parameter(catalog, query, field):
    response = await catalog.get(f"/search?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


HOSTILE = [
    "'",
    "\\",
    "a:*",
    "a & | !",
    "((((",
    "<->",
    "a <1000> b",
    "'a':*",
    '"',
    '"" -',
    "-",
    "--",
    "%",
    "\u202e",
    "𝕏",
    "_",
    "ª",
    "١٢",
]


@pytest.mark.parametrize("q", HOSTILE)
async def test_no_syntax_is_an_error(catalog, q):
    assert await found(catalog, q) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(q=st.text(min_size=1, max_size=80).filter(lambda text: "\0" not in text))
async def test_nothing_a_person_types_is_an_error(catalog, q):
    response = await catalog.get("/search", params={"q": q})
    assert response.status_code == 200, response.text


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    title=st.text("abcdefghij-./ äöü7", min_size=3, max_size=40).filter(
        lambda text: len(text.strip("-./ ")) > 2
    )
)
async def test_a_product_is_found_by_its_own_title(catalog, title):
    made = await catalog.create(title=title)
    words = [
        word for word in title.replace("-", " ").replace(".", " ").replace("/", " ").split() if len(word) > 1
    ]
    response = await catalog.get("/search", params={"q": " ".join(words) or title, "limit": 100})
    assert response.status_code == 200
    if words:
        assert made["id"] in {item["id"] for item in response.json()["items"]}, words


async def test_the_largest_product_still_fits_into_the_index(catalog):
    values = [f"{n:04}" + "ä" * 200 for n in range(2000)]
    made = await catalog.send(
        "POST",
        "/products",
        {
            "title": "Huge",
            "status": "active",
            "options": [{"name": "Kind", "values": values[:1500]}],
            "tags": [f"{n:03}" + "ö" * 100 for n in range(250)],
            "description_html": " ".join(f"w{n}ü" for n in range(15000))[:100_000],
        },
    )
    assert made.status_code == 201, made.text
    assert await found(catalog, "huge") == ["Huge"]
