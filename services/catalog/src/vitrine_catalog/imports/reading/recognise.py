"""Tells what a file is from its bytes and its header, and opens it as a catalogue; reads no further than that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

from . import shopify, woo_headers
from .encoding import detect_encoding
from .errors import MalformedFile, NotACatalogue
from .records import Part
from .rows import DELIMITERS, Row, RowReader
from .shopify import ShopifyReader
from .values import clip
from .woocommerce import WooReader

Format = Literal["shopify", "shopify-template", "woocommerce"]


class Reader(Protocol):
    """What a format's reader offers: parts from rows, and what its file can say anything about."""

    source_system: str
    present: frozenset[str]
    extra_names: list[str]

    def parts(self, rows: Iterator[Row]) -> Iterator[Part]: ...


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is and how it is written; enough to open it again."""

    format: Format
    encoding: str
    delimiter: str
    header_line: int
    headers: tuple[str, ...]


class Catalogue:
    """A recognised file, read once from its start: iterate over `parts`.

    `rows_read` and `bytes_read` may be asked at any moment, from another thread too.
    """

    def __init__(self, path: Path, recognised: Recognised, *, exponent: int) -> None:
        self._rows = RowReader(path, recognised.encoding, recognised.delimiter)
        self._header_line = recognised.header_line
        self.rows_read = 0
        headers = recognised.headers
        self.reader: Reader
        if recognised.format == "woocommerce":
            rows = (row for row in RowReader(path, recognised.encoding, recognised.delimiter))
            second = next((row.cells for row in rows if row.line > recognised.header_line), [])
            woo = woo_headers.find_columns(headers, second)
            assert woo is not None, "recognised as WooCommerce"
            self.reader = WooReader(headers, woo, exponent=exponent)
        else:
            found = shopify.find_columns(headers)
            assert found is not None, "recognised as Shopify"
            comma = recognised.delimiter == ";"
            self.reader = ShopifyReader(headers, found[1], exponent=exponent, decimal_comma=comma)

    @property
    def bytes_read(self) -> int:
        """How far into the file the reading has come."""
        return self._rows.bytes_read

    def parts(self) -> Iterator[Part]:
        """Yield what the file holds, in its order.

        Raises:
            MalformedFile: the file is not well-formed from a place on that the error names; what was
                yielded before is sound.
        """
        return self.reader.parts(self._counted())

    def _counted(self) -> Iterator[Row]:
        for row in self._rows:
            if row.line > self._header_line:
                self.rows_read += 1
                yield row


def recognise(path: Path) -> Recognised:
    """Find out what a file is.

    Raises:
        NotACatalogue: it is empty, no text, no product file of a shop that is known here, or has no rows.
        MalformedFile: it breaks off before its header and first row can be read.
    """
    encoding = detect_encoding(path)
    best: tuple[int, Recognised] | None = None
    shown: Row | None = None
    fault: MalformedFile | None = None
    for delimiter in DELIMITERS:
        try:
            rows = list(islice(RowReader(path, encoding, delimiter), 3))
        except MalformedFile as error:
            fault = fault or error
            continue
        if rows and _is_separator_line(rows[0]):
            rows = rows[1:]
        if not rows:
            continue
        header, second = rows[0], rows[1].cells if len(rows) > 1 else []
        if shown is None or len(header.cells) > len(shown.cells):
            shown = header
        for format_, known in _formats(header.cells, second):
            candidate = Recognised(format_, encoding, delimiter, header.line, tuple(header.cells))
            if best is None or known > best[0]:
                best = (known, candidate)
    if best is not None:
        _require_rows(path, best[1])
        return best[1]
    if fault is not None and shown is None:
        raise fault
    raise _refusal(shown)


def _formats(headers: list[str], second: list[str]) -> Iterator[tuple[Format, int]]:
    found = shopify.find_columns(headers)
    if found is not None:
        yield ("shopify-template" if found[0] == "shopify-template" else "shopify"), len(found[1])
    woo = woo_headers.find_columns(headers, second)
    if woo is not None:
        yield "woocommerce", len(woo.fields) + len(woo.attributes)


def _is_separator_line(row: Row) -> bool:
    """Excel's own first line that names the separator: `sep=;`."""
    return row.cells[0].casefold().startswith("sep=") and not any(row.cells[1:])


def _require_rows(path: Path, recognised: Recognised) -> None:
    rows = RowReader(path, recognised.encoding, recognised.delimiter)
    try:
        if any(row.line > recognised.header_line for row in islice(rows, 3)):
            return
    except MalformedFile:
        return  # There is something; where it breaks is said when it is read.
    raise NotACatalogue("the header stands alone: there is no product below it", line=recognised.header_line)


def _refusal(header: Row | None) -> NotACatalogue:
    if header is None:
        return NotACatalogue("there is no header", line=1)
    names = ", ".join(f"“{clip(cell.strip(), 30)}”" for cell in header.cells[:5])
    more = f" and {len(header.cells) - 5} more" if len(header.cells) > 5 else ""
    return NotACatalogue(
        f"this file is no catalogue: line {header.line} has {names}{more}, and neither a Shopify product file "
        "(Handle, Title, Variant Price …) nor a WooCommerce one (Type, SKU, Name, Regular price …) starts so",
        line=header.line,
    )
