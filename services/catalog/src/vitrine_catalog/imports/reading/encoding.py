"""Finds out how a file's bytes are to be read as text; reads it in blocks, never whole."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

from .errors import MalformedFile, NotACatalogue

_BLOCK_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 64 << 10
_SAMPLE_BYTES: Final = 128 << 10

# Longest first: the mark of UTF-32 LE begins with the one of UTF-16 LE.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_SIGNATURES: Final = (
    (b"PK\x03\x04", "an Excel workbook or another ZIP archive: save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the table as CSV"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a RIFF media file"),
)

# What shops' tools write when they do not write UTF-8. Tried in the order the detector prefers.
_LEGACY: Final = [
    "gb18030", "big5", "shift_jis", "euc_kr", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_2",
]  # fmt: skip


def detect_encoding(path: Path) -> str:
    """The name of the codec that decodes the whole file.

    Byte-order marks decide; without one the file is checked to be UTF-8 from end to end; failing that, a
    legacy encoding is guessed and accepted only if it decodes every byte.

    Raises:
        NotACatalogue: the file is empty or no text.
        MalformedFile: it is UTF-8 with a broken byte, named by line and column.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise NotACatalogue("the file is empty")
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise NotACatalogue(f"this is no text but {what}", line=1)
    for mark, name in _MARKS:
        if head.startswith(mark):
            _check_decodes(path, name)
            return name
    wide = _utf16_without_mark(head)
    if wide is not None:
        _check_decodes(path, wide)
        return wide
    controls = sum(head.count(bytes([code])) for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1b")
    if controls * 50 > len(head):
        raise NotACatalogue("this is binary data, not a table of text", line=1)
    try:
        _check_decodes(path, "utf-8")
    except MalformedFile as fault:
        guessed = _guess_legacy(path, fault)
        if guessed is None:
            raise
        return guessed
    return "utf-8"


def _utf16_without_mark(head: bytes) -> str | None:
    """UTF-16 text of mostly Latin letters has a zero in every second byte."""
    pairs = len(head) // 2
    if pairs < 8:
        return None
    if head[1::2].count(0) * 10 > pairs * 7 and head[0::2].count(0) * 10 < pairs:
        return "utf-16-le"
    if head[0::2].count(0) * 10 > pairs * 7 and head[1::2].count(0) * 10 < pairs:
        return "utf-16-be"
    return None


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield block


def _check_decodes(path: Path, encoding: str) -> None:
    """Decode the whole file block by block.

    Raises:
        MalformedFile: naming the line and column of the first byte that does not decode.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line, column = 1, 1
    for good, reason in _ends(path, decoder):
        line += good.count("\n")
        last_break = good.rfind("\n")
        column = len(good) - last_break if last_break >= 0 else column + len(good)
        if reason:
            raise MalformedFile(
                f"the bytes from here on are no valid {encoding} text ({reason})", line=line, column=column
            )


def _ends(path: Path, decoder: codecs.IncrementalDecoder) -> Iterator[tuple[str, str]]:
    """The decoded blocks, each with the reason why it ends early, which is empty for a good one."""
    for block in _blocks(path):
        before = decoder.getstate()
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            decoder.setstate(before)
            pending = before[0]
            keep = max(error.start - len(pending), 0)
            yield decoder.decode(block[:keep]), error.reason
            return
        yield text, ""
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        yield "", error.reason


def _guess_legacy(path: Path, fault: MalformedFile) -> str | None:
    """A legacy encoding that decodes every byte, or None when the file is rather broken UTF-8."""
    sample = bytearray()
    good_before_fault = 0
    number = 0
    for block in _blocks(path):
        for line in block.split(b"\n"):
            number += 1
            if line.isascii():
                continue
            if fault.line is not None and number < fault.line:
                good_before_fault += 1
            sample += line + b"\n"
        if len(sample) >= _SAMPLE_BYTES:
            break
    # A text in another encoding trips at its first letter outside ASCII. Where several lines with such
    # letters decoded well before, the file is UTF-8 and one place in it is damaged.
    if good_before_fault >= 3:
        return None
    for match in from_bytes(bytes(sample[:_SAMPLE_BYTES]), cp_isolation=_LEGACY):
        try:
            _check_decodes(path, match.encoding)
        except MalformedFile:
            continue
        return str(match.encoding)
    return None
