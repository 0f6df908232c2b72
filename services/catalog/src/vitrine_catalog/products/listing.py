"""The statements of product lists: filters, orders and cursors, each combination built once and kept.

It is apart from `queries` because search shares it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    RowMapping,
    Select,
    SQLColumnExpression,
    Text,
    Uuid,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from vitrine_catalog.categories.models import Category, ProductCategory
from vitrine_catalog.media.models import Picture
from vitrine_catalog.products.documents import CATEGORY_JSON, PICTURE_JSON, variant_json
from vitrine_catalog.products.fulltext import text_query
from vitrine_catalog.products.models import (
    PRICE_LAST_ASCENDING,
    PRICE_LAST_DESCENDING,
    Product,
    ProductSearch,
    Variant,
)
from vitrine_catalog.rows import Rows

MAX_EXPANDED_VARIANTS = 5_000
"""Variants in one page with `expand=variants`; the page ends before the product that would exceed it."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a list: its key, which way it runs, and the type of the key in a cursor."""

    key: SQLColumnExpression[Any]
    descending: bool
    kind: type
    sql_type: Any


_LAST_ASCENDING: ColumnElement[int] = literal_column(PRICE_LAST_ASCENDING)
_LAST_DESCENDING: ColumnElement[int] = literal_column(PRICE_LAST_DESCENDING)

ORDERS: Mapping[str, Order] = {
    "newest": Order(Product.created_at, True, datetime, DateTime(timezone=True)),
    "oldest": Order(Product.created_at, False, datetime, DateTime(timezone=True)),
    "updated": Order(Product.updated_at, True, datetime, DateTime(timezone=True)),
    "title": Order(Product.title_key, False, str, Text()),
    "price": Order(func.coalesce(Product.price_min_minor, _LAST_ASCENDING), False, int, BigInteger()),
    "-price": Order(func.coalesce(Product.price_min_minor, _LAST_DESCENDING), True, int, BigInteger()),
}


def _within_category() -> ColumnElement[bool]:
    tree = (
        select(Category.id)
        .where(Category.slug == bindparam("category", type_=Text()))
        .cte("tree", recursive=True)
    )
    tree = tree.union_all(select(Category.id).where(Category.parent_id == tree.c.id))
    return exists().where(
        ProductCategory.product_id == Product.id, ProductCategory.category_id.in_(select(tree.c.id))
    )


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "category": _within_category(),
    "vendor": Product.vendor == bindparam("vendor", type_=Text()),
    "product_type": Product.product_type == bindparam("product_type", type_=Text()),
    "tag": Product.tags.contains(
        func.array_append(literal_column("'{}'::text[]"), bindparam("tag", type_=Text()))
    ),
    "status": Product.status == bindparam("status", type_=Text()),
    "price_min": Product.price_max_minor >= bindparam("price_min", type_=BigInteger()),
    "price_max": Product.price_min_minor <= bindparam("price_max", type_=BigInteger()),
    "in_stock": Product.in_stock == bindparam("in_stock"),
    "updated_after": Product.updated_at > bindparam("updated_after", type_=DateTime(timezone=True)),
    "created_by": Product.created_by == bindparam("created_by", type_=Uuid()),
    "q": exists().where(
        ProductSearch.product_id == Product.id, ProductSearch.document.op("@@")(text_query())
    ),
}


def conditions(names: Iterable[str], *, staff: bool) -> list[ColumnElement[bool]]:
    """Return the conditions of these filters; whoever is not staff gets active products only."""
    # The status is written out, so that the planner knows which part of the index is read.
    public = [] if staff else [Product.status == literal_column("'active'")]
    return [*public, *(_CONDITIONS[name] for name in names)]


def summary_columns() -> list[SQLColumnExpression[Any]]:
    """Return the columns of a list item, its first picture as a JSON text among them."""
    picture = literal_column(
        f"(SELECT CAST({PICTURE_JSON} AS text) FROM picture i"  # noqa: S608 - constants alone
        " WHERE i.product_id = product.id ORDER BY i.position, i.id LIMIT 1)",
        type_=Text(),
    )
    return [
        Product.id,
        Product.slug,
        Product.title,
        Product.status,
        Product.vendor,
        Product.product_type,
        Product.tags,
        Product.price_min_minor,
        Product.price_max_minor,
        Product.currency,
        Product.in_stock,
        picture.label("picture"),
        Product.created_at,
        Product.updated_at,
        Product.created_by,
        Product.version,
    ]


@lru_cache(maxsize=512)
def list_statement(order_name: str, filters: frozenset[str], *, staff: bool, continued: bool) -> Select[Any]:
    """Return the statement of one page; parameters are the filters' names, `limit`, and `key` and `id` if continued."""
    order = ORDERS[order_name]
    statement = select(*summary_columns(), order.key.label("key")).where(
        *conditions(sorted(filters), staff=staff)
    )
    if continued:
        here = tuple_(order.key, Product.id)
        cursor = tuple_(bindparam("key", type_=order.sql_type), bindparam("id", type_=Uuid()))
        statement = statement.where(here < cursor if order.descending else here > cursor)
    if order.descending:
        statement = statement.order_by(order.key.desc(), Product.id.desc())
    else:
        statement = statement.order_by(order.key, Product.id)
    return statement.limit(bindparam("limit", type_=BigInteger()))


_V = aliased(Variant, name="v")
_I = aliased(Picture, name="i")
_C = aliased(Category, name="c")
_PC = aliased(ProductCategory, name="pc")
_IDS = bindparam("ids", type_=ARRAY(Uuid()))


def _part(expression: str, owner: SQLColumnExpression[UUID]) -> Select[*tuple[Any, ...]]:
    collected = literal_column(f"CAST(json_agg({expression}) AS text)", type_=Text())
    statement: Select[*tuple[Any, ...]] = select(owner.label("id"), collected.label("part"))
    return statement.where(owner == func.any(_IDS)).group_by(owner)


# The nested parts of a page's products: one statement for each part, however many products.
_VARIANT_COUNTS = (
    select(_V.product_id.label("id"), func.count().label("found"))
    .where(_V.product_id == func.any(_IDS))
    .group_by(_V.product_id)
)
_PARTS: Mapping[tuple[str, bool], Select[*tuple[Any, ...]]] = {
    (name, staff): statement
    for staff in (False, True)
    for name, statement in {
        "variants": _part(f"{variant_json(staff=staff)} ORDER BY v.position, v.id", _V.product_id),
        "pictures": _part(f"{PICTURE_JSON} ORDER BY i.position, i.id", _I.product_id),
        "categories": _part(f"{CATEGORY_JSON} ORDER BY pc.position, c.id", _PC.product_id).join_from(
            _PC, _C, _C.id == _PC.category_id
        ),
    }.items()
}


async def page_rows(
    rows: Rows,
    order_name: str,
    filters: Mapping[str, Any],
    *,
    staff: bool,
    limit: int,
    after: Sequence[Any] | None,
) -> list[RowMapping]:
    """Return at most `limit` list rows that follow the cursor values `after` (key, id) in this order."""
    statement = list_statement(order_name, filter_names(filters), staff=staff, continued=after is not None)
    params = {**filters, "limit": limit}
    if after is not None:
        params |= {"key": after[0], "id": after[1]}
    return list(await rows(statement, params))


def filter_names(filters: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the filters that these parameters belong to; the words of `q` come as several."""
    return frozenset("q" if name.startswith("q_") else name for name in filters)


async def fitting(rows: Rows, ids: Sequence[UUID]) -> int:
    """Return how many of the products, from the first, can be shown with their variants in one page; at least one."""
    counts = {row["id"]: row["found"] for row in await rows(_VARIANT_COUNTS, {"ids": list(ids)})}
    total = 0
    for index, product_id in enumerate(ids):
        total += counts.get(product_id, 0)
        if total > MAX_EXPANDED_VARIANTS and index > 0:
            return index
    return len(ids)


async def parts_of(rows: Rows, part: str, ids: Sequence[UUID], *, staff: bool) -> dict[UUID, str]:
    """Return the `variants`, `pictures` or `categories` of each product as JSON texts, by one statement."""
    return {row["id"]: row["part"] for row in await rows(_PARTS[part, staff], {"ids": list(ids)})}
