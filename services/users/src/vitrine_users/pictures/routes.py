"""People's pictures over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.problems import NotFound, PayloadTooLarge, UnsupportedMediaType

from vitrine_users.accounts.current import current_account
from vitrine_users.pictures import queries, service
from vitrine_users.pictures.portraits import MEDIA_TYPE

bp = ApiBlueprint("pictures", __name__, url_prefix="/api/users/v1")

MAX_BYTES = 8 * 1024 * 1024
"""As large as a telephone's photograph; Nginx refuses more as well."""
TAKEN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})
_BODY = {"type": "string", "format": "binary", "maxLength": MAX_BYTES}


@bp.operation(
    "PUT",
    "/me/picture",
    summary="Set your picture",
    permission=SIGNED_IN,
    body_media="image/*",
    body_schema=_BODY,
    returns={204: None},
    problems=(413, 415, 422),
)
async def set_picture() -> Any:
    """Takes a JPEG, PNG, WebP, GIF or AVIF of at most 8 MiB; a square of its middle is kept, and nothing else of it.

    The kind is found by looking inside; the content type only has to name one of these.
    """
    if request.mimetype not in TAKEN:
        raise UnsupportedMediaType("Send image/jpeg, image/png, image/webp, image/gif or image/avif.")
    request.max_content_length = MAX_BYTES
    if (request.content_length or 0) > MAX_BYTES:
        raise PayloadTooLarge(f"A picture may have at most {MAX_BYTES // 1024 // 1024} MiB.")
    account_id = current_account()["id"]
    portrait = await service.drawn(request.get_data(cache=False))
    async with current_database().transaction() as session:
        await service.set_picture(session, account_id, portrait, address=client_address())
    return None


@bp.operation(
    "DELETE",
    "/me/picture",
    summary="Remove your picture",
    permission=SIGNED_IN,
    returns={204: None},
    problems=(404,),
)
async def remove_picture() -> None:
    """Takes your picture away; its address answers 404 from now on."""
    async with current_database().transaction() as session:
        await service.remove_picture(session, current_account()["id"], address=client_address())


@bp.operation(
    "GET",
    "/pictures/<uuid:picture_id>",
    summary="A person's picture",
    permission=PUBLIC,
    returns={200: None},
    returns_media=MEDIA_TYPE,
    problems=(404,),
)
async def get_picture(picture_id: UUID) -> Response:
    """The picture with this id, which accounts show as `picture_id`; a new picture has another id."""
    content = await queries.find_content(current_database(), picture_id)
    if content is None:
        raise NotFound("There is no picture with this id.")
    response = Response(content, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
