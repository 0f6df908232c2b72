"""The shop's people: who they are, invited, barred and signed out; and the shop as one of them sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.limits import client_address
from vitrine_kit.problems import BadRequest, Conflict, Forbidden, NotFound, Problem, Unprocessable
from wtforms import EmailField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from vitrine_gateway.forms import show_problem, stripped
from vitrine_gateway.pages import SIGNED_IN
from vitrine_gateway.sessions import (
    clear_own_session_cookie,
    own_session_cookie_name,
    session_cookie_name,
    set_own_session_cookie,
    set_session_cookie,
)
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.routes import bp

READ_PEOPLE = "users:read"
WRITE_PEOPLE = "users:write"
IMPERSONATE = "users:impersonate"
CUSTOMER = "customer"
PAGE_SIZE = 50
REFUSALS = (Conflict, Forbidden, NotFound, Unprocessable)


class InvitationForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Whom to invite, and as what."""

    email = EmailField(
        "E-mail address", filters=[stripped], validators=[DataRequired("Enter an address."), Length(max=254)]
    )
    role = SelectField("Role")


@bp.page("/people", access=READ_PEOPLE, methods=("GET", "POST"))
async def people() -> ResponseReturnValue:
    """Accounts, newest first, found by a part of name or address; and the form for an invitation."""
    rights, token = current_gateway().rights, current_user.access_token
    form = InvitationForm()
    form.role.choices = await _roles_to_give() if current_user.may(WRITE_PEOPLE) else []
    if form.validate_on_submit():
        try:
            await rights.invite(token, form.email.data, [form.role.data])
        except REFUSALS as problem:
            show_problem(form, problem)
        else:
            flash("The invitation is on its way.")
            return redirect(url_for("studio.people"), 303)
    part, after = request.args.get("q", "").strip()[:120], request.args.get("after", "")[:1024]
    query = {"limit": str(PAGE_SIZE), **({"q": part} if part else {}), **({"after": after} if after else {})}
    page = await rights.people(token, query)
    following = url_for("studio.people", q=part or None, after=page.after) if page.after else None
    shown = render_template("studio/people.html", page=page, form=form, part=part, following=following)
    return shown, 422 if form.is_submitted() else 200


async def _roles_to_give() -> list[SelectChoice]:
    """What one may not do oneself, one cannot give: such roles are not offered, and users would refuse them."""
    if not current_user.may("users:roles"):
        return [SelectChoice(CUSTOMER, CUSTOMER)]
    found = await current_gateway().rights.roles(current_user.access_token)
    given = [role.name for role in found if all(map(current_user.may, role.permissions))]
    return [SelectChoice(name, name) for name in sorted(given, key=lambda name: name != CUSTOMER)]


@bp.page("/people/<uuid:person_id>", access=WRITE_PEOPLE, methods=("POST",))
async def change_person(person_id: UUID) -> ResponseReturnValue:
    """Bars somebody, lets them in again, or signs them out everywhere; the button says which."""
    rights = current_gateway().rights
    deeds = {
        "suspend": (rights.suspend, "Suspended."),
        "unsuspend": (rights.unsuspend, "Let in again."),
        "sign-out": (rights.sign_out, "Signed out."),
    }
    found = deeds.get(request.form.get("deed", ""))
    if found is None:
        raise BadRequest("This is nothing that can be done to somebody.")
    done, message = found
    try:
        await done(current_user.access_token, str(person_id))
    except REFUSALS as problem:
        flash(problem.detail or problem.title, "error")
    else:
        flash(message)
    return redirect(url_for("studio.people"), 303)


@bp.page("/people/<uuid:person_id>/see-as", access=IMPERSONATE, methods=("POST",))
async def impersonate(person_id: UUID) -> ResponseReturnValue:
    """Shows the shop as somebody sees it; the owner's own session waits in a cookie of its own."""
    gateway = current_gateway()
    own = request.cookies.get(session_cookie_name(gateway.settings), "")
    try:
        begun = await gateway.rights.impersonate(
            own,
            str(person_id),
            user_agent=(request.user_agent.string or "")[:300],
            address=client_address(),
        )
    except REFUSALS as problem:
        flash(problem.detail or problem.title, "error")
        return redirect(url_for("studio.people"), 303)
    response = make_response(redirect(url_for("storefront.home"), 303))
    ends_at = begun.expires_at or datetime.now(UTC)
    max_age_s = max(0, int((ends_at - datetime.now(UTC)).total_seconds()))
    set_session_cookie(response, gateway.settings, begun.session, max_age_s)
    set_own_session_cookie(response, gateway.settings, own, max_age_s)
    return response


@bp.page("/people/see-as/end", access=SIGNED_IN, methods=("POST",))
async def end_impersonation() -> ResponseReturnValue:
    """Back to the owner's own session; where that has ended, to the sign-in page."""
    gateway = current_gateway()
    if not current_user.impersonation:
        raise NotFound("You see the shop as yourself.")
    seen = request.cookies.get(session_cookie_name(gateway.settings), "")
    own = request.cookies.get(own_session_cookie_name(gateway.settings), "")[:512]
    gateway.sessions.forget(seen)
    try:
        await gateway.users.end_session(seen)
    except Problem:
        flash("Accounts are away just now. The other session ends by itself within the hour.")
    response = make_response(redirect(url_for("studio.people"), 303))
    set_session_cookie(response, gateway.settings, own, None)
    clear_own_session_cookie(response, gateway.settings)
    return response
