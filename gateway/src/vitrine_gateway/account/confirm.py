"""Proving again who one is, before what would hand the account over; then back to where one was."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.limits import client_address
from vitrine_kit.problems import TooManyRequests, Unauthenticated, Unprocessable
from werkzeug.wrappers import Response

from vitrine_gateway.account.proofs import (
    CodeForm,
    PasskeyForm,
    ProofPasswordForm,
    code_proof,
    read_credential,
)
from vitrine_gateway.account.routes import bp, wait_of, with_session
from vitrine_gateway.pages import SIGNED_IN, local_path
from vitrine_gateway.sessions import session_cookie_name
from vitrine_gateway.state import current_gateway


@bp.page("/account/confirm", access=SIGNED_IN, methods=("GET", "POST"))
async def confirm() -> ResponseReturnValue:
    """Asks for the password, a code or a passkey, and goes on to `next`."""
    gateway, target = current_gateway(), _target()
    held = await gateway.factors.factors(current_user.access_token)
    password_form = ProofPasswordForm(prefix="p")
    code_form = CodeForm(prefix="c")
    for form, name in ((password_form, "password"), (code_form, "code")):
        if form[name].data and form.validate_on_submit():
            method, proof = (
                ("password", {"password": form.password.data})
                if name == "password"
                else code_proof(form.code.data)
            )
            answer = await _prove(method, proof, form, target)
            if answer is not None:
                return answer
    page = render_template(
        "account/confirm.html",
        methods=held.methods,
        password_form=password_form,
        code_form=code_form,
        passkey_form=PasskeyForm(formdata=None),
        target=target,
        connections=await gateway.connections.own(current_user.access_token),
    )
    return page, 422 if request.method == "POST" else 200


@bp.page("/account/confirm/passkey/options", access=SIGNED_IN, methods=("POST",))
async def confirm_options() -> ResponseReturnValue:
    """What a passkey of the account has to sign."""
    return jsonify(await current_gateway().factors.confirm_options(own_session()))


@bp.page("/account/confirm/passkey", access=SIGNED_IN, methods=("POST",))
async def confirm_passkey() -> ResponseReturnValue:
    """Goes on by the answer that the page's script has put into the form."""
    form, target = PasskeyForm(), _target()
    credential = read_credential(form.credential.data or "") if form.validate_on_submit() else None
    if credential is not None:
        answer = await _prove("passkey", {"credential": credential}, form, target)
        if answer is not None:
            return answer
    return redirect(url_for("account.confirm", next=target), 303)


async def _prove(method: str, proof: dict[str, Any], form: FlaskForm, target: str) -> Response | None:
    gateway, old = current_gateway(), own_session()
    try:
        begun = await gateway.factors.confirm(old, method, proof, address=client_address())
    except TooManyRequests as problem:
        form.form_errors = [f"Too many tries. {wait_of(problem)}"]
    except Unprocessable:
        form.form_errors = ["That was not right. Codes are good once: take the next one."]
    except Unauthenticated:
        if method != "passkey":
            raise
    else:
        gateway.sessions.forget(old)
        return with_session(begun, target)
    return None


async def renewed(response_target: str) -> Response:
    """Goes on with the session under a new secret: its rights have just grown."""
    gateway, old = current_gateway(), own_session()
    begun = await gateway.factors.renew(old)
    gateway.sessions.forget(old)
    return with_session(begun, response_target)


def own_session() -> str:
    """The secret of the reader's session."""
    return request.cookies[session_cookie_name(current_gateway().settings)]


def _target() -> str:
    return local_path(request.values.get("next"), url_for("account.security"))
