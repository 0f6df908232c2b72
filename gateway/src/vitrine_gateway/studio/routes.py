"""The studio's first page, and the blueprint that its other pages register with."""

from __future__ import annotations

import asyncio

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from vitrine_gateway.clients.catalog_types import Import, Page
from vitrine_gateway.pages import PageBlueprint
from vitrine_gateway.state import current_gateway

READ = "catalog:read_drafts"
WRITE = "catalog:write"
IMPORT = "catalog:import"

bp = PageBlueprint("studio", __name__, url_prefix="/studio")


@bp.page("", access=READ)
async def dashboard() -> ResponseReturnValue:
    """What was changed last, what waits as a draft, and the latest imports."""
    catalog, token = current_gateway().catalog, current_user.access_token
    may_import = current_user.may(IMPORT)

    async def latest_imports() -> Page[Import]:
        return await catalog.list_imports({"limit": 5}, token) if may_import else Page()

    changed, drafts, imports = await asyncio.gather(
        catalog.list_products({"limit": 8, "sort": "updated"}, token),
        catalog.list_products({"limit": 5, "sort": "updated", "status": "draft"}, token),
        latest_imports(),
    )
    return render_template("studio/dashboard.html", changed=changed, drafts=drafts, imports=imports)
