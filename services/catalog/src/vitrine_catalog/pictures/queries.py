"""Every statement about the pictures of one product."""

from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_catalog.media.models import Picture
from vitrine_catalog.products.queries import PICTURE_JSON
from vitrine_catalog.rows import Rows

_OF_PRODUCT = (
    select(Picture)
    .where(Picture.product_id == bindparam("product_id"))
    .order_by(Picture.position, Picture.id)
)
_READ = text(f"SELECT CAST({PICTURE_JSON} AS text) AS picture FROM picture i WHERE i.id = CAST(:id AS uuid)")  # noqa: S608


async def pictures_of(session: AsyncSession, product_id: UUID) -> list[Picture]:
    """Return the product's pictures in their order."""
    return list((await session.execute(_OF_PRODUCT, {"product_id": product_id})).scalars())


async def picture_json(rows: Rows, picture_id: UUID) -> str:
    """Return one picture, which is known to be there, as it crosses the wire."""
    picture: str = (await rows(_READ, {"id": picture_id}))[0]["picture"]
    return picture
