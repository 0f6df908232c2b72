"""Every SQL statement by which an import writes the catalogue's own tables, a batch of products at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

PRODUCT_COLUMNS: Final = (
    "title", "description_html", "status", "vendor", "product_type", "tags", "seo_title", "seo_description",
    "options", "extra",
)  # fmt: skip
VARIANT_COLUMNS: Final = (
    "position", "sku", "barcode", "option_values", "price_minor", "compare_at_minor", "cost_minor", "currency",
    "stock_tracked", "stock_on_hand", "stock_policy", "weight_grams", "requires_shipping", "taxable", "picture_id",
    "extra", "source_key",
)  # fmt: skip
PICTURE_COLUMNS: Final = ("position", "alt", "source_url")

_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('catalog.import'))")
_BULK: Final = text("SET LOCAL catalog.bulk = 'on'")
_DERIVE: Final = text(
    "SELECT catalog.summarise_products(CAST(:ids AS uuid[])), catalog.index_products(CAST(:ids AS uuid[]))"
)
_TREE_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext('catalog.category-tree'))")

_BY_KEY: Final = text(
    "SELECT id, source_key, source_hash FROM product WHERE source_system = :system AND source_key = ANY(:keys)"
)
_BY_SLUG: Final = text("SELECT id, slug FROM product WHERE source_system IS NULL AND slug = ANY(:slugs)")
_PRODUCTS: Final = text(
    f"SELECT id, {', '.join(PRODUCT_COLUMNS)} FROM product WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"  # noqa: S608
)
_VARIANTS: Final = text(
    f"SELECT id, product_id, {', '.join(VARIANT_COLUMNS)} FROM variant"  # noqa: S608
    " WHERE product_id = ANY(:ids) ORDER BY product_id, position, id"
)
_PICTURES: Final = text(
    "SELECT id, product_id, position, alt, source_url FROM picture"
    " WHERE product_id = ANY(:ids) ORDER BY product_id, position, id"
)
_MEMBERSHIPS: Final = text(
    "SELECT product_id, category_id FROM product_category WHERE product_id = ANY(:ids) ORDER BY product_id, position"
)

_TAKEN: Final = {
    "product": text("SELECT slug FROM product WHERE slug = ANY(:slugs)"),
    "category": text("SELECT slug FROM category WHERE slug = ANY(:slugs)"),
}

_UPDATE_PRODUCTS: Final = text(
    """
    UPDATE product AS p SET
        title = s.title, description_html = s.description_html, status = s.status, vendor = s.vendor,
        product_type = s.product_type, tags = s.tags, seo_title = s.seo_title,
        seo_description = s.seo_description, options = s.options, extra = s.extra,
        version = p.version + 1, updated_at = now(), updated_by = CAST(:person AS uuid)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(
        id uuid, title text, description_html text, status text, vendor text, product_type text, tags text[],
        seo_title text, seo_description text, options jsonb, extra jsonb)
    WHERE p.id = s.id
    """
)
_REMEMBER: Final = text(
    """
    UPDATE product AS p SET
        source_system = :system, source_key = s.source_key, source_hash = decode(s.source_hash, 'hex')
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(id uuid, source_key text, source_hash text)
    WHERE p.id = s.id
    """
)
_UPDATE_VARIANTS: Final = text(
    """
    UPDATE variant AS v SET
        position = s.position, sku = s.sku, barcode = s.barcode, option_values = s.option_values,
        price_minor = s.price_minor, compare_at_minor = s.compare_at_minor, cost_minor = s.cost_minor,
        currency = s.currency, stock_tracked = s.stock_tracked, stock_on_hand = s.stock_on_hand,
        stock_policy = s.stock_policy, weight_grams = s.weight_grams,
        requires_shipping = s.requires_shipping, taxable = s.taxable, picture_id = s.picture_id,
        extra = s.extra, source_key = s.source_key
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(
        id uuid, position integer, sku text, barcode text, option_values text[], price_minor bigint,
        compare_at_minor bigint, cost_minor bigint, currency text, stock_tracked boolean,
        stock_on_hand integer, stock_policy text, weight_grams integer, requires_shipping boolean,
        taxable boolean, picture_id uuid, extra jsonb, source_key text)
    WHERE v.id = s.id
    """
)
_UPDATE_PICTURES: Final = text(
    """
    UPDATE picture AS p SET position = s.position, alt = s.alt
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(id uuid, position integer, alt text)
    WHERE p.id = s.id
    """
)
_DELETE_VARIANTS: Final = text("DELETE FROM variant WHERE id = ANY(:ids)")
_DELETE_MEMBERSHIPS: Final = text("DELETE FROM product_category WHERE product_id = ANY(:ids)")

_CATEGORIES: Final = text(
    """
    SELECT c.id, c.parent_id, c.name FROM category AS c
    JOIN jsonb_to_recordset(CAST(:wanted AS jsonb)) AS w(parent_id uuid, name text)
      ON c.name = w.name AND c.parent_id IS NOT DISTINCT FROM w.parent_id
    """
)
_INSERT_CATEGORIES: Final = text(
    """
    INSERT INTO category (id, parent_id, slug, name, position)
    SELECT w.id, w.parent_id, w.slug, w.name, w.place + coalesce(
        (SELECT max(c.position) + 1 FROM category AS c WHERE c.parent_id IS NOT DISTINCT FROM w.parent_id), 0)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w(id uuid, parent_id uuid, slug text, name text, place integer)
    """
)


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    # The driver gives UUIDs of a class of its own, which orjson does not know.
    return orjson.dumps(rows, default=str).decode()


async def lock_merging(session: AsyncSession) -> None:
    """Let one import at a time write a batch; held until the transaction ends."""
    await session.execute(_LOCK)


async def derive_later(session: AsyncSession) -> None:
    """Keep the triggers that derive price ranges and search documents from running in this transaction.

    Whoever calls this calls `derive` for every product it has written, before the transaction ends.
    """
    await session.execute(_BULK)


async def derive(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Derive what the triggers would have, once for each product."""
    if ids:
        await session.execute(_DERIVE, {"ids": list(ids)})


async def lock_tree(session: AsyncSession) -> None:
    """Let nobody else add or move categories until the transaction ends."""
    await session.execute(_TREE_LOCK)


async def find_by_key(session: AsyncSession, system: str, keys: Sequence[str]) -> Sequence[RowMapping]:
    """Products that came from this origin under these keys: id, source_key, source_hash."""
    return (await session.execute(_BY_KEY, {"system": system, "keys": list(keys)})).mappings().all()


async def find_handmade(session: AsyncSession, slugs: Sequence[str]) -> Sequence[RowMapping]:
    """Products that came from no file and have these slugs: id, slug."""
    return (await session.execute(_BY_SLUG, {"slugs": list(slugs)})).mappings().all()


async def lock_products(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """These products, locked in the order of their ids."""
    return (await session.execute(_PRODUCTS, {"ids": list(ids)})).mappings().all()


async def variants_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The variants of these products."""
    return (await session.execute(_VARIANTS, {"ids": list(ids)})).mappings().all()


async def pictures_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """The pictures of these products."""
    return (await session.execute(_PICTURES, {"ids": list(ids)})).mappings().all()


async def memberships_of(session: AsyncSession, ids: Sequence[UUID]) -> Sequence[RowMapping]:
    """Which categories these products are in."""
    return (await session.execute(_MEMBERSHIPS, {"ids": list(ids)})).mappings().all()


async def taken_slugs(
    session: AsyncSession, table: Literal["product", "category"], slugs: Sequence[str]
) -> set[str]:
    """Which of these slugs are in use."""
    return set((await session.execute(_TAKEN[table], {"slugs": list(slugs)})).scalars())


async def update_products(
    session: AsyncSession, rows: Sequence[Mapping[str, Any]], person: UUID | None
) -> None:
    """Write the products' own columns, and raise their versions."""
    if rows:
        await session.execute(_UPDATE_PRODUCTS, {"rows": _json(rows), "person": person})


async def remember_origin(session: AsyncSession, system: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note the key and digest under which products were imported last; touches no version."""
    if rows:
        await session.execute(_REMEMBER, {"system": system, "rows": _json(rows)})


async def update_variants(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write whole variants."""
    if rows:
        await session.execute(_UPDATE_VARIANTS, {"rows": _json(rows)})


async def update_pictures(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write places and alternative texts of pictures."""
    if rows:
        await session.execute(_UPDATE_PICTURES, {"rows": _json(rows)})


async def delete_variants(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Remove variants."""
    if ids:
        await session.execute(_DELETE_VARIANTS, {"ids": list(ids)})


async def delete_memberships(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Take products out of all their categories."""
    if ids:
        await session.execute(_DELETE_MEMBERSHIPS, {"ids": list(ids)})


async def find_categories(
    session: AsyncSession, wanted: Sequence[tuple[UUID | None, str]]
) -> dict[tuple[UUID | None, str], UUID]:
    """The categories with these parents and names, by parent and name."""
    rows = _json([{"parent_id": parent, "name": name} for parent, name in wanted])
    found = await session.execute(_CATEGORIES, {"wanted": rows})
    return {(row["parent_id"], row["name"]): row["id"] for row in found.mappings()}


async def insert_categories(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add categories after the ones their parents have."""
    if rows:
        await session.execute(_INSERT_CATEGORIES, {"rows": _json(rows)})
