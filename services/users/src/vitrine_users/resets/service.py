"""The rules about resets: a link sets one password, signs nobody in, and ends every sign-in there was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries as accounts
from vitrine_users.accounts.addresses import key_of
from vitrine_users.audit.log import record
from vitrine_users.links import queries as link_queries
from vitrine_users.links import service as links
from vitrine_users.links.errors import LinkSpent
from vitrine_users.links.service import Held, Purpose
from vitrine_users.mail import outbox
from vitrine_users.mail.outbox import settings_of
from vitrine_users.sessions import queries as sessions
from vitrine_users.tokens import queries as tokens

log = get_logger(__name__)


async def request_reset(session: AsyncSession, email_key: str, address: str, *, from_address: str) -> None:
    """Mails a link to whoever has the address; where nobody has, the same work is done for nobody."""
    ttl_s = settings_of(session).reset_link_ttl_s
    holder = await accounts.find_holder(session, email_key)
    if holder is None:
        made = await links.make_for_nobody(session, Purpose.RESET, address=address)
    else:
        made = await links.make(
            session, Purpose.RESET, person_id=holder["id"], ttl_s=ttl_s, address=holder["email"]
        )
    await outbox.send(
        session,
        template="reset",
        to=holder["email"] if holder else None,
        locale=holder["locale"] if holder else "en",
        person_id=holder["id"] if holder else None,
        context={"name": holder["name"] if holder else "", "link": made.url, "valid_s": ttl_s},
    )
    await record(
        session,
        action="password.reset_requested",
        actor_id=None,
        subject_id=holder["id"] if holder else None,
        outcome="success" if holder else "refused",
        details={},
        address=from_address,
    )


async def reset(
    session: AsyncSession, secret: str, expected: Held, password_hash: str, *, from_address: str
) -> None:
    """Uses the link up, stores the password's hash, and ends every sign-in and every other link of the account.

    It changes no factor and signs nobody in: whoever has only the mailbox still has to pass what else guards the
    account. That somebody reads the mailbox is shown, though, so the address counts as confirmed.

    Raises:
        LinkSpent: somebody else used it first, or the account has another address by now.
    """
    held = await links.redeem(session, Purpose.RESET, secret)
    person_id = held.person_id
    if person_id is None or held != expected:
        raise LinkSpent
    account = await accounts.find_account_in(session, person_id)
    confirmed = await accounts.confirm_address(session, person_id, key_of(held.address or "") or "")
    if account is None or confirmed is None:
        raise LinkSpent
    await accounts.replace_password(session, person_id, password_hash)
    await sessions.delete_sessions_of(session, person_id)
    await tokens.delete_families_of(session, person_id)
    await link_queries.delete_links_of(session, person_id)
    await tell_of_new_password(session, account)
    await record(
        session,
        action="password.reset",
        actor_id=person_id,
        subject_id=person_id,
        details={},
        address=from_address,
    )
    log.info("password_reset", account_id=person_id)


async def tell_of_new_password(session: AsyncSession, account: Mapping[Any, Any]) -> UUID:
    """Mails the person that the password was changed."""
    return await outbox.send(
        session,
        template="password-changed",
        to=account["email"],
        locale=account["locale"],
        person_id=account["id"],
        context={"name": account["name"], "time_zone": account["time_zone"]},
    )
