"""Reads delimited text row by row with the physical line each row starts on; knows no columns' meaning."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from .errors import MalformedFile

MAX_LINE_CHARS: Final = 1 << 20
"""A physical line longer than this is no catalogue's; it also bounds what is held in memory."""

MAX_FIELD_CHARS: Final = 1 << 20
MAX_RECORD_CHARS: Final = 4 << 20
MAX_COLUMNS: Final = 1_000

DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(slots=True)
class Row:
    """The cells of one record and the physical line, counted from 1, on which it starts.

    `cut_off` says that the file ends within the row's last line, without a line break.
    """

    line: int
    cells: list[str]
    cut_off: bool = False


class RowReader:
    """Iterates over the rows of a file; blank rows are passed over.

    At most one record is held at a time, so memory does not grow with the file. `bytes_read` may be asked
    at any moment, from another thread too, and says how far into the file the reading has come.
    """

    def __init__(self, path: Path, encoding: str, delimiter: str) -> None:
        self._path = path
        self._encoding = encoding
        self._delimiter = delimiter
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows.

        Raises:
            MalformedFile: a quote that is never closed, text after a closing quote, a NUL character, or a
                line, field, row or record beyond the limits; each named by line and column.
        """
        # The limit belongs to the whole process in the csv module; nothing else here sets it.
        csv.field_size_limit(MAX_FIELD_CHARS)
        with (
            self._path.open("rb") as binary,
            io.TextIOWrapper(binary, encoding=self._encoding, newline="") as text,
        ):
            lines = _Lines(text, self._delimiter)
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            while True:
                lines.begin_record()
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise lines.fault(str(error)) from None
                self.bytes_read = binary.tell()
                if len(cells) > MAX_COLUMNS:
                    raise MalformedFile(
                        f"the row has {len(cells)} cells, more than the {MAX_COLUMNS} that are read",
                        line=lines.first,
                        column=1,
                    )
                if any(cell and not cell.isspace() for cell in cells):
                    yield Row(lines.first, cells, cut_off=not lines.record[-1].endswith(("\n", "\r")))


class _Lines:
    """Feeds physical lines to the csv module, counts them and keeps those of the record being read."""

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._text = text
        self._delimiter = delimiter
        self._number = 0
        self._record_chars = 0
        self.first = 1
        self.record: list[str] = []

    def begin_record(self) -> None:
        self.first = self._number + 1
        self.record.clear()
        self._record_chars = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE_CHARS + 1)
        if not line:
            raise StopIteration
        self._number += 1
        if len(line) > MAX_LINE_CHARS:
            raise MalformedFile(
                f"the line is longer than {MAX_LINE_CHARS} characters",
                line=self._number,
                column=MAX_LINE_CHARS + 1,
            )
        if "\0" in line:
            raise MalformedFile("a NUL character stands here", line=self._number, column=line.index("\0") + 1)
        self.record.append(line)
        self._record_chars += len(line)
        if self._record_chars > MAX_RECORD_CHARS:
            raise self.fault(f"the row is longer than {MAX_RECORD_CHARS} characters")
        return line

    def fault(self, reason: str) -> MalformedFile:
        """The error of the record that was just read, with the place where it goes wrong."""
        return locate_fault(self.record, self.first, self._delimiter, reason)


def locate_fault(lines: Sequence[str], first_line: int, delimiter: str, reason: str) -> MalformedFile:
    """Find the character at which a record stops being well-formed.

    The csv module says only that something is wrong. This walks the record's lines once more, in Python,
    and is reached only when a file is about to be refused.
    """
    quoted = False
    at_start = True
    opened = (first_line, 1)
    for number, line in enumerate(lines, start=first_line):
        index = 0
        while index < len(line):
            char = line[index]
            if quoted:
                if char == '"':
                    if line[index + 1 : index + 2] == '"':
                        index += 1
                    else:
                        quoted = False
                        after = line[index + 1 : index + 2]
                        if after not in ("", delimiter, "\r", "\n"):
                            return MalformedFile(
                                f"{after!r} follows a closing quote; the quote was opened in line "
                                f"{opened[0]}, column {opened[1]}",
                                line=number,
                                column=index + 2,
                            )
            elif char == '"' and at_start:
                quoted = True
                opened = (number, index + 1)
            at_start = not quoted and char in (delimiter, "\r", "\n")
            index += 1
    if quoted:
        return MalformedFile("the quote opened here is never closed", line=opened[0], column=opened[1])
    return MalformedFile(reason, line=first_line, column=1)
