"""Shopify's files are read by their rules, in both header generations."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from import_files import csv_bytes
from vitrine_catalog.imports.reading.recognise import Catalogue, recognise
from vitrine_catalog.imports.reading.records import MAX_VARIANTS, Part, ProductRecord
from vitrine_catalog.products import models

Write = Callable[[bytes | str], Path]

OLD = [
    "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value",
    "Option2 Name", "Option2 Value", "Variant SKU", "Variant Grams", "Variant Inventory Tracker",
    "Variant Inventory Qty", "Variant Inventory Policy", "Variant Price", "Variant Compare At Price",
    "Variant Requires Shipping", "Variant Taxable", "Variant Barcode", "Image Src", "Image Position",
    "Image Alt Text", "SEO Title", "SEO Description", "Variant Image", "Variant Weight Unit", "Cost per item",
    "Status", "Price / International", "Material (product.metafields.custom.material)", "Product Category",
]  # fmt: skip
TEMPLATE = [
    "Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags", "Published on online store",
    "Status", "SKU", "Barcode", "Option1 name", "Option1 value", "Option1 Linked To", "Price", "Compare-at price",
    "Cost per item", "Charge tax", "Inventory tracker", "Inventory quantity",
    "Continue selling when out of stock", "Weight value (grams)", "Requires shipping", "Product image URL",
    "Image position", "Image alt text", "Variant image URL", "SEO title", "SEO description",
]  # fmt: skip
PICTURE = "https://pictures.example/"


def read(
    write: Write, rows: Sequence[Mapping[str, Any]], headers: Sequence[str] = OLD, **how: Any
) -> list[Part]:
    path = write(csv_bytes(headers, rows, **how))
    return list(Catalogue(path, recognise(path), exponent=2).parts())


def one(parts: list[Part]) -> ProductRecord:
    [part] = parts
    return part.record


def messages(parts: list[Part]) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.severity) for part in parts for problem in part.problems]


SHIRT = {
    "Handle": "shirt", "Title": "Shirt", "Body (HTML)": "<p>Soft\n\nand warm</p>", "Vendor": "Weavers",
    "Type": "Shirts", "Tags": "linen, summer", "Published": "true", "Option1 Name": "Size", "Option1 Value": "S",
    "Option2 Name": "Colour", "Option2 Value": "Red", "Variant SKU": "S-R", "Variant Grams": "250",
    "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "4", "Variant Inventory Policy": "continue",
    "Variant Price": "39.90", "Variant Compare At Price": "49.90", "Cost per item": "12", "Variant Taxable": "false",
    "Variant Requires Shipping": "true", "Variant Barcode": "4006381333931", "Image Src": PICTURE + "1.jpg",
    "Image Position": "1", "Image Alt Text": "Front", "SEO Title": "A shirt", "SEO Description": "To wear",
    "Variant Weight Unit": "kg", "Price / International": "45.00",
    "Material (product.metafields.custom.material)": "linen", "Variant Image": PICTURE + "2.jpg",
}  # fmt: skip


def test_a_product_of_the_old_headers_is_read_whole(write: Write) -> None:
    rows = [
        SHIRT,
        {"Handle": "shirt", "Option1 Value": "M", "Option2 Value": "Red", "Variant Price": "39.9"},
        {"Handle": "shirt", "Image Src": PICTURE + "3.jpg", "Image Position": "3", "Image Alt Text": "Back"},
    ]
    parts = read(write, rows)
    record = one(parts)
    assert messages(parts) == []
    assert (record.key, record.slug, record.title, record.vendor) == ("shirt", "shirt", "Shirt", "Weavers")
    assert record.description_html == "<p>Soft\n\nand warm</p>"
    assert (record.tags, record.status) == (["linen", "summer"], "active")
    assert (record.seo_title, record.seo_description) == ("A shirt", "To wear")
    assert record.option_names == ["Size", "Colour"]
    assert record.categories == [("Shirts",)]
    assert record.extra == {"Material (product.metafields.custom.material)": "linen"}
    first, second = record.variants
    assert first.option_values == ["S", "Red"]
    assert (first.price_minor, first.compare_at_minor, first.cost_minor) == (3990, 4990, 1200)
    assert (first.tracked, first.on_hand, first.policy) == (True, 4, "continue")
    assert (first.weight_grams, first.taxable, first.requires_shipping) == (250, False, True)
    assert (first.sku, first.barcode, first.picture_url) == ("S-R", "4006381333931", PICTURE + "2.jpg")
    assert first.extra == {"Variant Weight Unit": "kg", "Price / International": "45.00"}
    assert (second.option_values, second.price_minor, second.tracked) == (["M", "Red"], 3990, False)
    assert [(picture.url[-5:], picture.alt) for picture in record.pictures] == [
        ("1.jpg", "Front"),
        ("2.jpg", ""),
        ("3.jpg", "Back"),
    ]


def test_the_new_template_is_read_alike(write: Write) -> None:
    rows = [
        {
            "Title": "Bowl", "URL handle": "bowl", "Description": "<p>Round</p>", "Vendor": "Potters",
            "Product category": "Home & Garden > Kitchen > Bowls", "Published on online store": "TRUE",
            "Status": "Active", "SKU": "B1", "Option1 name": "Glaze", "Option1 value": "White",
            "Option1 Linked To": "product.metafields.shopify.color-pattern", "Price": "18", "Charge tax": "TRUE",
            "Inventory tracker": "shopify", "Inventory quantity": "7",
            "Continue selling when out of stock": "DENY", "Weight value (grams)": "410.4",
            "Product image URL": PICTURE + "b.jpg",
        },
        {"URL handle": "bowl", "Option1 value": "Blue", "Price": "19", "Continue selling when out of stock": "TRUE"},
    ]  # fmt: skip
    record = one(read(write, rows, TEMPLATE))
    assert record.categories == [("Home & Garden", "Kitchen", "Bowls")]
    white, blue = record.variants
    assert (white.price_minor, white.on_hand, white.policy, white.weight_grams) == (1800, 7, "deny", 410)
    assert white.extra == {"Weight value (grams)": "410.4"}
    assert (blue.option_values, blue.policy) == (["Blue"], "continue")
    assert record.extra == {"Option1 Linked To": "product.metafields.shopify.color-pattern"}


def test_a_row_with_a_picture_only_is_no_variant(write: Write) -> None:
    rows = [
        {"Handle": "cup", "Title": "Cup", "Option1 Name": "Title", "Option1 Value": "Default Title"},
        {"Handle": "cup", "Image Src": PICTURE + "a.jpg"},
        {"Handle": "cup", "Image Src": PICTURE + "a.jpg", "Image Alt Text": "Again"},
        {"Handle": "cup"},
    ]  # fmt: skip
    parts = read(write, rows)
    record = one(parts)
    assert len(record.variants) == 1
    assert [(picture.url, picture.alt) for picture in record.pictures] == [(PICTURE + "a.jpg", "Again")]
    assert messages(parts) == [(5, "", "warning")]


@pytest.mark.parametrize(
    ("status", "published", "expected", "extra"),
    [
        ("active", "true", "active", {}),
        ("", "", "active", {}),
        ("draft", "true", "draft", {}),
        ("archived", "false", "archived", {}),
        ("active", "false", "draft", {"Published": "false", "Status": "active"}),
        ("", "false", "draft", {"Published": "false"}),
        ("unlisted", "true", "draft", {"Status": "unlisted"}),
    ],
)
def test_only_what_the_old_shop_showed_is_active(
    write: Write, status: str, published: str, expected: str, extra: dict[str, str]
) -> None:
    row = {"Handle": "cup", "Title": "Cup", "Status": status, "Published": published}
    record = one(read(write, [row]))
    assert (record.status, record.extra) == (expected, extra)


def test_semicolons_bring_decimal_commas(write: Write) -> None:
    row = {"Handle": "cup", "Title": "Cup", "Variant Price": "1234,50"}
    record = one(read(write, [row], delimiter=";"))
    assert record.variants[0].price_minor == 123450


def test_a_bad_price_leaves_out_its_variant_only(write: Write) -> None:
    rows = [
        {"Handle": "cup", "Title": "Cup", "Option1 Name": "Size", "Option1 Value": "S", "Variant Price": "cheap"},
        {"Handle": "cup", "Option1 Value": "M", "Variant Price": "10.005", "Variant Inventory Qty": "many"},
        {"Handle": "cup", "Option1 Value": "L", "Variant Grams": "heavy", "Variant Taxable": "?"},
    ]  # fmt: skip
    parts = read(write, rows)
    record = one(parts)
    assert parts[0].failed_variants == 1
    assert messages(parts) == [
        (2, "Variant Price", "error"),
        (3, "Variant Price", "warning"),
        (3, "Variant Inventory Qty", "warning"),
        (4, "Variant Grams", "warning"),
        (4, "Variant Taxable", "warning"),
    ]
    assert [variant.price_minor for variant in record.variants] == [1001, None]


def test_rows_that_are_too_wide_or_name_no_product_are_left_out(write: Write) -> None:
    content = csv_bytes(
        ["Handle", "Title", "Variant Price"], [{"Handle": "cup", "Title": "Cup", "Variant Price": 1}]
    )
    parts_of = (content + b"mug,Mug,2,,\nbad,Bad,3,shifted\n,,4\njar,Jar,5\n").decode()
    path = write(parts_of)
    parts = list(Catalogue(path, recognise(path), exponent=2).parts())
    assert [part.record.title for part in parts if part.key] == ["Cup", "Mug", "Jar"]
    assert messages(parts) == [(4, "", "error"), (5, "", "error")]
    assert sum(part.failed_variants for part in parts) == 2


def test_a_file_that_begins_with_a_bad_row_goes_on(write: Write) -> None:
    path = write("Handle,Title,Variant Price\n,,1\n,,2\ncup,Cup,3\n")
    parts = list(Catalogue(path, recognise(path), exponent=2).parts())
    assert [(part.key, part.rows, part.failed_variants) for part in parts] == [("", 2, 2), ("cup", 1, 0)]


def test_a_row_the_file_breaks_off_within_is_left_out(write: Write) -> None:
    path = write("Handle,Title,Variant Price\ncup,Cup,1\nmug,Mu")
    parts = list(Catalogue(path, recognise(path), exponent=2).parts())
    assert [part.key for part in parts] == ["cup"]
    assert messages(parts) == [(3, "", "error")]


def test_a_handle_is_made_of_the_title_where_there_is_none(write: Write) -> None:
    parts = read(write, [{"Title": "Blue Bowl, large", "Price": "1"}], TEMPLATE)
    assert parts[0].key == "blue-bowl-large"


def test_a_repeated_sku_is_kept_and_told_of(write: Write) -> None:
    rows = [
        {"Handle": "a", "Title": "A", "Variant SKU": "X", "Variant Price": "1"},
        {"Handle": "b", "Title": "B", "Variant SKU": "X", "Variant Price": "2"},
    ]
    parts = read(write, rows)
    assert [part.record.variants[0].sku for part in parts] == ["X", "X"]
    assert messages(parts) == [(3, "Variant SKU", "warning")]


def test_a_picture_s_address_must_be_one_and_is_percent_encoded(write: Write) -> None:
    rows = [
        {"Handle": "a", "Title": "A", "Image Src": "https://pictures.example/grün tee.jpg?v=1&w=%20"},
        {"Handle": "a", "Image Src": "ftp://pictures.example/b.jpg"},
        {"Handle": "a", "Image Src": "c.jpg"},
        {"Handle": "a", "Image Src": "https://pictures.example/" + "x" * 3000},
    ]
    parts = read(write, rows)
    assert [picture.url for picture in parts[0].record.pictures] == [
        "https://pictures.example/gr%C3%BCn%20tee.jpg?v=1&w=%20"
    ]
    assert (parts[0].failed_images, len(parts[0].problems)) == (3, 3)


def test_texts_are_trimmed_cut_and_freed_of_control_characters(write: Write) -> None:
    row = {
        "Handle": "a",
        "Title": "  Long\x07 " + "x" * 600,
        "Vendor": "one\ttwo\nthree",
        "Body (HTML)": "a\r\nb\x0b",
    }
    parts = read(write, [row])
    record = one(parts)
    assert len(record.title) == 500
    assert (record.vendor, record.description_html) == ("one two three", "a\nb")
    assert messages(parts) == [(2, "Title", "warning")]


def test_options_without_a_name_get_one(write: Write) -> None:
    rows = [
        {"Handle": "a", "Title": "A", "Option1 Name": "Size", "Option1 Value": "S", "Variant Price": 1},
        {"Handle": "a", "Option1 Value": "M", "Option2 Value": "Red", "Variant Price": 1},
    ]
    parts = read(write, rows)
    assert one(parts).option_names == ["Size", "Option 2"]
    assert messages(parts) == [(3, "Option2 Name", "warning")]


def test_a_second_title_is_told_of(write: Write) -> None:
    rows = [{"Handle": "a", "Title": "A"}, {"Handle": "a", "Title": "B", "Variant Price": 1}]
    parts = read(write, rows)
    assert one(parts).title == "A"
    assert messages(parts) == [(3, "Title", "warning")]


def test_rows_of_a_product_that_lie_apart_are_parts_of_one_key(write: Write) -> None:
    rows = [
        {"Handle": "a", "Title": "A", "Option1 Name": "Size", "Option1 Value": "S", "Variant Price": 1},
        {"Handle": "b", "Title": "B", "Variant Price": 1},
        {"Handle": "a", "Option1 Value": "M", "Variant Price": 1},
    ]
    assert [part.key for part in read(write, rows)] == ["a", "b", "a"]


def test_a_category_by_number_is_kept_as_it_is(write: Write) -> None:
    record = one(read(write, [{"Handle": "a", "Title": "A", "Product Category": "1604", "Type": "Cups"}]))
    assert record.extra == {"Product Category": "1604"}
    assert record.categories == [("Cups",)]


def test_a_product_has_as_many_variants_as_the_catalogue_takes(write: Write) -> None:
    assert MAX_VARIANTS == models.MAX_VARIANTS
    rows = [{"Handle": "a", "Title": "A", "Option1 Name": "N", "Option1 Value": "0", "Variant Price": 1}]
    rows += [{"Handle": "a", "Option1 Value": str(n), "Variant Price": 1} for n in range(1, MAX_VARIANTS + 2)]
    parts = read(write, rows, ["Handle", "Title", "Option1 Name", "Option1 Value", "Variant Price"])
    assert len(parts[0].record.variants) == MAX_VARIANTS
    assert parts[0].failed_variants == 2


def test_what_the_file_has_no_column_for_is_not_present(write: Write) -> None:
    path = write(
        csv_bytes(["Handle", "Title", "Variant SKU", "Variant Price"], [{"Handle": "a", "Title": "A"}])
    )
    reader = Catalogue(path, recognise(path), exponent=2).reader
    assert reader.present == {"title", "sku", "price"}
