"""What the pages that ask for a proof share: their forms, and how a form becomes the proof users wants."""

from __future__ import annotations

import json
from typing import Any

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from vitrine_gateway.forms import stripped

MAX_CREDENTIAL_CHARS = 64 * 1024
APP_DIGITS = 6


class CodeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A code: six digits from the app, or a recovery code."""

    code = StringField(
        "Code", filters=[stripped], validators=[InputRequired("Enter the code."), Length(max=64)]
    )


class SecondStepForm(CodeForm):
    """The second step of a sign-in."""

    trust = BooleanField("Do not ask for a code in this browser for 30 days")


class ProofPasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The password, as a proof."""

    password = PasswordField("Password", validators=[InputRequired("Enter your password."), Length(max=1024)])


class PasskeyForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """What a passkey answered; the page's script fills it in."""

    credential = HiddenField(validators=[InputRequired(), Length(max=MAX_CREDENTIAL_CHARS)])


def code_proof(code: str) -> tuple[str, dict[str, Any]]:
    """The method and the proof of a typed code: six digits are the app's, all else is a recovery code."""
    digits = code.replace(" ", "")
    if len(digits) == APP_DIGITS and digits.isdecimal():
        return "totp", {"code": digits}
    return "recovery_code", {"code": code}


def read_credential(text: str) -> dict[str, Any] | None:
    """The answer of a passkey; None where the text is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
