"""The neutral records every file format is read into, and their JSON; no file format and no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

Severity = Literal["error", "warning"]
Status = Literal["draft", "active", "archived"]
Policy = Literal["deny", "continue"]

CategoryPath = tuple[str, ...]
"""The names from the root of the category tree to the category itself, never empty."""

MAX_VARIANTS = 2_000
"""Variants one product may have in a file; the rest of its rows are reported and left out."""

MAX_PICTURES = 1_000
"""Pictures one product may have in a file."""


@dataclass(slots=True, frozen=True)
class RowProblem:
    """What is wrong with one row: the physical line it starts on, the column's own header, and why."""

    line: int
    field: str
    message: str
    severity: Severity = "error"


@dataclass(slots=True)
class AttributeRecord:
    """A named list of values of a product that is not (yet) an option its variants differ by."""

    name: str
    values: list[str]
    visible: bool = True
    shared: bool = False
    default: str = ""


@dataclass(slots=True)
class PictureRecord:
    """A picture by reference: nothing is fetched while reading."""

    url: str
    alt: str = ""
    position: int | None = None


@dataclass(slots=True)
class VariantRecord:
    """One sellable form of a product; amounts are in the minor unit of the file's currency."""

    line: int
    key: str = ""
    sku: str = ""
    barcode: str = ""
    option_values: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] | None = None
    price_minor: int | None = None
    compare_at_minor: int | None = None
    cost_minor: int | None = None
    tracked: bool = False
    on_hand: int | None = None
    stock_of_product: bool = False
    policy: Policy = "deny"
    weight_grams: int | None = None
    requires_shipping: bool = True
    taxable: bool = True
    picture_url: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ProductRecord:
    """A product, or the part of one that a run of neighbouring rows tells of (see `combine`)."""

    line: int
    key: str
    slug: str = ""
    title: str = ""
    description_html: str = ""
    status: Status = "active"
    vendor: str = ""
    product_type: str = ""
    tags: list[str] = field(default_factory=list)
    seo_title: str = ""
    seo_description: str = ""
    categories: list[CategoryPath] = field(default_factory=list)
    option_names: list[str] = field(default_factory=list)
    attributes: list[AttributeRecord] = field(default_factory=list)
    on_hand: int | None = None
    variants: list[VariantRecord] = field(default_factory=list)
    pictures: list[PictureRecord] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """What a reader yields: a record and how to find the product it belongs to.

    `key` names the product among all files of the same origin. A part with `parent_ref` belongs to
    another row's product, which may come later in the file: one whose `refs` hold that reference.
    """

    record: ProductRecord
    rows: int
    key: str = ""
    refs: list[str] = field(default_factory=list)
    parent_ref: str = ""
    problems: list[RowProblem] = field(default_factory=list)
    failed_products: int = 0
    failed_variants: int = 0
    failed_images: int = 0


def dump_record(record: ProductRecord) -> bytes:
    """JSON of a record, for a staging table."""
    return orjson.dumps(record)


def load_record(data: bytes) -> ProductRecord:
    """The record that `dump_record` wrote."""
    raw = orjson.loads(data)
    raw["categories"] = [tuple(path) for path in raw["categories"]]
    raw["attributes"] = [AttributeRecord(**item) for item in raw["attributes"]]
    raw["pictures"] = [PictureRecord(**item) for item in raw["pictures"]]
    variants = []
    for item in raw["variants"]:
        if item["attributes"] is not None:
            item["attributes"] = [(name, value) for name, value in item["attributes"]]
        variants.append(VariantRecord(**item))
    raw["variants"] = variants
    return ProductRecord(**raw)
