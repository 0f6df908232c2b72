"""Signing in with a provider, connecting an account there, confirming by it, and taking the connection away."""

from __future__ import annotations

from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.limits import client_address
from vitrine_kit.problems import Conflict, Forbidden, Gone, NotFound, Problem, TooManyRequests, Unprocessable

from vitrine_gateway.account.confirm import own_session
from vitrine_gateway.account.routes import bp, go_on, visitor, wait_of, with_session
from vitrine_gateway.clients.connections import Visit
from vitrine_gateway.clients.wire import ProviderAway, StepUpNeeded
from vitrine_gateway.pages import PUBLIC, SIGNED_IN, local_path
from vitrine_gateway.sessions import session_cookie_name, set_visit_cookie, visit_cookie_name
from vitrine_gateway.state import current_gateway

MAX_COOKIE_CHARS = 128
MAX_PARAMETER_CHARS = {"state": 128, "code": 8192, "error": 200, "iss": 500}
REFUSALS = (Gone, Forbidden, Conflict, ProviderAway, TooManyRequests, Unprocessable)


@bp.page("/sign-in/with/<slug>", access=PUBLIC)
async def sign_in_with(slug: str) -> ResponseReturnValue:
    """Sends the browser to a provider. A link, not a form: our content policy keeps forms on our own pages."""
    target = local_path(request.args.get("next"), "")
    try:
        visit = await _begin(slug, "sign-in", target)
    except REFUSALS as problem:
        return _back_to_sign_in(problem, target)
    return _bound(make_response(redirect(visit.url, 303)), visit)


@bp.page("/sign-in/with/<slug>/callback", access=PUBLIC)
async def come_back(slug: str) -> ResponseReturnValue:
    """Takes the browser back: signed in, connected or confirmed; or told why not."""
    gateway = current_gateway()
    binding = request.cookies.get(visit_cookie_name(gateway.settings), "")
    given = _parameters()
    if given is None or "state" not in given or not 0 < len(binding) <= MAX_COOKIE_CHARS:
        raise Gone("This sign-in has ended, or was begun elsewhere. Begin again.")
    try:
        done = await gateway.connections.finish_visit(
            slug, binding=binding, session=_session(), **given, **visitor()
        )
    except REFUSALS as problem:
        return _refused(problem)
    if done.pending is not None:
        return go_on(done.pending, local_path(done.target, url_for("account.arrive")))
    if done.begun is not None:
        if done.purpose == "confirm":
            gateway.sessions.forget(own_session())
        return with_session(done.begun, local_path(done.target, url_for("account.arrive")))
    flash(f"Your account at {done.provider} is connected. You can sign in with it from now on.")
    return redirect(url_for("account.security"), 303)


@bp.page("/account/security/connections/<slug>", access=SIGNED_IN, methods=("POST",))
async def connect(slug: str) -> ResponseReturnValue:
    """Sends somebody who is signed in to a provider, to connect their account there."""
    return await _send_on(slug, "connect", url_for("account.security"))


@bp.page("/account/confirm/with/<slug>", access=SIGNED_IN, methods=("POST",))
async def confirm_with(slug: str) -> ResponseReturnValue:
    """Sends somebody to a provider that asks again who they are."""
    return await _send_on(slug, "confirm", local_path(request.form.get("next"), url_for("account.security")))


@bp.page("/account/security/connections/<uuid:connection_id>/remove", access=SIGNED_IN, methods=("POST",))
async def disconnect(connection_id: UUID) -> ResponseReturnValue:
    """Takes a connection away."""
    try:
        await current_gateway().connections.disconnect(current_user.access_token, str(connection_id))
    except (NotFound, Conflict) as problem:
        flash(problem.detail or problem.title, "error")
    else:
        flash("It is disconnected, and no longer signs in to your account.")
    return redirect(url_for("account.security"), 303)


async def _send_on(slug: str, purpose: str, target: str) -> ResponseReturnValue:
    """A page that goes on by itself: a form's answer may not lead to another site (form-action)."""
    try:
        visit = await _begin(slug, purpose, target, session=own_session())
    except StepUpNeeded:
        raise
    except REFUSALS as problem:
        flash(_reason(problem), "error")
        return redirect(url_for("account.security"), 303)
    page = render_template("account/going_on.html", url=visit.url)
    return _bound(make_response(page), visit)


async def _begin(slug: str, purpose: str, target: str, *, session: str | None = None) -> Visit:
    gateway = current_gateway()
    binding = request.cookies.get(visit_cookie_name(gateway.settings))
    return await gateway.connections.begin_visit(
        slug[:33],
        purpose,
        binding=binding if binding and len(binding) <= MAX_COOKIE_CHARS else None,
        session=session,
        target=target,
        address=client_address(),
    )


def _bound(response: Response, visit: Visit) -> Response:
    set_visit_cookie(response, current_gateway().settings, visit.binding, visit.expires_in)
    return response


def _parameters() -> dict[str, str] | None:
    """What the provider added to the address; None where it cannot be what a provider adds."""
    found = {}
    for name, longest in MAX_PARAMETER_CHARS.items():
        values = request.args.getlist(name)
        if len(values) > 1 or any(not 0 < len(value) <= longest for value in values):
            return None
        if values:
            found[name] = values[0]
    return found


def _session() -> str | None:
    session = request.cookies.get(session_cookie_name(current_gateway().settings))
    return session if session and len(session) <= MAX_COOKIE_CHARS else None


def _refused(problem: Problem) -> ResponseReturnValue:
    if not current_user.is_authenticated:
        return _back_to_sign_in(problem, "")
    flash(_reason(problem), "error")
    return redirect(url_for("account.security"), 303)


def _back_to_sign_in(problem: Problem, target: str) -> ResponseReturnValue:
    flash(_reason(problem), "error")
    return redirect(url_for("account.sign_in", next=target or None), 303)


def _reason(problem: Problem) -> str:
    if isinstance(problem, TooManyRequests):
        return f"Too many tries. {wait_of(problem)}"
    return problem.detail or problem.title
