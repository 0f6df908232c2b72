"""The rules of creating and changing products: slugs, merge patches, and what belongs together.

Everything runs in the transaction of the caller, who has opened it and commits it.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.ids import new_id

from vitrine_catalog.base import utc_now
from vitrine_catalog.products import queries
from vitrine_catalog.products.changes import completed, merged_extra, new_variant, patch_variant
from vitrine_catalog.products.consistency import Placed, check_options, check_variants
from vitrine_catalog.products.errors import NoProduct, NoVariant, SlugTaken
from vitrine_catalog.products.models import Product, Variant
from vitrine_catalog.products.schemas import (
    Option,
    ProductCreate,
    ProductPatch,
    Seo,
    VariantCreate,
    VariantEntry,
    VariantPatch,
)
from vitrine_catalog.texts import sanitised_off_loop, slug_of
from vitrine_catalog.wire import wrong

_SUFFIXES = 50
"""Slugs “title-2” to “title-50” are tried; then a part of the product's id makes the slug unique."""


async def create_product(session: AsyncSession, given: ProductCreate, *, by: UUID | None) -> Product:
    """Add a product with its options, variants and categories.

    Raises:
        Unprocessable: options and variants do not fit together, or a category does not exist; names the field.
        Conflict: the slug that was asked for is taken.
    """
    check_options(given.options)
    product = Product(
        id=new_id(),
        title=given.title,
        description_html=await sanitised_off_loop(given.description_html),
        status=given.status,
        vendor=given.vendor,
        product_type=given.product_type,
        tags=_distinct(given.tags),
        seo_title=given.seo.title,
        seo_description=given.seo.description,
        options=[option.model_dump() for option in given.options],
        extra=given.extra,
        created_by=by,
        updated_by=by,
    )
    variants = [
        new_variant(product.id, each, position, f"variants.{position}.")
        for position, each in enumerate(given.variants)
    ]
    placed = [Placed(each, f"variants.{index}.") for index, each in enumerate(variants)]
    check_variants(given.options, placed)
    await _check_pictures(session, product.id, placed)
    product.slug = given.slug or await _free_slug(session, given.title, product.id)
    session.add(product)
    await _flush(session, product)
    session.add_all(variants)
    await _put_in_categories(session, product.id, given.category_ids)
    await session.flush()
    return product


async def lock_product(session: AsyncSession, product_id: UUID) -> Product:
    """Return the product, locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    product = await queries.lock_product(session, product_id)
    if product is None:
        raise NoProduct
    return product


def touch(product: Product, *, by: UUID | None) -> None:
    """Mark the product as changed now; anything that belongs to it counts as part of it."""
    product.version += 1
    product.updated_at = utc_now()
    product.updated_by = by


async def update_product(
    session: AsyncSession, product: Product, patch: ProductPatch, *, by: UUID | None
) -> None:
    """Apply the patch to a locked product.

    Raises:
        Unprocessable: the result would not fit together; names the field.
        NotFound: the patch names a variant that the product does not have.
        Conflict: the new slug is taken.
    """
    given = patch.model_fields_set
    for name in ("title", "slug", "status"):
        if name in given:
            setattr(product, name, getattr(patch, name))
    for name in ("vendor", "product_type"):
        if name in given:
            setattr(product, name, getattr(patch, name) or "")
    if "description_html" in given:
        product.description_html = await sanitised_off_loop(patch.description_html or "")
    if "tags" in given:
        product.tags = _distinct(patch.tags or [])
    if "seo" in given:
        seo = patch.seo or Seo(title=None, description=None)
        if "title" in seo.model_fields_set:
            product.seo_title = seo.title
        if "description" in seo.model_fields_set:
            product.seo_description = seo.description
    if "extra" in given:
        product.extra = merged_extra(product.extra, patch.extra, "extra")
    if "options" in given:
        check_options(patch.options or [])
        product.options = [option.model_dump() for option in patch.options or []]
    if given & {"options", "variants"}:
        await _update_variants(session, product, patch)
    touch(product, by=by)
    await _flush(session, product)
    if "category_ids" in given:
        await _put_in_categories(session, product.id, patch.category_ids or [])
    await session.flush()


async def _update_variants(session: AsyncSession, product: Product, patch: ProductPatch) -> None:
    present = await queries.variants_of(session, product.id)
    if "variants" in patch.model_fields_set:
        placed = await _replace_variants(session, product, present, patch.variants or [])
    else:
        placed = [Placed(variant, f"variants.{index}.") for index, variant in enumerate(present)]
    check_variants(_options_of(product), placed)
    await _check_pictures(session, product.id, placed)


async def _replace_variants(
    session: AsyncSession, product: Product, present: Sequence[Variant], entries: Sequence[VariantEntry]
) -> list[Placed]:
    remaining = {variant.id: variant for variant in present}
    placed = []
    for index, entry in enumerate(entries):
        path = f"variants.{index}."
        if entry.id is None:
            variant = new_variant(product.id, completed(entry, path), index, path)
            session.add(variant)
        else:
            found = remaining.pop(entry.id, None)
            if found is None:
                raise wrong(f"{path}id", "The product has no such variant, or it is listed twice.")
            variant = found
            patch_variant(variant, entry, path)
            variant.position = index
        placed.append(Placed(variant, path))
    for variant in remaining.values():
        await session.delete(variant)
    return placed


async def add_variant(
    session: AsyncSession, product: Product, given: VariantCreate, *, by: UUID | None
) -> Variant:
    """Add a variant at the end of a locked product's.

    Raises:
        Unprocessable: it does not fit the product's options or equals another variant; names the field.
    """
    present = await queries.variants_of(session, product.id)
    position = max((variant.position for variant in present), default=-1) + 1
    variant = new_variant(product.id, given, position, "")
    check_variants(_options_of(product), [*(Placed(each, "") for each in present), Placed(variant, "")])
    await _check_pictures(session, product.id, [Placed(variant, "")])
    session.add(variant)
    touch(product, by=by)
    await session.flush()
    return variant


async def update_variant(
    session: AsyncSession, product: Product, variant_id: UUID, patch: VariantPatch, *, by: UUID | None
) -> Variant:
    """Apply the patch to one variant of a locked product.

    Raises:
        NotFound: the product has no such variant.
        Unprocessable: the result would not fit together; names the field.
    """
    present = await queries.variants_of(session, product.id)
    variant = next((each for each in present if each.id == variant_id), None)
    if variant is None:
        raise NoVariant(variant_id)
    patch_variant(variant, patch, "")
    others = [Placed(each, "") for each in present if each is not variant]
    check_variants(_options_of(product), [*others, Placed(variant, "")])
    await _check_pictures(session, product.id, [Placed(variant, "")])
    touch(product, by=by)
    await session.flush()
    return variant


async def remove_variant(
    session: AsyncSession, product: Product, variant_id: UUID, *, by: UUID | None
) -> None:
    """Remove one variant of a locked product.

    Raises:
        NotFound: the product has no such variant.
    """
    variant = await session.get(Variant, variant_id)
    if variant is None or variant.product_id != product.id:
        raise NoVariant(variant_id)
    await session.delete(variant)
    touch(product, by=by)
    await session.flush()


def _options_of(product: Product) -> list[Option]:
    return [Option.model_construct(**option) for option in product.options]


def _distinct(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip() for tag in tags))


async def _free_slug(session: AsyncSession, title: str, product_id: UUID) -> str:
    base = slug_of(title, "product")
    await queries.lock_slug(session, base)
    wanted = [base, *(f"{base}-{n}" for n in range(2, _SUFFIXES + 1))]
    taken = await queries.taken_slugs(session, wanted)
    return next((slug for slug in wanted if slug not in taken), f"{base}-{product_id.hex[-12:]}")


async def _flush(session: AsyncSession, product: Product) -> None:
    slug = product.slug
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_product_slug" in str(error.orig):
            raise SlugTaken(slug) from error
        raise


async def _put_in_categories(session: AsyncSession, product_id: UUID, ids: Sequence[UUID]) -> None:
    wanted = list(dict.fromkeys(ids))
    known = await queries.known_categories(session, wanted)
    for index, category_id in enumerate(ids):
        if category_id not in known:
            raise wrong(f"category_ids.{index}", "There is no such category.")
    await queries.set_categories(session, product_id, wanted)


async def _check_pictures(session: AsyncSession, product_id: UUID, placed: Sequence[Placed]) -> None:
    wanted = {each.variant.picture_id for each in placed if each.variant.picture_id is not None}
    known = await queries.known_pictures(session, product_id, sorted(wanted))
    for each in placed:
        if each.variant.picture_id is not None and each.variant.picture_id not in known:
            raise wrong(f"{each.path}picture_id", "The product has no such picture.")
