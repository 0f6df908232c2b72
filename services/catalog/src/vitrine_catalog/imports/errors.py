"""The problems of imports as the API tells them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from vitrine_kit.problems import Conflict, FieldError, NotFound, Problem, Unprocessable

from vitrine_catalog.imports.reading.errors import UnreadableFile


def unreadable(error: UnreadableFile) -> Problem:
    """The file is refused: 422 with the reason, the line, and the column where one is known."""
    place: dict[str, Any] = {} if error.column is None else {"column": error.column}
    return Unprocessable(
        f"The file cannot be imported: {error}.",
        errors=[FieldError("file", error.reason, line=error.line)],
        **place,
    )


def wrong_text(field: str, message: str) -> Problem:
    """A text of the form is wrong: 422 naming its field."""
    return Unprocessable(f"{field}: {message}", errors=[FieldError(field, message)])


def no_such_import(import_id: UUID) -> Problem:
    """There is no such import: 404."""
    return NotFound(f"There is no import {import_id}.")


def finished(status: str) -> Problem:
    """An import that is over cannot be stopped: 409."""
    return Conflict(f"The import is over: it is {status}.")
