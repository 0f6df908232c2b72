"""Every statement about single products and their variants; lists have `listing`, and no rule is held here.

Reads are one statement each, prepared once; PostgreSQL builds the nested parts as JSON, which is passed on unread.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import CursorResult, RowMapping, bindparam, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_catalog.categories.models import Category, ProductCategory
from vitrine_catalog.media.models import Picture
from vitrine_catalog.products.models import Product, Variant
from vitrine_catalog.rows import Rows

VARIANT_JSON = """json_build_object(
    'id', v.id, 'sku', v.sku, 'barcode', v.barcode, 'option_values', v.option_values,
    'price', CASE WHEN v.price_minor IS NOT NULL
        THEN json_build_object('amount_minor', v.price_minor, 'currency', v.currency) END,
    'compare_at_price', CASE WHEN v.compare_at_minor IS NOT NULL
        THEN json_build_object('amount_minor', v.compare_at_minor, 'currency', v.currency) END,
    'cost', CASE WHEN CAST(:staff AS boolean) AND v.cost_minor IS NOT NULL
        THEN json_build_object('amount_minor', v.cost_minor, 'currency', v.currency) END,
    'stock', json_build_object(
        'tracked', v.stock_tracked, 'on_hand', v.stock_on_hand, 'policy', v.stock_policy),
    'weight_grams', v.weight_grams, 'position', v.position, 'picture_id', v.picture_id,
    'requires_shipping', v.requires_shipping, 'taxable', v.taxable,
    'extra', CASE WHEN CAST(:staff AS boolean) THEN v.extra ELSE '{}' END)"""

PICTURE_JSON = """json_build_object(
    'id', i.id, 'url', coalesce('/media/' || i.file_name, i.source_url), 'alt', i.alt,
    'position', i.position, 'width', i.width, 'height', i.height)"""

CATEGORY_JSON = "json_build_object('id', c.id, 'slug', c.slug, 'name', c.name)"

_READ = f"""
SELECT p.id, p.slug, p.title, p.description_html, p.status, p.vendor, p.product_type, p.tags,
    p.seo_title, p.seo_description, CAST(p.options AS text) AS options,
    p.price_min_minor, p.price_max_minor, p.currency, p.in_stock,
    p.created_at, p.updated_at, p.created_by, p.version,
    CASE WHEN CAST(:staff AS boolean) THEN CAST(p.extra AS text) ELSE '{{}}' END AS extra,
    CAST((SELECT json_agg({VARIANT_JSON} ORDER BY v.position, v.id)
        FROM variant v WHERE v.product_id = p.id) AS text) AS variants,
    CAST((SELECT json_agg({PICTURE_JSON} ORDER BY i.position, i.id)
        FROM picture i WHERE i.product_id = p.id) AS text) AS pictures,
    CAST((SELECT json_agg({CATEGORY_JSON} ORDER BY pc.position, c.id)
        FROM product_category pc JOIN category c ON c.id = pc.category_id
        WHERE pc.product_id = p.id) AS text) AS categories
FROM product p
"""  # noqa: S608 - made of the constants above alone
_VISIBLE = "(p.status = 'active' OR CAST(:staff AS boolean))"

_READ_BY_ID = text(f"{_READ} WHERE p.id = CAST(:id AS uuid) AND {_VISIBLE}")
_READ_BY_SLUG = text(f"{_READ} WHERE p.slug = CAST(:slug AS text) AND {_VISIBLE}")

_READ_VARIANT = text(
    f"SELECT CAST({VARIANT_JSON} AS text) AS variant FROM variant v WHERE v.id = CAST(:id AS uuid)"  # noqa: S608
)

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


async def find_product_row(
    rows: Rows, *, staff: bool, product_id: UUID | None = None, slug: str | None = None
) -> RowMapping | None:
    """Return one product with its variants, pictures and categories as JSON texts, or None.

    Args:
        rows: where to read.
        staff: whether the reader sees drafts, costs and extras.
        product_id: its id, or else
        slug: its slug.
    """
    if product_id is not None:
        found = await rows(_READ_BY_ID, {"id": product_id, "staff": staff})
    else:
        found = await rows(_READ_BY_SLUG, {"slug": slug, "staff": staff})
    return found[0] if found else None


async def variant_json(rows: Rows, variant_id: UUID) -> str:
    """Return one variant, which is known to be there, as its editors see it on the wire."""
    variant: str = (await rows(_READ_VARIANT, {"id": variant_id, "staff": True}))[0]["variant"]
    return variant


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
