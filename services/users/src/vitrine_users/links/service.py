"""The rules about links: what they are for, how long they live, and that each is good once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database

from vitrine_users.links import queries
from vitrine_users.links.errors import LinkSpent
from vitrine_users.mail.outbox import settings_of
from vitrine_users.secrets import digest_of, new_opaque


class Purpose(StrEnum):
    """What a link does; its value is also the path of its page."""

    VERIFY = "verify-email"
    RESET = "reset-password"
    CHANGE_ADDRESS = "change-address"
    CANCEL_DELETION = "keep-account"


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A link, shown this once."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What a living link is bound to."""

    person_id: UUID | None
    address: str | None


async def make(
    session: AsyncSession,
    purpose: Purpose,
    *,
    person_id: UUID | None,
    ttl_s: int,
    address: str | None = None,
) -> MadeLink:
    """A new link of 256 random bits; an older one of the person for the same purpose is worth nothing now.

    Its host comes from the settings alone: no request can send people elsewhere.
    """
    secret = new_opaque()
    expires_at = await queries.add_link(
        session, digest_of(secret), purpose=purpose, person_id=person_id, address=address, ttl_s=ttl_s
    )
    return MadeLink(f"{settings_of(session).public_url}/{purpose}/{secret}", expires_at)


async def make_for_nobody(session: AsyncSession, purpose: Purpose, *, address: str | None = None) -> MadeLink:
    """The same work as `make` for a link that is dead when it is made."""
    return await make(session, purpose, person_id=None, ttl_s=0, address=address)


async def look_up(db: Database, purpose: Purpose, secret: str) -> Held:
    """What a living link is bound to; uses nothing up.

    Raises:
        LinkSpent: it is unknown, used, too old or for something else.
    """
    found = await queries.find_link(db, digest_of(secret), purpose)
    if found is None:
        raise LinkSpent
    return Held(**found)


async def redeem(session: AsyncSession, purpose: Purpose, secret: str) -> Held:
    """Uses a link up, in one statement; of many at once one wins.

    Raises:
        LinkSpent: it is unknown, used, too old or for something else.
    """
    found = await queries.use_link(session, digest_of(secret), purpose)
    if found is None:
        raise LinkSpent
    return Held(**found)
