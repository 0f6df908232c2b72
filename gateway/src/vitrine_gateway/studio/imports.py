"""Bringing files in: the upload, the progress that follows it, and what became of each row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import BadRequest, Conflict, PayloadTooLarge, Unprocessable, UnsupportedMediaType

from vitrine_gateway.clients.catalog_types import Page, RowProblem
from vitrine_gateway.forms import show_problem
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.forms import DeleteForm, ImportForm
from vitrine_gateway.studio.routes import IMPORT, bp

REFUSALS = (BadRequest, Unprocessable, Conflict, PayloadTooLarge, UnsupportedMediaType)
PAGE_SIZE = 20
PROBLEMS_SHOWN = 100


@bp.page("/imports", access=IMPORT, methods=("GET", "POST"), takes_upload=True)
async def imports() -> ResponseReturnValue:
    """The upload form and the imports so far."""
    catalog, token = current_gateway().catalog, current_user.access_token
    form = ImportForm()
    if form.validate_on_submit():
        upload = form.file.data
        fields = {name: form[name].data for name in ("currency", "name") if form[name].data}
        kind = upload.mimetype or "application/octet-stream"
        try:
            begun = await catalog.start_import(
                upload.stream, upload.filename or "file", kind, fields, token, key=form.key.data
            )
        except REFUSALS as problem:
            show_problem(form, problem)
            form.renew_key()
        else:
            return redirect(url_for("studio.import_page", import_id=begun.id), 303)
    query: dict[str, Any] = {"limit": PAGE_SIZE}
    if after := request.args.get("after", "")[:1024]:
        query["after"] = after
    page = await catalog.list_imports(query, token)
    following = url_for("studio.imports", after=page.after) if page.after else None
    status = 422 if form.is_submitted() else 200
    return render_template("studio/imports.html", form=form, page=page, following=following), status


@bp.page("/imports/<uuid:import_id>", access=IMPORT)
async def import_page(import_id: UUID) -> ResponseReturnValue:
    """How an import stands: reloads itself while it runs, then tells what came of it."""
    catalog, token = current_gateway().catalog, current_user.access_token
    found = await catalog.get_import(str(import_id), token)
    problems: Page[RowProblem] = Page()
    after = request.args.get("after", "")[:1024]
    if not found.running:
        query: dict[str, Any] = {"limit": PROBLEMS_SHOWN, **({"after": after} if after else {})}
        problems = await catalog.list_row_problems(str(import_id), query, token)
    following = (
        url_for("studio.import_page", import_id=import_id, after=problems.after) if problems.after else None
    )
    return render_template(
        "studio/import.html",
        job=found,
        problems=problems,
        following=following,
        after=after,
        cancel=DeleteForm(),
    )


@bp.page("/imports/<uuid:import_id>/cancel", access=IMPORT, methods=("POST",))
async def cancel_import(import_id: UUID) -> ResponseReturnValue:
    """Asks a running import to stop."""
    if DeleteForm().validate_on_submit():
        try:
            await current_gateway().catalog.cancel_import(str(import_id), current_user.access_token)
        except Conflict:
            flash("The import had ended already.")
        else:
            flash("The import stops after the rows it has in hand.")
    return redirect(url_for("studio.import_page", import_id=import_id), 303)
