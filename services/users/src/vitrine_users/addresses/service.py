"""The rules about addresses: a link shows whose one is, and the old one works until the new one is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.logs import get_logger

from vitrine_users.accounts import queries
from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.addresses import EmailAddress, key_of, parse_address
from vitrine_users.accounts.errors import AddressTaken
from vitrine_users.audit.log import record
from vitrine_users.links import queries as link_queries
from vitrine_users.links import service as links
from vitrine_users.links.errors import LinkSpent
from vitrine_users.links.service import Purpose
from vitrine_users.mail import outbox
from vitrine_users.mail.outbox import settings_of
from vitrine_users.sessions import queries as sessions

log = get_logger(__name__)


async def make_verification_link(
    session: AsyncSession, person_id: UUID | None, address: str
) -> dict[str, Any]:
    """The facts of a mail that lets its reader show that the address is theirs; for nobody, a dead link."""
    ttl_s = settings_of(session).verification_link_ttl_s
    if person_id is None:
        made = await links.make_for_nobody(session, Purpose.VERIFY, address=address)
    else:
        made = await links.make(session, Purpose.VERIFY, person_id=person_id, ttl_s=ttl_s, address=address)
    return {"link": made.url, "valid_s": ttl_s}


async def send_verification(session: AsyncSession, holder: Mapping[Any, Any] | None, address: str) -> None:
    """Mails the link once more; where nobody waits for one, the same work is done for nobody."""
    waits = holder is not None and not holder["email_verified"]
    person = holder if waits else None
    link = await make_verification_link(session, person["id"] if person else None, address)
    await outbox.send(
        session,
        template="verify",
        to=person["email"] if person else None,
        locale=person["locale"] if person else "en",
        person_id=person["id"] if person else None,
        context={"name": person["name"] if person else "", **link},
    )


async def verify(session: AsyncSession, secret: str, *, from_address: str) -> RowMapping:
    """Uses a verification link up; returns the account's id and address.

    Raises:
        LinkSpent: the link is worth nothing, or the account has another address by now.
    """
    held = await links.redeem(session, Purpose.VERIFY, secret)
    assert held.person_id is not None, "a link to nobody is never alive"
    found = await queries.confirm_address(session, held.person_id, key_of(held.address or "") or "")
    if found is None:
        raise LinkSpent
    await record(
        session,
        action="account.address_confirmed",
        actor_id=held.person_id,
        subject_id=held.person_id,
        details={},
        address=from_address,
    )
    log.info("address_confirmed", account_id=held.person_id)
    return found


async def request_change(
    session: AsyncSession, account: Mapping[Any, Any], new: EmailAddress, *, from_address: str
) -> None:
    """Mails a link to the new address, and a warning to the old one; nothing changes before the link is used.

    Where the new address is somebody else's, they are told that they have an account, and nobody else is.
    """
    ttl_s = settings_of(session).reset_link_ttl_s
    holder = await queries.find_holder(session, new.key)
    made = await links.make(
        session, Purpose.CHANGE_ADDRESS, person_id=account["id"], ttl_s=ttl_s, address=new.text
    )
    common = {"name": account["name"], "new_address": new.text, "time_zone": account["time_zone"]}
    taken = holder is not None and holder["id"] != account["id"]
    await outbox.send(
        session,
        template="address-taken" if taken else "address-change-confirm",
        to=new.text,
        locale=holder["locale"] if holder is not None else account["locale"],
        person_id=holder["id"] if holder is not None else account["id"],
        context={
            **common,
            "name": holder["name"] if holder is not None else account["name"],
            "link": made.url,
            "valid_s": ttl_s,
        },
    )
    await outbox.send(
        session,
        template="address-change-requested",
        to=account["email"],
        locale=account["locale"],
        person_id=account["id"],
        context=common,
    )
    await record(
        session,
        action="account.address_change_requested",
        actor_id=account["id"],
        subject_id=account["id"],
        details={},
        address=from_address,
    )
    log.info("address_change_requested", account_id=account["id"])


async def confirm_change(session: AsyncSession, secret: str, *, from_address: str) -> str:
    """Uses the link of a new address up: it is the account's from now on, and every other link is dead.

    Returns:
        The new address.

    Raises:
        LinkSpent: the link is worth nothing.
        AddressTaken: somebody else has come by the address since it was asked for.
    """
    held = await links.redeem(session, Purpose.CHANGE_ADDRESS, secret)
    assert held.person_id is not None, "a link to nobody is never alive"
    account = await accounts.hold_account(session, held.person_id)
    new = parse_address(held.address or "")
    try:
        async with session.begin_nested():
            await queries.replace_address(session, held.person_id, new.text, new.key)
    except IntegrityError as error:
        raise AddressTaken from error
    await link_queries.delete_links_of(session, held.person_id)
    await sessions.delete_sign_in_links_of(session, held.person_id)
    for to in (account["email"], new.text):
        await outbox.send(
            session,
            template="address-changed",
            to=to,
            locale=account["locale"],
            person_id=held.person_id,
            context={"name": account["name"], "old_address": account["email"], "new_address": new.text},
        )
    await record(
        session,
        action="account.address_changed",
        actor_id=held.person_id,
        subject_id=held.person_id,
        details={},
        address=from_address,
    )
    log.info("address_changed", account_id=held.person_id)
    return new.text
