"""Reads the cells of one row by the names of fields, and gathers what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from .records import RowProblem
from .values import clip, parse_amount, parse_flag, parse_whole

MAX_TITLE: Final = 500
MAX_NAME: Final = 255
MAX_TAGS: Final = 250
MAX_HTML: Final = 100_000
MAX_ALT: Final = 1_000
MAX_SEO: Final = 1_000
MAX_URL_BYTES: Final = 2_000

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_HTTP: Final = re.compile(r"https?://[^\s/?#\\]", re.IGNORECASE)
_SAFE_IN_URL: Final = "%/:=&?~#+!$,;'@()*[]"


class Cells:
    """The columns of a file, and the row they are asked of at the moment.

    `columns` maps the names of fields to positions; `headers` are the header's own texts, for messages and
    for what has no field. A method that meets a bad cell notes a problem and returns None.
    """

    def __init__(
        self, columns: Mapping[str, int], headers: Sequence[str], *, exponent: int, decimal_comma: bool
    ) -> None:
        self.columns = columns
        self.headers = headers
        self.width = len(headers)
        self._exponent = exponent
        self._decimal_comma = decimal_comma
        self.row: list[str] = []
        """The cells of the row, trimmed and without control characters."""
        self.line = 0
        self.problems: list[RowProblem] = []

    def take(self, line: int, cells: Sequence[str]) -> None:
        """Turn to the next row; short rows read as if blank cells followed."""
        self.line = line
        row = [cell.strip() for cell in cells]
        if not "".join(row).isprintable():
            row = [cell if cell.isprintable() else _plain(cell) for cell in row]
        if len(row) < self.width:
            row += [""] * (self.width - len(row))
        self.row = row

    def has(self, field: str) -> bool:
        """Whether the file has this column."""
        return field in self.columns

    def text(self, field: str) -> str:
        """The cell of a field, or an empty text where the file has no such column."""
        position = self.columns.get(field)
        return "" if position is None else self.row[position]

    def limited(self, field: str, limit: int) -> str:
        """The cell of a field on one line; cut, with a warning, where it is too long."""
        text = self.text(field)
        if not text:
            return text
        if "\n" in text or "\t" in text:
            text = " ".join(text.split())
        if len(text) > limit:
            self.warn(field, f"cut from {len(text)} to {limit} characters")
            text = text[:limit].rstrip()
        return text

    def html(self, field: str) -> str:
        """The cell of a field that holds a longer text; cut, with a warning, where it is far too long."""
        text = self.text(field)
        if len(text) > MAX_HTML:
            self.warn(field, f"cut from {len(text)} to {MAX_HTML} characters")
            text = text[:MAX_HTML]
        return text

    def amount(self, field: str) -> int | None:
        """The amount of money in minor units; None for a blank cell.

        Raises:
            ValueError: the cell holds something else; the problem is noted.
        """
        text = self.text(field)
        if not text:
            return None
        try:
            amount = parse_amount(text, self._exponent, self._decimal_comma)
        except ValueError as error:
            self.fail(field, str(error))
            raise
        if not amount.exact:
            self.warn(field, f"“{clip(text)}” has more decimals than the currency: rounded")
        return amount.minor

    def whole(self, field: str) -> int | None:
        """The whole number; None for a blank or a bad cell."""
        text = self.text(field)
        if not text:
            return None
        try:
            whole = parse_whole(text, self._decimal_comma)
        except ValueError as error:
            self.warn(field, f"{error}: left out")
            return None
        if not whole.exact:
            self.warn(field, f"“{clip(text)}” is rounded to a whole number")
        return whole.number

    def flag(self, field: str, default: bool) -> bool:
        """The yes or no; the default for a blank or a bad cell."""
        text = self.text(field)
        if not text:
            return default
        try:
            return parse_flag(text)
        except ValueError as error:
            self.warn(field, f"{error}: taken for {'yes' if default else 'no'}")
            return default

    def picture_url(self, field: str, text: str) -> str:
        """An address a picture can be had from, percent-encoded; empty, with a problem, where it is none."""
        if not _HTTP.match(text):
            self.fail(field, f"“{clip(text)}” is no http or https address")
            return ""
        url = text if text.isascii() and " " not in text else quote(text, safe=_SAFE_IN_URL)
        if len(url) > MAX_URL_BYTES:
            self.fail(field, f"the address is longer than {MAX_URL_BYTES} bytes")
            return ""
        return url

    def names(self, field: str, parts: Sequence[str]) -> list[str]:
        """Short names, each once; too long ones are cut, with a warning."""
        kept = dict.fromkeys(part[:MAX_NAME] for part in parts)
        if any(len(part) > MAX_NAME for part in parts):
            self.warn(field, f"names are cut to {MAX_NAME} characters")
        return list(kept)

    def path(self, field: str, names: Sequence[str]) -> tuple[str, ...]:
        """A category path no deeper than the tree may be."""
        if len(names) > 20:
            self.warn(field, "the category path is cut to 20 levels")
        return tuple(name[:MAX_NAME] for name in names[:20])

    def header(self, field: str) -> str:
        """The file's own name of a field's column."""
        position = self.columns.get(field)
        return field if position is None else self.headers[position]

    def fail(self, field: str, message: str) -> None:
        """Note that something of this row is left out."""
        self.problems.append(RowProblem(self.line, self.header(field), message))

    def warn(self, field: str, message: str) -> None:
        """Note that something of this row is taken otherwise than it stands there."""
        self.problems.append(RowProblem(self.line, self.header(field), message, "warning"))

    def drain(self) -> list[RowProblem]:
        """The problems noted since the last call."""
        problems, self.problems = self.problems, []
        return problems


def extra_of(cells: Cells, positions: Mapping[int, str]) -> dict[str, Any]:
    """The non-blank cells at these positions under the names given for them."""
    row = cells.row
    return {name: row[position] for position, name in positions.items() if row[position]}


def _plain(text: str) -> str:
    """Text with line breaks of one kind and no other control characters."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
