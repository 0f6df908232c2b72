"""Whom one may sign in with, and one's own connections, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts.current import current_account
from vitrine_users.connections import queries, service
from vitrine_users.connections.schemas import ConnectionOut, ConnectionsOut, ProviderOut, ProvidersOut
from vitrine_users.factors.stepup import require_recent
from vitrine_users.state import current_users

bp = ApiBlueprint("connections", __name__, url_prefix="/api/users/v1")

NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "GET",
    "/providers",
    summary="Whom you may sign in with",
    permission=PUBLIC,
    returns={200: ProvidersOut},
)
async def list_providers() -> Any:
    """The issuers that the shop's operator has set, in the order of their buttons."""
    offered = current_users().providers.all.values()
    items = [ProviderOut(slug=one.settings.slug, name=one.settings.name) for one in offered]
    return ProvidersOut(items=items), 200, {"Cache-Control": "public, max-age=60"}


@bp.operation(
    "GET",
    "/me/connections",
    summary="Your accounts elsewhere",
    permission=SIGNED_IN,
    returns={200: ConnectionsOut},
)
async def list_own() -> Any:
    """The accounts at other issuers that sign in to yours."""
    offered = current_users().providers.issuers
    items = []
    for row in await queries.list_connections(current_database(), current_account()["id"]):
        values = dict(row)
        known = offered.get(values.pop("issuer"))
        shown = (known.name, known.slug) if known is not None else (row["issuer"], None)
        items.append(ConnectionOut(provider=shown[0], slug=shown[1], **values))
    return ConnectionsOut(items=items), 200, NO_STORE


@bp.operation(
    "DELETE",
    "/me/connections/<uuid:connection_id>",
    summary="Disconnect an account elsewhere",
    permission=SIGNED_IN,
    returns={204: None},
    problems=(403, 409),
)
async def disconnect(connection_id: UUID) -> None:
    """It no longer signs in to your account; the last way to sign in cannot be taken."""
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        await service.disconnect(
            session,
            current_account()["id"],
            connection_id,
            current_users().providers,
            from_address=client_address(),
        )
