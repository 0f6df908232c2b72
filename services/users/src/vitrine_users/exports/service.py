"""Writes an export: JSON files packed into a zip piece by piece, never held as a whole."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import RawIOBase
from typing import Any

import orjson

FLUSH_BYTES = 64 * 1024
README = """\
This is everything the shop's identity service holds about you, one file for each of its tables.
Times are UTC (ISO 8601). Left out are secrets (passwords' hashes, digests, keys, and the texts of mails that wait,
because they hold links), and the network address of whoever else did something to your account.
"""


class _Sink(RawIOBase):
    """Collects what a zip file writes, to be taken away as it comes; it cannot seek, and need not."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._kept += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._kept)
        self._kept.clear()
        return taken

    def __len__(self) -> int:
        return len(self._kept)


def zip_of(
    parts: Sequence[tuple[str, Sequence[Mapping[Any, Any]]]], files: Mapping[str, bytes] | None = None
) -> Iterator[bytes]:
    """The export of these parts (a name and its rows) and small files, in pieces of some 64 KiB.

    Blocks while it compresses.
    """
    sink = _Sink()
    made_at = datetime.now(UTC)
    stamp = made_at.timetuple()[:6]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(zipfile.ZipInfo("README.txt", stamp), "w") as entry:
            entry.write(README.encode())
        for name, rows in parts:
            with archive.open(_entry(f"{name}.json", stamp), "w") as entry:
                entry.write(b"[")
                for number, row in enumerate(rows):
                    written = orjson.dumps(dict(row), default=str, option=orjson.OPT_INDENT_2)
                    entry.write((b",\n" if number else b"\n") + written)
                    if len(sink) >= FLUSH_BYTES:
                        yield sink.take()
                entry.write(b"\n]\n")
        for name, content in (files or {}).items():
            archive.writestr(zipfile.ZipInfo(name, stamp), content)
    yield sink.take()


def _entry(name: str, stamp: Any) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, stamp)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
