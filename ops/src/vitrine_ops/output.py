"""What commands say: what they do on standard error, what came of it, for people or as JSON, on standard output."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Output:
    """Where a command's words go; only the outcome reaches standard output, with `--json` as one document."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.timings: dict[str, float] = {}

    def say(self, text: str) -> None:
        """A line about what is being done."""
        print(text, file=sys.stderr, flush=True)

    def result(self, document: dict[str, Any], text: str) -> None:
        """The outcome: the document with `--json`, else the text."""
        print(json.dumps(document, indent=2, default=str) if self.as_json else text, flush=True)

    def problem(self, document: dict[str, Any], text: str) -> None:
        """A failure: the document on standard output with `--json`, and the text for the person on standard error."""
        if self.as_json:
            print(json.dumps(document, indent=2, default=str), flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measures a step; the seconds are part of `up --json`."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.timings[name] = round(self.timings.get(name, 0.0) + time.monotonic() - started, 3)


def table(rows: list[list[str]], head: list[str]) -> str:
    """Columns of text, each as wide as its widest cell."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines)


def mebibytes(size: int | None) -> str:
    """A size for people."""
    return "–" if size is None else f"{size / 2**20:.0f} MiB"


def duration(seconds: float | None) -> str:
    """A time span for people: 42 s, 3 min, 5 h, 2 d."""
    if seconds is None:
        return "–"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
