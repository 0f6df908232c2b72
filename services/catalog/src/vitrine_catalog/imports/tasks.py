"""Background work of imports: the one job that carries an import out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from vitrine_kit import jobs
from vitrine_kit.db import Database

from vitrine_catalog.imports.service import give_up, run_import

RUN = "import.run"


async def _gave_up(payload: dict[str, Any], database: Database, error: str) -> None:
    await give_up(UUID(payload["import_id"]), database, error)


@jobs.task(RUN, max_attempts=5, gave_up=_gave_up)
async def run(payload: dict[str, Any], database: Database) -> None:
    """Carry out the import named by `import_id`."""
    await run_import(UUID(payload["import_id"]), database)
