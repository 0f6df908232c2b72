"""The routes of a product's pictures; a picture comes as an uploaded file or as the address of one elsewhere."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import idempotency
from vitrine_kit.db import current_database
from vitrine_kit.openapi import JSON_TYPES, ApiBlueprint, field_errors, read_body
from vitrine_kit.problems import Unprocessable
from vitrine_kit.service import current_state

from vitrine_catalog import uploads
from vitrine_catalog.media import storage
from vitrine_catalog.media.inspection import Inspected
from vitrine_catalog.pictures import queries, service
from vitrine_catalog.pictures.schemas import UPLOAD_FORM, PicturePatch, PictureReference, PictureTexts
from vitrine_catalog.products.models import Product
from vitrine_catalog.products.routes import PRECONDITIONS, PREFIX, locked, writer_id
from vitrine_catalog.products.schemas import PictureOut
from vitrine_catalog.products.service import touch
from vitrine_catalog.representations import WRITE, answer
from vitrine_catalog.rows import rows_of

blueprint = ApiBlueprint("pictures", __name__, url_prefix=PREFIX)


async def _picture_answer(
    session: AsyncSession, product: Product, picture_id: UUID, *, status: int = 200
) -> Response:
    picture = await queries.read_picture(rows_of(session), picture_id)
    return answer(picture.encode(), version=product.version, status=status)


@blueprint.operation(
    "POST",
    "/products/<uuid:product_id>/pictures",
    summary="Add a picture",
    permission=WRITE,
    body_media="multipart/form-data",
    body_schema=UPLOAD_FORM,
    other_bodies={"application/json": PictureReference},
    returns={201: PictureOut},
    problems=(409, 412),
    headers=PRECONDITIONS,
    idempotent=True,
)
async def add_picture(product_id: UUID) -> Response:
    """Adds a picture: a file in a multipart form, or as JSON the `source_url` of one that stays where it is.

    A file is decoded and encoded anew, so that nothing but its pixels is kept.
    """
    if request.mimetype in JSON_TYPES:
        given: PictureReference = read_body(PictureReference)
        reference = {"source_url": given.source_url, "alt": given.alt}
        return await _add(product_id, request.get_data(cache=True), given.position, reference)
    settings = current_state().settings
    root = storage.media_root(settings)
    directory = uploads.spool_directory(settings)
    async with uploads.receiving(into=directory, max_bytes=settings.max_upload_bytes, max_texts=2) as upload:
        texts = _texts(upload.texts)
        async with storage.inspected(upload.path, root) as picture:
            digest = "\0".join((upload.sha256, texts.alt, str(texts.position)))
            columns: dict[str, Any] = {
                "alt": texts.alt,
                "file_name": picture.file_name,
                "media_type": picture.media_type,
                "width": picture.width,
                "height": picture.height,
                "size_bytes": picture.size_bytes,
            }
            return await _add(product_id, digest.encode(), texts.position, columns, picture)


async def _add(
    product_id: UUID,
    fingerprint: bytes,
    position: int | None,
    columns: Mapping[str, Any],
    picture: Inspected | None = None,
) -> Response:
    async with idempotency.guard(current_database(), body=fingerprint) as guard:
        if guard.replay is not None:
            return guard.replay
        async with current_database().transaction() as session:
            product = await locked(session, product_id)
            if picture is not None:
                await storage.lock_file(session, picture.file_name)
                await storage.place(picture, storage.media_root(current_state().settings))
            added = await service.add_picture(session, product, position=position, by=writer_id(), **columns)
            response = await _picture_answer(session, product, added.id, status=201)
        guard.store(response)
        return response


def _texts(given: Mapping[str, str]) -> PictureTexts:
    values: dict[str, Any] = dict(given)
    position = values.get("position", "")
    if position.isascii() and position.isdigit():
        values["position"] = int(position[:9])
    try:
        return PictureTexts.model_validate(values)
    except ValidationError as error:
        found = field_errors(error)
        raise Unprocessable(f"{found[0].field}: {found[0].message}", errors=found) from None


@blueprint.operation(
    "PATCH",
    "/products/<uuid:product_id>/pictures/<uuid:picture_id>",
    summary="Change a picture",
    permission=WRITE,
    body=PicturePatch,
    returns={200: PictureOut},
    problems=(412,),
    headers=PRECONDITIONS,
)
async def update_picture(product_id: UUID, picture_id: UUID, body: PicturePatch) -> Response:
    """Changes a picture's description or its place among the product's pictures."""
    async with current_database().transaction() as session:
        product = await locked(session, product_id)
        picture = await service.find_picture(session, product, picture_id)
        if "alt" in body.model_fields_set:
            picture.alt = body.alt or ""
        if "position" in body.model_fields_set:
            await service.move_picture(session, product, picture, body.position)
        touch(product, by=writer_id())
        return await _picture_answer(session, product, picture_id)


@blueprint.operation(
    "DELETE",
    "/products/<uuid:product_id>/pictures/<uuid:picture_id>",
    summary="Remove a picture",
    permission=WRITE,
    returns={204: None},
    problems=(412,),
    headers=PRECONDITIONS,
)
async def remove_picture(product_id: UUID, picture_id: UUID) -> None:
    """Removes a picture; variants that showed it show none. Its file goes soon after."""
    async with current_database().transaction() as session:
        product = await locked(session, product_id)
        picture = await service.find_picture(session, product, picture_id)
        await service.remove_picture(session, product, picture, by=writer_id())
