"""The page of where one is signed in, each with a button that ends it."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import NotFound

from vitrine_gateway.account.routes import bp
from vitrine_gateway.pages import SIGNED_IN
from vitrine_gateway.state import current_gateway


@bp.page("/account/sessions", access=SIGNED_IN)
async def sign_ins() -> ResponseReturnValue:
    """Device, address and time of each sign-in."""
    found = await current_gateway().rights.sign_ins(current_user.access_token)
    return render_template("account/sign_ins.html", sign_ins=found)


@bp.page("/account/sessions/<uuid:sign_in_id>/end", access=SIGNED_IN, methods=("POST",))
async def end_sign_in(sign_in_id: UUID) -> ResponseReturnValue:
    """Signs the person out in one place."""
    try:
        await current_gateway().rights.end_sign_in(current_user.access_token, str(sign_in_id))
    except NotFound:
        flash("That sign-in had ended already.")
    else:
        flash("You are signed out there.")
    return redirect(url_for("account.sign_ins"), 303)


@bp.page("/account/sessions/end-others", access=SIGNED_IN, methods=("POST",))
async def end_other_sign_ins() -> ResponseReturnValue:
    """Signs the person out everywhere else."""
    await current_gateway().rights.end_other_sign_ins(current_user.access_token)
    flash("You are signed out everywhere else.")
    return redirect(url_for("account.sign_ins"), 303)
