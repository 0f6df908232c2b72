"""Liveness and readiness: `/livez` touches nothing, `/readyz` this service's own database and schema version only.

While its server drains a service is not ready, whatever its database says: whoever asks should send nothing more.
"""

from __future__ import annotations

import asyncio
from typing import Any

from flask import Blueprint, Flask, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from vitrine_kit.db import Database
from vitrine_kit.draining import is_draining
from vitrine_kit.revisions import SchemaVersion


def register(
    app: Flask, *, name: str, version: str, database: Database | None, schema: SchemaVersion | None
) -> None:
    """Adds `/livez` and `/readyz` to the app."""
    bp = Blueprint("health", __name__)
    no_store = {"Cache-Control": "no-store"}
    applied = text(f'SELECT version_num FROM "{database.schema}".alembic_version') if database else None  # noqa: S608 - our own constant

    @bp.get("/livez")
    def livez() -> tuple[dict[str, Any], int, dict[str, str]]:
        return {"status": "ok", "service": name, "version": version}, 200, no_store

    @bp.get("/readyz")
    async def readyz() -> tuple[dict[str, Any], int, dict[str, str]]:
        found: dict[str, Any] = {"status": "ok", "service": name, "version": version}
        if is_draining(request.environ):
            return {**found, "status": "unready", "reason": "draining"}, 503, no_store
        if database is not None and applied is not None and schema is not None:
            try:
                async with asyncio.timeout(2):
                    revision = await database.fetch_value(applied)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                return (
                    {**found, "status": "unready", "reason": f"database: {type(error).__name__}"},
                    503,
                    no_store,
                )
            found["schema"] = revision
            if not schema.accepts(revision):
                reason = f"the schema is at {revision}, this release needs {schema.head}: run its migration"
                return {**found, "status": "unready", "reason": reason}, 503, no_store
        return found, 200, no_store

    app.register_blueprint(bp)
