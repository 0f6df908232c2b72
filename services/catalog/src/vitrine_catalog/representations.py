"""What a reader gets besides a resource's JSON: validators and caching rules; and who sees what is not public."""

import hashlib
from typing import Any
from uuid import UUID

import orjson
from flask import Response, current_app, request
from vitrine_kit.auth import current_principal
from vitrine_kit.openapi import not_modified
from vitrine_kit.problems import PreconditionFailed

READ_DRAFTS = "catalog:read_drafts"
WRITE = "catalog:write"

PUBLIC_CACHE = "public, max-age=5, stale-while-revalidate=60, stale-if-error=600"
"""Short, so that a change shows within seconds; Nginx and browsers may show the former answer while they ask anew."""

PRIVATE_CACHE = "private, no-store"
"""For whoever sends a credential: people see their own writes at once, and nobody else's view."""


def sees_drafts() -> bool:
    """Tell whether the caller may see what is not public: drafts, archived products, costs and imported extras."""
    principal = current_principal()
    return principal is not None and READ_DRAFTS in principal.permissions


def answer(document: Any, *, version: int | None = None, status: int = 200) -> Response:
    """Return the JSON response for a resource, with its entity tag; 304 and no body where the client has it already.

    `document` is a value, or bytes that are JSON already.

    The tag is made of the row's version, which If-Match compares, and a digest of the whole answer, which tells
    If-None-Match of changes that lie outside the row too (the name of a category, a person's name).
    """
    body = document if isinstance(document, bytes) else orjson.dumps(document, default=_plain)
    digest = hashlib.blake2b(body, digest_size=9).hexdigest()
    etag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    if status == 200 and request.method in {"GET", "HEAD"} and not_modified(etag):
        response = current_app.response_class(status=304)
    else:
        response = current_app.response_class(body, status=status, mimetype="application/json")
    response.headers["ETag"] = etag
    cacheable = request.method in {"GET", "HEAD"} and "Authorization" not in request.headers
    response.headers["Cache-Control"] = PUBLIC_CACHE if cacheable else PRIVATE_CACHE
    response.headers["Vary"] = "Authorization"
    return response


def _plain(value: Any) -> str:
    """Write what the driver returns for a UUID: a subclass of Python's, which orjson does not take for one."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not belong into a document")


def require_version(version: int) -> None:
    """Compare If-Match, where it was sent, with the version of the row (RFC 9110, section 13.1.1).

    Any representation's tag will do (with or without `expand`): only the version in it counts.

    Raises:
        PreconditionFailed: the client knows another version; member `current` tells the one there is.
    """
    if "If-Match" not in request.headers:
        return
    given = request.if_match
    # A proxy that compresses an answer weakens its tag, so a weak one counts as what it was made of.
    tags = given.as_set(include_weak=True)
    if given.star_tag or any((tag or "").partition("-")[0] == str(version) for tag in tags):
        return
    raise PreconditionFailed(
        f"It was changed since you read it: it is at version {version} now.", current={"version": version}
    )
