"""The storefront's pages: complete for anybody, honest when the catalog is away."""

from __future__ import annotations

import json
import re

import pytest
from gateway_browser import SESSION, Browser, words
from shop_neighbours import FakeCatalog, FakeUsers, made_id, money, variant


async def test_an_empty_shop_says_that_it_is_empty(browser: Browser) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    assert "The case is still empty" in page.text


async def test_the_home_page_shows_the_newest_products_and_the_top_categories(
    browser: Browser, catalog: FakeCatalog
) -> None:
    catalog.add_category("Ceramics")
    catalog.add_category("Bowls", "Ceramics")
    for number in range(14):
        catalog.add(f"Bowl {number}")
    page = await browser.get("/")
    assert catalog.last("GET", "/products").url.params["sort"] == "newest"
    assert page.text.count('class="card"') + page.text.count('class="case__label"') == 11
    assert 'href="/categories/ceramics"' in page.text
    assert "See all" in page.text


async def test_products_are_listed_in_pages_with_filters_in_the_address(
    browser: Browser, catalog: FakeCatalog
) -> None:
    for number in range(30):
        catalog.add(f"Bowl {number}", vendor="Kiln Street")
    page = await browser.get("/products?sort=price&in_stock=1&from=10&to=1,200.50&vendor=Kiln+Street")
    asked = dict(catalog.last("GET", "/products").url.params)
    assert asked == {
        "limit": "24",
        "sort": "price",
        "in_stock": "true",
        "price_min": "1000",
        "price_max": "120050",
        "vendor": "Kiln Street",
    }
    assert page.text.count('class="card"') == 24
    following = re.search(r'data-more-link|href="(/products\?[^"]*after=24[^"]*)"', page.text)
    assert following is not None
    second = await browser.get("/products?vendor=Kiln+Street&after=24")
    assert second.text.count('class="card"') == 6
    assert "Back to the beginning" in second.text


async def test_filters_that_make_no_sense_are_left_out(browser: Browser, catalog: FakeCatalog) -> None:
    page = await browser.get("/products?sort=sideways&from=cheap&to=-4&in_stock=maybe")
    assert page.status_code == 200
    assert dict(catalog.last("GET", "/products").url.params) == {"limit": "24", "sort": "newest"}


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/products?after=bad&sort=title", "/products?sort=title"),
        ("/products?vendor=refused", "/products"),
        ("/categories/ceramics?after=bad", "/categories/ceramics"),
        ("/search?q=bowl&after=bad", "/search?q=bowl"),
    ],
)
async def test_what_the_catalog_cannot_read_leads_back_to_the_list(
    browser: Browser, catalog: FakeCatalog, asked: str, to: str
) -> None:
    catalog.add_category("Ceramics")
    page = await browser.get(asked)
    assert page.status_code == 303
    assert page.headers["Location"] == to


async def test_a_list_the_catalog_refuses_as_it_is_is_not_found(
    browser: Browser, catalog: FakeCatalog
) -> None:
    catalog.failing = 422
    page = await browser.get("/products")
    assert page.status_code == 404


async def test_a_category_shows_its_products_its_parents_and_its_children(
    browser: Browser, catalog: FakeCatalog
) -> None:
    catalog.add_category("Home")
    middle = catalog.add_category("Ceramics", "Home", "<p>All that is fired.</p>")
    catalog.add_category("Bowls", "Ceramics")
    catalog.add("Tidal bowl", categories=[middle])
    catalog.add("Linen throw")
    page = await browser.get("/categories/ceramics")
    assert page.status_code == 200
    assert "<p>All that is fired.</p>" in page.text
    assert "Tidal bowl" in page.text
    assert "Linen throw" not in page.text
    assert words(page.text).count("Home / Ceramics") or "Home Home Ceramics" in words(page.text)
    assert 'href="/categories/bowls"' in page.text
    assert (await browser.get("/categories/nothing")).status_code == 404


async def test_an_empty_category_says_so(browser: Browser, catalog: FakeCatalog) -> None:
    catalog.add_category("Ceramics")
    assert "Nothing on this shelf" in (await browser.get("/categories/ceramics")).text
    assert "Nothing fits all of that" in (await browser.get("/categories/ceramics?in_stock=1")).text


async def test_the_category_index_tells_an_empty_shop_from_an_absent_catalog(
    browser: Browser, catalog: FakeCatalog
) -> None:
    assert "No categories yet" in (await browser.get("/categories")).text
    catalog.stopped = True
    assert (await browser.get("/categories")).status_code == 503


async def test_the_category_index_shows_the_tree(browser: Browser, catalog: FakeCatalog) -> None:
    catalog.add_category("Ceramics")
    catalog.add_category("Bowls", "Ceramics")
    page = await browser.get("/categories")
    assert re.search(r'tree__2"><a href="/categories/bowls">', page.text)


async def test_search_finds_and_says_when_nothing_matches(browser: Browser, catalog: FakeCatalog) -> None:
    catalog.add("Tidal bowl")
    found = await browser.get("/search?q=tidal")
    assert "Tidal bowl" in found.text
    assert catalog.last("GET", "/search").url.params["q"] == "tidal"
    assert "Nothing matches those words" in (await browser.get("/search?q=zebra")).text
    assert "Search without the filters" in (await browser.get("/search?q=zebra&in_stock=1")).text


async def test_search_without_words_asks_for_some(browser: Browser, catalog: FakeCatalog) -> None:
    page = await browser.get("/search?q=++%00")
    assert "What are you looking for?" in page.text
    assert catalog.asked("/api/catalog/v1/search") == 0


async def test_words_that_the_catalog_refuses_find_nothing(browser: Browser, catalog: FakeCatalog) -> None:
    catalog.failing = 422
    assert "Nothing matches those words" in (await browser.get("/search?q=odd")).text


async def test_what_a_visitor_types_is_shown_as_text(browser: Browser) -> None:
    page = await browser.get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;" in page.text


def a_shirt(catalog: FakeCatalog) -> dict[str, object]:
    red = {
        "id": made_id("red"),
        "url": "/media/red.webp",
        "alt": "In red",
        "position": 1,
        "width": 800,
        "height": 1000,
    }
    blue = {
        "id": made_id("blue"),
        "url": "http://shop.example/blue.jpg",
        "alt": "",
        "position": 0,
        "width": None,
        "height": None,
    }
    return catalog.add(
        "Shirt </script> “Oxford”",
        vendor="Nord & Sol",
        product_type="Shirts",
        tags=["cotton"],
        categories=[catalog.add_category("Clothes")],
        options=[{"name": "Colour", "values": ["Blue", "Red"]}, {"name": "Size", "values": ["S", "M"]}],
        variants=[
            variant(("Blue", "S"), 5000, sku="BS", on_hand=0),
            variant(("Blue", "M"), 5000, sku="BM", on_hand=2),
            variant(("Red", "M"), 6000, sku="RM", picture_id=red["id"], compare_at_price=money(8000)),
        ],
        pictures=[blue, red],
    )


async def test_a_product_page_has_what_a_visitor_and_a_search_engine_need(
    browser: Browser, catalog: FakeCatalog
) -> None:
    shirt = a_shirt(catalog)
    page = await browser.get(f"/products/{shirt['slug']}")
    assert page.status_code == 200
    text = words(page.text)
    assert "€50.00" in text
    assert "Only 2 left" in text, "the first variant that can be had is chosen"
    assert "In stock" in text
    assert 'src="https://shop.example/blue.jpg"' in page.text, "an http picture is asked for over https"
    assert f'<link rel="canonical" href="http://localhost:8080/products/{shirt["slug"]}">' in page.text
    assert '<meta name="description" content="About Shirt' in page.text
    data = re.search(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page.text, re.DOTALL)
    assert data is not None
    found = json.loads(data[1])
    assert found["name"] == "Shirt </script> “Oxford”"
    assert found["offers"]["lowPrice"] == "50.00"
    assert found["offers"]["highPrice"] == "60.00"
    assert [offer["availability"].rpartition("/")[2] for offer in found["offers"]["offers"]] == [
        "OutOfStock",
        "InStock",
        "InStock",
    ]
    assert found["image"] == ["https://shop.example/blue.jpg", "http://localhost:8080/media/red.webp"]
    assert found["brand"]["name"] == "Nord & Sol"


async def test_a_choice_works_by_the_address_alone(browser: Browser, catalog: FakeCatalog) -> None:
    shirt = a_shirt(catalog)
    page = await browser.get(f"/products/{shirt['slug']}?o1=Red&o2=S")
    text = words(page.text)
    assert "€60.00" in text
    assert "€80.00" in text, "the price before the reduction"
    assert page.text.index("/media/red.webp") < page.text.index(
        "shop.example/blue.jpg", page.text.index("gallery__stage")
    )
    sold_out = shirt["variants"][0]["id"]  # type: ignore[index]
    assert "Sold out" in words((await browser.get(f"/products/{shirt['slug']}?variant={sold_out}")).text)


async def test_a_product_without_options_or_pictures_or_price_is_shown_plainly(
    browser: Browser, catalog: FakeCatalog
) -> None:
    catalog.add("Stone", variants=[variant((), None)], description_html="")
    page = await browser.get("/products/stone")
    assert "Price on request" in page.text
    assert "data-choices" not in page.text
    assert "gallery__stage" not in page.text
    catalog.add("Idea", variants=[])
    assert (await browser.get("/products/idea")).status_code == 200


async def test_an_old_address_leads_to_the_present_one(browser: Browser, catalog: FakeCatalog) -> None:
    catalog.add("Tidal bowl", old_slug="bowl-of-old")
    page = await browser.get("/products/bowl-of-old")
    assert page.status_code == 301
    assert page.headers["Location"] == "/products/tidal-bowl"


async def test_a_product_page_offers_others_of_its_shelf_and_does_without_them(
    browser: Browser, catalog: FakeCatalog
) -> None:
    shelf = catalog.add_category("Bowls")
    catalog.add("Tidal bowl", categories=[shelf])
    catalog.add("Moon bowl", categories=[shelf])
    page = await browser.get("/products/tidal-bowl")
    assert "From the same shelf" in page.text
    assert "Moon bowl" in page.text
    for product in catalog.products.values():
        product["categories"] = [{**shelf, "slug": "refused"}]
    catalog.products[made_id("product Tidal bowl")]["categories"] = []
    assert "From the same shelf" not in (await browser.get("/products/tidal-bowl")).text


async def test_drafts_are_for_those_who_may_see_them(
    browser: Browser, catalog: FakeCatalog, users: FakeUsers
) -> None:
    catalog.add("Secret bowl", status="draft")
    assert (await browser.get("/products/secret-bowl")).status_code == 404
    browser.cookies[SESSION] = users.add("carl@example.org")
    assert (await browser.get("/products/secret-bowl")).status_code == 404
    browser.cookies[SESSION] = users.add("edith@example.org", "catalog:read_drafts", "catalog:write")
    page = await browser.get("/products/secret-bowl")
    assert page.status_code == 200
    assert "only people with access to the studio" in page.text
    assert "Edit in the studio" in page.text
    assert '<meta name="robots" content="noindex">' in page.text


async def test_slashes_and_dots_in_an_address_reach_no_other_address_of_the_catalog(
    browser: Browser, catalog: FakeCatalog
) -> None:
    assert (await browser.get("/products/..%2F..%2Fimports")).status_code == 404
    assert all(".." not in request.url.raw_path.decode() for request in catalog.seen)


@pytest.mark.parametrize(
    "path", ["/", "/products", "/products/tidal-bowl", "/categories/bowls", "/search?q=bowl"]
)
async def test_with_the_catalog_stopped_pages_say_so_and_come_back_by_themselves(
    browser: Browser, catalog: FakeCatalog, path: str
) -> None:
    shelf = catalog.add_category("Bowls")
    catalog.add("Tidal bowl", categories=[shelf])
    assert (await browser.get(path)).status_code == 200
    catalog.stopped = True
    away = await browser.get(path)
    assert away.status_code == 503
    assert "The catalogue is away for a moment" in away.text
    assert away.headers["Cache-Control"] == "no-store"
    assert int(away.headers["Retry-After"]) >= 1
    assert "data-comes-back" in away.text
    assert "/categories/bowls" in away.text, "the shelves are shown as they were last seen"
    catalog.stopped = False
    assert (await browser.get(path)).status_code == 200


async def test_an_answer_that_is_not_what_was_agreed_counts_as_absence(
    browser: Browser, catalog: FakeCatalog
) -> None:
    catalog.garbled = True
    assert (await browser.get("/products")).status_code == 503


async def test_with_users_stopped_the_storefront_is_complete(
    browser: Browser, catalog: FakeCatalog, users: FakeUsers
) -> None:
    catalog.add("Tidal bowl")
    users.stopped = True
    browser.cookies[SESSION] = "somebody"
    for path in ("/", "/products", "/products/tidal-bowl", "/search?q=bowl"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert "Tidal bowl" in page.text
    assert browser.cookies[SESSION] == "somebody", "a session nobody could be asked about is kept"
