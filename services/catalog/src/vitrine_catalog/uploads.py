"""Receives one uploaded file of a multipart form: streamed to disk as it comes, never held in memory.

What the file is and what becomes of it is its receiver's business.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from flask import request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from vitrine_kit.asgi import run_blocking
from vitrine_kit.ids import new_id
from vitrine_kit.problems import (
    BadRequest,
    FieldError,
    PayloadTooLarge,
    Problem,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from vitrine_kit.settings import ServiceSettings

CHUNK_BYTES = 64 * 1024
_WRITE_BYTES = 1024 * 1024
_MAX_TEXT_BYTES = 8 * 1024
_MAX_HEADER_BYTES = 8 * 1024
_OVERHEAD_BYTES = 128 * 1024
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived whole, and the texts that came with it."""

    path: Path
    file_name: str
    """The name its sender gave it, without a path; never used to store it."""
    media_type: str
    """What its sender calls it; not to be trusted."""
    size_bytes: int
    sha256: str
    texts: dict[str, str]


def spool_directory(settings: ServiceSettings) -> Path:
    """Return the directory in which uploads wait; Nginx does not serve it.

    Raises:
        Unavailable: neither `spool_root` nor `media_root` is set.
    """
    if settings.spool_root is not None:
        return settings.spool_root
    if settings.media_root is not None:
        return settings.media_root.parent / "spool"
    raise Unavailable("This server has no place for uploads: set VITRINE_SPOOL_ROOT.", retry_after_s=60)


@asynccontextmanager
async def receiving(
    *, into: Path, max_bytes: int, name: str = "file", max_texts: int = 10
) -> AsyncIterator[Upload]:
    """Receive the form of the current request; its file is gone when the block ends, unless it was moved away.

    Args:
        into: the directory to keep the file in meanwhile; made where it is missing.
        max_bytes: the largest file to take.
        name: the form field the file comes in.
        max_texts: how many other fields the form may have.

    Raises:
        UnsupportedMediaType: the request is no multipart form.
        BadRequest: the form is malformed or was cut off.
        PayloadTooLarge: the file is larger than `max_bytes`.
        Unprocessable: there is no file, an unknown kind of part, or a text too long; names the field.
    """
    upload = await receive(into=into, max_bytes=max_bytes, name=name, max_texts=max_texts)
    try:
        yield upload
    finally:
        await run_blocking(upload.path.unlink, missing_ok=True)


async def receive(*, into: Path, max_bytes: int, name: str = "file", max_texts: int = 10) -> Upload:
    """Receive the form of the current request into a file that the caller owns from then on.

    Takes and raises what `receiving` does; on an error no file is left.
    """
    form = _Form(_boundary(), name, max_bytes, max_texts)
    request.max_content_length = max_bytes + _OVERHEAD_BYTES
    if (request.content_length or 0) > max_bytes + _OVERHEAD_BYTES:
        raise PayloadTooLarge(f"A file may have at most {max_bytes} bytes.")
    await run_blocking(into.mkdir, parents=True, exist_ok=True)
    path = into / f"upload-{new_id()}"
    file = await run_blocking(path.open, "xb")
    try:
        await _read_form(form, file)
        texts = {key: _text(key, value) for key, value in form.texts.items()}
        await run_blocking(file.close)
    except BaseException:
        await run_blocking(_discard, file, path)
        raise
    return Upload(
        path=path,
        file_name=form.file_name,
        media_type=form.file_type,
        size_bytes=form.size_bytes,
        sha256=form.digest.hexdigest(),
        texts=texts,
    )


async def _read_form(form: "_Form", file: IO[bytes]) -> None:
    stream: BinaryIO = request.stream  # type: ignore[assignment]  # Werkzeug types it as IO[bytes]
    while chunk := stream.read(CHUNK_BYTES):
        form.feed(chunk)
        if len(form.pending) >= _WRITE_BYTES:
            await run_blocking(file.write, bytes(form.pending))
            form.pending.clear()
    form.finish()
    await run_blocking(file.write, bytes(form.pending))


def _discard(file: IO[bytes], path: Path) -> None:
    file.close()
    path.unlink(missing_ok=True)


def _boundary() -> bytes:
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind != b"multipart/form-data":
        raise UnsupportedMediaType("Send multipart/form-data.")
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise BadRequest("The form has no boundary.")
    return boundary


def _text(key: str, value: bytearray) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _wrong(key, "This text is no UTF-8.") from None
    if "\0" in text:
        raise _wrong(key, "NUL characters are not allowed.")
    return text


def _wrong(field_name: str, message: str) -> Problem:
    return Unprocessable(f"{field_name}: {message}", errors=[FieldError(field_name, message)])


@dataclass
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    is_file: bool = False


class _Form:
    """Takes a form apart as its bytes come: one file, which waits in `pending` to be written, and short texts."""

    def __init__(self, boundary: bytes, file_field: str, max_bytes: int, max_texts: int) -> None:
        self.pending = bytearray()
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self.file_name = ""
        self.file_type = ""
        self.texts: dict[str, bytearray] = {}
        self._file_field = file_field
        self._max_bytes = max_bytes
        self._max_texts = max_texts
        self._has_file = False
        self._ended = False
        self._part = _Part()
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._header_bytes = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._headers_finished,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadRequest(f"The form is malformed: {error}") from None

    def finish(self) -> None:
        """Check that the form has come to its end and had a file in it."""
        if not self._ended:
            raise BadRequest("The form was cut off before its end.")
        if not self._has_file:
            raise _wrong(self._file_field, "Send a file in this field.")

    def _begin(self) -> None:
        self._part = _Part()
        self._header_bytes = 0

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._count_header(end - start)

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._count_header(end - start)

    def _count_header(self, size_bytes: int) -> None:
        self._header_bytes += size_bytes
        if self._header_bytes > _MAX_HEADER_BYTES:
            raise BadRequest("A part of the form has too long a header.")

    def _on_header_end(self) -> None:
        self._part.headers[bytes(self._header_name).lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _headers_finished(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        part.name = options.get(b"name", b"").decode(errors="replace")
        part.is_file = b"filename" in options
        if part.is_file:
            if part.name != self._file_field or self._has_file:
                raise _wrong(part.name or "file", f"Send one file, in the field “{self._file_field}”.")
            self._has_file = True
            self.file_name = _UNSAFE_NAME.sub("_", options[b"filename"].decode(errors="replace"))[-255:]
            self.file_type = part.headers.get(b"content-type", b"").decode(errors="replace")[:255]
        else:
            if part.name in self.texts:
                raise _wrong(part.name, "Give this field once.")
            if len(self.texts) >= self._max_texts:
                raise BadRequest("The form has too many fields.")
            self.texts[part.name] = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._part.is_file:
            self.size_bytes += len(piece)
            if self.size_bytes > self._max_bytes:
                raise PayloadTooLarge(f"A file may have at most {self._max_bytes} bytes.")
            self.digest.update(piece)
            self.pending += piece
            return
        text = self.texts[self._part.name]
        text += piece
        if len(text) > _MAX_TEXT_BYTES:
            raise _wrong(self._part.name, f"This text is longer than {_MAX_TEXT_BYTES} bytes.")

    def _end(self) -> None:
        self._ended = True
