"""The studio's product pages: finding, making, changing together with others, and deleting."""

from __future__ import annotations

import re
from typing import Any

import pytest
from gateway_browser import SESSION, Browser, form_values, words
from shop_neighbours import FakeCatalog, FakeUsers, body_of, made_id, money, refusal, variant


async def test_the_overview_shows_what_changed_what_waits_and_what_was_imported(
    editor: Browser, catalog: FakeCatalog
) -> None:
    catalog.add("Tidal bowl")
    catalog.add("Moon vase", status="draft")
    catalog.add_import("done", name="Old shop")
    page = await editor.get("/studio")
    text = words(page.text)
    assert "Changed last" in text
    assert "Moon vase" in text
    assert "Old shop" in text
    assert catalog.last("GET", "/products").headers["Authorization"] == "Bearer token-of-editor@example.org"


async def test_the_overview_of_an_empty_shop_says_how_to_begin(editor: Browser) -> None:
    text = words((await editor.get("/studio")).text)
    assert "No products yet" in text
    assert "Nothing waits to be published" in text
    assert "Nothing has been imported yet" in text


async def test_a_reader_without_the_right_to_import_sees_no_imports(
    browser: Browser, users: FakeUsers, catalog: FakeCatalog
) -> None:
    browser.cookies[SESSION] = users.add("viewer@example.org", "catalog:read_drafts")
    page = await browser.get("/studio")
    assert page.status_code == 200
    assert "/studio/imports" not in page.text
    assert "/studio/products/new" not in page.text
    assert catalog.asked("/api/catalog/v1/imports") == 0


async def test_the_list_is_narrowed_and_ordered_by_the_address(editor: Browser, catalog: FakeCatalog) -> None:
    catalog.add_category("Bowls")
    for number in range(60):
        catalog.add(f"Bowl {number}", vendor="Kiln Street")
    page = await editor.get(
        "/studio/products?q=Bowl&status=active&vendor=Kiln+Street&sort=title&in_stock=true"
    )
    assert dict(catalog.last("GET", "/products").url.params) == {
        "limit": "50",
        "sort": "title",
        "q": "Bowl",
        "status": "active",
        "vendor": "Kiln Street",
        "in_stock": "true",
    }
    following = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert following is not None
    second = await editor.get(following[1].replace("&amp;", "&"))
    assert catalog.last("GET", "/products").url.params["after"] == "50"
    assert catalog.last("GET", "/products").url.params["sort"] == "title"
    assert "First page" in second.text


async def test_filters_that_are_none_are_left_out(editor: Browser, catalog: FakeCatalog) -> None:
    page = await editor.get("/studio/products?status=odd&sort=odd&in_stock=odd")
    assert page.status_code == 200
    assert dict(catalog.last("GET", "/products").url.params) == {"limit": "50", "sort": "updated"}
    assert "No products yet" in (await editor.get("/studio/products")).text
    assert "Nothing fits all of that" in (await editor.get("/studio/products?q=zebra")).text


async def test_a_cursor_that_is_none_leads_to_the_first_page(editor: Browser, catalog: FakeCatalog) -> None:
    page = await editor.get("/studio/products?q=bowl&after=bad")
    assert page.status_code == 303
    assert page.headers["Location"] == "/studio/products?q=bowl"
    catalog.failing = 422
    assert (await editor.get("/studio/products")).status_code == 422


def row(number: int, **values: str) -> dict[str, str]:
    return {f"variants-{number}-{name}": value for name, value in values.items()}


async def test_a_product_is_made_with_variants_prices_and_categories(
    editor: Browser, catalog: FakeCatalog
) -> None:
    shelf = catalog.add_category("Bowls")
    values = {
        "title": "  Tidal bowl ",
        "status": "active",
        "vendor": "Kiln Street",
        "tags": "handmade, , blue ",
        "description_html": "<p>Thrown.\r\nFired.</p>",
        "currency": "eur",
        "option1_name": "Size",
        "category_ids": [shelf["id"]],
        **row(
            0,
            option1="S",
            price="24,50",
            compare_at="30",
            cost="9.10",
            sku="B-S",
            tracked="y",
            on_hand="4",
            sell_on="y",
            weight_grams="300",
            barcode="123",
        ),
        **row(1, option1="L", price="1,200.00"),
        **row(2, option1=""),
    }
    done = await editor.fill("/studio/products/new", values)
    assert done.status_code == 303
    sent = body_of(catalog.last("POST", "/products"))
    assert sent["title"] == "Tidal bowl"
    assert sent["tags"] == ["handmade", "blue"]
    assert sent["description_html"] == "<p>Thrown.\nFired.</p>"
    assert sent["category_ids"] == [shelf["id"]]
    assert sent["options"] == [{"name": "Size", "values": ["S", "L"]}]
    assert sent["variants"][0] == {
        "sku": "B-S",
        "barcode": "123",
        "option_values": ["S"],
        "price": money(2450),
        "compare_at_price": money(3000),
        "cost": money(910),
        "stock": {"tracked": True, "on_hand": 4, "policy": "continue"},
        "weight_grams": 300,
    }
    assert sent["variants"][1]["price"] == money(120000)
    assert len(sent["variants"]) == 2
    assert "slug" not in sent
    assert done.headers["Location"].startswith("/studio/products/")
    assert "is made" in (await editor.get(done.headers["Location"])).text


async def test_a_form_sent_twice_makes_one_product(editor: Browser, catalog: FakeCatalog) -> None:
    form = form_values((await editor.get("/studio/products/new")).text, "/studio/products/new")
    values = {**form, "title": "Tidal bowl"}
    first = await editor.send("POST", "/studio/products/new", data=values)
    second = await editor.send("POST", "/studio/products/new", data=values)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(catalog.products) == 1


async def test_what_cannot_be_read_is_said_at_its_field_and_nothing_is_sent(
    editor: Browser, catalog: FakeCatalog
) -> None:
    page = await editor.fill(
        "/studio/products/new", {"title": " ", "currency": "eur", **row(0, price="cheap", on_hand="many")}
    )
    assert page.status_code == 422
    assert "Give the product a title" in page.text
    assert not any(request.method == "POST" for request in catalog.seen)
    page = await editor.fill(
        "/studio/products/new", {"title": "Bowl", **row(0, price="cheap"), **row(1, cost="1.005")}
    )
    assert page.status_code == 422
    assert "Enter an amount, such as 24.50." in page.text
    assert "USD has 2 decimals" in page.text
    assert 'value="cheap"' in page.text, "what was typed stays"
    assert not any(request.method == "POST" for request in catalog.seen)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"option1_name": "Size", **row(0, option1="S"), **row(1, sku="B")}, "Give a value for Size."),
        (row(0, option1="S"), "give the option a name"),
        ({"option2_name": "Size", **row(0, option2="S")}, "Name this option, or move the next one here."),
    ],
)
async def test_options_and_values_have_to_fit(editor: Browser, values: dict[str, str], said: str) -> None:
    page = await editor.fill("/studio/products/new", {"title": "Bowl", **values})
    assert page.status_code == 422
    assert said in page.text


async def test_what_the_catalog_refuses_is_shown_where_it_belongs(
    editor: Browser, catalog: FakeCatalog
) -> None:
    catalog.refuse_next = refusal(
        422,
        "title: too odd",
        [
            {"field": "slug", "message": "Use small letters."},
            {"field": "seo.title", "message": "Too long."},
            {"field": "variants.0.price.amount_minor", "message": "Too much."},
            {"field": "variants.0.option_values.0", "message": "Unknown value."},
            {"field": "variants.0.extra", "message": "Odd."},
            {"field": "variants.9.sku", "message": "No such line."},
            {"field": "extra", "message": "Too deep."},
        ],
    )
    before = form_values((await editor.get("/studio/products/new")).text, "/studio/products/new")
    page = await editor.send(
        "POST",
        "/studio/products/new",
        data={**before, "title": "Bowl", "option1_name": "Size", **row(0, option1="S", price="5")},
    )
    assert page.status_code == 422
    text = page.text
    assert 'id="slug-error">Use small letters.' in text
    assert 'id="seo_title-error">Too long.' in text
    assert 'aria-label="Price" class="w-money num" ' in text
    for message in (
        "Too much.",
        "Unknown value.",
        "Odd.",
        "variants.9.sku: No such line.",
        "extra: Too deep.",
    ):
        assert message in text
    assert form_values(text, "/studio/products/new")["key"] != before["key"], (
        "what is sent next is another request"
    )


async def test_a_refusal_without_fields_stands_above_the_form(editor: Browser, catalog: FakeCatalog) -> None:
    catalog.refuse_next = refusal(409, "The slug is taken.")
    page = await editor.fill("/studio/products/new", {"title": "Bowl"})
    assert page.status_code == 422
    assert "The slug is taken." in page.text


async def test_the_form_shows_the_product_as_it_is(editor: Browser, catalog: FakeCatalog) -> None:
    shelf = catalog.add_category("Bowls")
    product = shirt(catalog, categories=[shelf])
    page = await editor.get(f"/studio/products/{product['id']}")
    values = form_values(page.text, f"/studio/products/{product['id']}")
    assert values["title"] == "Shirt"
    assert values["etag"] == '"1-x"'
    assert values["option1_name"] == "Size"
    assert values["currency"] == "EUR"
    assert values["variants-0-price"] == "50.00"
    assert values["variants-0-tracked"] == "y"
    assert values["category_ids"] == shelf["id"]
    assert values["variants-2-id"] == "", "an empty line waits at the end"
    assert "made by Edith" in words(page.text)


def shirt(catalog: FakeCatalog, **members: Any) -> dict[str, Any]:
    return catalog.add(
        "Shirt",
        options=[{"name": "Size", "values": ["S", "M"]}],
        variants=[variant(("S",), 5000, sku="S"), variant(("M",), 5000, sku="M", extra={"tax_code": "P1"})],
        **members,
    )


async def test_saving_changes_what_was_changed_and_keeps_the_rest(
    editor: Browser, catalog: FakeCatalog
) -> None:
    product = shirt(catalog)
    path = f"/studio/products/{product['id']}"
    done = await editor.fill(
        path, {"title": "Linen shirt", "variants-0-price": "55", **row(2, option1="L", price="60")}
    )
    assert done.status_code == 303
    assert "Saved." in (await editor.get(path)).text
    assert product["title"] == "Linen shirt"
    assert [v["price"]["amount_minor"] for v in product["variants"]] == [5500, 5000, 6000]
    assert product["variants"][1]["extra"] == {"tax_code": "P1"}
    assert product["options"] == [{"name": "Size", "values": ["S", "M", "L"]}]
    assert catalog.last("PATCH").headers["If-Match"] == '"1-x"'
    assert body_of(catalog.last("PATCH"))["slug"] == "shirt"


async def test_a_line_marked_for_removal_goes(editor: Browser, catalog: FakeCatalog) -> None:
    product = shirt(catalog)
    await editor.fill(f"/studio/products/{product['id']}", {"variants-0-remove": "y"})
    assert [v["sku"] for v in product["variants"]] == ["M"]
    assert product["options"] == [{"name": "Size", "values": ["M"]}]


async def test_two_editors_at_once_see_both_versions_and_lose_nothing(
    editor: Browser, catalog: FakeCatalog
) -> None:
    shelf = catalog.add_category("Bowls")
    product = shirt(catalog)
    path = f"/studio/products/{product['id']}"
    mine = form_values((await editor.get(path)).text, path)
    await editor.fill(path, {"title": "Theirs", "vendor": "Their vendor"})
    mine |= {"title": "Mine", "variants-0-price": "99", "category_ids": [shelf["id"]]}
    page = await editor.send("POST", path, data=mine)
    assert page.status_code == 412
    text = words(page.text)
    assert "Somebody saved this product while you were editing" in text
    assert "Title Theirs Mine" in text
    assert "Vendor Their vendor —" in text
    assert "Categories — Bowls" in text
    assert "S · S · 50.00 · 5 on hand" in text
    assert "S · S · 99 · 5 on hand" in text
    assert product["title"] == "Theirs", "nothing was overwritten unseen"
    again = form_values(page.text, path)
    assert again["title"] == "Mine"
    assert again["etag"] == '"2-x"'
    done = await editor.send("POST", path, data=again)
    assert done.status_code == 303
    assert product["title"] == "Mine"
    assert product["variants"][0]["price"] == money(9900)


async def test_the_same_change_by_two_is_said_to_be_the_same(editor: Browser, catalog: FakeCatalog) -> None:
    product = shirt(catalog)
    path = f"/studio/products/{product['id']}"
    mine = form_values((await editor.get(path)).text, path)
    product["version"] = 7
    page = await editor.send("POST", path, data=mine)
    assert page.status_code == 412
    assert "with the very same content as yours" in page.text


async def test_a_refused_change_keeps_what_was_typed(editor: Browser, catalog: FakeCatalog) -> None:
    product = shirt(catalog)
    catalog.refuse_next = refusal(422, "", [{"field": "title", "message": "Not that."}])
    page = await editor.fill(f"/studio/products/{product['id']}", {"title": "Odd"})
    assert page.status_code == 422
    assert 'id="title-error">Not that.' in page.text
    assert 'value="Odd"' in page.text


async def test_a_viewer_reads_and_cannot_change(
    browser: Browser, users: FakeUsers, catalog: FakeCatalog
) -> None:
    product = shirt(
        catalog, pictures=[{"id": made_id("p"), "url": "/media/x", "alt": "Front", "position": 0}]
    )
    browser.cookies[SESSION] = users.add("viewer@example.org", "catalog:read_drafts")
    path = f"/studio/products/{product['id']}"
    page = await browser.get(path)
    assert page.status_code == 200
    assert 'class="editor" disabled' in page.text
    assert "/delete" not in page.text
    done = await browser.send("POST", path, data=form_values(page.text, path))
    assert done.status_code == 403
    assert not any(request.method == "PATCH" for request in catalog.seen)


async def test_a_product_with_very_many_variants_is_edited_without_its_table(
    editor: Browser, catalog: FakeCatalog
) -> None:
    many = [variant((str(number),), 100, sku=str(number)) for number in range(101)]
    product = catalog.add(
        "Beads", variants=many, options=[{"name": "No.", "values": [str(n) for n in range(101)]}]
    )
    path = f"/studio/products/{product['id']}"
    assert "too many for a form" in (await editor.get(path)).text
    assert (await editor.fill(path, {"title": "Glass beads"})).status_code == 303
    assert "variants" not in body_of(catalog.last("PATCH"))
    assert len(product["variants"]) == 101


async def test_a_full_table_has_no_spare_line(editor: Browser, catalog: FakeCatalog) -> None:
    many = [variant((str(number),), 100, sku=str(number)) for number in range(100)]
    product = catalog.add(
        "Beads", variants=many, options=[{"name": "No.", "values": [str(n) for n in range(100)]}]
    )
    page = await editor.get(f"/studio/products/{product['id']}")
    assert 'name="variants-99-sku"' in page.text
    assert 'name="variants-100-sku"' not in page.text


async def test_deleting_asks_first(editor: Browser, catalog: FakeCatalog) -> None:
    product = shirt(catalog)
    path = f"/studio/products/{product['id']}/delete"
    page = await editor.get(path)
    assert "Delete “Shirt”?" in page.text
    assert "2 variants" in words(page.text)
    assert product["id"] in catalog.products
    done = await editor.fill(path)
    assert done.status_code == 303
    assert not catalog.products
    assert "is deleted" in (await editor.get(done.headers["Location"])).text


async def test_what_changed_since_the_question_is_asked_about_again(
    editor: Browser, catalog: FakeCatalog
) -> None:
    product = shirt(catalog)
    path = f"/studio/products/{product['id']}/delete"
    form = form_values((await editor.get(path)).text, path)
    product["version"] = 9
    page = await editor.send("POST", path, data=form)
    assert page.status_code == 412
    assert "Somebody changed it since you asked" in page.text
    assert (await editor.send("POST", path, data=form_values(page.text, path))).status_code == 303
    assert not catalog.products


async def test_a_product_that_is_not_there_is_not_found(editor: Browser) -> None:
    for ending in ("", "/delete", "/pictures"):
        assert (await editor.get(f"/studio/products/{made_id('nothing')}{ending}")).status_code == 404
    assert (await editor.get("/studio/products/no-id")).status_code == 404
