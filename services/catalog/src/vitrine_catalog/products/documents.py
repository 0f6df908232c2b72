"""Turns rows of products into the JSON documents that cross the wire (their shapes are `schemas`)."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import RowMapping

from vitrine_catalog.products.schemas import SUMMARY_FIELDS


def _part(text: str | None) -> orjson.Fragment:
    return orjson.Fragment(text or "[]")


def _price_range(row: RowMapping) -> dict[str, Any] | None:
    if row["price_min_minor"] is None:
        return None
    return {
        "min_minor": row["price_min_minor"],
        "max_minor": row["price_max_minor"],
        "currency": row["currency"],
    }


def product_document(row: RowMapping) -> dict[str, Any]:
    """Return the document of one product (`ProductOut`); the nested JSON stays as PostgreSQL wrote it."""
    return {
        "id": row["id"],
        "slug": row["slug"],
        "title": row["title"],
        "description_html": row["description_html"],
        "status": row["status"],
        "vendor": row["vendor"],
        "product_type": row["product_type"],
        "tags": row["tags"],
        "seo": {"title": row["seo_title"], "description": row["seo_description"]},
        "options": orjson.Fragment(row["options"]),
        "variants": _part(row["variants"]),
        "pictures": _part(row["pictures"]),
        "categories": _part(row["categories"]),
        "price_range": _price_range(row),
        "in_stock": row["in_stock"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "created_by": row["created_by"],
        "extra": orjson.Fragment(row["extra"]),
        "version": row["version"],
    }


def summary_document(row: RowMapping, fields: Sequence[str] = SUMMARY_FIELDS) -> dict[str, Any]:
    """Return the list item (`ProductSummary`) with these members."""
    return {name: _SUMMARY_MEMBERS[name](row) if name in _SUMMARY_MEMBERS else row[name] for name in fields}


_SUMMARY_MEMBERS: Mapping[str, Any] = {
    "price_range": _price_range,
    "picture": lambda row: None if row["picture"] is None else orjson.Fragment(row["picture"]),
}


def with_part(document: dict[str, Any], name: str, part: str | None) -> None:
    """Add the variants, pictures or categories, as JSON text, to a list item."""
    document[name] = _part(part)
