"""Suspending people, and letting them in again, over HTTP."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint, Schema

from vitrine_users.accounts.current import current_account
from vitrine_users.suspensions import service

bp = ApiBlueprint("suspensions", __name__, url_prefix="/api/users/v1/users/<uuid:user_id>/suspension")


class SuspensionIn(Schema):
    """Why somebody is barred."""

    reason: str = Field("", max_length=200)
    """Kept in the audit log for ever; name nobody."""


@bp.operation(
    "PUT",
    "",
    summary="Suspend somebody",
    permission="users:write",
    body=SuspensionIn,
    returns={204: None},
    problems=(409,),
)
async def suspend(user_id: UUID, body: SuspensionIn) -> None:
    """Bars a person who may not do more than you; their next request is refused."""
    async with current_database().transaction() as session:
        await service.suspend(
            session, user_id, actor=current_account(), reason=body.reason, address=client_address()
        )


@bp.operation("DELETE", "", summary="Let somebody in again", permission="users:write", returns={204: None})
async def unsuspend(user_id: UUID) -> None:
    """Ends a suspension; the person signs in anew."""
    async with current_database().transaction() as session:
        await service.unsuspend(session, user_id, actor=current_account(), address=client_address())
