"""The account pages' HTTP: forms in, redirects and pages out; tokens stay here, browsers hold an opaque cookie only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.limits import client_address
from vitrine_kit.problems import Gone, Problem, TooManyRequests, Unauthenticated, Unprocessable

from vitrine_gateway.account.forms import (
    LinkForm,
    PasswordForm,
    ProfileForm,
    SignInForm,
)
from vitrine_gateway.clients.users import NewSession, SecondStep
from vitrine_gateway.clients.wire import ChallengeNeeded
from vitrine_gateway.forms import add_error, show_problem
from vitrine_gateway.pages import PUBLIC, SIGNED_IN, PageBlueprint, local_path
from vitrine_gateway.sessions import (
    clear_session_cookie,
    device_cookie_name,
    session_cookie_name,
    set_device_cookie,
    set_session_cookie,
)
from vitrine_gateway.state import current_gateway

bp = PageBlueprint("account", __name__)

STAFF_HOME = "studio.dashboard"
MAX_DEVICE_CHARS = 128


@bp.page("/sign-in", access=PUBLIC, methods=("GET", "POST"))
async def sign_in() -> ResponseReturnValue:
    """Asks for address and password; a signed-in reader is sent on."""
    target = local_path(request.values.get("next"), "")
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(target or home_of_reader(), 303)
    form = SignInForm(data={"next": target})
    if form.validate_on_submit():
        users = current_gateway().users
        try:
            begun = await users.begin_session(
                form.email.data, form.password.data, **visitor(), paid=form.paid
            )
        except ChallengeNeeded as problem:
            form.demand(problem)
        except (Unauthenticated, Unprocessable):
            form.form_errors = ["That address and password do not match an account."]
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        else:
            return go_on(begun, target or url_for("account.arrive"))
    return render_template(
        "account/sign_in.html",
        form=form,
        target=target,
        offered=await current_gateway().connections.offered(),
    ), 422 if form.is_submitted() else 200


@bp.page("/sign-in/link/<token>", access=PUBLIC, methods=("GET", "POST"))
async def sign_in_link(token: str) -> ResponseReturnValue:
    """A one-time link: reading the page uses nothing up, for mail scanners read it too; the button does."""
    form = LinkForm()
    spent = False
    if form.validate_on_submit():
        try:
            begun = await current_gateway().users.redeem_link(token, **visitor())
        except (Gone, Unauthenticated, Unprocessable):
            spent = True
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        else:
            return with_session(begun, url_for("account.arrive"))
    response = make_response(
        render_template("account/link.html", form=form, spent=spent), 410 if spent else 200
    )
    # The address is the secret: nobody linked from here may learn it. ("no-referrer" would make browsers send the
    # form with `Origin: null`, as if it came from another site.)
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


@bp.page("/account/arrive", access=SIGNED_IN)
async def arrive() -> ResponseReturnValue:
    """Where a person goes who has just signed in and asked for nothing else: staff to the studio, others home."""
    if current_user.factor_missing:
        return redirect(url_for("account.security"), 303)
    return redirect(home_of_reader(), 303)


@bp.page("/sign-out", access=PUBLIC, methods=("POST",))
async def sign_out() -> ResponseReturnValue:
    """Ends the session."""
    return await end_session(make_response(redirect(url_for("account.sign_in"), 303)))


async def end_session(response: Response) -> Response:
    """Ends the session, and says so; the cookie goes even when users cannot be told."""
    gateway = current_gateway()
    cookie = request.cookies.get(session_cookie_name(gateway.settings))
    message = "You are signed out."
    if cookie:
        gateway.sessions.forget(cookie)
        try:
            await gateway.users.end_session(cookie)
        except Problem:
            message = (
                "You are signed out here. Accounts are away just now, so the session ends by itself later."
            )
    session.clear()
    flash(message)
    clear_session_cookie(response, gateway.settings)
    return response


@bp.page("/account", access=SIGNED_IN, methods=("GET", "POST"))
async def profile() -> ResponseReturnValue:
    """The person's own account; changes the name, the language of mails and the time zone."""
    form = profile_form()
    if form.validate_on_submit():
        gateway = current_gateway()
        try:
            await gateway.users.change_profile(
                current_user.access_token,
                name=form.name.data,
                locale=form.locale.data,
                time_zone=form.time_zone.data,
            )
        except Unprocessable as problem:
            show_problem(form, problem)
        else:
            gateway.sessions.forget_all_of(current_user.account.id)
            flash("Your profile is saved.")
            return redirect(url_for("account.profile"), 303)
    status = 422 if form.is_submitted() else 200
    return render_template(
        "account/profile.html", form=form, password_form=PasswordForm(formdata=None)
    ), status


@bp.page("/account/password", access=SIGNED_IN, methods=("POST",))
async def password() -> ResponseReturnValue:
    """Sets another password, or the first one of an account made by a link."""
    form = PasswordForm()
    has_password = current_user.account.has_password
    if has_password and not form.current_password.data:
        form.validate_on_submit()
        add_error(form.current_password, "Enter your current password.")
    elif form.validate_on_submit():
        gateway = current_gateway()
        current = form.current_password.data if has_password else None
        try:
            await gateway.users.set_password(current_user.access_token, form.new_password.data, current)
        except TooManyRequests as problem:
            form.form_errors = [f"Too many tries. {wait_of(problem)}"]
        except Unprocessable as problem:
            show_problem(form, problem)
        else:
            gateway.sessions.forget_all_of(current_user.account.id)
            flash("Your password is saved. Other devices were signed out.")
            return redirect(url_for("account.profile"), 303)
    shown = profile_form(formdata=None)
    return render_template("account/profile.html", form=shown, password_form=form), 422


def profile_form(**options: Any) -> ProfileForm:
    """The form of the profile, filled in with what is known of the reader."""
    account = current_user.account
    known = {"name": account.name, "locale": account.locale, "time_zone": account.time_zone}
    return ProfileForm(data=known, **options)


def go_on(begun: NewSession | SecondStep, target: str) -> Response:
    """Goes on with the new session, or to the page of the second step where one is wanted."""
    if isinstance(begun, NewSession):
        return with_session(begun, target)
    session.clear()
    session["second_step"] = {
        "challenge": begun.challenge,
        "methods": list(begun.methods),
        "target": target,
    }
    return make_response(redirect(url_for("account.second_step"), 303))


def with_session(begun: NewSession, target: str) -> Response:
    """Goes on with the new session; the form cookie of before signing in is dropped, so its token dies with it."""
    settings = current_gateway().settings
    messages = session.get("_flashes")
    session.clear()
    if messages:
        session["_flashes"] = messages
    response = make_response(redirect(target, 303))
    ends_at = begun.expires_at
    max_age_s = max(0, int((ends_at - datetime.now(UTC)).total_seconds())) if ends_at is not None else None
    set_session_cookie(response, settings, begun.session, max_age_s)
    if begun.device is not None and begun.device_expires_at is not None:
        lasts_s = max(0, int((begun.device_expires_at - datetime.now(UTC)).total_seconds()))
        set_device_cookie(response, settings, begun.device, lasts_s)
    return response


def visitor() -> dict[str, Any]:
    """What users records of a sign-in, and the cookie by which it knows the browser again."""
    device = request.cookies.get(device_cookie_name(current_gateway().settings))
    return {
        "user_agent": (request.user_agent.string or "")[:300],
        "address": client_address(),
        "device": device if device and len(device) <= MAX_DEVICE_CHARS else None,
    }


def home_of_reader() -> str:
    """Where a signed-in reader starts: staff in the studio, others in the shop."""
    return url_for(STAFF_HOME) if current_user.may("catalog:read_drafts") else url_for("storefront.home")


def wait_of(problem: Problem) -> str:
    """How long to wait before the next try, in words."""
    seconds = int(problem.headers["Retry-After"])
    if seconds <= 1:
        return "Wait a moment."
    return f"Wait {seconds} seconds." if seconds < 120 else f"Wait {-(-seconds // 60)} minutes."
