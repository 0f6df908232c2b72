"""A forgotten password: asking for a link, and setting another password by it."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import Gone, TooManyRequests, Unprocessable

from vitrine_gateway.account.forms import ForgottenForm, ResetForm
from vitrine_gateway.account.registration import to_mailbox
from vitrine_gateway.account.routes import bp, wait_of
from vitrine_gateway.clients.wire import ChallengeNeeded
from vitrine_gateway.forms import show_problem
from vitrine_gateway.pages import PUBLIC
from vitrine_gateway.sessions import clear_session_cookie
from vitrine_gateway.state import current_gateway


@bp.page("/forgot-password", access=PUBLIC, methods=("GET", "POST"))
async def forgot_password() -> ResponseReturnValue:
    """Has a link mailed to the address, where it has an account; the page that follows is the same for all."""
    form = ForgottenForm()
    if form.validate_on_submit():
        try:
            sent = await current_gateway().mailboxes.send_reset(form.email.data, paid=form.paid)
        except ChallengeNeeded as problem:
            form.demand(problem)
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except Unprocessable as problem:
            show_problem(form, problem)
        else:
            return to_mailbox(form.email.data, sent, "reset")
    return render_template("account/forgot_password.html", form=form), 422 if form.is_submitted() else 200


@bp.page("/reset-password/<token>", access=PUBLIC, methods=("GET", "POST"))
async def reset_password(token: str) -> ResponseReturnValue:
    """Sets another password; reading the page uses nothing up. It signs nobody in."""
    form = ResetForm()
    spent = False
    if form.validate_on_submit():
        gateway = current_gateway()
        try:
            await gateway.mailboxes.reset(token, form.new_password.data)
        except Gone:
            spent = True
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except Unprocessable as problem:
            show_problem(form, problem)
        else:
            if current_user.is_authenticated:
                gateway.sessions.forget_all_of(current_user.account.id)
            session.clear()
            flash("Your new password is set, and all devices were signed out. Sign in with it.")
            response = make_response(redirect(url_for("account.sign_in"), 303))
            clear_session_cookie(response, gateway.settings)
            return response
    status = 410 if spent else 422 if form.is_submitted() else 200
    response = make_response(render_template("account/reset_password.html", form=form, spent=spent), status)
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
