"""The mail that waits, for the shop's owner: without a mail server everybody's flows are finished from here."""

from __future__ import annotations

from uuid import UUID

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.routes import bp

MAIL = "users:mail"
PAGE_SIZE = 50


@bp.page("/outbox", access=MAIL)
async def outbox() -> ResponseReturnValue:
    """The mails that were not delivered yet, newest first."""
    after = request.args.get("after", "")[:1024] or None
    page = await current_gateway().mailboxes.list_mails(
        current_user.access_token, after=after, limit=PAGE_SIZE
    )
    following = url_for("studio.outbox", after=page.next) if page.next else None
    return render_template("studio/outbox.html", page=page, following=following)


@bp.page("/outbox/<uuid:mail_id>", access=MAIL)
async def mail(mail_id: UUID) -> ResponseReturnValue:
    """One mail, with its text where nobody else delivers it."""
    found = await current_gateway().mailboxes.get_mail(current_user.access_token, str(mail_id))
    return render_template("studio/mail.html", mail=found)
