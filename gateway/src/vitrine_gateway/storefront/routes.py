"""The storefront's pages; all of them can be read by anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.problems import NotFound, Problem, Unprocessable

from vitrine_gateway.clients.catalog_types import Category, Page, ProductSummary
from vitrine_gateway.pages import PUBLIC, PageBlueprint
from vitrine_gateway.presentation import Presentation
from vitrine_gateway.state import current_gateway
from vitrine_gateway.storefront import product_view
from vitrine_gateway.storefront.listing import ORDERS, Listing

bp = PageBlueprint("storefront", __name__)

HOME_PRODUCTS = 11


@bp.page("/", access=PUBLIC, cached=True)
async def home() -> ResponseReturnValue:
    """The newest products and the ways into the shelves."""
    gateway = current_gateway()
    newest, categories = await asyncio.gather(
        gateway.catalog.list_products({"limit": HOME_PRODUCTS, "sort": "newest"}),
        gateway.shelves.categories(),
    )
    return render_template("storefront/home.html", newest=newest, categories=categories)


@bp.page("/products", access=PUBLIC, cached=True)
async def products() -> ResponseReturnValue:
    """Everything there is, in the visitor's order."""
    gateway = current_gateway()
    listing = Listing.of(request.args)
    query = {**listing.query(gateway.settings.currency), "sort": listing.sort or "newest"}
    try:
        page, _ = await asyncio.gather(gateway.catalog.list_products(query), gateway.shelves.categories())
    except Unprocessable:
        return _from_the_start(listing)
    return _listing_page("storefront/products.html", listing, page)


@bp.page("/categories", access=PUBLIC, cached=True)
async def categories() -> ResponseReturnValue:
    """The whole tree of categories."""
    gateway = current_gateway()
    found = await gateway.shelves.categories()
    if not found:
        # Nothing seen yet: the direct call tells an empty shop from a catalog that is away.
        found = await gateway.catalog.list_categories()
    return render_template("storefront/categories.html", categories=found)


@bp.page("/categories/<slug>", access=PUBLIC, cached=True)
async def category(slug: str) -> ResponseReturnValue:
    """One category with its products, those of its subcategories among them."""
    gateway = current_gateway()
    listing = Listing.of(request.args)
    query = {**listing.query(gateway.settings.currency), "category": slug, "sort": listing.sort or "newest"}
    try:
        found, page, tree = await asyncio.gather(
            gateway.catalog.get_category_by_slug(slug),
            gateway.catalog.list_products(query),
            gateway.shelves.categories(),
        )
    except Unprocessable:
        return _from_the_start(listing)
    return _listing_page(
        "storefront/category.html",
        listing,
        page,
        category=found,
        path=_path_to(found, tree),
        below=_below(found, tree),
    )


@bp.page("/search", access=PUBLIC, cached=True)
async def search() -> ResponseReturnValue:
    """What matches the visitor's words, best first."""
    gateway = current_gateway()
    listing = Listing.of(request.args)
    page: Page[ProductSummary] = Page()
    try:
        if listing.q:
            query = {**listing.query(gateway.settings.currency), "q": listing.q}
            page, _ = await asyncio.gather(gateway.catalog.search(query), gateway.shelves.categories())
        else:
            await gateway.shelves.categories()
    except Unprocessable:
        if listing.after or listing.filtered:
            return redirect(Listing(q=listing.q).address(request.path), 303)
    return _listing_page("storefront/search.html", listing, page)


@bp.page("/products/<slug>", access=PUBLIC, cached=True)
async def product(slug: str) -> ResponseReturnValue:
    """One product; those who edit products see their drafts here too."""
    gateway = current_gateway()
    token = current_user.access_token if current_user.may("catalog:read_drafts") else None
    found, tree = await asyncio.gather(
        gateway.catalog.get_product_by_slug(slug, token), gateway.shelves.categories()
    )
    shown = found.value
    if shown.slug != slug:
        return redirect(url_for("storefront.product", slug=shown.slug), 301)
    chosen = product_view.choose_variant(shown, request.args)
    url = f"{gateway.settings.public_url}{url_for('storefront.product', slug=shown.slug)}"
    first = shown.categories[0] if shown.categories else None
    home_category = next((entry for entry in tree if first is not None and entry.id == first.id), None)
    formats = Presentation(gateway.settings.locale)
    return render_template(
        "storefront/product.html",
        product=shown,
        chosen=chosen,
        choices=product_view.choices(shown, chosen),
        pictures=product_view.ordered_pictures(shown, chosen),
        availability=product_view.availability,
        path=[*_path_to(home_category, tree), home_category] if home_category is not None else [],
        variants_json=product_view.variants_json(shown, formats),
        structured_data=product_view.structured_data(shown, url, gateway.settings.public_url),
        canonical=url,
        related=await _related(shown.id, first.slug if first is not None else None),
    )


async def _related(product_id: str, category_slug: str | None) -> Sequence[ProductSummary]:
    """A few others of the same category: decoration, so its absence is no error."""
    if category_slug is None:
        return ()
    try:
        page = await current_gateway().catalog.list_products(
            {"limit": 5, "category": category_slug, "sort": "newest"}
        )
    except Problem:
        return ()
    return [item for item in page.items if item.id != product_id][:4]


def _listing_page(
    template: str, listing: Listing, page: Page[ProductSummary], **values: object
) -> ResponseReturnValue:
    following = listing.address(request.path, after=page.after) if page.after else None
    canonical = f"{current_gateway().settings.public_url}{request.path}"
    return render_template(
        template,
        listing=listing,
        page=page,
        following=following,
        orders=ORDERS,
        canonical=canonical,
        **values,
    )


def _from_the_start(listing: Listing) -> ResponseReturnValue:
    """A place or filter that the catalog cannot make sense of leads back to the list without it.

    Raises:
        NotFound: there is nothing left to leave out.
    """
    if listing == Listing():
        raise NotFound
    return redirect(listing.address(request.path) if listing.after else request.path, 303)


def _path_to(category: Category | None, tree: Sequence[Category]) -> list[Category]:
    """The categories above this one, the top first."""
    by_id = {entry.id: entry for entry in tree}
    found: list[Category] = []
    above = by_id.get(category.parent_id or "") if category is not None else None
    while above is not None and above not in found:
        found.insert(0, above)
        above = by_id.get(above.parent_id or "")
    return found


def _below(category: Category, tree: Sequence[Category]) -> list[Category]:
    return [entry for entry in tree if entry.parent_id == category.id]
