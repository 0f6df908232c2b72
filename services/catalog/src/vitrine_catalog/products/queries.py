"""Every statement about single products and their variants; lists have `listing`, and no rule is held here.

A read is one statement, prepared once, in which PostgreSQL writes the whole document; it is passed on unread.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    RowMapping,
    Select,
    Text,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from vitrine_catalog.categories.models import Category, ProductCategory
from vitrine_catalog.media.models import Picture
from vitrine_catalog.products.documents import product_json, variant_json
from vitrine_catalog.products.models import Product, Variant
from vitrine_catalog.rows import Rows

_P = aliased(Product, name="p")
_V = aliased(Variant, name="v")


def _reads(condition: ColumnElement[bool]) -> dict[bool, Select[*tuple[Any, ...]]]:
    """Return the statement for the public (False) and the one for staff (True)."""
    found: dict[bool, Select[*tuple[Any, ...]]] = {}
    for staff in (False, True):
        document = literal_column(f"CAST({product_json(staff=staff)} AS text)", type_=Text())
        statement = select(_P.version, document.label("document")).where(condition)
        found[staff] = statement if staff else statement.where(_P.status == literal_column("'active'"))
    return found


_READ_BY_ID = _reads(_P.id == bindparam("product_id"))
_READ_BY_SLUG = _reads(_P.slug == bindparam("slug", type_=Text()))
_READ_VARIANT = select(
    _V.id, literal_column(f"CAST({variant_json(staff=True)} AS text)", type_=Text()).label("document")
).where(_V.id == bindparam("variant_id"))

_LOCK = (
    select(Product)
    .where(Product.id == bindparam("id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_VARIANTS = (
    select(Variant)
    .where(Variant.product_id == bindparam("product_id"))
    .order_by(Variant.position, Variant.id)
)
_TAKEN_SLUGS = select(Product.slug).where(Product.slug.in_(bindparam("slugs", expanding=True)))
_KNOWN_CATEGORIES = select(Category.id).where(Category.id.in_(bindparam("ids", expanding=True)))
_KNOWN_PICTURES = (
    select(Picture.id)
    .where(Picture.product_id == bindparam("product_id"), Picture.id.in_(bindparam("ids", expanding=True)))
    # It checks what is about to be written, so that must not be written before it has answered.
    .execution_options(autoflush=False)
)
_FILES = select(Picture.file_name).where(
    Picture.product_id == bindparam("product_id"), Picture.file_name.is_not(None)
)


async def find_product(
    rows: Rows, *, staff: bool, product_id: UUID | None = None, slug: str | None = None
) -> RowMapping | None:
    """Return the `version` of one product and its `document` (`ProductOut` as JSON text), or None.

    Args:
        rows: where to read.
        staff: whether the reader sees drafts, costs and extras.
        product_id: its id, or else
        slug: its slug.
    """
    if product_id is not None:
        found = await rows(_READ_BY_ID[staff], {"product_id": product_id})
    else:
        found = await rows(_READ_BY_SLUG[staff], {"slug": slug})
    return found[0] if found else None


async def read_variant(rows: Rows, variant_id: UUID) -> str:
    """Return one variant, which is known to be there, as its editors see it (`VariantOut` as JSON text)."""
    document: str = (await rows(_READ_VARIANT, {"variant_id": variant_id}))[0]["document"]
    return document


async def lock_product(session: AsyncSession, product_id: UUID) -> Product | None:
    """Return the product, which nobody else can change until the transaction ends, or None."""
    return (await session.execute(_LOCK, {"id": product_id})).scalar_one_or_none()


async def variants_of(session: AsyncSession, product_id: UUID) -> list[Variant]:
    """Return the product's variants in their order."""
    return list((await session.execute(_VARIANTS, {"product_id": product_id})).scalars())


async def lock_slug(session: AsyncSession, slug: str) -> None:
    """Let nobody else choose a slug made of the same words until the transaction ends."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"catalog.slug:{slug}", 0)))
    )


async def taken_slugs(session: AsyncSession, slugs: Sequence[str]) -> set[str]:
    """Return those of the slugs that products have."""
    return set((await session.execute(_TAKEN_SLUGS, {"slugs": list(slugs)})).scalars())


async def known_categories(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the ids that are categories."""
    return set((await session.execute(_KNOWN_CATEGORIES, {"ids": list(ids)})).scalars()) if ids else set()


async def known_pictures(session: AsyncSession, product_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the ids that are pictures of the product."""
    if not ids:
        return set()
    params = {"product_id": product_id, "ids": list(ids)}
    return set((await session.execute(_KNOWN_PICTURES, params)).scalars())


async def set_categories(session: AsyncSession, product_id: UUID, ids: Sequence[UUID]) -> None:
    """Put the product in these categories, in this order, and in no others."""
    await session.execute(delete(ProductCategory).where(ProductCategory.product_id == product_id))
    session.add_all(
        ProductCategory(product_id=product_id, category_id=category_id, position=position)
        for position, category_id in enumerate(ids)
    )


async def file_names(session: AsyncSession, product_id: UUID) -> list[str]:
    """Return the names of the picture files the product refers to."""
    return [name for name in (await session.execute(_FILES, {"product_id": product_id})).scalars() if name]


async def delete_product(session: AsyncSession, product_id: UUID) -> None:
    """Delete the product with its variants, pictures and places in categories."""
    await session.execute(delete(Product).where(Product.id == product_id))


async def forget_person(session: AsyncSession, person_id: UUID) -> int:
    """Take a person's id off everything they made or changed; return how many marks there were."""
    found = 0
    for column in (Product.created_by, Product.updated_by):
        result = await session.execute(update(Product).where(column == person_id).values({column: None}))
        assert isinstance(result, CursorResult)
        found += result.rowcount
    return found
