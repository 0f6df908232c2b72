"""Makes a page of products out of a list query: rows, the parts asked for, names, and the next cursor."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from vitrine_kit.pagination import decode_cursor, encode_cursor, page

from vitrine_catalog.people.names import name_makers
from vitrine_catalog.products import listing
from vitrine_catalog.products.documents import summary_document, with_part
from vitrine_catalog.products.fulltext import text_parameters
from vitrine_catalog.products.schemas import SUMMARY_FIELDS, ProductFilters, ProductListQuery, ProductShape
from vitrine_catalog.rows import Rows
from vitrine_catalog.wire import wrong

PARTS = ("variants", "pictures", "categories")


def filter_parameters(filters: ProductFilters) -> dict[str, Any]:
    """Return the parameters of those filters that are given."""
    given = {name: getattr(filters, name) for name in ProductFilters.model_fields}
    return {name: value for name, value in given.items() if value is not None}


def cursor_values(after: str | None, kind: type) -> list[Any] | None:
    """Return the sort key, of this kind, and the id that a cursor holds; None without a cursor.

    Raises:
        Unprocessable: it is no cursor of this list in this order.
    """
    if after is None:
        return None
    values = decode_cursor(after, (kind, UUID))
    if None in values:
        raise wrong("after", "This is not a cursor of this list in this order. Start again without it.")
    return values


async def product_page(rows: Rows, query: ProductListQuery, *, staff: bool) -> dict[str, Any]:
    """Return the page that the query asks for (`ProductPage`).

    The number of statements depends on what is expanded, never on how many products there are.

    Raises:
        Unprocessable: `after` is no cursor of this list in this order.
    """
    order = listing.ORDERS[query.sort]
    after = cursor_values(query.after, order.kind)
    filters = filter_parameters(query)
    if query.q is not None:
        filters |= text_parameters(query.q)
    found = await listing.page_rows(
        rows, query.sort, filters, staff=staff, limit=query.limit + 1, after=after
    )
    shown, documents = await shaped(rows, found, query, staff=staff)
    last = shown[-1] if len(found) > len(shown) else None
    return page(documents, encode_cursor([last["key"], str(last["id"])]) if last is not None else None)


async def shaped(
    rows: Rows, found: Sequence[RowMapping], query: ProductShape, *, staff: bool
) -> tuple[Sequence[RowMapping], list[dict[str, Any]]]:
    """Return the rows to show, out of at most `limit` + 1, and the items made of them as the query asks."""
    fields = tuple(query.fields.split(",")) if query.fields else SUMMARY_FIELDS
    expand = frozenset(query.expand.split(",")) if query.expand else frozenset[str]()
    shown = found[: query.limit]
    if "variants" in expand and shown:
        shown = shown[: await listing.fitting(rows, [row["id"] for row in shown])]
    return shown, await _expanded(rows, shown, fields, expand, staff=staff)


async def _expanded(
    rows: Rows, shown: Sequence[RowMapping], fields: Sequence[str], expand: frozenset[str], *, staff: bool
) -> list[dict[str, Any]]:
    """Return the list items with these members and what else was asked for."""
    ids = [row["id"] for row in shown]
    parts: Mapping[str, Mapping[UUID, str]] = {
        name: await listing.parts_of(rows, name, ids, staff=staff) for name in PARTS if name in expand
    }
    documents = [summary_document(row, fields) for row in shown]
    for row, document in zip(shown, documents, strict=True):
        for name, part in parts.items():
            with_part(document, name, part.get(row["id"]))
    if "created_by" in expand:
        await name_makers(documents)
    return documents
