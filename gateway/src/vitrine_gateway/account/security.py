"""The page of one's factors: the authenticator app, passkeys, recovery codes and remembered browsers."""

from __future__ import annotations

from base64 import b64encode
from uuid import UUID

from flask import flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.problems import Conflict, NotFound, Problem, Unprocessable
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length

from vitrine_gateway.account.confirm import renewed
from vitrine_gateway.account.proofs import CodeForm, PasskeyForm, read_credential
from vitrine_gateway.account.routes import bp
from vitrine_gateway.forms import stripped
from vitrine_gateway.pages import SIGNED_IN
from vitrine_gateway.state import current_gateway


class AppCodeForm(CodeForm):
    """The first code of an app."""

    end_others = BooleanField("Sign out my other devices")


class NewPasskeyForm(PasskeyForm):
    """A passkey that the browser has made, and its name."""

    name = StringField(
        "Name", filters=[stripped], validators=[DataRequired("Give it a name."), Length(max=60)]
    )
    end_others = BooleanField("Sign out my other devices")


class NameForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Another name for a passkey."""

    name = StringField(
        "Name", filters=[stripped], validators=[DataRequired("Give it a name."), Length(max=60)]
    )


@bp.page("/account/security", access=SIGNED_IN)
async def security() -> ResponseReturnValue:
    """Everything that proves who one is, and the browsers that are known."""
    gateway = current_gateway()
    factors = gateway.factors
    held = await factors.factors(current_user.access_token)
    return render_template(
        "account/security.html",
        held=held,
        devices=await factors.devices(current_user.access_token),
        passkey_form=NewPasskeyForm(formdata=None),
        missing=current_user.factor_missing,
        offered=await gateway.connections.offered(),
        connections=await gateway.connections.own(current_user.access_token),
    )


@bp.page("/account/security/app", access=SIGNED_IN, methods=("POST",))
async def begin_app() -> ResponseReturnValue:
    """Shows the picture to scan; made by a button, for each showing makes a new one."""
    try:
        made = await current_gateway().factors.begin_app(current_user.access_token)
    except Conflict as problem:
        return _back(problem)
    picture = "data:image/svg+xml;base64," + b64encode(made.qr_svg.encode()).decode()
    return render_template("account/app.html", form=AppCodeForm(formdata=None), made=made, picture=picture)


@bp.page("/account/security/app/confirm", access=SIGNED_IN, methods=("POST",))
async def confirm_app() -> ResponseReturnValue:
    """Makes the app good by its first code; the session goes on under a new secret."""
    form = AppCodeForm()
    if form.validate_on_submit():
        code = form.code.data.replace(" ", "")
        try:
            await current_gateway().factors.confirm_app(
                current_user.access_token, code, end_others=form.end_others.data
            )
        except NotFound:
            flash("There is no app to confirm. Begin again.", "error")
            return redirect(url_for("account.security"), 303)
        except Unprocessable:
            form.form_errors = ["This is not the code your app should show. Enter the next one."]
        else:
            flash("Your authenticator app is added. Make recovery codes too, in case you lose it.")
            return await renewed(url_for("account.security"))
    return render_template("account/app.html", form=form, made=None, picture=None), 422


@bp.page("/account/security/app/remove", access=SIGNED_IN, methods=("POST",))
async def remove_app() -> ResponseReturnValue:
    """Removes the app."""
    try:
        await current_gateway().factors.remove_app(current_user.access_token)
    except NotFound as problem:
        return _back(problem)
    return _changed("Your authenticator app is removed.")


@bp.page("/account/security/codes", access=SIGNED_IN, methods=("POST",))
async def issue_codes() -> ResponseReturnValue:
    """Shows new recovery codes, this once."""
    try:
        codes = await current_gateway().factors.issue_codes(current_user.access_token)
    except Conflict as problem:
        return _back(problem)
    return render_template("account/codes.html", codes=codes)


@bp.page("/account/security/passkeys/options", access=SIGNED_IN, methods=("POST",))
async def passkey_creation() -> ResponseReturnValue:
    """What the browser makes a passkey by."""
    return jsonify(await current_gateway().factors.passkey_creation(current_user.access_token))


@bp.page("/account/security/passkeys", access=SIGNED_IN, methods=("POST",))
async def add_passkey() -> ResponseReturnValue:
    """Stores the passkey that the browser has made; the session goes on under a new secret."""
    form = NewPasskeyForm()
    credential = read_credential(form.credential.data or "") if form.validate_on_submit() else None
    if credential is None:
        flash("The passkey was not made. Give it a name, and try again.", "error")
        return redirect(url_for("account.security"), 303)
    try:
        await current_gateway().factors.add_passkey(
            current_user.access_token, form.name.data, credential, end_others=form.end_others.data
        )
    except (Conflict, Unprocessable) as problem:
        return _back(problem)
    flash("Your passkey is added. Next time you can sign in with it, without a password.")
    return await renewed(url_for("account.security"))


@bp.page("/account/security/passkeys/<uuid:passkey_id>/name", access=SIGNED_IN, methods=("POST",))
async def rename_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """Gives a passkey another name."""
    form = NameForm()
    if not form.validate_on_submit():
        flash("Give the passkey a name of at most 60 characters.", "error")
        return redirect(url_for("account.security"), 303)
    try:
        await current_gateway().factors.rename_passkey(
            current_user.access_token, str(passkey_id), form.name.data
        )
    except (NotFound, Unprocessable) as problem:
        return _back(problem)
    return _changed("The name is saved.")


@bp.page("/account/security/passkeys/<uuid:passkey_id>/remove", access=SIGNED_IN, methods=("POST",))
async def remove_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """Removes a passkey."""
    try:
        await current_gateway().factors.remove_passkey(current_user.access_token, str(passkey_id))
    except NotFound as problem:
        return _back(problem)
    return _changed("The passkey is removed. Delete it on its device too.")


@bp.page("/account/security/devices/<uuid:device_id>/forget", access=SIGNED_IN, methods=("POST",))
async def forget_device(device_id: UUID) -> ResponseReturnValue:
    """Has a browser asked for everything at its next sign-in."""
    try:
        await current_gateway().factors.forget_device(current_user.access_token, str(device_id))
    except NotFound as problem:
        return _back(problem)
    return _changed("That browser is forgotten.")


def _changed(message: str) -> ResponseReturnValue:
    current_gateway().sessions.forget_all_of(current_user.account.id)
    flash(message)
    return redirect(url_for("account.security"), 303)


def _back(problem: Problem) -> ResponseReturnValue:
    flash(problem.detail or problem.title, "error")
    return redirect(url_for("account.security"), 303)
