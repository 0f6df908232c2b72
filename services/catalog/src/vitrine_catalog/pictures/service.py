"""The rules of a product's pictures: how many, in which order, and none of them twice."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.ids import new_id
from vitrine_kit.problems import NotFound

from vitrine_catalog.media.models import Picture
from vitrine_catalog.media.tasks import remove_files_later
from vitrine_catalog.pictures import queries
from vitrine_catalog.products.models import Product
from vitrine_catalog.products.service import touch
from vitrine_catalog.wire import wrong

MAX_PICTURES = 250
"""Pictures a product may have."""


class NoPicture(NotFound):
    """The product has no such picture."""

    def __init__(self, picture_id: UUID) -> None:
        super().__init__(f"The product has no picture {picture_id}.")


async def add_picture(
    session: AsyncSession, product: Product, *, position: int | None, by: UUID | None, **columns: Any
) -> Picture:
    """Add a picture to a locked product, at a place among the others or at the end.

    Args:
        session: the caller's transaction.
        product: the locked product.
        position: its place, 0 being the first; None for the end.
        by: who adds it.
        **columns: what else the row holds: `source_url`, or `file_name` with its measures.

    Raises:
        Unprocessable: the product has too many pictures already, or this address among them.
    """
    pictures = await queries.pictures_of(session, product.id)
    if len(pictures) >= MAX_PICTURES:
        raise wrong(
            "file" if "file_name" in columns else "source_url", f"A product may have {MAX_PICTURES} pictures."
        )
    source_url = columns.get("source_url")
    if source_url is not None and any(picture.source_url == source_url for picture in pictures):
        raise wrong("source_url", "The product has this picture already.")
    picture = Picture(id=new_id(), product_id=product.id, **columns)
    session.add(picture)
    _arrange(pictures, picture, len(pictures) if position is None else position)
    touch(product, by=by)
    await session.flush()
    return picture


async def find_picture(session: AsyncSession, product: Product, picture_id: UUID) -> Picture:
    """Return a picture of the product.

    Raises:
        NotFound: the product has none with this id.
    """
    picture = await session.get(Picture, picture_id)
    if picture is None or picture.product_id != product.id:
        raise NoPicture(picture_id)
    return picture


async def move_picture(session: AsyncSession, product: Product, picture: Picture, position: int) -> None:
    """Move a picture to another place among those of its locked product."""
    others = [each for each in await queries.pictures_of(session, product.id) if each is not picture]
    _arrange(others, picture, position)


async def remove_picture(
    session: AsyncSession, product: Product, picture: Picture, *, by: UUID | None
) -> None:
    """Remove a picture from its locked product, and later its file if no other picture shares it."""
    await session.delete(picture)
    if picture.file_name is not None:
        await remove_files_later(session, [picture.file_name])
    touch(product, by=by)
    await session.flush()


def _arrange(others: list[Picture], picture: Picture, position: int) -> None:
    ordered = [*others[:position], picture, *others[position:]]
    for place, each in enumerate(ordered):
        each.position = place
