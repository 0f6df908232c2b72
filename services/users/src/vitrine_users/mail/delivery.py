"""Delivers the outbox by SMTP: tried again with growing delays, given up at last, and never kept for long."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any
from uuid import UUID

import aiosmtplib
from cryptography.exceptions import InvalidTag
from sqlalchemy import RowMapping
from vitrine_kit import jobs
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_users.accounts.addresses import wire_form
from vitrine_users.mail import queries
from vitrine_users.mail.outbox import DELIVER, unseal_letter
from vitrine_users.mail.rendering import Letter
from vitrine_users.settings import UsersSettings

log = get_logger(__name__)

MAX_ATTEMPTS = 24
"""Some fifteen hours: longer than a mail server is usually away."""
FIRST_DELAY_S = 5.0
LONGEST_DELAY_S = 3600.0
KEPT_S = 7 * 86400
DECOYS_KEPT_S = 300
SMTP_TIMEOUT_S = 20.0


@jobs.task(DELIVER, max_attempts=MAX_ATTEMPTS, concurrency=4)
async def deliver(payload: dict[str, Any], database: Database) -> None:
    """Delivers one mail and deletes it. One that was delivered already, or to nobody, is no work.

    Raises:
        RetryLater: the server could not be reached, or said to come back.
    """
    mail_id = UUID(payload["mail_id"])
    found = await queries.find_mail(database, mail_id)
    settings = database.settings
    assert isinstance(settings, UsersSettings), "users delivers its mail"
    if found is None or found["failed_at"] is not None:
        return
    if found["recipient"] is not None:
        try:
            letter = unseal_letter(settings, mail_id, found["sealed_body"])
            await transmit(settings, message_of(settings, found, letter))
        except InvalidTag:
            await _give_up(database, mail_id, "it was sealed under another secret key")
            return
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Of a server without SMTPUTF8 (RFC 6531) an address with other letters asks too much, today and later.
            beyond = isinstance(error, aiosmtplib.SMTPNotSupported) and not _is_ascii(found["recipient"])
            await _failed(database, mail_id, error, for_good=beyond or _is_permanent(error))
            return
        log.info("mail_delivered", mail_id=mail_id, template=found["template"])
    async with database.transaction() as session:
        await queries.delete_mail(session, mail_id)


def message_of(settings: UsersSettings, mail: RowMapping, letter: Letter) -> EmailMessage:
    """The mail as it goes over the wire (RFC 5322; RFC 3834 for Auto-Submitted)."""
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = wire_form(mail["recipient"])
    message["Subject"] = letter.subject
    created_at: datetime = mail["created_at"]
    message["Date"] = format_datetime(created_at)
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2]
    # The same whenever it is tried, so that a mail delivered twice is recognised.
    message["Message-ID"] = f"<{mail['id']}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    message["Content-Language"] = mail["locale"]
    return message


async def transmit(settings: UsersSettings, message: EmailMessage) -> None:
    """Hands a message to the server of the settings.

    Raises:
        aiosmtplib.SMTPException, OSError, TimeoutError: it was not taken.
    """
    server = settings.smtp_server()
    await aiosmtplib.send(
        message,
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        timeout=SMTP_TIMEOUT_S,
    )


def _is_ascii(address: str) -> bool:
    return wire_form(address).isascii()


async def _failed(database: Database, mail_id: UUID, error: Exception, *, for_good: bool) -> None:
    reason = _reason(error)
    if for_good:
        await _give_up(database, mail_id, reason)
        return
    async with database.transaction() as session:
        attempts = await queries.record_failure(session, mail_id, reason, for_good=False)
    if attempts >= MAX_ATTEMPTS:
        await _give_up(database, mail_id, reason)
        return
    # The reason goes into the queue's log: no address, no text of the mail.
    raise jobs.RetryLater(reason, delay_s=delay_s(attempts))


def delay_s(attempts: int) -> float:
    """Seconds to wait after that many failures: 5, 10, 20 … one hour."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (attempts - 1))


async def _give_up(database: Database, mail_id: UUID, reason: str) -> None:
    async with database.transaction() as session:
        await queries.record_failure(session, mail_id, reason, for_good=True)
    log.error("mail_given_up", mail_id=mail_id, reason=reason)


def _is_permanent(error: Exception) -> bool:
    """Whether the server will never take this mail: a refused recipient or message (5xx of RFC 5321)."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(500 <= refused.code < 600 for refused in error.recipients)
    refusals = (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError)
    return isinstance(error, refusals) and 500 <= error.code < 600


def _reason(error: Exception) -> str:
    """What went wrong, without the server's words: they repeat addresses."""
    code = getattr(error, "code", None)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        code = error.recipients[0].code
    name = type(error).__name__
    return f"{name} {code}" if isinstance(code, int) else name


async def keep_mail(database: Database) -> None:
    """Purges old mail, and queues the mail that was written while no server was set."""
    settings = database.settings
    assert isinstance(settings, UsersSettings), "users keeps its mail"
    async with database.transaction() as session:
        await queries.purge_mails(session, kept_s=KEPT_S, decoys_kept_s=DECOYS_KEPT_S)
        if settings.sends_mail:
            for mail_id in await queries.waiting_mails(session):
                # A mail that has its job already keeps it: the key lets no second one in.
                await jobs.enqueue(
                    session, DELIVER, {"mail_id": str(mail_id)}, dedupe_key=f"{DELIVER}:{mail_id}"
                )
