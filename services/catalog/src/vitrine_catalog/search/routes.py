"""The route of search."""

from typing import Any

from flask import Response
from vitrine_kit.auth import PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.pagination import encode_cursor, page

from vitrine_catalog.products.fulltext import text_parameters
from vitrine_catalog.products.pages import cursor_values, filter_parameters, shaped
from vitrine_catalog.products.routes import PREFIX, VALIDATORS
from vitrine_catalog.representations import answer, sees_drafts
from vitrine_catalog.search import queries
from vitrine_catalog.search.schemas import SearchPage, SearchQuery

blueprint = ApiBlueprint("search", __name__, url_prefix=PREFIX)


@blueprint.operation(
    "GET",
    "/search",
    summary="Search products",
    permission=PUBLIC,
    query=SearchQuery,
    returns={200: SearchPage, 304: None},
    headers=VALIDATORS,
)
async def search_products(query: SearchQuery) -> Response:
    """Products that match the words, best first: in title, vendor, type, tags, SKUs, option values, description."""
    rows = current_database().fetch_all
    staff = sees_drafts()
    after = cursor_values(query.after, float)
    filters = {**filter_parameters(query), **text_parameters(query.q)}
    found = await queries.found_rows(rows, filters, staff=staff, limit=query.limit + 1, after=after)
    shown, items = await shaped(rows, found, query, staff=staff)
    return answer(_page(shown, items, more=len(found) > len(shown)))


def _page(shown: Any, items: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    for row, item in zip(shown, items, strict=True):
        item["rank"] = row["rank"]
    return page(items, encode_cursor([shown[-1]["rank"], str(shown[-1]["id"])]) if more else None)
