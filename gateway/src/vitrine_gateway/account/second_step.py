"""Signing in by passkey, and the second step of a sign-in whose first proof was right."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from vitrine_kit.limits import client_address
from vitrine_kit.problems import Gone, NotFound, TooManyRequests, Unauthenticated, Unprocessable

from vitrine_gateway.account.proofs import (
    PasskeyForm,
    ProofPasswordForm,
    SecondStepForm,
    code_proof,
    read_credential,
)
from vitrine_gateway.account.routes import bp, go_on, visitor, wait_of, with_session
from vitrine_gateway.pages import PUBLIC, local_path
from vitrine_gateway.state import current_gateway

STARTED_OVER = "That took too long, or too many tries. Please sign in again."
KEY_REFUSED = "This passkey could not be verified. Try again, or sign in with your password."


@bp.page("/sign-in/passkey/options", access=PUBLIC, methods=("POST",))
async def passkey_options() -> ResponseReturnValue:
    """What the browser's passkey has to sign."""
    return jsonify(await current_gateway().factors.sign_in_options(client_address()))


@bp.page("/sign-in/passkey", access=PUBLIC, methods=("POST",))
async def passkey_sign_in() -> ResponseReturnValue:
    """Signs in by the answer that the page's script has put into the form."""
    form = PasskeyForm()
    target = local_path(request.form.get("next"), "")
    credential = read_credential(form.credential.data or "") if form.validate_on_submit() else None
    if credential is not None:
        try:
            begun = await current_gateway().factors.begin_by_passkey(credential, **visitor())
        except (Unauthenticated, Unprocessable):
            pass
        else:
            return go_on(begun, target or url_for("account.arrive"))
    flash(KEY_REFUSED, "error")
    return redirect(url_for("account.sign_in", next=target or None), 303)


@bp.page("/sign-in/second-step", access=PUBLIC, methods=("GET", "POST"))
async def second_step() -> ResponseReturnValue:
    """Asks for the second proof, and finishes the sign-in."""
    waiting = _waiting()
    if waiting is None:
        return render_template("account/second_step_over.html"), 410
    by_password = "password" in waiting["methods"]
    form = ProofPasswordForm() if by_password else SecondStepForm()
    if form.validate_on_submit():
        if by_password:
            method, proof, trust = "password", {"password": form.password.data}, False
        else:
            (method, proof), trust = code_proof(form.code.data), form.trust.data
        answer = await _finish(waiting, method, proof, form, trust=trust)
        if answer is not None:
            return answer
    page = render_template(
        "account/second_step.html",
        form=form,
        passkey_form=PasskeyForm(formdata=None),
        methods=waiting["methods"],
        by_password=by_password,
    )
    return page, 422 if form.is_submitted() else 200


@bp.page("/sign-in/second-step/passkey/options", access=PUBLIC, methods=("POST",))
async def second_step_options() -> ResponseReturnValue:
    """What a passkey of the account has to sign."""
    waiting = _waiting()
    if waiting is None:
        raise NotFound
    return jsonify(await current_gateway().factors.second_step_options(waiting["challenge"]))


@bp.page("/sign-in/second-step/passkey", access=PUBLIC, methods=("POST",))
async def second_step_passkey() -> ResponseReturnValue:
    """Finishes the sign-in by the answer that the page's script has put into the form."""
    waiting, form = _waiting(), PasskeyForm()
    credential = read_credential(form.credential.data or "") if form.validate_on_submit() else None
    if waiting is not None and credential is not None:
        answer = await _finish(waiting, "passkey", {"credential": credential}, form, trust=False)
        if answer is not None:
            return answer
    flash(KEY_REFUSED, "error")
    return redirect(url_for("account.second_step"), 303)


async def _finish(
    waiting: dict[str, Any], method: str, proof: dict[str, Any], form: FlaskForm, *, trust: bool
) -> Response | None:
    """The way on after the proof; None, and the reason on the form, where it is wrong."""
    try:
        begun = await current_gateway().factors.second_step(
            waiting["challenge"], method, proof, trust=trust, **visitor()
        )
    except Gone:
        session.pop("second_step", None)
        flash(STARTED_OVER, "error")
        return redirect(url_for("account.sign_in"), 303)  # type: ignore[return-value]  # Flask's redirect makes Flask's Response
    except TooManyRequests as problem:
        form.form_errors = [f"Too many tries. {wait_of(problem)}"]
    except (Unprocessable, Unauthenticated):
        form.form_errors = ["That was not right. Codes are good once: take the next one."]
    else:
        return with_session(begun, local_path(waiting["target"], url_for("account.arrive")))
    return None


def _waiting() -> dict[str, Any] | None:
    found = session.get("second_step")
    return found if isinstance(found, dict) else None
