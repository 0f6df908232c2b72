"""The studio's product pages: the list with its filters, one form for everything of a product, and removal."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.asgi import run_blocking
from vitrine_kit.problems import Conflict, Forbidden, PreconditionFailed, Problem, Unprocessable

from vitrine_gateway.clients.catalog_types import Product, Versioned
from vitrine_gateway.forms import show_problem
from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio import writing
from vitrine_gateway.studio.forms import (
    MAX_ROWS,
    STATUSES,
    DeleteForm,
    PictureForm,
    ProductForm,
    product_values,
)
from vitrine_gateway.studio.routes import READ, WRITE, bp

PAGE_SIZE = 50
SORTS = {
    "updated": "Last changed",
    "newest": "Newest",
    "oldest": "Oldest",
    "title": "Title",
    "price": "Price, low to high",
    "-price": "Price, high to low",
}
FILTERS = ("q", "status", "category", "vendor", "sort", "in_stock")


@bp.page("/products", access=READ)
async def products() -> ResponseReturnValue:
    """All products, drafts among them; narrowed and ordered by the address."""
    gateway = current_gateway()
    asked = {name: request.args.get(name, "").strip()[:200] for name in FILTERS}
    query: dict[str, Any] = {
        "limit": PAGE_SIZE,
        "sort": asked["sort"] if asked["sort"] in SORTS else "updated",
    }
    query |= {name: asked[name] for name in ("q", "category", "vendor") if asked[name]}
    if asked["status"] in STATUSES:
        query["status"] = asked["status"]
    if asked["in_stock"] in {"true", "false"}:
        query["in_stock"] = asked["in_stock"]
    if after := request.args.get("after", "")[:1024]:
        query["after"] = after
    here: dict[str, Any] = {name: value for name, value in asked.items() if value}
    try:
        page, categories = await asyncio.gather(
            gateway.catalog.list_products(query, current_user.access_token), gateway.shelves.categories()
        )
    except Unprocessable:
        if not after:
            raise
        return redirect(url_for("studio.products", **here), 303)
    following = url_for("studio.products", **here, after=page.after) if page.after else None
    return render_template(
        "studio/products.html",
        page=page,
        asked=asked,
        here=here,
        following=following,
        first=url_for("studio.products", **here) if after else None,
        sorts=SORTS,
        statuses=STATUSES,
        categories=categories,
    )


@bp.page("/products/new", access=WRITE, methods=("GET", "POST"))
async def new_product() -> ResponseReturnValue:
    """A product that is not there yet."""
    gateway = current_gateway()
    categories = await gateway.shelves.categories()
    form = ProductForm(data={"currency": gateway.settings.currency, "status": "draft"})
    if form.validate_on_submit() and (body := writing.product_body(form)) is not None:
        try:
            made = await gateway.catalog.create_product(body, current_user.access_token, key=form.key.data)
        except (Unprocessable, Conflict) as problem:
            _show(form, problem)
            form.renew_key()
        else:
            flash(f"“{made.title}” is made. Add pictures whenever you like.")
            return redirect(url_for("studio.product", product_id=made.id), 303)
    status = 422 if form.is_submitted() else 200
    form.add_spare_row()
    return render_template("studio/product_new.html", form=form, categories=categories), status


@bp.page("/products/<uuid:product_id>", access=READ, methods=("GET", "POST"))
async def product(product_id: UUID) -> ResponseReturnValue:
    """One product to read and change; what somebody else saved meanwhile is shown beside, never overwritten unseen."""
    gateway = current_gateway()
    found, categories = await asyncio.gather(
        gateway.catalog.get_product(str(product_id), current_user.access_token), gateway.shelves.categories()
    )
    form = ProductForm(data=product_values(found.value, found.etag, gateway.settings.currency))
    whole = len(found.value.variants) <= MAX_ROWS
    differences: list[writing.Difference] = []
    status = 200
    if request.method == "POST":
        status = 422
        body = _permitted_body(form, whole)
        if body is not None:
            try:
                etag = form.etag.data or found.etag
                await gateway.catalog.change_product(
                    str(product_id), body, current_user.access_token, etag=etag
                )
            except PreconditionFailed:
                status = 412
                found = await gateway.catalog.get_product(str(product_id), current_user.access_token)
                differences = writing.differences(form, found.value, categories)
                form.etag.data = found.etag
            except (Unprocessable, Conflict) as problem:
                _show(form, problem)
            else:
                flash("Saved.")
                return redirect(url_for("studio.product", product_id=product_id), 303)
    # A table of a hundred variants takes long to write: in a thread, so that others are served meanwhile.
    page = await run_blocking(partial(_product_page, form, found, categories, differences, whole=whole))
    return page, status


def _permitted_body(form: ProductForm, whole: bool) -> dict[str, Any] | None:
    if not current_user.may(WRITE):
        raise Forbidden("Your account may look at products but not change them.")
    return writing.product_body(form, with_variants=whole) if form.validate_on_submit() else None


def _product_page(
    form: ProductForm,
    found: Versioned[Product],
    categories: Any,
    differences: list[writing.Difference],
    *,
    whole: bool,
) -> str:
    if current_user.may(WRITE):
        form.add_spare_row()
    return render_template(
        "studio/product.html",
        form=form,
        product=found.value,
        categories=categories,
        differences=differences,
        whole=whole,
        picture_form=PictureForm(formdata=None),
        may_write=current_user.may(WRITE),
    )


@bp.page("/products/<uuid:product_id>/delete", access=WRITE, methods=("GET", "POST"))
async def delete_product(product_id: UUID) -> ResponseReturnValue:
    """Asks once, then removes the product with its variants and pictures."""
    gateway = current_gateway()
    found = await gateway.catalog.get_product(str(product_id), current_user.access_token)
    form = DeleteForm(data={"etag": found.etag})
    changed = False
    if form.validate_on_submit():
        try:
            await gateway.catalog.delete_product(
                str(product_id), current_user.access_token, etag=form.etag.data or found.etag
            )
        except PreconditionFailed:
            changed = True
            form.etag.data = found.etag
        else:
            flash(f"“{found.value.title}” is deleted.")
            return redirect(url_for("studio.products"), 303)
    page = render_template("studio/product_delete.html", form=form, product=found.value, changed=changed)
    return page, 412 if changed else 200


def _show(form: ProductForm, problem: Problem) -> None:
    problem_had_errors = bool(problem.errors)
    problem.errors = writing.split_problem(form, problem)
    if problem.errors or not problem_had_errors:
        show_problem(form, problem, writing.PRODUCT_FIELDS)
