"""The rules about invitations: they give no more than the inviter may do, then and when they are taken up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as account_queries
from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.addresses import EmailAddress
from vitrine_users.accounts.errors import AddressTaken
from vitrine_users.audit.log import record
from vitrine_users.invitations import queries
from vitrine_users.invitations.errors import HasAccount, InvitationSpent, NoSuchInvitation
from vitrine_users.mail import outbox
from vitrine_users.mail.outbox import settings_of
from vitrine_users.roles import service as roles
from vitrine_users.secrets import digest_of, new_opaque

log = get_logger(__name__)

LIFE_S = 86400
PAGE = "invitation"
"""The path of the page that an invitation's link leads to."""


async def invite(
    session: AsyncSession,
    address: EmailAddress,
    role_names: Collection[str],
    *,
    inviter: Mapping[Any, Any],
    locale: str,
    from_address: str,
) -> RowMapping:
    """Mails an invitation that lives a day; an older one to the address is worth nothing now.

    Raises:
        HasAccount: the address belongs to an account.
        UnknownRole: one of the roles does not exist.
        TooMuchPower: the roles give more than the inviter may do.
    """
    if await account_queries.find_holder(session, address.key) is not None:
        raise HasAccount
    for role in await roles.get_roles(session, role_names):
        roles.require_power_over(inviter["permissions"], role["permissions"])
    secret = new_opaque()
    row = await queries.put_invitation(
        session,
        email=address.text,
        email_key=address.key,
        role_names=sorted(set(role_names)),
        digest=digest_of(secret),
        invited_by=inviter["id"],
        ttl_s=LIFE_S,
    )
    # The link's host comes from the settings alone: no request can send people elsewhere.
    link = f"{settings_of(session).public_url}/{PAGE}/{secret}"
    await outbox.send(
        session,
        template="invitation",
        to=address.text,
        locale=locale,
        person_id=None,
        context={"inviter": inviter["name"], "link": link, "valid_s": LIFE_S},
    )
    await _note(session, "invitation.sent", row, inviter["id"], None, from_address)
    return row


async def look_up(db: Database, secret: str) -> RowMapping:
    """An open invitation; uses nothing up.

    Raises:
        InvitationSpent: it is worth nothing.
    """
    found = await queries.find_by_digest(db, digest_of(secret))
    if found is None:
        raise InvitationSpent
    return found


async def accept(
    session: AsyncSession, secret: str, *, name: str, password_hash: str, from_address: str
) -> RowMapping:
    """Takes an invitation up: an account with its roles and a confirmed address. Of many at once, one wins.

    What the inviter has lost since, the invitation has lost too.

    Raises:
        InvitationSpent: it is worth nothing.
        TooMuchPower: the inviter may not give these roles any more.
        UnknownRole: one of the roles was deleted.
        HasAccount: somebody has registered with the address since.
    """
    row = await queries.use_invitation(session, digest_of(secret))
    if row is None:
        raise InvitationSpent
    return await _take_up(session, row, name=name, password_hash=password_hash, from_address=from_address)


async def accept_for_address(
    session: AsyncSession, address: EmailAddress, *, name: str, password_hash: str | None, from_address: str
) -> RowMapping | None:
    """The same for somebody who has shown in another way that the address is theirs; None without an invitation.

    Raises:
        InvitationSpent, TooMuchPower, UnknownRole, HasAccount: see `accept`.
    """
    row = await queries.use_invitation_of(session, address.key)
    if row is None:
        return None
    return await _take_up(session, row, name=name, password_hash=password_hash, from_address=from_address)


async def _take_up(
    session: AsyncSession, row: RowMapping, *, name: str, password_hash: str | None, from_address: str
) -> RowMapping:
    inviter = await account_queries.find_account_in(session, row["invited_by"])
    if inviter is None:
        raise InvitationSpent
    for role in await roles.get_roles(session, row["role_names"]):
        roles.require_power_over(inviter["permissions"], role["permissions"])
    address = accounts.read_address(row["email"])
    try:
        account = await accounts.create_account(session, address, name, password_hash, row["role_names"])
    except AddressTaken as error:
        raise HasAccount from error
    # Whoever takes it up has shown that the address reaches them.
    await account_queries.confirm_address(session, account["id"], address.key)
    await _note(session, "invitation.accepted", row, account["id"], account["id"], from_address)
    return await accounts.get_account_in(session, account["id"])


async def withdraw(session: AsyncSession, invitation_id: UUID, *, actor_id: UUID, from_address: str) -> None:
    """Makes an open invitation worth nothing.

    Raises:
        NoSuchInvitation: there is none.
    """
    row = await queries.delete_invitation(session, invitation_id)
    if row is None:
        raise NoSuchInvitation
    await _note(session, "invitation.withdrawn", row, actor_id, None, from_address)


async def _note(
    session: AsyncSession,
    action: str,
    row: RowMapping,
    actor_id: UUID,
    subject_id: UUID | None,
    from_address: str,
) -> None:
    await record(
        session,
        action=action,
        actor_id=actor_id,
        subject_id=subject_id,
        details={"invitation_id": row["id"], "roles": row["role_names"]},
        address=from_address,
    )
    log.info(action.replace(".", "_"), invitation_id=row["id"], actor_id=actor_id)
