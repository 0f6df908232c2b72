"""Prepares a batch of staged records for merging: whole products, their digests, their columns; computes only.

Everything here is called in a thread: it parses, cleans HTML and hashes, and knows no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy.engine import RowMapping

from vitrine_catalog.imports.reading.combine import Combined, combine, content_hash
from vitrine_catalog.imports.reading.records import ProductRecord, VariantRecord, load_record
from vitrine_catalog.texts import sanitised

Row = Mapping[str, Any] | RowMapping

AMOUNTS: Final = {"price": "price_minor", "compare_at": "compare_at_minor", "cost": "cost_minor"}
"""What a file may have columns for, and the variant's column of each."""


@dataclass(frozen=True, slots=True)
class Source:
    """What all rows of one file share, as the merging needs it."""

    system: str
    currency: str
    present: frozenset[str]
    extra_names: frozenset[str]
    person: UUID | None


@dataclass(slots=True)
class Item:
    """One product of the file, ready to be compared with what there is."""

    group_seq: int
    combined: Combined
    digest: bytes
    id: UUID | None = None
    clean: bool = False
    categories: list[UUID] = field(default_factory=list)

    @property
    def product(self) -> ProductRecord:
        """The product's record."""
        return self.combined.product


def prepare(rows: Iterable[Row], currency: str) -> list[Item]:
    """The products of staged rows, which come ordered by product."""
    items = []
    for group_seq, group in groupby(rows, key=lambda row: row["group_seq"]):
        combined = combine([load_record(row["record"]) for row in group])
        items.append(Item(int(group_seq), combined, content_hash(combined.product, currency)))
    return items


def clean(items: Sequence[Item]) -> None:
    """Make the descriptions safe to show; once for each item, however often it is tried."""
    for item in items:
        if not item.clean:
            item.product.description_html = sanitised(item.product.description_html)
            item.clean = True


def product_columns(record: ProductRecord, source: Source, existing: Row | None) -> dict[str, Any]:
    """The product's own columns: from the record what the file has columns for, else what there is.

    A new product takes everything from the record. Options are not here: they follow from the variants.
    """
    wanted: dict[str, Any] = {
        "title": record.title,
        "description_html": record.description_html,
        "status": record.status,
        "vendor": record.vendor,
        "product_type": record.product_type,
        "tags": record.tags,
        "seo_title": record.seo_title or None,
        "seo_description": record.seo_description or None,
    }
    if existing is None:
        return {**wanted, "extra": record.extra}
    columns = {name: value if name in source.present else existing[name] for name, value in wanted.items()}
    columns["title"] = columns["title"] or existing["title"]
    columns["extra"] = _merged_extra(existing["extra"], record.extra, source.extra_names)
    return columns


def variant_columns(
    record: VariantRecord,
    source: Source,
    existing: Row | None,
    *,
    position: int,
    picture_id: UUID | None,
) -> dict[str, Any]:
    """The variant's columns: from the record what the file has columns for, else what there is."""
    groups: dict[str, dict[str, Any]] = {
        "sku": {"sku": record.sku or None},
        "barcode": {"barcode": record.barcode or None},
        "price": {"price_minor": record.price_minor},
        "compare_at": {"compare_at_minor": record.compare_at_minor},
        "cost": {"cost_minor": record.cost_minor},
        "stock": {
            "stock_tracked": record.tracked,
            "stock_on_hand": record.on_hand or 0,
            "stock_policy": record.policy,
        },
        "weight": {"weight_grams": record.weight_grams},
        "requires_shipping": {"requires_shipping": record.requires_shipping},
        "taxable": {"taxable": record.taxable},
    }
    columns: dict[str, Any] = {
        "position": position,
        "option_values": record.option_values,
        "source_key": record.key,
        "picture_id": picture_id,
        "extra": record.extra,
    }
    if existing is not None:
        columns["extra"] = _merged_extra(existing["extra"], record.extra, source.extra_names)
        if picture_id is None and "variant_picture" not in source.present:
            columns["picture_id"] = existing["picture_id"]
    for name, values in groups.items():
        if existing is None or name in source.present:
            columns.update(values)
        else:
            columns.update({column: existing[column] for column in values})
    if existing is not None and source.present.isdisjoint(AMOUNTS):
        columns["currency"] = existing["currency"]
    else:
        priced = any(columns[column] is not None for column in AMOUNTS.values())
        columns["currency"] = source.currency if priced else None
    return columns


def options_of(names: Sequence[str], values: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    """The options of a product as it stores them, each value listed once in the order of the variants."""
    listed: list[dict[str, None]] = [{} for _ in names]
    for own in values:
        for n, value in enumerate(own[: len(names)]):
            listed[n][value] = None
    return [{"name": name, "values": list(listed[n])} for n, name in enumerate(names)]


def differs(wanted: Mapping[str, Any], existing: Row) -> bool:
    """Whether any wanted column has another value than the row."""
    return any(existing[name] != value for name, value in wanted.items())


def _merged_extra(
    existing: Mapping[str, Any], own: Mapping[str, Any], names: frozenset[str]
) -> dict[str, Any]:
    """What the file has no column for stays; what it has one for is as the file says, blank being none."""
    return {**{name: value for name, value in existing.items() if name not in names}, **own}
