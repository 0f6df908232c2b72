"""Taking one's data along, and leaving."""

from __future__ import annotations

from datetime import datetime

from flask import Response, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import Conflict, TooManyRequests, Unprocessable

from vitrine_gateway.account.forms import DeleteAccountForm
from vitrine_gateway.account.routes import bp, wait_of
from vitrine_gateway.forms import show_problem
from vitrine_gateway.pages import PUBLIC, SIGNED_IN
from vitrine_gateway.sessions import clear_session_cookie
from vitrine_gateway.state import current_gateway

_ERASED_AFTER = "erased_after"


@bp.page("/account/export", access=SIGNED_IN, methods=("POST",))
async def export() -> ResponseReturnValue:
    """Everything that is held about the person, as a zip."""
    try:
        packed = await current_gateway().mailboxes.export(current_user.access_token)
    except TooManyRequests as problem:
        flash(f"You had your data several times just now. {wait_of(problem)}", "error")
        return redirect(url_for("account.profile"), 303)
    response = Response(packed, mimetype="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="my-account.zip"'
    return response


@bp.page("/account/delete", access=SIGNED_IN, methods=("GET", "POST"))
async def delete_account() -> ResponseReturnValue:
    """Has the account erased, after one more question."""
    form = DeleteAccountForm()
    if form.validate_on_submit():
        gateway = current_gateway()
        try:
            departure = await gateway.mailboxes.leave(current_user.access_token, form.password.data or None)
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except (Unprocessable, Conflict) as problem:
            show_problem(form, problem)
        else:
            gateway.sessions.forget_all_of(current_user.account.id)
            session.clear()
            if departure.erase_after is not None:
                session[_ERASED_AFTER] = departure.erase_after.isoformat()
            response = make_response(redirect(url_for("account.deleted"), 303))
            clear_session_cookie(response, gateway.settings)
            return response
    return render_template("account/delete.html", form=form), 422 if form.is_submitted() else 200


@bp.page("/account/deleted", access=PUBLIC)
async def deleted() -> ResponseReturnValue:
    """A last word: when the account is erased, and how to have it back until then."""
    at = session.get(_ERASED_AFTER)
    return render_template("account/deleted.html", erase_after=datetime.fromisoformat(at) if at else None)
