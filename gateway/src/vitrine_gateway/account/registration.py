"""Registering, and the page that sends people to their mailbox; neither tells who has an account."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import Forbidden, TooManyRequests, Unprocessable

from vitrine_gateway.account.forms import MAIL_LANGUAGES, AddressForm, RegisterForm
from vitrine_gateway.account.routes import bp, home_of_reader, wait_of
from vitrine_gateway.clients.mailboxes import Sent
from vitrine_gateway.clients.wire import ChallengeNeeded
from vitrine_gateway.forms import show_problem
from vitrine_gateway.pages import PUBLIC, local_path
from vitrine_gateway.state import current_gateway

_MAILED = "mailed"
"""What the form cookie remembers of the last mail: the address it was asked for, and what it was for."""


@bp.page("/register", access=PUBLIC, methods=("GET", "POST"))
async def register() -> ResponseReturnValue:
    """Asks for an account; whether the address has one already is told to its mailbox alone."""
    target = local_path(request.values.get("next"), "")
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home_of_reader(), 303)
    form = RegisterForm(data={"next": target})
    if form.validate_on_submit():
        locale = _language_of_browser()
        try:
            sent = await current_gateway().mailboxes.register(
                form.email.data,
                form.password.data,
                form.name.data,
                locale,
                key=form.key.data,
                paid=form.paid,
            )
        except ChallengeNeeded as problem:
            form.demand(problem)
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except (Unprocessable, Forbidden) as problem:
            show_problem(form, problem)
        else:
            return to_mailbox(form.email.data, sent, "register")
        form.renew_key()
    return render_template(
        "account/register.html",
        form=form,
        target=target,
        offered=await current_gateway().connections.offered(),
    ), 422 if form.is_submitted() else 200


@bp.page("/check-your-mail", access=PUBLIC, methods=("GET", "POST"))
async def check_your_mail() -> ResponseReturnValue:
    """Sends people to their mailbox, and has the link that confirms an address mailed again."""
    mailed = session.get(_MAILED) or {}
    form = AddressForm(data={"email": mailed.get("email", "")})
    if form.validate_on_submit():
        try:
            sent = await current_gateway().mailboxes.send_verification(form.email.data)
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except Unprocessable as problem:
            show_problem(form, problem)
        else:
            flash("If the address waits to be confirmed, another mail is on its way.")
            return to_mailbox(form.email.data, sent, "register")
    status = 422 if form.is_submitted() else 200
    return render_template("account/check_your_mail.html", form=form, mailed=mailed), status


def _language_of_browser() -> str:
    """The language of mails that the browser would rather have."""
    wanted = (tag.partition("-")[0].lower() for tag in request.accept_languages.values())
    return next((language for language in wanted if language in MAIL_LANGUAGES), "en")


def to_mailbox(email: str, sent: Sent, purpose: str) -> ResponseReturnValue:
    """Goes on to the page that sends people to their mailbox."""
    session[_MAILED] = {"email": email, "delivers": sent.delivers, "purpose": purpose}
    return redirect(url_for("account.check_your_mail"), 303)
