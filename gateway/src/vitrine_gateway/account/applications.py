"""Signing people in to the shop's other applications and out again: what they are asked, and where they go on to."""

from __future__ import annotations

import hashlib
from typing import Literal
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from itsdangerous import BadSignature, TimestampSigner
from vitrine_kit.limits import client_address
from vitrine_kit.problems import BadRequest, NotFound

from vitrine_gateway.account.routes import bp, end_session
from vitrine_gateway.pages import PUBLIC, SIGNED_IN
from vitrine_gateway.sessions import session_cookie_name
from vitrine_gateway.state import current_gateway

ASKED = "vitrine_asked"
"""Our own parameter: since when the person was asked to prove who they are for this request, signed."""
ASKED_LIFE_S = 600
MAX_PARAMETERS = 29
MAX_PARAMETER_CHARS = 4000
Decision = Literal["allow", "deny"]


@bp.page("/oauth2/authorize", access=PUBLIC)
async def authorize() -> ResponseReturnValue:
    """An application's request: answered at once where nothing has to be asked, else after the question."""
    return await _next(_query(list(request.args.items(multi=True))), None)


@bp.page("/oauth2/authorize", access=PUBLIC, methods=("POST",), from_elsewhere=True)
async def authorize_by_form() -> ResponseReturnValue:
    """The same request sent as a form (OpenID Connect Core 1.0, section 3.1.2.1): goes on by GET."""
    return _by_get("account.authorize")


@bp.page("/oauth2/resume", access=PUBLIC)
async def resume() -> ResponseReturnValue:
    """Goes on with a request after a sign-in, from a page: a form's answer may not lead to another site."""
    return _going_on(f"{url_for('account.authorize')}?{request.query_string.decode('ascii', 'replace')}")


@bp.page("/oauth2/consent", access=SIGNED_IN, methods=("POST",))
async def consent() -> ResponseReturnValue:
    """What the person has answered to the question."""
    decision: Decision = "allow" if request.form.get("decision") == "allow" else "deny"
    query = _query(parse_qsl(request.form.get("query", "")[:20_000], keep_blank_values=True))
    return await _next(query, decision)


@bp.page("/oauth2/logout", access=PUBLIC, methods=("POST",), from_elsewhere=True)
async def logout_by_form() -> ResponseReturnValue:
    """An application's wish sent as a form: goes on by GET."""
    return _by_get("account.logout")


@bp.page("/oauth2/logout", access=PUBLIC)
async def logout() -> ResponseReturnValue:
    """Signs out for an application: at once where it has shown whom it means, else after the question."""
    query = _query(list(request.args.items(multi=True)))
    wish = await current_gateway().applications.log_out(query, _session())
    if wish.refused is not None:
        return _refused(wish.refused)
    if current_user.is_authenticated and not wish.proved:
        return render_template(
            "account/application_logout.html", application=wish.application, query=urlencode(query)
        )
    return await end_session(_redirect(wish.url or url_for("account.sign_in")))


@bp.page("/oauth2/sign-out", access=PUBLIC, methods=("POST",))
async def confirm_logout() -> ResponseReturnValue:
    """Signs out after the question, and goes on from a page: a form's answer may not lead to another site."""
    query = _query(parse_qsl(request.form.get("query", "")[:20_000], keep_blank_values=True))
    wish = await current_gateway().applications.log_out(query, _session())
    if wish.refused is not None:
        return _refused(wish.refused)
    return await end_session(_going_on(wish.url or url_for("account.sign_in")))


@bp.page("/account/applications", access=SIGNED_IN)
async def allowed() -> ResponseReturnValue:
    """The applications that the person has let in."""
    found = await current_gateway().applications.allowed(current_user.access_token)
    return render_template("account/applications.html", applications=found)


@bp.page("/account/applications/<uuid:application_id>/shut-out", access=SIGNED_IN, methods=("POST",))
async def shut_out(application_id: UUID) -> ResponseReturnValue:
    """Takes back what an application may know."""
    try:
        await current_gateway().applications.disallow(current_user.access_token, str(application_id))
    except NotFound as problem:
        flash(problem.detail or problem.title, "error")
    else:
        flash("It is shut out. The next time you sign in to it, it asks you again.")
    return redirect(url_for("account.allowed"), 303)


async def _next(query: dict[str, str], decision: Decision | None) -> ResponseReturnValue:
    asked = query.pop(ASKED, None)
    step = await current_gateway().applications.authorize(
        query,
        _session(),
        asked_at=_asked_at(query, asked),
        decision=decision,
        address=client_address(),
    )
    if step.outcome == "redirect" and step.url is not None:
        return _redirect(step.url) if decision is None else _going_on(step.url)
    if step.outcome == "consent":
        # The proof that was given for this request travels on with it.
        kept = urlencode({**query, **({ASKED: asked} if asked else {})})
        return render_template("account/consent.html", step=step, query=kept)
    if step.outcome == "page":
        return _refused(step.message)
    if step.outcome == "factor":
        return redirect(url_for("account.security"), 303)
    back = (
        f"{url_for('account.resume')}?{urlencode({**query, ASKED: _signer().sign(_digest(query)).decode()})}"
    )
    page = "account.sign_in" if step.outcome == "sign-in" else "account.confirm"
    return redirect(url_for(page, next=back), 303)


def _by_get(endpoint: str) -> Response:
    """Nothing is done for a form of another site but to ask again by GET, where cookies tell who it is."""
    query = _query([(name, value) for name, values in request.form.lists() for value in values])
    return _redirect(f"{url_for(endpoint)}?{urlencode(query)}")


def _query(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The parameters, each given once (RFC 6749, section 3.1).

    Raises:
        BadRequest: one is given twice, or there is too much.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("Each parameter is given once.")
    if len(found) > MAX_PARAMETERS or any(
        len(value) > MAX_PARAMETER_CHARS or "\0" in value for value in (*found, *found.values())
    ):
        raise BadRequest("The request is too long.")
    return found


def _signer() -> TimestampSigner:
    return TimestampSigner(current_app.secret_key or "", salt="vitrine.asked-to-prove")


def _digest(query: dict[str, str]) -> bytes:
    """What ties the signature to this very request."""
    return hashlib.sha256(urlencode(sorted(query.items())).encode()).hexdigest().encode()


def _asked_at(query: dict[str, str], signed: str | None) -> int | None:
    if signed is None:
        return None
    try:
        digest, moment = _signer().unsign(signed, max_age=ASKED_LIFE_S, return_timestamp=True)
    except BadSignature:
        return None
    return int(moment.timestamp()) if digest == _digest(query) else None


def _session() -> str | None:
    found = request.cookies.get(session_cookie_name(current_gateway().settings))
    return found if found and len(found) <= 128 else None


def _redirect(url: str) -> Response:
    return _quiet(make_response(redirect(url, 303)))


def _going_on(url: str) -> Response:
    return _quiet(make_response(render_template("account/going_on.html", url=url)))


def _refused(message: str) -> ResponseReturnValue:
    """A page for the person: nothing is told to an address that is not known to be the application's."""
    return render_template("account/application_refused.html", message=message), 400


def _quiet(response: Response) -> Response:
    # Where somebody goes from here need not learn what they were asked.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
