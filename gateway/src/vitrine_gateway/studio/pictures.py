"""Pictures of a product: added from a file or an address, described, moved and removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import Conflict, NotFound, PayloadTooLarge, Unprocessable, UnsupportedMediaType

from vitrine_gateway.forms import KeyedForm, add_error, show_problem
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.forms import DeleteForm, PictureChangeForm, PictureForm
from vitrine_gateway.studio.routes import WRITE, bp

REFUSALS = (Unprocessable, Conflict, PayloadTooLarge, UnsupportedMediaType)


@bp.page("/products/<uuid:product_id>/pictures", access=WRITE, methods=("GET", "POST"), takes_upload=True)
async def add_picture(product_id: UUID) -> ResponseReturnValue:
    """Adds a picture; the form stands on the product's page too."""
    form = PictureForm()
    if form.validate_on_submit():
        if not form.file.data and not form.source_url.data:
            add_error(form.file, "Choose a file, or give an address.")
        else:
            try:
                await _send(str(product_id), form)
            except REFUSALS as problem:
                show_problem(form, problem)
                form.renew_key()
            else:
                flash("The picture is added.")
                return _to_pictures(product_id)
    found = await current_gateway().catalog.get_product(str(product_id), current_user.access_token)
    status = 422 if form.is_submitted() else 200
    return render_template("studio/picture_add.html", form=form, product=found.value), status


async def _send(product_id: str, form: KeyedForm) -> None:
    catalog, token, key = current_gateway().catalog, current_user.access_token, form.key.data
    alt = form.alt.data or ""
    upload: Any = form.file.data
    if not upload:
        await catalog.add_picture_from(product_id, form.source_url.data, alt, token, key=key)
        return
    name, kind = upload.filename or "picture", upload.mimetype or "application/octet-stream"
    await catalog.upload_picture(product_id, upload.stream, name, kind, alt, token, key=key)


@bp.page("/products/<uuid:product_id>/pictures/<uuid:picture_id>", access=WRITE, methods=("POST",))
async def change_picture(product_id: UUID, picture_id: UUID) -> ResponseReturnValue:
    """Saves a picture's text and place."""
    form = PictureChangeForm()
    patch: dict[str, Any] = {"alt": form.alt.data or ""}
    if form.position.data is not None:
        patch["position"] = form.position.data
    if form.validate_on_submit():
        try:
            await current_gateway().catalog.change_picture(
                str(product_id), str(picture_id), patch, current_user.access_token
            )
        except REFUSALS as problem:
            flash(problem.detail or problem.title, "error")
        else:
            flash("The picture is saved.")
    else:
        flash("The place of a picture is a whole number.", "error")
    return _to_pictures(product_id)


@bp.page(
    "/products/<uuid:product_id>/pictures/<uuid:picture_id>/delete", access=WRITE, methods=("GET", "POST")
)
async def delete_picture(product_id: UUID, picture_id: UUID) -> ResponseReturnValue:
    """Asks once, then removes the picture."""
    gateway = current_gateway()
    form = DeleteForm()
    if form.validate_on_submit():
        await gateway.catalog.delete_picture(str(product_id), str(picture_id), current_user.access_token)
        flash("The picture is removed.")
        return _to_pictures(product_id)
    found = await gateway.catalog.get_product(str(product_id), current_user.access_token)
    picture = next((entry for entry in found.value.pictures if entry.id == str(picture_id)), None)
    if picture is None:
        raise NotFound
    return render_template("studio/picture_delete.html", form=form, product=found.value, picture=picture)


def _to_pictures(product_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("studio.product", product_id=product_id, _anchor="pictures"), 303)
