"""The page that changes a person's address."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import TooManyRequests, Unprocessable

from vitrine_gateway.account.forms import ChangeAddressForm
from vitrine_gateway.account.registration import to_mailbox
from vitrine_gateway.account.routes import bp, wait_of
from vitrine_gateway.forms import show_problem
from vitrine_gateway.pages import SIGNED_IN
from vitrine_gateway.state import current_gateway


@bp.page("/account/address", access=SIGNED_IN, methods=("GET", "POST"))
async def change_address() -> ResponseReturnValue:
    """Has a link mailed to the new address; the old one works until that is used."""
    form = ChangeAddressForm()
    if form.validate_on_submit():
        try:
            sent = await current_gateway().mailboxes.change_address(
                current_user.access_token, form.email.data, form.password.data or None
            )
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except Unprocessable as problem:
            show_problem(form, problem)
        else:
            return to_mailbox(form.email.data, sent, "address")
    return render_template("account/change_address.html", form=form), 422 if form.is_submitted() else 200
