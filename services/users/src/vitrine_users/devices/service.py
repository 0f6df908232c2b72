"""The rules about remembered devices: what knowing one is worth, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.devices import queries
from vitrine_users.devices.errors import NoSuchDevice
from vitrine_users.secrets import digest_of, new_opaque

log = get_logger(__name__)

DEVICE_LIFE_S = 30 * 86400


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A browser that the account has signed in with before: others' failures do not keep it out."""

    id: UUID
    trusted: bool
    """Whether a second factor was given here once, and the person asked not to be asked again."""


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device's secret, shown this once, and when it ends."""

    secret: str
    expires_at: datetime
    unfamiliar: bool
    """Whether the account knew other browsers, and not this one."""


async def find_by_address(db: Database, secret: str | None, email_key: str | None) -> KnownDevice | None:
    """The device of this cookie, where the account with this address knows it."""
    if secret is None or email_key is None:
        return None
    return _known(await queries.find_device(db, digest_of(secret), email_key=email_key))


async def find_of(db: Database, secret: str | None, account_id: UUID) -> KnownDevice | None:
    """The same, by the account's id."""
    if secret is None:
        return None
    return _known(await queries.find_device_of(db, digest_of(secret), account_id=account_id))


def _known(row: RowMapping | None) -> KnownDevice | None:
    return None if row is None else KnownDevice(row["id"], row["trusted"])


async def remember(
    session: AsyncSession,
    account_id: UUID,
    secret: str | None,
    *,
    trust: bool,
    user_agent: str,
    address: str,
) -> NewDevice | None:
    """Makes the account know the browser for 30 days; a new secret for its cookie, None where it has one.

    `trust` always makes a new one: what is worth more does not go by an old name.
    """
    old = None if secret is None else digest_of(secret)
    if (
        not trust
        and old is not None
        and await queries.touch_device(session, account_id, old, address=address)
    ):
        return None
    others = await queries.count_devices(session, account_id)
    known = old is not None and await queries.touch_device(session, account_id, old, address=address)
    new = new_opaque()
    expires_at = await queries.add_device(
        session,
        account_id,
        digest_of(new),
        replacing=old,
        trusted=trust,
        user_agent=user_agent,
        address=address,
        ttl_s=DEVICE_LIFE_S,
    )
    return NewDevice(new, expires_at, unfamiliar=others > 0 and not known)


async def forget(session: AsyncSession, account_id: UUID, device_id: UUID) -> None:
    """Forgets a device.

    Raises:
        NoSuchDevice: the account knows no such device.
    """
    if not await queries.delete_device(session, account_id, device_id):
        raise NoSuchDevice
    log.info("device_forgotten", account_id=account_id, device_id=device_id)
