"""Merges a batch of products into the catalogue within one transaction; set-wise, and only what differs.

A product is found again by its origin and key; where the file's handle is the slug of a product that came
from no file, that product is taken over. Nothing a file does not speak of is deleted, except variants that
no longer fit the options the file gives their product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.asgi import run_blocking
from vitrine_kit.ids import new_id

from vitrine_catalog.base import utc_now
from vitrine_catalog.imports import merge_queries
from vitrine_catalog.imports.batches import (
    Item,
    Source,
    clean,
    differs,
    options_of,
    product_columns,
    variant_columns,
)
from vitrine_catalog.imports.categories import Categories, free_slugs
from vitrine_catalog.imports.existing import Existing, Pairing, pair_variants
from vitrine_catalog.imports.outcome import Outcome
from vitrine_catalog.imports.queries import copy_rows
from vitrine_catalog.imports.reading.records import RowProblem
from vitrine_catalog.texts import slug_of

HANDLE_IS_SLUG = frozenset({"shopify"})
"""Origins whose files give the slug itself, so that a hand-made product may be meant."""

_PRODUCT = ("id", "slug", *merge_queries.PRODUCT_COLUMNS, "source_system", "source_key", "source_hash",
            "created_at", "updated_at", "created_by", "updated_by", "version")  # fmt: skip
_VARIANT = ("id", "product_id", *merge_queries.VARIANT_COLUMNS)
_PICTURE = ("id", "product_id", *merge_queries.PICTURE_COLUMNS, "created_at")
_JSON_COLUMNS = frozenset({"options", "extra"})


class Merger:
    """Merges the batches of one import; holds nothing that a failed transaction would make wrong but a cache."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._categories = Categories()

    def forget(self) -> None:
        """Drop what was remembered of a transaction that has failed."""
        self._categories.forget()

    async def merge(self, session: AsyncSession, items: Sequence[Item]) -> Outcome:
        """Write the items; return what was done. The caller's transaction commits it."""
        outcome = Outcome()
        await merge_queries.lock_merging(session)
        await merge_queries.derive_later(session)
        fresh, changed = await self._sort_out(session, items, outcome)
        await run_blocking(clean, [*fresh, *changed])
        paths = [path for item in (*fresh, *changed) for path in item.product.categories]
        known = await self._categories.resolve(session, paths)
        for item in (*fresh, *changed):
            item.categories = list(dict.fromkeys(known[path] for path in item.product.categories))
        written = await self._insert(session, fresh, outcome)
        written += await self._update(session, changed, outcome)
        await merge_queries.derive(session, written)
        return outcome

    async def _sort_out(
        self, session: AsyncSession, items: Sequence[Item], outcome: Outcome
    ) -> tuple[list[Item], list[Item]]:
        """Tell new products from changed ones; count the unchanged and those that cannot be made."""
        keys = [item.product.key for item in items]
        rows = await merge_queries.find_by_key(session, self._source.system, keys)
        known = {row["source_key"]: row for row in rows}
        handmade: dict[str, UUID] = {}
        if self._source.system in HANDLE_IS_SLUG:
            slugs = [_slug(item) for item in items if item.product.key not in known]
            handmade = {row["slug"]: row["id"] for row in await merge_queries.find_handmade(session, slugs)}
        fresh: list[Item] = []
        changed: list[Item] = []
        for item in items:
            outcome.problems += item.combined.problems
            outcome.variants.failed += item.combined.failed_variants
            row = known.get(item.product.key)
            item.id = row["id"] if row is not None else handmade.pop(_slug(item), None)
            if row is not None and row["source_hash"] == item.digest:
                outcome.products.unchanged += 1
                outcome.variants.unchanged += len(item.product.variants)
                outcome.images.unchanged += len(item.product.pictures)
            elif item.id is not None:
                changed.append(item)
            elif item.product.title:
                fresh.append(item)
            else:
                fail(item, outcome, "Title", "a new product needs a title")
        return fresh, changed

    async def _insert(self, session: AsyncSession, items: Sequence[Item], outcome: Outcome) -> list[UUID]:
        """COPY new products with all that belongs to them; return their ids."""
        if not items:
            return []
        slugs = await free_slugs(session, "product", [[_slug(item)] for item in items])
        now = utc_now()
        source = self._source
        products, pictures, variants, memberships = [], [], [], []
        for item, slug in zip(items, slugs, strict=True):
            record = item.product
            item.id = new_id()
            columns = product_columns(record, source, None)
            values = (variant.option_values for variant in record.variants)
            columns["options"] = options_of(record.option_names, values)
            products.append(
                (item.id, slug, *_ordered(columns, merge_queries.PRODUCT_COLUMNS), source.system, record.key,
                 item.digest, now, now, source.person, source.person, 1)
            )  # fmt: skip
            ids: dict[str, UUID] = {}
            for picture in record.pictures:
                ids[picture.url] = new_id()
                pictures.append(
                    (ids[picture.url], item.id, picture.position or 0, picture.alt, picture.url, now)
                )
            for position, variant in enumerate(record.variants):
                columns = variant_columns(
                    variant, source, None, position=position, picture_id=ids.get(variant.picture_url)
                )
                variants.append((new_id(), item.id, *_ordered(columns, merge_queries.VARIANT_COLUMNS)))
            memberships += [(item.id, category, n) for n, category in enumerate(item.categories)]
        await copy_rows(session, "product", _PRODUCT, products)
        await copy_rows(session, "picture", _PICTURE, pictures)
        await copy_rows(session, "variant", _VARIANT, variants)
        await copy_rows(session, "product_category", ("product_id", "category_id", "position"), memberships)
        outcome.products.created += len(products)
        outcome.variants.created += len(variants)
        outcome.images.created += len(pictures)
        return [product[0] for product in products]

    async def _update(self, session: AsyncSession, items: Sequence[Item], outcome: Outcome) -> list[UUID]:
        """Compare products with what there is, write what differs; return the ids of those that did."""
        if not items:
            return []
        existing = await Existing.load(session, [item.id for item in items if item.id is not None])
        changes = _Changes()
        for item in items:
            self._compare(item, existing, changes, outcome)
        await merge_queries.delete_variants(session, changes.stale)
        await merge_queries.update_pictures(session, changes.pictures)
        await copy_rows(session, "picture", _PICTURE, changes.new_pictures)
        await merge_queries.update_variants(session, changes.variants)
        await copy_rows(session, "variant", _VARIANT, changes.new_variants)
        await merge_queries.delete_memberships(session, changes.regrouped)
        await copy_rows(
            session, "product_category", ("product_id", "category_id", "position"), changes.memberships
        )
        await merge_queries.update_products(session, changes.products, self._source.person)
        await merge_queries.remember_origin(session, self._source.system, changes.origins)
        return [product["id"] for product in changes.products]

    def _compare(self, item: Item, existing: Existing, changes: _Changes, outcome: Outcome) -> None:
        record, source = item.product, self._source
        row = existing.products.get(item.id) if item.id is not None else None
        if row is None or item.id is None:
            fail(item, outcome, "", "the product was deleted while the file was being imported")
            return
        pairing = pair_variants(item, row, existing.variants[item.id], source)
        if pairing.refusal:
            fail(item, outcome, "", pairing.refusal)
            return
        outcome.problems += pairing.problems
        touched = self._compare_pictures(item, item.id, existing, changes, outcome)
        ids = {picture["source_url"]: picture["id"] for picture in existing.pictures[item.id]}
        ids |= changes.picture_ids.get(item.id, {})
        touched |= self._compare_variants(item.id, pairing, ids, changes, outcome)
        touched |= self._compare_categories(item, item.id, existing, changes)
        columns = product_columns(record, source, row)
        columns["options"] = pairing.options
        if touched or differs(columns, row):
            changes.products.append({"id": item.id, **columns})
            outcome.products.updated += 1
        else:
            outcome.products.unchanged += 1
        changes.origins.append({"id": item.id, "source_key": record.key, "source_hash": item.digest.hex()})

    def _compare_pictures(
        self, item: Item, product_id: UUID, existing: Existing, changes: _Changes, outcome: Outcome
    ) -> bool:
        known = {row["source_url"]: row for row in existing.pictures[product_id] if row["source_url"]}
        touched = False
        for picture in item.product.pictures:
            row = known.get(picture.url)
            if row is None:
                picture_id = new_id()
                changes.picture_ids[product_id][picture.url] = picture_id
                changes.new_pictures.append(
                    (picture_id, product_id, picture.position or 0, picture.alt, picture.url, utc_now())
                )
                outcome.images.created += 1
                touched = True
                continue
            wanted = {"position": picture.position or 0}
            wanted_alt = picture.alt if "alt" in self._source.present else row["alt"]
            if differs({**wanted, "alt": wanted_alt}, row):
                changes.pictures.append({"id": row["id"], **wanted, "alt": wanted_alt})
                outcome.images.updated += 1
                touched = True
            else:
                outcome.images.unchanged += 1
        return touched

    def _compare_variants(
        self,
        product_id: UUID,
        pairing: Pairing,
        pictures: Mapping[str, UUID],
        changes: _Changes,
        outcome: Outcome,
    ) -> bool:
        touched = bool(pairing.stale)
        changes.stale += pairing.stale
        outcome.variants.failed += pairing.failed
        for refit in pairing.refitted:
            changes.variants.append(refit)
            touched = True
        for position, (variant, row) in enumerate(pairing.pairs):
            picture_id = pictures.get(variant.picture_url) if variant.picture_url else None
            columns = variant_columns(variant, self._source, row, position=position, picture_id=picture_id)
            if row is None:
                changes.new_variants.append(
                    (new_id(), product_id, *_ordered(columns, merge_queries.VARIANT_COLUMNS))
                )
                outcome.variants.created += 1
                touched = True
            elif differs(columns, row):
                changes.variants.append({"id": row["id"], **columns})
                outcome.variants.updated += 1
                touched = True
            else:
                outcome.variants.unchanged += 1
        return touched

    def _compare_categories(
        self, item: Item, product_id: UUID, existing: Existing, changes: _Changes
    ) -> bool:
        """Where the file has a column for categories it settles them; a product type only adds one."""
        current = existing.memberships[product_id]
        if "categories" in self._source.present:
            wanted = item.categories
        else:
            wanted = [*current, *(category for category in item.categories if category not in current)]
        if wanted == current:
            return False
        changes.regrouped.append(product_id)
        changes.memberships += [(product_id, category, n) for n, category in enumerate(wanted)]
        return True


class _Changes:
    """What is to be written for the changed products of a batch, gathered so that each table is written once."""

    def __init__(self) -> None:
        self.products: list[dict[str, Any]] = []
        self.origins: list[dict[str, Any]] = []
        self.variants: list[dict[str, Any]] = []
        self.new_variants: list[tuple[Any, ...]] = []
        self.stale: list[UUID] = []
        self.pictures: list[dict[str, Any]] = []
        self.new_pictures: list[tuple[Any, ...]] = []
        self.picture_ids: defaultdict[UUID, dict[str, UUID]] = defaultdict(dict)
        self.regrouped: list[UUID] = []
        self.memberships: list[tuple[UUID, UUID, int]] = []


def fail(item: Item, outcome: Outcome, field: str, message: str) -> None:
    """Count a product, with all that belongs to it, as failed, and say why."""
    record = item.product
    outcome.products.failed += 1
    outcome.variants.failed += len(record.variants)
    outcome.images.failed += len(record.pictures)
    outcome.problems.append(RowProblem(record.line, field, f"{message}: the product is left out"))


def _slug(item: Item) -> str:
    return slug_of(item.product.slug or item.product.title, "product")


def _ordered(columns: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    return [
        orjson.dumps(columns[name]).decode() if name in _JSON_COLUMNS else columns[name] for name in names
    ]
