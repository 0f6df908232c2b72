"""The forms of the account pages; users has the last word on what is valid."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from vitrine_gateway.forms import KeyedForm, stripped

PASSWORD_LENGTH = 15
PASSWORD_LIMIT = 128

_long_enough = Length(
    PASSWORD_LENGTH,
    PASSWORD_LIMIT,
    message=f"Use at least {PASSWORD_LENGTH} characters; a short sentence is fine.",
)


class SignInForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """E-mail address and password."""

    email = EmailField(
        "E-mail address",
        filters=[stripped],
        validators=[DataRequired("Enter your e-mail address."), Length(max=254)],
    )
    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=1024)])
    next = HiddenField()


class RegisterForm(KeyedForm):
    """What a new account needs."""

    name = StringField(
        "Your name", filters=[stripped], validators=[DataRequired("Enter a name."), Length(max=120)]
    )
    email = EmailField(
        "E-mail address",
        filters=[stripped],
        validators=[DataRequired("Enter your e-mail address."), Length(max=254)],
    )
    password = PasswordField("Password", validators=[InputRequired("Choose a password."), _long_enough])
    next = HiddenField()


class LinkForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The button of a sign-in link's page: nothing but the form token."""


class SignOutForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The sign-out button."""


class ProfileForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The person's name."""

    name = StringField(
        "Your name", filters=[stripped], validators=[DataRequired("Enter a name."), Length(max=120)]
    )


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A new password; the current one too, where there is one."""

    current_password = PasswordField("Current password", validators=[Length(max=1024)])
    new_password = PasswordField(
        "New password", validators=[InputRequired("Choose a password."), _long_enough]
    )
    repeated = PasswordField(
        "New password again",
        validators=[EqualTo("new_password", message="The two passwords are not the same.")],
    )


class DeleteAccountForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The last question before an account is erased."""

    password = PasswordField("Your password", validators=[Length(max=1024)])
    sure = BooleanField("Yes, erase my account", validators=[InputRequired("Tick the box to confirm.")])
