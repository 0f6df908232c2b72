"""The routes of categories."""

from typing import Any
from uuid import UUID

from flask import Response
from vitrine_kit.auth import PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_catalog.categories import queries, service
from vitrine_catalog.categories.schemas import (
    CategoryCreate,
    CategoryListQuery,
    CategoryOut,
    CategoryPatch,
    CategoryTree,
)
from vitrine_catalog.representations import WRITE, answer, require_version
from vitrine_catalog.rows import Rows, rows_of

PREFIX = "/api/catalog/v1"

blueprint = ApiBlueprint("categories", __name__, url_prefix=PREFIX)


async def _category_answer(rows: Rows, *, status: int = 200, **key: Any) -> Response:
    row = await queries.find_category_row(rows, **key)
    if row is None:
        raise service.NoCategory
    response = answer(queries.category_document(row), version=row["version"], status=status)
    if status == 201:
        response.headers["Location"] = f"{PREFIX}/categories/{row['id']}"
    return response


@blueprint.operation(
    "GET",
    "/categories",
    summary="Read the category tree",
    permission=PUBLIC,
    query=CategoryListQuery,
    returns={200: CategoryTree, 304: None},
    headers=("If-None-Match",),
)
async def list_categories(query: CategoryListQuery) -> Response:
    """The categories in the order of the tree, each followed by those below it."""
    rows = await queries.tree_rows(current_database().fetch_all, parent=query.parent, depth=query.depth)
    return answer({"items": [queries.category_document(row) for row in rows], "next": None})


@blueprint.operation(
    "POST",
    "/categories",
    summary="Create a category",
    permission=WRITE,
    body=CategoryCreate,
    returns={201: CategoryOut},
    problems=(409,),
    idempotent=True,
)
async def create_category(body: CategoryCreate) -> Response:
    """Creates a category at the top or below another."""
    async with current_database().transaction() as session:
        category = await service.create_category(session, body)
        return await _category_answer(rows_of(session), category_id=category.id, status=201)


@blueprint.operation(
    "GET",
    "/categories/<uuid:category_id>",
    summary="Read a category",
    permission=PUBLIC,
    returns={200: CategoryOut, 304: None},
    headers=("If-None-Match",),
)
async def get_category(category_id: UUID) -> Response:
    return await _category_answer(current_database().fetch_all, category_id=category_id)


@blueprint.operation(
    "GET",
    "/categories/by-slug/<slug>",
    summary="Read a category by its slug",
    permission=PUBLIC,
    returns={200: CategoryOut, 304: None},
    headers=("If-None-Match",),
)
async def get_category_by_slug(slug: str) -> Response:
    return await _category_answer(current_database().fetch_all, slug=slug)


@blueprint.operation(
    "PATCH",
    "/categories/<uuid:category_id>",
    summary="Change a category",
    permission=WRITE,
    body=CategoryPatch,
    returns={200: CategoryOut},
    problems=(409, 412),
    headers=("If-Match",),
)
async def update_category(category_id: UUID, body: CategoryPatch) -> Response:
    """Changes or moves a category by a JSON merge patch. With If-Match, only if nobody changed it meanwhile."""
    async with current_database().transaction() as session:
        category = await service.lock_category(session, category_id)
        require_version(category.version)
        await service.update_category(session, category, body)
        return await _category_answer(rows_of(session), category_id=category_id)


@blueprint.operation(
    "DELETE",
    "/categories/<uuid:category_id>",
    summary="Delete a category",
    permission=WRITE,
    returns={204: None},
    problems=(409, 412),
    headers=("If-Match",),
)
async def delete_category(category_id: UUID) -> None:
    """Deletes a category that has none below it; the products in it stay."""
    async with current_database().transaction() as session:
        category = await service.lock_category(session, category_id)
        require_version(category.version)
        await service.delete_category(session, category)
