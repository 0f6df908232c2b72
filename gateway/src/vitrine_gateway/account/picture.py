"""A person's picture: chosen on the account page, and taken away there."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from vitrine_kit.problems import NotFound, PayloadTooLarge, Unprocessable, UnsupportedMediaType

from vitrine_gateway.account.routes import bp
from vitrine_gateway.pages import SIGNED_IN
from vitrine_gateway.state import current_gateway

MAX_BYTES = 8 * 1024 * 1024
TAKEN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"})


class PictureForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The file with the picture."""

    file = FileField("Picture")


class NoPictureForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The button that takes the picture away: nothing but the form token."""


@bp.page("/account/picture", access=SIGNED_IN, methods=("POST",), takes_upload=True)
async def set_picture() -> ResponseReturnValue:
    """Makes the file the person's picture; users looks into it and keeps a small square of it."""
    form = PictureForm()
    upload: Any = form.file.data
    if not form.validate_on_submit() or not upload:
        flash("Choose a file first.", "error")
        return _to_profile()
    data = upload.stream.read(MAX_BYTES + 1)
    kind = upload.mimetype if upload.mimetype in TAKEN else "image/png"
    try:
        if len(data) > MAX_BYTES:
            raise PayloadTooLarge(f"A picture may have at most {MAX_BYTES // 1024 // 1024} MiB.")
        await current_gateway().users.set_picture(current_user.access_token, data, kind)
    except (PayloadTooLarge, UnsupportedMediaType, Unprocessable) as problem:
        flash(problem.detail or problem.title, "error")
    else:
        current_gateway().sessions.forget_all_of(current_user.account.id)
        flash("Your picture is saved.")
    return _to_profile()


@bp.page("/account/picture/remove", access=SIGNED_IN, methods=("POST",))
async def remove_picture() -> ResponseReturnValue:
    """Takes the picture away."""
    if NoPictureForm().validate_on_submit():
        try:
            await current_gateway().users.remove_picture(current_user.access_token)
        except NotFound:
            flash("You had no picture.")
        else:
            current_gateway().sessions.forget_all_of(current_user.account.id)
            flash("Your picture is removed.")
    return _to_profile()


def _to_profile() -> ResponseReturnValue:
    return redirect(url_for("account.profile", _anchor="picture-title"), 303)
