"""The routes of products and their variants."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.auth import PUBLIC, current_principal
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_catalog.media.tasks import remove_files_later
from vitrine_catalog.people.names import name_makers
from vitrine_catalog.products import pages, queries, service
from vitrine_catalog.products.errors import NoProduct
from vitrine_catalog.products.models import Product
from vitrine_catalog.products.schemas import (
    ProductCreate,
    ProductListQuery,
    ProductOut,
    ProductPage,
    ProductPatch,
    ProductReadQuery,
    VariantCreate,
    VariantOut,
    VariantPatch,
)
from vitrine_catalog.representations import WRITE, answer, require_version, sees_drafts
from vitrine_catalog.rows import Rows, rows_of

PREFIX = "/api/catalog/v1"
VALIDATORS = ("If-None-Match",)
PRECONDITIONS = ("If-Match",)

blueprint = ApiBlueprint("products", __name__, url_prefix=PREFIX)


def writer_id() -> UUID | None:
    """Return the id of the person who is writing."""
    principal = current_principal()
    return principal.user_id if principal is not None else None


async def locked(session: AsyncSession, product_id: UUID) -> Product:
    """Return the product, locked for this transaction, if it is at the version that If-Match names.

    Raises:
        NotFound: there is no such product.
        PreconditionFailed: it has changed since.
    """
    product = await service.lock_product(session, product_id)
    require_version(product.version)
    return product


async def product_answer(rows: Rows, product_id: UUID, *, status: int = 200) -> Response:
    """Return the response that shows the whole product, as its editors see it."""
    row = await queries.find_product(rows, product_id=product_id, staff=True)
    assert row is not None, "it is locked"
    response = answer(row["document"].encode(), version=row["version"], status=status)
    if status == 201:
        response.headers["Location"] = f"{PREFIX}/products/{product_id}"
    return response


async def _variant_answer(
    session: AsyncSession, product: Product, variant_id: UUID, *, status: int = 200
) -> Response:
    variant = await queries.read_variant(rows_of(session), variant_id)
    return answer(variant.encode(), version=product.version, status=status)


async def _read(query: ProductReadQuery, **key: Any) -> Response:
    row = await queries.find_product(current_database().fetch_all, staff=sees_drafts(), **key)
    if row is None:
        raise NoProduct
    if query.expand is None:
        return answer(row["document"].encode(), version=row["version"])
    document = orjson.loads(row["document"])
    await name_makers([document])
    return answer(document, version=row["version"])


@blueprint.operation(
    "GET",
    "/products",
    summary="List products",
    permission=PUBLIC,
    query=ProductListQuery,
    returns={200: ProductPage, 304: None},
    headers=VALIDATORS,
)
async def list_products(query: ProductListQuery) -> Response:
    """A page of products in the order asked for; a product changed meanwhile neither repeats nor hides others."""
    rows = current_database().fetch_all
    return answer(await pages.product_page(rows, query, staff=sees_drafts()))


@blueprint.operation(
    "POST",
    "/products",
    summary="Create a product",
    permission=WRITE,
    body=ProductCreate,
    returns={201: ProductOut},
    problems=(409,),
    idempotent=True,
)
async def create_product(body: ProductCreate) -> Response:
    """Creates a product with its options, variants and categories; all of it or nothing."""
    async with current_database().transaction() as session:
        product = await service.create_product(session, body, by=writer_id())
        return await product_answer(rows_of(session), product.id, status=201)


@blueprint.operation(
    "GET",
    "/products/<uuid:product_id>",
    summary="Read a product",
    permission=PUBLIC,
    query=ProductReadQuery,
    returns={200: ProductOut, 304: None},
    headers=VALIDATORS,
)
async def get_product(product_id: UUID, query: ProductReadQuery) -> Response:
    return await _read(query, product_id=product_id)


@blueprint.operation(
    "GET",
    "/products/by-slug/<slug>",
    summary="Read a product by its slug",
    permission=PUBLIC,
    query=ProductReadQuery,
    returns={200: ProductOut, 304: None},
    headers=VALIDATORS,
)
async def get_product_by_slug(slug: str, query: ProductReadQuery) -> Response:
    return await _read(query, slug=slug)


@blueprint.operation(
    "PATCH",
    "/products/<uuid:product_id>",
    summary="Change a product",
    permission=WRITE,
    body=ProductPatch,
    returns={200: ProductOut},
    problems=(409, 412),
    headers=PRECONDITIONS,
)
async def update_product(product_id: UUID, body: ProductPatch) -> Response:
    """Changes a product by a JSON merge patch (RFC 7396). With If-Match, only if nobody changed it meanwhile."""
    async with current_database().transaction() as session:
        product = await locked(session, product_id)
        await service.update_product(session, product, body, by=writer_id())
        return await product_answer(rows_of(session), product_id)


@blueprint.operation(
    "DELETE",
    "/products/<uuid:product_id>",
    summary="Delete a product",
    permission=WRITE,
    returns={204: None},
    problems=(412,),
    headers=PRECONDITIONS,
)
async def delete_product(product_id: UUID) -> None:
    """Deletes a product with its variants and pictures; the files of its pictures go soon after."""
    async with current_database().transaction() as session:
        await locked(session, product_id)
        await remove_files_later(session, await queries.file_names(session, product_id))
        await queries.delete_product(session, product_id)


@blueprint.operation(
    "POST",
    "/products/<uuid:product_id>/variants",
    summary="Add a variant",
    permission=WRITE,
    body=VariantCreate,
    returns={201: VariantOut},
    problems=(409, 412),
    headers=PRECONDITIONS,
    idempotent=True,
)
async def add_variant(product_id: UUID, body: VariantCreate) -> Response:
    """Adds a variant after the others. The product's version counts it as a change."""
    async with current_database().transaction() as session:
        product = await locked(session, product_id)
        variant = await service.add_variant(session, product, body, by=writer_id())
        return await _variant_answer(session, product, variant.id, status=201)


@blueprint.operation(
    "PATCH",
    "/products/<uuid:product_id>/variants/<uuid:variant_id>",
    summary="Change a variant",
    permission=WRITE,
    body=VariantPatch,
    returns={200: VariantOut},
    problems=(409, 412),
    headers=PRECONDITIONS,
)
async def update_variant(product_id: UUID, variant_id: UUID, body: VariantPatch) -> Response:
    """Changes a variant by a JSON merge patch. If-Match takes the product's entity tag."""
    async with current_database().transaction() as session:
        product = await locked(session, product_id)
        await service.update_variant(session, product, variant_id, body, by=writer_id())
        return await _variant_answer(session, product, variant_id)


@blueprint.operation(
    "DELETE",
    "/products/<uuid:product_id>/variants/<uuid:variant_id>",
    summary="Remove a variant",
    permission=WRITE,
    returns={204: None},
    problems=(412,),
    headers=PRECONDITIONS,
)
async def remove_variant(product_id: UUID, variant_id: UUID) -> None:
    async with current_database().transaction() as session:
        product = await locked(session, product_id)
        await service.remove_variant(session, product, variant_id, by=writer_id())
