"""A person's export over HTTP."""

from __future__ import annotations

from flask import Response
from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.offload import PooledIterator
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts.current import current_account
from vitrine_users.exports import queries, service
from vitrine_users.pictures import queries as pictures
from vitrine_users.state import current_users

bp = ApiBlueprint("exports", __name__, url_prefix="/api/users/v1")


@bp.operation(
    "GET",
    "/me/export",
    summary="Everything we hold about you",
    permission=SIGNED_IN,
    returns={200: None},
    returns_media="application/zip",
)
async def export() -> Response:
    """A zip of JSON files, one for each table that tells of you; secrets are left out."""
    db, account = current_database(), current_account()
    account_id = account["id"]
    await current_users().guesses.costly(str(account_id))
    parts = [
        (part.name, await queries.rows_of(db, part))
        for part in queries.parts_about(db.metadata, account_id, account["email"])
    ]
    picture = await pictures.find_content_of(db, account_id)
    files = {} if picture is None else {"picture.webp": picture}
    # Compressing blocks: each piece is made in a thread while the ones before it are on their way.
    response = Response(PooledIterator(service.zip_of(parts, files)), mimetype="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="my-account.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response
