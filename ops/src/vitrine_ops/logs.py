"""Reads the stack's logs and renders their JSON lines for people; it writes none."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL_BYTES = 256 * 1024
_COLOURS = {"warning": "33", "error": "31", "critical": "31", "debug": "2"}
_SHOWN_APART = {
    "timestamp",
    "level",
    "service",
    "event",
    "logger",
    "instance",
    "method",
    "path",
    "status",
    "duration_ms",
    "exception",
}


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    source: str
    text: str
    record: dict[str, Any] | None

    @property
    def time(self) -> str:
        """Its UTC time where it tells one, for sorting."""
        if self.record is not None:
            return str(self.record.get("timestamp", "")).replace("+00:00", "Z")
        return self.text[:23].replace(" ", "T", 1) if self.text[:2] == "20" else ""

    def document(self) -> dict[str, Any]:
        return self.record or {"service": self.source, "event": self.text}


def parse(source: str, text: str) -> Line:
    """A raw line; its record where it is a JSON object."""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            return Line(source, text, None)
        if isinstance(found, dict):
            return Line(source, text, found)
    return Line(source, text, None)


def render(line: Line, *, colour: bool) -> str:
    """A line for people: time, source, what happened, and the remaining facts as name=value."""
    if line.record is None:
        return f"{'':8} {line.source:<9} {line.text}"
    record = line.record
    clock = str(record.get("timestamp", ""))[11:19]
    level = str(record.get("level", "info"))
    if record.get("event") in {"request", "access"}:
        took = record.get("duration_ms")
        took_text = (
            f"{took} ms" if took is not None else f"{float(record.get('duration_s', 0)) * 1000:.0f} ms"
        )
        head = f"{record.get('method')} {record.get('path')} {record.get('status')} {took_text}"
        rest = ""
    else:
        head = str(record.get("event", ""))
        rest = " ".join(
            f"{name}={value}"
            for name, value in record.items()
            if name not in _SHOWN_APART and value not in (None, "")
        )
    shown = f"{clock:8} {record.get('service', line.source):<9} {'' if level == 'info' else level.upper() + ' '}{head}"
    shown = f"{shown} {rest}".rstrip()
    if record.get("exception"):
        shown += "\n" + "\n".join(f"{'':19}{text}" for text in str(record["exception"]).splitlines())
    code = _COLOURS.get(level)
    return f"\x1b[{code}m{shown}\x1b[0m" if colour and code else shown


def sources(folder: Path, service: str | None) -> list[Path]:
    """The log files of a stack, or of one service; `access` is Nginx's access log."""
    found = sorted(path for path in folder.glob("*.log") if service is None or path.stem == service)
    return [path for path in found if service is not None or path.stem != "access"]


def last(paths: list[Path], count: int) -> list[Line]:
    """The newest lines of several logs, in the order of their times."""
    found: list[tuple[str, int, Line]] = []
    for path in paths:
        clock = ""
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        lines = text.splitlines()[1 if size > TAIL_BYTES else 0 :]
        for number, raw in enumerate(lines[-count:]):
            line = parse(path.stem, raw)
            clock = line.time or clock
            found.append((clock, number, line))
    found.sort(key=lambda entry: entry[0])
    return [line for _clock, _number, line in found[-count:]]


def follow(
    folder: Path, service: str | None, *, going: Callable[[], bool], from_start: bool = False
) -> Iterator[Line]:
    """New lines as they are written, for as long as `going()` says so; logs that appear later are followed too."""
    positions = {path: 0 if from_start else path.stat().st_size for path in sources(folder, service)}
    rests: dict[Path, str] = {}
    while True:
        on = going()
        quiet = True
        for path in sources(folder, service):
            position = positions.get(path, 0)
            size = path.stat().st_size
            if size < position:
                position = 0
            if size > position:
                quiet = False
                with path.open("rb") as file:
                    file.seek(position)
                    chunk = file.read(1 << 20)
                position += len(chunk)
                text = rests.pop(path, "") + chunk.decode("utf-8", "replace")
                *whole, rest = text.split("\n")
                if rest:
                    rests[path] = rest
                for raw in whole:
                    if raw:
                        yield parse(path.stem, raw)
            positions[path] = position
        if quiet:
            if not on:
                return
            time.sleep(0.1)


def wants_colour() -> bool:
    """Whether standard output is a terminal that takes colour."""
    import os

    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
