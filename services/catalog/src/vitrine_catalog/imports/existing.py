"""What the catalogue holds of the products of a batch, and which of their variants are meant by the file's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_catalog.imports import merge_queries
from vitrine_catalog.imports.batches import AMOUNTS, Item, Row, Source, options_of
from vitrine_catalog.imports.reading.combine import NO_VALUE
from vitrine_catalog.imports.reading.records import MAX_VARIANTS, RowProblem, VariantRecord


@dataclass(slots=True)
class Existing:
    """Rows by product; products are locked."""

    products: dict[UUID, RowMapping]
    variants: defaultdict[UUID, list[RowMapping]]
    pictures: defaultdict[UUID, list[RowMapping]]
    memberships: defaultdict[UUID, list[UUID]]

    @classmethod
    async def load(cls, session: AsyncSession, ids: Sequence[UUID]) -> Existing:
        """Read and lock these products, and read what belongs to them."""
        products = {row["id"]: row for row in await merge_queries.lock_products(session, ids)}
        found = cls(products, defaultdict(list), defaultdict(list), defaultdict(list))
        for row in await merge_queries.variants_of(session, ids):
            found.variants[row["product_id"]].append(row)
        for row in await merge_queries.pictures_of(session, ids):
            found.pictures[row["product_id"]].append(row)
        for row in await merge_queries.memberships_of(session, ids):
            found.memberships[row["product_id"]].append(row["category_id"])
        return found


@dataclass(slots=True)
class Pairing:
    """The file's variants, each with the row it means or None; and what becomes of rows the file leaves out."""

    pairs: list[tuple[VariantRecord, Row | None]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    stale: list[UUID] = field(default_factory=list)
    refitted: list[dict[str, Any]] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    failed: int = 0
    refusal: str = ""


def pair_variants(item: Item, product: Row, rows: Sequence[Row], source: Source) -> Pairing:
    """Match the file's variants with the product's: by their key, else by their option values.

    A file without option columns cannot say which variant of several it means but by SKU. Variants that the
    file leaves out stay; where the file gives the product other options, those that an import once made go,
    and those made by hand get a stand-in for what they lack.
    """
    record = item.product
    pairing = Pairing(options=list(product["options"]))
    names = [option["name"] for option in product["options"]]
    if not record.variants:
        return pairing
    if "options" not in source.present and (names or len(rows) > 1):
        left = _pair_by_sku(pairing, record.variants, rows)
    else:
        left = _pair_by_key(pairing, record.variants, rows)
        if len(names) != len(record.option_names):
            left = _refit(pairing, left, len(record.option_names), record.line)
        names = record.option_names
    priced = not source.present.isdisjoint(AMOUNTS)
    if priced and any(row["currency"] not in (None, source.currency) for row in left):
        pairing.refusal = (
            f"the file's prices are in {source.currency}, and variants it leaves out have another currency"
        )
    elif any(_keeps_other_currency(row, source) for _, row in pairing.pairs if row is not None):
        pairing.refusal = f"the file's prices are in {source.currency}, and the product's others are not"
    elif len(left) + len(pairing.pairs) > MAX_VARIANTS:
        pairing.refusal = f"it would have more than {MAX_VARIANTS} variants"
    kept = [variant.option_values for variant, _ in pairing.pairs]
    pairing.options = options_of(names, [*kept, *(row["option_values"] for row in left)])
    return pairing


def _keeps_other_currency(row: Row, source: Source) -> bool:
    """Whether a row would be left with amounts of two currencies."""
    if row["currency"] in (None, source.currency) or source.present.isdisjoint(AMOUNTS):
        return False
    return any(row[column] is not None for name, column in AMOUNTS.items() if name not in source.present)


def _pair_by_sku(pairing: Pairing, variants: Sequence[VariantRecord], rows: Sequence[Row]) -> list[Row]:
    by_sku: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_sku[row["sku"] or ""].append(row)
    used = set()
    for variant in variants:
        meant = by_sku[variant.sku] if variant.sku else []
        if len(meant) != 1:
            pairing.failed += 1
            pairing.problems.append(
                RowProblem(
                    variant.line,
                    "",
                    "the file has no options and the SKU names no one variant: it is left out",
                )
            )
            continue
        row = meant[0]
        variant.option_values, variant.key = row["option_values"], row["source_key"] or variant.key
        used.add(row["id"])
        pairing.pairs.append((variant, row))
    return [row for row in rows if row["id"] not in used]


def _pair_by_key(pairing: Pairing, variants: Sequence[VariantRecord], rows: Sequence[Row]) -> list[Row]:
    by_key = {row["source_key"]: row for row in rows if row["source_key"]}
    by_values = {tuple(row["option_values"]): row for row in rows}
    meant: dict[int, Row] = {}
    used: set[UUID] = set()
    for n, variant in enumerate(variants):
        row = by_key.get(variant.key)
        if row is not None and row["id"] not in used:
            meant[n] = row
            used.add(row["id"])
    for n, variant in enumerate(variants):
        row = by_values.get(tuple(variant.option_values))
        if n not in meant and row is not None and row["id"] not in used:
            meant[n] = row
            used.add(row["id"])
    pairing.pairs = [(variant, meant.get(n)) for n, variant in enumerate(variants)]
    return [row for row in rows if row["id"] not in used]


def _refit(pairing: Pairing, left: Sequence[Row], width: int, line: int) -> list[Row]:
    """Give rows the file leaves out the product's new number of options; drop those that cannot have it."""
    taken = {tuple(variant.option_values) for variant, _ in pairing.pairs}
    kept: list[Row] = []
    for row in left:
        values = [*row["option_values"], *[NO_VALUE] * width][:width]
        if row["source_key"] is not None or tuple(values) in taken:
            pairing.stale.append(row["id"])
            continue
        taken.add(tuple(values))
        columns = {name: row[name] for name in merge_queries.VARIANT_COLUMNS}
        refitted = {**columns, "id": row["id"], "option_values": values}
        pairing.refitted.append(refitted)
        kept.append(refitted)
    if pairing.stale:
        message = (
            f"the product has other options now: {len(pairing.stale)} variants of the former ones are gone"
        )
        pairing.problems.append(RowProblem(line, "", message, "warning"))
    return kept
