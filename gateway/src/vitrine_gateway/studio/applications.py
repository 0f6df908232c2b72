"""Applications in the studio: the shop's other sites and programs, which people sign in to with their account."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.problems import Conflict, NotFound, Unprocessable
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from vitrine_gateway.clients.applications import Application
from vitrine_gateway.forms import show_problem, stripped
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.routes import bp

APPLICATIONS = "users:applications"


class ApplicationForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What an application is called, and where browsers are sent back to."""

    name = StringField(
        "Name", filters=[stripped], validators=[DataRequired("Give it a name."), Length(max=60)]
    )
    redirect_uris = TextAreaField(
        "Redirect addresses",
        filters=[stripped],
        validators=[DataRequired("Enter one at least."), Length(max=10_000)],
    )
    logout_uris = TextAreaField(
        "Addresses after signing out", filters=[stripped], validators=[Length(max=10_000)]
    )
    public = BooleanField("It can keep no secret")
    rsa = BooleanField("Sign with RS256")


@bp.page("/applications", access=APPLICATIONS, methods=("GET", "POST"))
async def applications() -> ResponseReturnValue:
    """All applications, and the form for another; the secret of one just made is shown this once."""
    client, token, form = current_gateway().applications, current_user.access_token, ApplicationForm()
    made: Application | None = None
    if form.validate_on_submit():
        try:
            made = await client.register(
                token,
                name=form.name.data,
                redirect_uris=form.redirect_uris.data.split(),
                logout_uris=(form.logout_uris.data or "").split(),
                confidential=not form.public.data,
                signature="RS256" if form.rsa.data else "EdDSA",
            )
        except Unprocessable as problem:
            show_problem(form, problem)
    return await _page(form, made), 422 if form.is_submitted() and made is None else 200


@bp.page("/applications/<uuid:application_id>/secret", access=APPLICATIONS, methods=("POST",))
async def renew_application_secret(application_id: UUID) -> ResponseReturnValue:
    """Shows another secret, this once."""
    try:
        made = await current_gateway().applications.renew_secret(
            current_user.access_token, str(application_id)
        )
    except (Conflict, NotFound) as problem:
        flash(problem.detail or problem.title, "error")
        return redirect(url_for("studio.applications"), 303)
    return await _page(ApplicationForm(formdata=None), made)


@bp.page("/applications/<uuid:application_id>/delete", access=APPLICATIONS, methods=("POST",))
async def delete_application(application_id: UUID) -> ResponseReturnValue:
    """Deletes an application."""
    try:
        await current_gateway().applications.delete(current_user.access_token, str(application_id))
    except NotFound as problem:
        flash(problem.detail or problem.title, "error")
    else:
        flash("The application is deleted. Nobody signs in to it with an account of the shop any more.")
    return redirect(url_for("studio.applications"), 303)


async def _page(form: ApplicationForm, made: Application | None) -> str:
    gateway = current_gateway()
    found = await gateway.applications.applications(current_user.access_token)
    issuer = gateway.settings.public_url
    return render_template(
        "studio/applications.html", form=form, made=made, applications=found, issuer=issuer
    )
