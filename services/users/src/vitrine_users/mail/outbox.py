"""Writes a mail into the outbox within the caller's transaction; the worker delivers it later, or nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import jobs
from vitrine_kit.events.outbox import database_of
from vitrine_kit.ids import new_id
from vitrine_kit.offload import run_blocking

from vitrine_users.mail import queries
from vitrine_users.mail.rendering import Letter, locale_of, render
from vitrine_users.secrets import derive_key, seal, unseal
from vitrine_users.settings import UsersSettings

DELIVER = "mail.deliver"
"""The task that delivers one mail; see `delivery`."""


async def send(
    session: AsyncSession,
    *,
    template: str,
    to: str | None,
    locale: str,
    person_id: UUID | None,
    context: Mapping[str, Any],
) -> UUID:
    """Writes a mail that leaves when, and only when, the session's transaction commits.

    Args:
        session: the transaction that does what the mail tells of.
        template: one of `rendering.TEMPLATES`; each says in its first line which facts it takes.
        to: the address; None does all the same work for nobody, so that the time taken tells nothing.
        locale: the person's language; English where we have no texts in it.
        person_id: whom it tells of, and with whom it is erased.
        context: the template's facts. The shop's name and its pages' addresses are added.

    Returns:
        The mail's id.
    """
    settings = settings_of(session)
    mail_id = new_id()
    letter = await run_blocking(render, template, locale, {**standing_facts(settings), **context})
    await queries.add_mail(
        session,
        id=mail_id,
        person_id=person_id,
        recipient=to,
        template=template,
        locale=locale_of(locale),
        subject=letter.subject,
        sealed_body=seal_letter(settings, mail_id, letter),
    )
    if settings.sends_mail:
        await jobs.enqueue(session, DELIVER, {"mail_id": str(mail_id)}, dedupe_key=f"{DELIVER}:{mail_id}")
    return mail_id


def settings_of(session: AsyncSession) -> UsersSettings:
    """The settings of the service the session belongs to."""
    settings = database_of(session).settings
    assert isinstance(settings, UsersSettings), "this session is not of the users service"
    return settings


def standing_facts(settings: UsersSettings) -> dict[str, Any]:
    """What every template may use. Addresses come from the settings, never from a request's Host."""
    url = settings.public_url
    return {
        "shop_name": settings.shop_name,
        "shop_url": url,
        "sign_in_url": f"{url}/sign-in",
        "account_url": f"{url}/account",
        "forgot_url": f"{url}/forgot-password",
        "at": datetime.now(UTC),
        "time_zone": "UTC",
        **dict.fromkeys(("name", "label", "kind", "address", "user_agent", "inviter"), ""),
        **dict.fromkeys(("left", "scopes", "expires_at")),
    }


def seal_letter(settings: UsersSettings, mail_id: UUID, letter: Letter) -> bytes:
    """The texts of a mail, encrypted, and tied to the mail's row."""
    plain = orjson.dumps({"subject": letter.subject, "text": letter.text, "html": letter.html})
    return seal(_key(settings), plain, str(mail_id))


def unseal_letter(settings: UsersSettings, mail_id: UUID, sealed: bytes) -> Letter:
    """The texts that `seal_letter` encrypted.

    Raises:
        cryptography.exceptions.InvalidTag: they were sealed under another secret, or changed.
    """
    return Letter(**orjson.loads(unseal(_key(settings), sealed, str(mail_id))))


def _key(settings: UsersSettings) -> bytes:
    return derive_key(settings.secret_key.get_secret_value(), "mail")
