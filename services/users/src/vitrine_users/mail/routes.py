"""The mail that waits, over HTTP: for the shop's owner, who finishes flows by it where there is no mail server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.pagination import decode_cursor, encode_cursor

from vitrine_users.mail import queries
from vitrine_users.mail.errors import NoSuchMail
from vitrine_users.mail.outbox import unseal_letter
from vitrine_users.mail.schemas import MailOut, MailPage, MailPageQuery, MailText
from vitrine_users.state import current_users

bp = ApiBlueprint("mail", __name__, url_prefix="/api/users/v1")

PERMISSION = "users:mail"
NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "GET",
    "/mails",
    summary="List the mail that waits",
    permission=PERMISSION,
    query=MailPageQuery,
    returns={200: MailPage},
)
async def list_mails(query: MailPageQuery) -> tuple[MailPage, int, dict[str, str]]:
    """Mails that were not delivered yet, newest first; they are deleted after seven days."""
    before = decode_cursor(query.after, [UUID])[0] if query.after is not None else None
    rows = await queries.list_mails(current_database(), limit=query.limit + 1, before=before)
    shown = rows[: query.limit]
    following = encode_cursor([shown[-1]["id"]]) if len(rows) > query.limit else None
    found = MailPage(
        items=[MailOut(**row) for row in shown],
        next=following,
        delivers=current_users().settings.sends_mail,
    )
    return found, 200, NO_STORE


@bp.operation(
    "GET",
    "/mails/<uuid:mail_id>",
    summary="A mail that waits",
    permission=PERMISSION,
    returns={200: MailText},
)
async def get_mail(mail_id: UUID) -> tuple[MailText, int, dict[str, str]]:
    """One mail; with its text where there is no mail server to deliver it."""
    settings = current_users().settings
    found = await queries.find_mail(current_database(), mail_id)
    if found is None or found["recipient"] is None:
        raise NoSuchMail
    values: dict[str, Any] = dict(found)
    sealed = values.pop("sealed_body")
    text = None
    if not settings.sends_mail:
        try:
            text = unseal_letter(settings, mail_id, sealed).text
        except InvalidTag:
            # Sealed under a secret that is no longer the installation's: nobody can read it any more.
            raise NoSuchMail from None
    return MailText(**values, text=text), 200, NO_STORE
