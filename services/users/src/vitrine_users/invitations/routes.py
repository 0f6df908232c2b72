"""Invitations over HTTP: sent and withdrawn by staff, taken up by whoever has the mail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.pagination import PageQuery, decode_cursor, encode_cursor, page

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.accounts.routes import me_out
from vitrine_users.accounts.schemas import MeOut
from vitrine_users.invitations import queries, service
from vitrine_users.invitations.schemas import (
    AcceptanceIn,
    InvitationIn,
    InvitationOut,
    InvitationPage,
    InvitationPreview,
    InvitationRef,
)
from vitrine_users.roles.models import CUSTOMER
from vitrine_users.state import current_users

bp = ApiBlueprint("invitations", __name__, url_prefix="/api/users/v1/invitations")

NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "POST",
    "",
    summary="Invite somebody",
    permission="users:write",
    body=InvitationIn,
    returns={201: InvitationOut},
    problems=(409,),
)
async def invite(body: InvitationIn) -> Any:
    """Mails a link with which somebody makes an account of these roles, within a day."""
    if set(body.roles) - {CUSTOMER}:
        auth.require("users:roles")
    address = accounts.read_address(body.email)
    async with current_database().transaction() as session:
        row = await service.invite(
            session,
            address,
            body.roles,
            inviter=current_account(),
            locale=body.locale,
            from_address=client_address(),
        )
    return _shown(row), 201, NO_STORE


@bp.operation(
    "GET",
    "",
    summary="List the open invitations",
    permission="users:read",
    query=PageQuery,
    returns={200: InvitationPage},
)
async def list_invitations(query: PageQuery) -> Any:
    """Invitations nobody has taken up yet, newest first."""
    before = decode_cursor(query.after, [UUID])[0] if query.after is not None else None
    rows = await queries.list_invitations(current_database(), limit=query.limit + 1, before=before)
    shown = rows[: query.limit]
    following = encode_cursor([shown[-1]["id"]]) if len(rows) > query.limit else None
    return page([_shown(row) for row in shown], following), 200, NO_STORE


@bp.operation(
    "DELETE",
    "/<uuid:invitation_id>",
    summary="Withdraw an invitation",
    permission="users:write",
    returns={204: None},
)
async def withdraw(invitation_id: UUID) -> None:
    """Makes an open invitation worth nothing."""
    async with current_database().transaction() as session:
        await service.withdraw(
            session, invitation_id, actor_id=current_account()["id"], from_address=client_address()
        )


@bp.operation(
    "POST",
    "/lookups",
    summary="Look an invitation up",
    permission=PUBLIC,
    body=InvitationRef,
    returns={200: InvitationPreview},
    problems=(410,),
)
async def look_up(body: InvitationRef) -> Any:
    """To which address an invitation was sent; uses nothing up."""
    await current_users().guesses.from_address(client_address())
    row = await service.look_up(current_database(), body.token)
    return InvitationPreview(email=row["email"], roles=row["role_names"]), 200, NO_STORE


@bp.operation(
    "POST",
    "/acceptances",
    summary="Take an invitation up",
    permission=PUBLIC,
    body=AcceptanceIn,
    returns={201: MeOut},
    problems=(409, 410),
)
async def accept(body: AcceptanceIn) -> Any:
    """Makes the account; its address is confirmed, for the mail has reached somebody."""
    users, db = current_users(), current_database()
    await users.guesses.from_address(client_address())
    accounts.accept_password(body.password, field="password", about=(body.name,))
    row = await service.look_up(db, body.token)
    accounts.accept_password(body.password, field="password", about=(row["email"], body.name))
    hashed = await users.hasher.hash(body.password)
    async with db.transaction() as session:
        account = await service.accept(
            session, body.token, name=body.name, password_hash=hashed, from_address=client_address()
        )
    return me_out(account), 201, NO_STORE


def _shown(row: RowMapping) -> InvitationOut:
    values = dict(row)
    return InvitationOut(roles=values.pop("role_names"), **values)
