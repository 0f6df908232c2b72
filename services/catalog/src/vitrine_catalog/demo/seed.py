"""Brings the demo shop into the catalogue by way of the features' own rules; a shop that has products is left alone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from PIL import Image
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.asgi import run_blocking
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id

from vitrine_catalog.categories.models import Category
from vitrine_catalog.categories.schemas import CategoryCreate
from vitrine_catalog.categories.service import create_category
from vitrine_catalog.demo.shop import DemoCategory, DemoPicture, DemoProduct, DemoShop, load_shop
from vitrine_catalog.imports.reading.values import parse_amount
from vitrine_catalog.media import storage
from vitrine_catalog.media.inspection import Inspected
from vitrine_catalog.money import minor_unit_digits
from vitrine_catalog.pictures.service import add_picture
from vitrine_catalog.products import queries
from vitrine_catalog.products.models import Product
from vitrine_catalog.products.schemas import Money, Option, ProductCreate, Stock, VariantCreate
from vitrine_catalog.products.service import create_product
from vitrine_catalog.texts import slug_of

_LOCK: Final = func.pg_advisory_xact_lock(func.hashtext("catalog.demo"))

_PATIENCE: Final = (text("SET LOCAL statement_timeout = '120s'"), text("SET LOCAL lock_timeout = '120s'"))


async def seed_demo(database: Database, *, force: bool = False) -> int:
    """Add the demo shop in one transaction; return how many products were added.

    Nothing is added where there are products already; with `force`, those of the shop that are missing.
    """
    shop = await run_blocking(load_shop)
    root = storage.media_root(database.settings)
    async with database.transaction() as session:
        # Another seeding may be under way, and takes longer than a request may wait.
        for limit in _PATIENCE:
            await session.execute(limit)
        await session.execute(select(_LOCK))
        present = set((await session.execute(select(Product.slug))).scalars()) if force else set()
        if not force and (await session.execute(select(Product.id).limit(1))).first() is not None:
            return 0
        missing = [product for product in in_order(shop.products) if _slug(product) not in present]
        ids = await _make_categories(session, shop.categories)
        for product in missing:
            await _make_product(session, shop, product, ids, root)
    return len(missing)


def in_order(products: Sequence[DemoProduct]) -> list[DemoProduct]:
    """The order in which products are added: well mixed, the bestsellers last and so the newest."""
    # Steps of the golden ratio scatter neighbours far apart, and the same way at every run.
    scattered = sorted(
        enumerate(products), key=lambda item: ("bestseller" in item[1].tags, item[0] * 0.618034 % 1)
    )
    return [product for _, product in scattered]


async def _make_categories(session: AsyncSession, categories: Sequence[DemoCategory]) -> dict[str, UUID]:
    """The ids of the shop's categories by name; those that are missing are made."""
    ids: dict[str, UUID] = {}
    for position, entry in enumerate(categories):
        ids[entry.name] = await _category(session, entry.name, None, position, entry.description_html)
        for place, name in enumerate(entry.below):
            ids[name] = await _category(session, name, ids[entry.name], place, "")
    return ids


async def _category(
    session: AsyncSession, name: str, parent_id: UUID | None, position: int, description: str
) -> UUID:
    found = await session.execute(
        select(Category.id).where(Category.name == name, Category.parent_id.is_not_distinct_from(parent_id))
    )
    known = found.scalar_one_or_none()
    if known is not None:
        return known
    given = CategoryCreate(name=name, parent_id=parent_id, position=position, description_html=description)
    return (await create_category(session, given)).id


async def _make_product(
    session: AsyncSession, shop: DemoShop, entry: DemoProduct, categories: dict[str, UUID], root: Path
) -> None:
    given = ProductCreate(
        title=entry.title,
        slug=_slug(entry),
        description_html=entry.description_html,
        status=entry.status,
        vendor=entry.vendor,
        tags=entry.tags,
        options=[Option(name=name, values=values) for name, values in entry.options.items()],
        variants=[_variant(variant, shop.currency) for variant in entry.variants],
        category_ids=[categories[name] for name in entry.categories],
    )
    product = await create_product(session, given, by=None)
    ids = {picture.name: await _add_picture(session, product, picture, root) for picture in entry.pictures}
    for variant, data in zip(await queries.variants_of(session, product.id), entry.variants, strict=True):
        if "picture" in data:
            variant.picture_id = ids[data["picture"]]
    await session.flush()


async def _add_picture(session: AsyncSession, product: Product, picture: DemoPicture, root: Path) -> UUID:
    """Place the picture's file among the media; it is ours, so it is not encoded anew as an upload would be."""
    own = await run_blocking(_copy, picture.path, root)
    await storage.lock_file(session, own.file_name)
    await storage.place(own, root)
    added = await add_picture(
        session,
        product,
        position=None,
        by=None,
        alt=picture.alt,
        file_name=own.file_name,
        media_type=own.media_type,
        width=own.width,
        height=own.height,
        size_bytes=own.size_bytes,
    )
    return added.id


def _copy(source: Path, root: Path) -> Inspected:
    target = root / ".incoming" / str(new_id())
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    with Image.open(target) as image:
        width, height = image.size
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    return Inspected(
        path=target,
        media_type="image/webp",
        file_name=f"{digest[:2]}/{digest[2:4]}/{digest}.webp",
        width=width,
        height=height,
        size_bytes=target.stat().st_size,
    )


def _variant(data: dict[str, Any], currency: str) -> VariantCreate:
    def money(name: str) -> Money | None:
        if name not in data:
            return None
        amount = parse_amount(data[name], minor_unit_digits(currency), False)
        return Money(amount_minor=amount.minor, currency=currency)

    return VariantCreate(
        sku=data["sku"],
        option_values=data.get("values", []),
        price=money("price"),
        compare_at_price=money("compare_at"),
        stock=Stock(tracked=True, on_hand=data["stock"], policy=data.get("policy", "deny")),
        weight_grams=data.get("weight"),
    )


def _slug(entry: DemoProduct) -> str:
    return slug_of(entry.title, "product")
