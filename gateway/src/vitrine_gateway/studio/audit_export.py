"""The audit log as a file, made page by page as it goes out, so that its length costs no memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, fields

import orjson
from vitrine_kit.asgi import await_
from vitrine_kit.deadlines import Deadline, set_deadline

from vitrine_gateway.clients.rights import AuditEntry, Listed

FORMATS = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
PAGE_SIZE = 1000
PAGE_S = 20.0
"""How long one page of it may take; a download as a whole may take longer than a page of the shop."""
_COLUMNS = [field.name for field in fields(AuditEntry)]

Ask = Callable[[dict[str, str]], Awaitable[Listed[AuditEntry]]]


def export_of(kind: str, ask: Ask) -> Iterator[bytes]:
    """The entries as `kind`, newest first, a page at a time; a refusal in the middle breaks the download off."""
    write = _csv if kind == "csv" else _ndjson
    after, begun = None, False
    while not begun or after:
        set_deadline(Deadline.after(PAGE_S))
        page = await_(ask({"limit": str(PAGE_SIZE), **({"after": after} if after else {})}))
        yield write(page.items, begun)
        after, begun = page.after, True


def _ndjson(entries: tuple[AuditEntry, ...], begun: bool) -> bytes:
    return b"".join(orjson.dumps(asdict(entry), option=orjson.OPT_APPEND_NEWLINE) for entry in entries)


def _csv(entries: tuple[AuditEntry, ...], begun: bool) -> bytes:
    written = io.StringIO(newline="")
    table = csv.writer(written)
    if not begun:
        table.writerow(_COLUMNS)
    for entry in entries:
        row = asdict(entry) | {
            "occurred_at": entry.occurred_at.isoformat(),
            "details": orjson.dumps(entry.details, option=orjson.OPT_SORT_KEYS).decode(),
        }
        table.writerow([_cell(row[name]) for name in _COLUMNS])
    return written.getvalue().encode()


def _cell(value: object) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
