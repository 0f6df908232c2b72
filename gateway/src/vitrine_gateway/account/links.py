"""The pages of links that need one press of a button. Reading them uses nothing up: mail scanners read them too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from flask import flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import Conflict, Gone, TooManyRequests, Unprocessable

from vitrine_gateway.account.forms import LinkForm
from vitrine_gateway.account.routes import bp, wait_of
from vitrine_gateway.pages import PUBLIC
from vitrine_gateway.state import current_gateway


@dataclass(frozen=True, slots=True)
class Words:
    """What the page of a link says."""

    title: str
    lead: str
    button: str
    done: str


VERIFY = Words(
    "Confirm your e-mail address",
    "Press the button to show that this address is yours.",
    "Confirm the address",
    "Your address is confirmed.",
)
CHANGE = Words(
    "Use this e-mail address",
    "Press the button, and you sign in with this address from now on.",
    "Use this address",
    "Your new address is in use from now on.",
)
KEEP = Words(
    "Keep your account",
    "Your account waits to be erased. Press the button to keep it as it is.",
    "Keep the account",
    "Your account stays. Sign in to go on.",
)


@bp.page("/verify-email/<token>", access=PUBLIC, methods=("GET", "POST"))
async def verify_email(token: str) -> ResponseReturnValue:
    """Confirms an address."""
    return await _link_page(VERIFY, lambda: current_gateway().mailboxes.verify(token))


@bp.page("/change-address/<token>", access=PUBLIC, methods=("GET", "POST"))
async def confirm_address(token: str) -> ResponseReturnValue:
    """Makes a new address the account's."""
    return await _link_page(CHANGE, lambda: current_gateway().mailboxes.confirm_address(token))


@bp.page("/keep-account/<token>", access=PUBLIC, methods=("GET", "POST"))
async def keep_account(token: str) -> ResponseReturnValue:
    """Calls a deletion off."""
    return await _link_page(KEEP, lambda: current_gateway().mailboxes.stay(token))


async def _link_page(words: Words, redeem: Callable[[], Awaitable[object]]) -> ResponseReturnValue:
    form = LinkForm()
    spent = False
    if form.validate_on_submit():
        try:
            await redeem()
        except (Gone, Unprocessable):
            spent = True
        except Conflict as problem:
            form.form_errors = [problem.detail]
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        else:
            flash(words.done)
            if not current_user.is_authenticated:
                return redirect(url_for("account.sign_in"), 303)
            current_gateway().sessions.forget_all_of(current_user.account.id)
            return redirect(url_for("account.profile"), 303)
    status = 410 if spent else 422 if form.is_submitted() else 200
    response = make_response(
        render_template("account/mail_link.html", form=form, words=words, spent=spent), status
    )
    # The address is the secret: nobody linked from here may learn it.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response
