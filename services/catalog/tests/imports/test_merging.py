"""What a file changes of the catalogue, and what it leaves as it is."""

from typing import Any

import pytest
from import_files import counts, csv_bytes

from .conftest import Importer

OLD = [
    "Handle", "Title", "Body (HTML)", "Vendor", "Tags", "Option1 Name", "Option1 Value", "Option2 Name",
    "Option2 Value", "Variant SKU", "Variant Price", "Image Src", "Image Alt Text", "Variant Image", "Material",
]  # fmt: skip
PICTURE = "https://p.example/"


def shopify(*rows: dict[str, Any], drop: tuple[str, ...] = (), add: tuple[str, ...] = ()) -> bytes:
    return csv_bytes([*(name for name in OLD if name not in drop), *add], rows)


CUP = {
    "Handle": "cup", "Title": "Cup", "Body (HTML)": "<p>Round</p>", "Vendor": "Potters", "Tags": "clay, blue",
    "Option1 Name": "Size", "Option1 Value": "S", "Variant SKU": "C-S", "Variant Price": "9",
    "Image Src": PICTURE + "1.jpg", "Image Alt Text": "A cup", "Variant Image": PICTURE + "1.jpg",
    "Material": "clay",
}  # fmt: skip
LARGE = {"Handle": "cup", "Option1 Value": "L", "Variant SKU": "C-L", "Variant Price": "11"}


async def product(importer: Importer, slug: str = "cup") -> dict[str, Any]:
    """A product as an editor reads it."""
    response = await importer.catalog.get(
        f"/products/by-slug/{slug}",
        headers=importer.catalog.editor,
    )
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_product_is_stored_as_the_file_says(importer: Importer) -> None:
    unsafe = {**CUP, "Body (HTML)": '<p onclick="x()">Round<script>alert(1)</script></p>'}
    await importer.run(shopify(unsafe, LARGE))
    cup = await product(importer)
    assert (cup["title"], cup["vendor"], cup["tags"], cup["status"]) == (
        "Cup",
        "Potters",
        ["clay", "blue"],
        "active",
    )
    assert cup["description_html"] == "<p>Round</p>"
    assert cup["options"] == [{"name": "Size", "values": ["S", "L"]}]
    assert cup["extra"] == {"Material": "clay"}
    assert [variant["price"]["amount_minor"] for variant in cup["variants"]] == [900, 1100]
    [picture] = cup["pictures"]
    assert (picture["url"], picture["alt"]) == (PICTURE + "1.jpg", "A cup")
    assert cup["variants"][0]["picture_id"] == picture["id"]
    assert cup["price_range"] == {"min_minor": 900, "max_minor": 1100, "currency": "EUR"}
    assert cup["version"] == 1


async def test_only_what_differs_is_written(importer: Importer) -> None:
    mug = {"Handle": "mug", "Title": "Mug", "Variant Price": "5"}
    await importer.run(shopify(CUP, LARGE, mug))
    before = await product(importer)
    done = await importer.run(shopify(CUP, {**LARGE, "Variant Price": "12"}, mug))
    assert done["counts"] == {
        "products": counts(updated=1, unchanged=1),
        "variants": counts(updated=1, unchanged=2),
        "images": counts(unchanged=1),
    }
    after = await product(importer)
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]
    assert [variant["id"] for variant in after["variants"]] == [
        variant["id"] for variant in before["variants"]
    ]
    assert after["price_range"]["max_minor"] == 1200
    assert (await product(importer, "mug"))["version"] == 1


async def test_a_new_digest_alone_is_no_change(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    await importer.execute("UPDATE product SET source_hash = '\\x00'")
    before = await product(importer)
    done = await importer.run(shopify(CUP, LARGE))
    assert done["counts"]["products"] == counts(unchanged=1)
    assert done["counts"]["variants"] == counts(unchanged=2)
    assert await product(importer) == before


async def test_an_edit_made_here_outlives_the_same_file(importer: Importer) -> None:
    content = shopify(CUP, LARGE)
    await importer.run(content)
    cup = await product(importer)
    await importer.catalog.send("PATCH", f"/products/{cup['id']}", {"title": "Our cup"})
    assert (await importer.run(content))["counts"]["products"] == counts(unchanged=1)
    assert (await product(importer))["title"] == "Our cup"


async def test_a_blank_cell_clears_and_an_absent_column_keeps(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    blank = {
        **CUP,
        "Vendor": "",
        "Material": "",
        "Image Alt Text": "",
        "Variant SKU": "",
        "Variant Image": "",
    }
    await importer.run(shopify(blank, LARGE, drop=("Tags", "Body (HTML)")))
    cup = await product(importer)
    assert (cup["vendor"], cup["tags"], cup["description_html"]) == ("", ["clay", "blue"], "<p>Round</p>")
    assert cup["extra"] == {}
    assert cup["pictures"][0]["alt"] == ""
    assert (cup["variants"][0]["sku"], cup["variants"][0]["picture_id"]) == (None, None)

    dropped = ("Variant Price", "Option1 Name", "Option1 Value", "Option2 Name", "Option2 Value", "Variant Image",
               "Image Src", "Image Alt Text", "Variant SKU")  # fmt: skip
    done = await importer.run(shopify({"Handle": "cup", "Title": "New cup"}, drop=dropped))
    assert done["counts"]["products"] == counts(updated=1)
    cup = await product(importer)
    assert cup["title"] == "New cup"
    assert [variant["price"]["amount_minor"] for variant in cup["variants"]] == [900, 1100]
    assert len(cup["pictures"]) == 1


async def test_a_product_without_a_title_is_updated_but_not_made(importer: Importer) -> None:
    await importer.run(shopify(CUP))
    rows = [
        {**CUP, "Title": "", "Vendor": "Others"},
        {"Handle": "jug", "Variant Price": "4", "Image Src": PICTURE + "j"},
    ]
    done = await importer.run(shopify(*rows))
    assert done["counts"]["products"] == counts(updated=1, failed=1)
    assert done["counts"]["images"] == counts(unchanged=1, failed=1)
    cup = await product(importer)
    assert (cup["title"], cup["vendor"]) == ("Cup", "Others")
    [problem] = (await importer.problems(done["id"]))["items"]
    assert (problem["line"], problem["field"]) == (3, "Title")


async def test_variants_and_pictures_the_file_leaves_out_stay(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    done = await importer.run(shopify({**CUP, "Image Src": PICTURE + "2.jpg"}))
    assert done["counts"]["images"] == counts(created=1, updated=1)
    cup = await product(importer)
    assert [variant["sku"] for variant in cup["variants"]] == ["C-S", "C-L"]
    assert cup["options"] == [{"name": "Size", "values": ["S", "L"]}]
    assert {picture["url"] for picture in cup["pictures"]} == {PICTURE + "1.jpg", PICTURE + "2.jpg"}


async def test_variants_that_do_not_fit_new_options_go_and_it_is_said(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    await importer.execute("UPDATE variant SET source_key = NULL WHERE sku = 'C-L'")
    both = {"Option2 Name": "Glaze", "Option2 Value": "White"}
    done = await importer.run(shopify({**CUP, **both, "Option1 Value": "M", "Variant SKU": "C-M"}))
    assert done["status"] == "done"
    cup = await product(importer)
    assert cup["options"] == [
        {"name": "Size", "values": ["M", "L"]},
        {"name": "Glaze", "values": ["White", "Default"]},
    ]
    assert [(variant["sku"], variant["option_values"]) for variant in cup["variants"]] == [
        ("C-M", ["M", "White"]),
        ("C-L", ["L", "Default"]),
    ]
    [problem] = (await importer.problems(done["id"]))["items"]
    assert "1 variants" in problem["message"]


async def test_a_file_of_prices_finds_variants_by_sku(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    content = csv_bytes(
        ["Handle", "Title", "Variant SKU", "Variant Price"],
        [{"Handle": "cup", "Title": "Cup", "Variant SKU": "C-L", "Variant Price": "15"}],
    )
    done = await importer.run(content)
    assert done["counts"]["variants"] == counts(updated=1)
    cup = await product(importer)
    assert [variant["price"]["amount_minor"] for variant in cup["variants"]] == [900, 1500]
    done = await importer.run(content.replace(b"C-L", b"C-X"))
    assert done["counts"]["variants"] == counts(failed=1)
    [problem] = (await importer.problems(done["id"]))["items"]
    assert problem["line"] == 2


async def test_a_product_never_has_two_currencies(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    done = await importer.run(shopify({**CUP, "Variant Price": "10"}), currency="USD")
    assert done["counts"]["products"] == counts(failed=1)
    [problem] = (await importer.problems(done["id"]))["items"]
    assert "USD" in problem["message"]
    done = await importer.run(shopify({**CUP, "Variant Price": "10"}, LARGE), currency="USD")
    assert done["counts"]["products"] == counts(updated=1)
    assert (await product(importer))["price_range"]["currency"] == "USD"
    await importer.execute("UPDATE variant SET cost_minor = 5")
    done = await importer.run(shopify(CUP, LARGE))
    assert done["counts"]["products"] == counts(failed=1)


async def test_categories_of_a_column_replace_and_those_of_a_type_are_added(importer: Importer) -> None:
    row = {"Handle": "cup", "Title": "Cup", "Type": "Cups", "Product Category": "Home > Kitchen"}
    await importer.run(csv_bytes(["Handle", "Title", "Type", "Product Category"], [row]))
    assert [each["name"] for each in (await product(importer))["categories"]] == ["Kitchen"]
    await importer.run(
        csv_bytes(
            ["Handle", "Title", "Type", "Variant SKU"],
            [row | {"Product Category": ""}],
        ),
    )
    names = [each["name"] for each in (await product(importer))["categories"]]
    assert names == ["Kitchen", "Cups"]
    await importer.run(
        csv_bytes(
            ["Handle", "Title", "Type", "Product Category"], [row | {"Product Category": "Home > Bath"}]
        )
    )
    assert [each["name"] for each in (await product(importer))["categories"]] == ["Bath"]
    tree = (await importer.catalog.get("/categories")).json()["items"]
    assert {each["name"] for each in tree} == {"Home", "Kitchen", "Cups", "Bath"}


async def test_categories_of_one_name_get_slugs_of_their_own(importer: Importer) -> None:
    rows = [
        {"Type": "simple", "Name": f"Thing {n}", "Categories": path, "Regular price": "1"}
        for n, path in enumerate(["Men > Shoes", "Women > Shoes", "Shoes", "Shoes > Shoes", "Men > Shoes"])
    ]
    await importer.run(csv_bytes(["Type", "Name", "Categories", "Regular price"], rows))
    slugs = await importer.rows("SELECT slug FROM category ORDER BY slug")
    assert [row["slug"] for row in slugs] == [
        "men",
        "men-shoes",
        "shoes",
        "shoes-shoes",
        "women",
        "women-shoes",
    ]


async def test_a_hand_made_product_is_meant_by_its_handle(importer: Importer) -> None:
    made = await importer.catalog.create(title="Cup", tags=["mine"])
    done = await importer.run(shopify(CUP, LARGE, drop=("Tags",)))
    assert done["counts"]["products"] == counts(updated=1)
    cup = await product(importer)
    assert (cup["id"], cup["tags"]) == (made["id"], ["mine"])
    assert (await importer.run(shopify(CUP, LARGE, drop=("Tags",))))["counts"]["products"] == counts(
        unchanged=1
    )


async def test_a_name_alone_does_not_mean_a_hand_made_product(importer: Importer) -> None:
    await importer.catalog.create(title="Cup")
    content = csv_bytes(
        ["Type", "SKU", "Name", "Regular price"],
        [{"Type": "simple", "SKU": n, "Name": "Cup", "Regular price": "1"} for n in "ABC"],
    )
    done = await importer.run(content)
    assert done["counts"]["products"] == counts(created=3)
    slugs = await importer.rows("SELECT slug FROM product ORDER BY slug")
    assert [row["slug"] for row in slugs] == ["cup", "cup-2", "cup-3", "cup-4"]


@pytest.mark.parametrize("products", [30])
async def test_many_products_of_one_title_still_get_slugs(importer: Importer, products: int) -> None:
    content = csv_bytes(
        ["Type", "SKU", "Name", "Regular price"],
        [{"Type": "simple", "SKU": n, "Name": "Cup", "Regular price": "1"} for n in range(products)],
    )
    done = await importer.run(content)
    assert done["counts"]["products"] == counts(created=products)
    assert await importer.rows("SELECT count(DISTINCT slug) FROM product") == [{"count": products}]


async def test_a_variation_that_changes_its_attributes_stays_the_same_variant(importer: Importer) -> None:
    def woo(first: str, second: str) -> bytes:
        headers = [
            "Type",
            "SKU",
            "Name",
            "Parent",
            "Regular price",
            "Attribute 1 name",
            "Attribute 1 value(s)",
        ]
        return csv_bytes(
            headers,
            [
                {"Type": "variable", "SKU": "T", "Name": "Tee", "Attribute 1 name": "Size"},
                *(
                    {"Type": "variation", "SKU": sku, "Parent": "T", "Regular price": "5",
                     "Attribute 1 name": "Size", "Attribute 1 value(s)": size}
                    for sku, size in (("T-1", first), ("T-2", second))
                ),
            ],
        )  # fmt: skip

    await importer.run(woo("S", "M"))
    before = {variant["sku"]: variant["id"] for variant in (await product(importer, "tee"))["variants"]}
    done = await importer.run(woo("M", "S"))
    assert done["counts"]["variants"] == counts(updated=2)
    variants = (await product(importer, "tee"))["variants"]
    assert {variant["sku"]: variant["id"] for variant in variants} == before
    assert {variant["sku"]: variant["option_values"] for variant in variants} == {"T-1": ["M"], "T-2": ["S"]}


async def test_what_was_imported_is_found(importer: Importer) -> None:
    await importer.run(shopify(CUP, LARGE))
    for words in ("cup", "potters", "C-L"):
        found = (await importer.catalog.get("/search", params={"q": words})).json()["items"]
        assert [item["slug"] for item in found] == ["cup"], words
    await importer.run(shopify({**CUP, "Title": "Beaker"}, LARGE))
    assert (await importer.catalog.get("/search", params={"q": "beaker"})).json()["items"]
