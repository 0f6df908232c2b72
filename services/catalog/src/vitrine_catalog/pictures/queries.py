"""Every statement about the pictures of one product."""

from uuid import UUID

from sqlalchemy import Text, bindparam, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from vitrine_catalog.media.models import Picture
from vitrine_catalog.products.documents import PICTURE_JSON
from vitrine_catalog.rows import Rows

_OF_PRODUCT = (
    select(Picture)
    .where(Picture.product_id == bindparam("product_id"))
    .order_by(Picture.position, Picture.id)
)
_I = aliased(Picture, name="i")
_READ = select(_I.id, literal_column(f"CAST({PICTURE_JSON} AS text)", type_=Text()).label("document")).where(
    _I.id == bindparam("picture_id")
)


async def pictures_of(session: AsyncSession, product_id: UUID) -> list[Picture]:
    """Return the product's pictures in their order."""
    return list((await session.execute(_OF_PRODUCT, {"product_id": product_id})).scalars())


async def read_picture(rows: Rows, picture_id: UUID) -> str:
    """Return one picture, which is known to be there, as it crosses the wire (`PictureOut` as JSON text)."""
    document: str = (await rows(_READ, {"picture_id": picture_id}))[0]["document"]
    return document
