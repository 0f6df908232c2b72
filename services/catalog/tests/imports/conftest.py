"""What tests of imports share: a file on disk, and an import from start to end."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from vitrine_catalog.imports.service import run_import
from vitrine_kit.db import Database

API = "/api/catalog/v1"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes | str], Path]:
    """Writes a file and returns its path."""

    def write_file(content: bytes | str) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@dataclass
class Importer:
    """An importer of files into the catalogue under test."""

    catalog: Any

    @property
    def database(self) -> Database:
        return self.catalog.app.extensions["vitrine"].database

    @property
    def headers(self) -> dict[str, str]:
        return self.catalog.keys.bearer("catalog:import")

    async def send(self, content: bytes, file_name: str = "file.csv", **texts: str) -> Any:
        """POST the file; return the response."""
        return await self.catalog.client.post(
            f"{API}/imports",
            files={"file": (file_name, content, "text/csv")},
            data=texts,
            headers=self.headers,
        )

    async def queue(self, content: bytes, **texts: str) -> UUID:
        """Send a file that must be taken; return the import's id."""
        response = await self.send(content, **texts)
        assert response.status_code == 202, response.text
        return UUID(response.json()["id"])

    async def look(self, import_id: UUID) -> dict[str, Any]:
        response = await self.catalog.client.get(f"{API}/imports/{import_id}", headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def problems(self, import_id: UUID, **params: Any) -> dict[str, Any]:
        response = await self.catalog.client.get(
            f"{API}/imports/{import_id}/problems", headers=self.headers, params=params
        )
        assert response.status_code == 200, response.text
        return response.json()

    async def run(self, content: bytes, **texts: str) -> dict[str, Any]:
        """Import a file from start to end; return the import."""
        import_id = await self.queue(content, **texts)
        await run_import(import_id, self.database)
        return await self.look(import_id)

    async def rows(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        """The rows of a statement on the catalogue's tables."""
        return [dict(row) for row in await self.database.fetch_all(text(statement), params)]

    async def execute(self, statement: str, **params: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(text(statement), params)

    async def spooled(self) -> list[Path]:
        root = self.database.settings.spool_root
        assert root is not None
        return sorted(root.glob("*")) if root.exists() else []


@pytest.fixture
async def importer(catalog: Any) -> Importer:
    """An importer into an empty catalogue."""
    found = Importer(catalog)
    for path in await found.spooled():
        path.unlink()
    return found
