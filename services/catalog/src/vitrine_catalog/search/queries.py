"""The statement of search: which products match, best first, from where the last page ended."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.types import REAL

from vitrine_catalog.products.fulltext import text_query
from vitrine_catalog.products.listing import conditions, filter_names, summary_columns
from vitrine_catalog.products.models import Product, ProductSearch
from vitrine_catalog.rows import Rows

# Weights of D (description), C (option values), B (vendor, type, tags), A (title, SKUs).
_WEIGHTS: ColumnElement[Any] = literal_column("'{0.05, 0.2, 0.5, 1.0}'::real[]")
_BY_LENGTH: ColumnElement[int] = literal_column("1")
"""Divide by 1 + the logarithm of the document's length: a word means more where there are few."""


@lru_cache(maxsize=256)
def _statement(filters: frozenset[str], *, staff: bool, continued: bool) -> Select[Any]:
    wanted = text_query()
    rank: ColumnElement[float] = func.ts_rank(
        _WEIGHTS, ProductSearch.document, wanted, _BY_LENGTH, type_=REAL()
    )
    statement = (
        select(*summary_columns(), rank.label("rank"))
        .join_from(ProductSearch, Product, Product.id == ProductSearch.product_id)
        .where(ProductSearch.document.op("@@")(wanted), *conditions(sorted(filters), staff=staff))
    )
    if continued:
        cursor = tuple_(cast(bindparam("rank"), REAL()), bindparam("id", type_=Uuid()))
        statement = statement.where(tuple_(rank, Product.id) < cursor)
    return statement.order_by(rank.desc(), Product.id.desc()).limit(bindparam("limit", type_=BigInteger()))


async def found_rows(
    rows: Rows, filters: Mapping[str, Any], *, staff: bool, limit: int, after: Sequence[Any] | None
) -> list[RowMapping]:
    """Return at most `limit` list rows with their `rank`, that follow the cursor values `after` (rank, id).

    Args:
        rows: where to read.
        filters: parameters of the list's filters, and those that `text_parameters` makes of the words.
        staff: whether the reader sees drafts.
        limit: how many rows.
        after: where the page before ended.
    """
    names = filter_names(filters) - {"q"}
    params = {**filters, "limit": limit}
    if after is not None:
        params |= {"rank": after[0], "id": after[1]}
    return list(await rows(_statement(names, staff=staff, continued=after is not None), params))
