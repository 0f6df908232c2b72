"""The question of Nginx's `auth_request`: is this credential good now, and what token shall the service see?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from vitrine_kit import auth
from vitrine_kit.auth import Principal
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.problems import Unauthenticated

from vitrine_users.personal_tokens import service as personal_tokens
from vitrine_users.personal_tokens.text import PREFIX
from vitrine_users.sessions import guard
from vitrine_users.state import current_users

edge = Blueprint("edge", __name__, url_prefix="/edge")
"""No operation of the API: what is shown here need not be an access token."""

TOKEN_HEADER = "X-Vitrine-Token"  # noqa: S105 - a header's name
"""Where Nginx finds the token for the service; without it the caller's own is good as it is."""


@edge.get("/identity")
async def identity() -> Response:
    """204 where the request may go on, with the token the service shall see where it is another; 401 where not.

    Everybody may ask, for everybody learns only what their own credential is worth. Nginx does not keep the answer:
    what was withdrawn counts at the next request (docs/adr/0008).
    """
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip().startswith(PREFIX):
        return await _of_personal_token(credential.strip())
    principal = await auth.authenticate()
    if principal is None:
        raise Unauthenticated("This needs an access token.")
    account, narrowed = await guard.judge(principal)
    if narrowed.permissions >= principal.permissions:
        return Response(status=204)
    return await _of_less_power(account, narrowed)


async def _of_personal_token(text: str) -> Response:
    found = await personal_tokens.prove(current_database(), text, address=client_address())
    minted = await current_users().mint.token(
        account_id=found["account_id"],
        session_id=found["id"],
        name=found["name"],
        roles=(),
        permissions=personal_tokens.rights_of(found),
        left_s=(found["expires_at"] - datetime.now(UTC)).total_seconds(),
    )
    return Response(status=204, headers={TOKEN_HEADER: minted.token})


async def _of_less_power(account: Mapping[Any, Any], narrowed: Principal) -> Response:
    """A token without what its person has lost since it was signed."""
    minted = await current_users().mint.token(
        account_id=narrowed.user_id,
        session_id=UUID(narrowed.session_id),
        name=account["name"],
        roles=account["roles"],
        permissions=sorted(narrowed.permissions),
        authenticated_at=account["authenticated_at"],
        assurance=narrowed.assurance,
        left_s=current_users().settings.access_token_ttl_s,
    )
    return Response(status=204, headers={TOKEN_HEADER: minted.token})
