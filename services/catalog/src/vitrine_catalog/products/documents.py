"""The JSON documents of products: as SQL expressions by which PostgreSQL writes them, and list items made of rows.

Their shapes are `schemas`. The expressions name their tables p (product), v (variant), i (picture) and c (category).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import RowMapping

from vitrine_catalog.products.schemas import SUMMARY_FIELDS

PICTURE_JSON = """json_build_object(
    'id', i.id, 'url', coalesce('/media/' || i.file_name, i.source_url), 'alt', i.alt,
    'position', i.position, 'width', i.width, 'height', i.height)"""

CATEGORY_JSON = "json_build_object('id', c.id, 'slug', c.slug, 'name', c.name)"


def _money(column: str) -> str:
    return (
        f"CASE WHEN v.{column} IS NOT NULL THEN"
        f" json_build_object('amount_minor', v.{column}, 'currency', v.currency) END"
    )


def _moment(column: str) -> str:
    return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"


def variant_json(*, staff: bool) -> str:
    """Return the expression of a `VariantOut`; only staff sees what it cost and what an import left."""
    return f"""json_build_object(
    'id', v.id, 'sku', v.sku, 'barcode', v.barcode, 'option_values', v.option_values,
    'price', {_money("price_minor")}, 'compare_at_price', {_money("compare_at_minor")},
    'cost', {_money("cost_minor") if staff else "NULL::json"},
    'stock', json_build_object('tracked', v.stock_tracked, 'on_hand', v.stock_on_hand, 'policy', v.stock_policy),
    'weight_grams', v.weight_grams, 'position', v.position, 'picture_id', v.picture_id,
    'requires_shipping', v.requires_shipping, 'taxable', v.taxable,
    'extra', {"v.extra" if staff else "'{}'::json"})"""


def product_json(*, staff: bool) -> str:
    """Return the expression of a `ProductOut`; only staff sees what things cost and what an import left."""
    return f"""json_build_object(
    'id', p.id, 'slug', p.slug, 'title', p.title, 'description_html', p.description_html, 'status', p.status,
    'vendor', p.vendor, 'product_type', p.product_type, 'tags', p.tags,
    'seo', json_build_object('title', p.seo_title, 'description', p.seo_description), 'options', p.options,
    'variants', coalesce((SELECT json_agg({variant_json(staff=staff)} ORDER BY v.position, v.id)
        FROM catalog.variant v WHERE v.product_id = p.id), '[]'),
    'pictures', coalesce((SELECT json_agg({PICTURE_JSON} ORDER BY i.position, i.id)
        FROM catalog.picture i WHERE i.product_id = p.id), '[]'),
    'categories', coalesce((SELECT json_agg({CATEGORY_JSON} ORDER BY pc.position, c.id)
        FROM catalog.product_category pc JOIN catalog.category c ON c.id = pc.category_id
        WHERE pc.product_id = p.id), '[]'),
    'price_range', CASE WHEN p.price_min_minor IS NOT NULL THEN json_build_object(
        'min_minor', p.price_min_minor, 'max_minor', p.price_max_minor, 'currency', p.currency) END,
    'in_stock', p.in_stock,
    'created_at', {_moment("p.created_at")}, 'updated_at', {_moment("p.updated_at")},
    'created_by', p.created_by, 'extra', {"p.extra" if staff else "'{}'::json"}, 'version', p.version)"""  # noqa: S608


def summary_document(row: RowMapping, fields: Sequence[str] = SUMMARY_FIELDS) -> dict[str, Any]:
    """Return the list item (`ProductSummary`) with these members."""
    return {name: _SUMMARY_MEMBERS[name](row) if name in _SUMMARY_MEMBERS else row[name] for name in fields}


def _price_range(row: RowMapping) -> dict[str, Any] | None:
    if row["price_min_minor"] is None:
        return None
    return {
        "min_minor": row["price_min_minor"],
        "max_minor": row["price_max_minor"],
        "currency": row["currency"],
    }


_SUMMARY_MEMBERS: Mapping[str, Any] = {
    "price_range": _price_range,
    "picture": lambda row: None if row["picture"] is None else orjson.Fragment(row["picture"]),
}


def with_part(document: dict[str, Any], name: str, part: str | None) -> None:
    """Add the variants, pictures or categories, as JSON text, to a list item."""
    document[name] = orjson.Fragment(part or "[]")
