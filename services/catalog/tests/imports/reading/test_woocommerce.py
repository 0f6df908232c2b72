"""WooCommerce's export is read by its rules."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from import_files import csv_bytes
from vitrine_catalog.imports.reading.recognise import Catalogue, recognise
from vitrine_catalog.imports.reading.records import Part
from vitrine_catalog.imports.reading.rows import RowReader
from vitrine_catalog.imports.reading.woo_headers import find_columns
from vitrine_catalog.imports.reading.woocommerce import WooReader, paragraphs

Write = Callable[[bytes | str], Path]

HEADERS = [
    "ID", "Type", "SKU", "GTIN, UPC, EAN, or ISBN", "Name", "Published", "Is featured?", "Visibility in catalog",
    "Short description", "Description", "Date sale price starts", "Date sale price ends", "Tax status", "In stock?",
    "Stock", "Backorders allowed?", "Weight (lbs)", "Length (in)", "Sale price", "Regular price", "Categories",
    "Tags", "Images", "Parent", "Grouped products", "External URL", "Position", "Attribute 1 name",
    "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 1 global", "Attribute 1 default", "Attribute 2 name",
    "Attribute 2 value(s)", "Meta: _yoast_wpseo_title", "Meta: _custom", "Download 1 URL", "Brands",
]  # fmt: skip
PICTURE = "https://pictures.example/"


def read(write: Write, rows: Sequence[Mapping[str, Any]], headers: Sequence[str] = HEADERS) -> list[Part]:
    path = write(csv_bytes(headers, rows))
    return list(Catalogue(path, recognise(path), exponent=2).parts())


def messages(parts: list[Part]) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.field, problem.severity) for part in parts for problem in part.problems]


def test_a_simple_product_is_read_whole(write: Write) -> None:
    row = {
        "ID": 7, "Type": "simple, downloadable, virtual", "SKU": "M-1", "GTIN, UPC, EAN, or ISBN": "4006381333931",
        "Name": "Mug", "Published": "1", "Is featured?": "1", "Visibility in catalog": "visible",
        "Short description": "Short", "Description": "First\\n\\nSecond\\nline", "Tax status": "none",
        "In stock?": "1", "Stock": "5", "Backorders allowed?": "notify", "Weight (lbs)": ".5", "Length (in)": "3",
        "Regular price": "12,50", "Categories": "Kitchen > Mugs, Gifts\\, small", "Tags": "blue, 'n' roll",
        "Images": f"{PICTURE}a.jpg, {PICTURE}b.jpg, {PICTURE}a.jpg", "Position": "0",
        "Attribute 1 name": "Glaze", "Attribute 1 value(s)": "Blue, Matt\\, soft", "Attribute 1 visible": "0",
        "Attribute 1 global": "1", "Meta: _yoast_wpseo_title": "A mug", "Meta: _custom": "'=1+1",
        "Download 1 URL": "https://files.example/x", "Brands": "Potters",
    }  # fmt: skip
    [part] = read(write, [row])
    record = part.record
    assert part.problems == []
    assert (part.key, part.refs) == ("sku:M-1", ["M-1", "id:7"])
    assert (record.title, record.vendor, record.seo_title) == ("Mug", "Potters", "A mug")
    assert record.description_html == "<p>First</p><p>Second<br>line</p>"
    assert record.categories == [("Kitchen", "Mugs"), ("Gifts, small",)]
    assert record.tags == ["blue", "'n' roll"]
    assert [picture.url[-5:] for picture in record.pictures] == ["a.jpg", "b.jpg"]
    assert record.extra == {
        "ID": "7",
        "Type": "simple, downloadable, virtual",
        "Is featured?": "1",
        "Short description": "Short",
        "Length (in)": "3",
        "Meta: _custom": "=1+1",
        "Download 1 URL": "https://files.example/x",
        "attributes": [
            {
                "name": "Glaze",
                "values": ["Blue", "Matt, soft"],
                "visible": False,
                "global": True,
                "default": "",
            }
        ],
    }
    [variant] = record.variants
    assert (variant.price_minor, variant.compare_at_minor, variant.weight_grams) == (1250, None, 227)
    assert (variant.tracked, variant.on_hand, variant.policy) == (True, 5, "continue")
    assert (variant.taxable, variant.requires_shipping, variant.barcode) == (False, False, "4006381333931")


@pytest.mark.parametrize(
    ("cells", "tracked", "on_hand", "policy"),
    [
        ({"In stock?": "1"}, False, None, "deny"),
        ({"In stock?": "0"}, True, 0, "deny"),
        ({"In stock?": "backorder"}, True, 0, "continue"),
        ({"In stock?": "1", "Stock": "3"}, True, 3, "deny"),
        ({"In stock?": "1", "Stock": "-2", "Backorders allowed?": "1"}, True, -2, "continue"),
    ],
)
def test_stock(write: Write, cells: dict[str, str], tracked: bool, on_hand: int | None, policy: str) -> None:
    [part] = read(write, [{"Type": "simple", "Name": "Mug", **cells}])
    [variant] = part.record.variants
    assert (variant.tracked, variant.on_hand, variant.policy) == (tracked, on_hand, policy)


@pytest.mark.parametrize(
    ("published", "visibility", "status"),
    [("1", "visible", "active"), ("0", "visible", "draft"), ("-1", "", "draft"), ("2", "", "draft"),
     ("1", "hidden", "draft"), ("", "", "active"), ("1", "search", "active")],
)  # fmt: skip
def test_only_what_the_old_shop_listed_is_active(
    write: Write, published: str, visibility: str, status: str
) -> None:
    row = {"Type": "simple", "Name": "Mug", "Published": published, "Visibility in catalog": visibility}
    [part] = read(write, [row])
    assert part.record.status == status


@pytest.mark.parametrize(
    ("starts", "ends", "price", "compare_at"),
    [
        ("", "", 800, 1000),
        ("2024-01-01", "2024-12-31 23:59:59", 800, 1000),
        ("2024-07-01", "", 1000, None),
        ("", "2024-05-31", 1000, None),
        ("soon", "", 800, 1000),
    ],
)
def test_a_sale_counts_while_it_runs(
    write: Write, starts: str, ends: str, price: int, compare_at: int | None
) -> None:
    row = {
        "Type": "simple", "Name": "Mug", "Regular price": "10", "Sale price": "8",
        "Date sale price starts": starts, "Date sale price ends": ends,
    }  # fmt: skip
    path = write(csv_bytes(HEADERS, [row]))
    columns = find_columns(HEADERS)
    assert columns is not None
    reader = WooReader(HEADERS, columns, exponent=2, today=date(2024, 6, 1))
    rows = (found for found in RowReader(path, "utf-8", ",") if found.line > 1)
    [part] = reader.parts(rows)
    [variant] = part.record.variants
    assert (variant.price_minor, variant.compare_at_minor) == (price, compare_at)
    if len(starts) == 10 or ends:
        assert variant.extra["Sale price"] == "8"


def test_variations_point_at_their_parent_by_sku_or_id(write: Write) -> None:
    rows = [
        {"ID": 2, "Type": "variation", "Parent": "id:1", "Attribute 1 name": "Size", "Attribute 1 value(s)": "S",
         "Regular price": "5", "Images": PICTURE + "s.jpg", "Description": "Small one", "Stock": "parent"},
        {"ID": 3, "Type": "variation", "SKU": "T-M", "Parent": "T", "Attribute 1 name": "Size",
         "Attribute 1 value(s)": "M", "Published": "-1", "Regular price": "6"},
        {"ID": 1, "Type": "variable", "SKU": "T", "Name": "Tee", "Stock": "9", "Attribute 1 name": "Size",
         "Attribute 1 value(s)": "S, M"},
    ]  # fmt: skip
    small, medium, parent = read(write, rows)
    assert (small.parent_ref, medium.parent_ref, parent.parent_ref) == ("id:1", "T", "")
    assert parent.refs == ["T", "id:1"]
    assert parent.record.variants == []
    assert parent.record.on_hand == 9
    [variant] = small.record.variants
    assert (variant.key, variant.attributes) == ("id:2", [("Size", "S")])
    assert variant.stock_of_product
    assert variant.picture_url == PICTURE + "s.jpg"
    assert variant.extra["Description"] == "Small one"
    assert medium.record.variants[0].extra["Published"] == "-1"
    assert messages([small, medium, parent]) == [(3, "Published", "warning")]


def test_rows_repeated_word_for_word_say_nothing(write: Write) -> None:
    mug = {"Type": "simple", "SKU": "M", "Name": "Mug"}
    parts = read(write, [mug, {"Type": "simple", "Name": "Jug"}, mug, {"Type": "simple", "Name": "Jug"}])
    assert [part.key for part in parts] == ["sku:M", "name:jug", "", ""]
    assert messages(parts) == []


def test_a_sku_with_other_values_is_kept_beside_the_first(write: Write) -> None:
    rows = [
        {"Type": "simple", "SKU": "M", "Name": "Mug"},
        {"Type": "simple", "SKU": "M", "Name": "Mug, large"},
        {"ID": 5, "Type": "simple", "SKU": "M", "Name": "Mug, huge"},
    ]
    parts = read(write, rows)
    assert [part.key for part in parts] == ["sku:M", "sku:M#2", "sku:M#id:5"]
    assert messages(parts) == [(3, "SKU", "warning"), (4, "SKU", "warning")]


def test_grouped_and_external_products_keep_what_makes_them_so(write: Write) -> None:
    rows = [
        {"Type": "grouped", "Name": "Set", "Grouped products": "A, B"},
        {
            "Type": "external",
            "Name": "Elsewhere",
            "External URL": "https://shop.example",
            "Regular price": "3",
        },
        {"Type": "subscription", "Name": "Box", "Regular price": "3"},
    ]
    grouped, external, other = read(write, rows)
    assert grouped.record.variants == []
    assert grouped.record.extra == {"Type": "grouped", "Grouped products": "A, B"}
    assert external.record.extra == {"Type": "external", "External URL": "https://shop.example"}
    assert len(external.record.variants) == len(other.record.variants) == 1
    assert messages([other]) == [(4, "Type", "warning")]


def test_bad_rows_are_left_out_and_told_of(write: Write) -> None:
    rows = [
        {"Type": "simple", "SKU": "nameless"},
        {"Type": "variation", "SKU": "orphan"},
        {"Type": "simple", "Name": "Mug", "Regular price": "free", "Images": "nowhere"},
        {"Type": "simple", "Name": "Jug", "Weight (lbs)": "light", "Stock": "some"},
    ]
    parts = read(write, rows)
    assert [(part.failed_products, part.failed_variants, part.failed_images) for part in parts] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 1, 1),
        (0, 0, 0),
    ]
    assert messages(parts) == [
        (2, "", "error"),
        (3, "", "error"),
        (4, "Images", "error"),
        (4, "Regular price", "error"),
        (5, "Stock", "warning"),
        (5, "Stock", "warning"),
        (5, "Weight (lbs)", "warning"),
    ]


def test_rows_of_a_wrong_width_are_left_out(write: Write) -> None:
    path = write("Type,SKU,Name,Regular price,Categories\nsimple,A,Mug,1,,shifted\nsimple,B,Jug,1,\nsimple,C")
    parts = list(Catalogue(path, recognise(path), exponent=2).parts())
    assert [part.key for part in parts] == ["", "sku:B", ""]
    assert [part.failed_products for part in parts] == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("<p>one</p>\n<p>two</p>", "<p>one</p>\n<p>two</p>"),
        ("<strong>bold</strong>\nline", "<p><strong>bold</strong><br>line</p>"),
    ],
)
def test_paragraphs(text: str, html: str) -> None:
    assert paragraphs(text) == html
