"""Taking an invitation up: the page that the mail's link leads to."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from vitrine_kit.problems import Conflict, Forbidden, Gone, Unprocessable
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from vitrine_gateway.account.forms import PASSWORD_LENGTH, PASSWORD_LIMIT
from vitrine_gateway.account.routes import bp
from vitrine_gateway.forms import show_problem, stripped
from vitrine_gateway.pages import PUBLIC
from vitrine_gateway.state import current_gateway


class InvitationForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What an invited person adds to what the invitation says."""

    name = StringField(
        "Your name", filters=[stripped], validators=[DataRequired("Enter a name."), Length(max=120)]
    )
    password = PasswordField(
        "Password",
        validators=[InputRequired("Choose a password."), Length(PASSWORD_LENGTH, PASSWORD_LIMIT)],
    )
    repeated = PasswordField(
        "Password again", validators=[EqualTo("password", "The passwords are not the same.")]
    )


@bp.page("/invitation/<secret>", access=PUBLIC, methods=("GET", "POST"))
async def invitation(secret: str) -> ResponseReturnValue:
    """Shows whom the invitation is for, which uses nothing up; the button makes the account."""
    rights, form = current_gateway().rights, InvitationForm()
    try:
        invited = await rights.invitation(secret[:128])
        if form.validate_on_submit():
            await rights.accept(secret, form.name.data, form.password.data)
            flash("Your account is made. Sign in with your new password.")
            return redirect(url_for("account.sign_in"), 303)
    except (Gone, Forbidden):
        return render_template("account/invitation.html", form=None, invited=None), 410
    except (Conflict, Unprocessable) as problem:
        show_problem(form, problem)
    page = render_template("account/invitation.html", form=form, invited=invited)
    return page, 422 if form.is_submitted() else 200
