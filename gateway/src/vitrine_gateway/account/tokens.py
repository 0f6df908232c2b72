"""The page of one's access tokens: made, shown once, and withdrawn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from vitrine_kit.problems import Conflict, NotFound, Unprocessable
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from vitrine_gateway.account.routes import bp
from vitrine_gateway.clients.rights import AccessToken
from vitrine_gateway.forms import show_problem, stripped
from vitrine_gateway.pages import SIGNED_IN
from vitrine_gateway.state import current_gateway

LIVES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What a new token is for, what it may do, and when it ends."""

    name = StringField(
        "What it is for", filters=[stripped], validators=[DataRequired("Give it a name."), Length(max=120)]
    )
    scopes = SelectMultipleField(
        "What it may do", widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    days = SelectField(
        "It ends after", choices=[SelectChoice(value, label) for value, label in LIVES.items()], default="30"
    )


@bp.page("/account/tokens", access=SIGNED_IN, methods=("GET", "POST"))
async def tokens() -> ResponseReturnValue:
    """The tokens so far, and the form for another; what was just made is shown this once."""
    rights, mine = current_gateway().rights, current_user.access_token
    described = {one.name: one.description for one in await rights.permissions(mine)}
    form = _form(described)
    made: AccessToken | None = None
    if form.validate_on_submit():
        try:
            made = await rights.make_token(mine, form.name.data, form.scopes.data or [], int(form.days.data))
        except (Unprocessable, Conflict) as problem:
            show_problem(form, problem, {"expires_in_days": "days"})
    refused = form.is_submitted() and made is None
    if made is not None:
        form = _form(described, formdata=None)
    found = await rights.tokens(mine)
    page = render_template("account/tokens.html", form=form, made=made, tokens=found, described=described)
    return page, 422 if refused else 200


def _form(described: dict[str, str], **options: Any) -> TokenForm:
    form = TokenForm(**options)
    mine = sorted(current_user.account.permissions)
    form.scopes.choices = [SelectChoice(name, described.get(name, name)) for name in mine]
    return form


@bp.page("/account/tokens/<uuid:token_id>/withdraw", access=SIGNED_IN, methods=("POST",))
async def withdraw_token(token_id: UUID) -> ResponseReturnValue:
    """Ends a token."""
    try:
        await current_gateway().rights.withdraw_token(current_user.access_token, str(token_id))
    except NotFound:
        flash("That token had ended already.")
    else:
        flash("The token is withdrawn. Its next use is refused.")
    return redirect(url_for("account.tokens"), 303)
