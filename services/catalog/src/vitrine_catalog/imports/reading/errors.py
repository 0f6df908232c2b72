"""Why a file cannot be read: the two errors of reading, drawn as a tree; neither knows HTTP.

UnreadableFile
├── NotACatalogue   it is no product file at all: refused before anything is stored
└── MalformedFile   it is one, and breaks off or breaks its own rules at a place that can be named
"""

from __future__ import annotations


class UnreadableFile(Exception):
    """A file that cannot be imported; `line` and `column` count from 1, None where there is no place."""

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = ", ".join(
            f"{name} {number}"
            for name, number in (("line", self.line), ("column", self.column))
            if number is not None
        )
        return f"{place}: {self.reason}" if place else self.reason


class NotACatalogue(UnreadableFile):
    """The file is empty, no text, or a table that is no product export."""


class MalformedFile(UnreadableFile):
    """The file starts as a product export but is not well-formed further on."""
