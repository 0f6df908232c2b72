"""Wire types of imports."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.engine import RowMapping
from vitrine_kit.openapi import Schema


class ImportCounts(Schema):
    """How many things of one kind were created, updated, found unchanged, or failed so far."""

    created: int
    updated: int
    unchanged: int
    failed: int


class ImportTotals(Schema):
    """The counts of an import."""

    products: ImportCounts
    variants: ImportCounts
    images: ImportCounts


class ImportProgress(Schema):
    """How far an import has come: first all rows are read, then the products are merged."""

    rows_read: int
    rows_total: int | None
    """Known once the file has been read."""
    bytes_read: int
    bytes_total: int
    products_done: int
    products_total: int | None
    """Known once the file has been read."""


class ImportFault(Schema):
    """Why an import failed, and where in the file."""

    title: str
    detail: str
    line: int | None
    column: int | None


class ImportOut(Schema):
    """One import of one file."""

    id: UUID
    name: str
    status: Literal["queued", "reading", "merging", "done", "failed", "cancelled"]
    format: str
    currency: str
    progress: ImportProgress
    counts: ImportTotals
    problems: int
    """How many problems were met; the first 10,000 of reading and of merging can be listed."""
    error: ImportFault | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    created_by: UUID | None


class ImportPage(Schema):
    """A page of imports, newest first."""

    items: list[ImportOut]
    next: str | None


class ImportProblemOut(Schema):
    """What is wrong with one row. An error left something out; a warning took it otherwise than it stands there."""

    line: int
    field: str
    message: str
    severity: Literal["error", "warning"]


class ImportProblemPage(Schema):
    """A page of problems, by line."""

    items: list[ImportProblemOut]
    next: str | None


def import_out(row: RowMapping) -> ImportOut:
    """The wire type of a job's row."""
    counts = {
        kind: ImportCounts(**{what: row[f"{kind}_{what}"] for what in ImportCounts.model_fields})
        for kind in ImportTotals.model_fields
    }
    error = row["error"]
    return ImportOut(
        id=row["id"],
        name=row["name"],
        status=row["status"],
        format=row["format"],
        currency=row["currency"],
        progress=ImportProgress(
            rows_read=row["rows_read"],
            rows_total=row["rows_total"],
            bytes_read=row["bytes_read"],
            bytes_total=row["size_bytes"],
            products_done=sum(row[f"products_{what}"] for what in ImportCounts.model_fields),
            products_total=row["products_total"],
        ),
        counts=ImportTotals(**counts),
        problems=row["problems_total"],
        error=error
        and ImportFault(
            title=error["title"], detail=error["detail"], line=error.get("line"), column=error.get("column")
        ),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        created_by=row["created_by"],
    )
