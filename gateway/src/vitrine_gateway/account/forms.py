"""The forms of the account pages; users has the last word on what is valid."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length

from vitrine_gateway.account.challenges import ChallengedForm
from vitrine_gateway.forms import KeyedForm, stripped

PASSWORD_LENGTH = 15
PASSWORD_LIMIT = 128
MAIL_LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
"""The languages that users writes mails in."""


@cache
def time_zones() -> list[str]:
    """The time zones to choose from: the places, without the database's older names."""
    places = {
        name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    }
    return ["UTC", *sorted(places)]


_long_enough = Length(
    PASSWORD_LENGTH,
    PASSWORD_LIMIT,
    message=f"Use at least {PASSWORD_LENGTH} characters; a short sentence is fine.",
)


class SignInForm(ChallengedForm):
    """E-mail address and password."""

    email = EmailField(
        "E-mail address",
        filters=[stripped],
        validators=[DataRequired("Enter your e-mail address."), Length(max=254)],
    )
    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=1024)])
    next = HiddenField()


class RegisterForm(ChallengedForm, KeyedForm):
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


class AddressForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """An address that a mail is asked for."""

    email = EmailField(
        "E-mail address",
        filters=[stripped],
        validators=[DataRequired("Enter your e-mail address."), Length(max=254)],
    )


class ForgottenForm(AddressForm, ChallengedForm):
    """The address whose password is forgotten."""


class ChangeAddressForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Another address, and the proof that it is really you."""

    email = EmailField(
        "New e-mail address",
        filters=[stripped],
        validators=[DataRequired("Enter the new address."), Length(max=254)],
    )
    password = PasswordField("Your password", validators=[Length(max=1024)])


class ResetForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """Another password, for somebody who came by a link."""

    new_password = PasswordField(
        "New password", validators=[InputRequired("Choose a password."), _long_enough]
    )
    repeated = PasswordField(
        "New password again",
        validators=[EqualTo("new_password", message="The two passwords are not the same.")],
    )


class ProfileForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The person's name, and how mails to them are written."""

    locale = SelectField(
        "Language of mails", choices=[SelectChoice(value, label) for value, label in MAIL_LANGUAGES.items()]
    )
    time_zone = SelectField("Time zone", choices=time_zones)

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
    sure = BooleanField("Yes, delete my account", validators=[InputRequired("Tick the box to confirm.")])
