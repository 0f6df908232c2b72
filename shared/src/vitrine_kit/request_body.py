"""A request's body as the file that WSGI promises, fetched from the server only as it is read."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from vitrine_kit.greenlets import await_

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class RequestBody(io.RawIOBase):
    """`wsgi.input` over ASGI's `receive`: holds one received piece at a time, whatever the size of the whole.

    The server reads on from the client only when asked for more, so a slow reader slows the sender. Where no
    length was declared, the request's `max_content_length` is held here by counting, because Werkzeug would
    end such a body at the limit as though it were whole.
    """

    def __init__(self, environ: dict[str, Any], receive: Receive) -> None:
        self._environ: dict[str, Any] | None = environ
        self._receive = receive
        self._declared = "CONTENT_LENGTH" in environ and "HTTP_TRANSFER_ENCODING" not in environ
        self._piece = b""
        self._offset = 0
        self._received_bytes = 0
        self._more = True
        # Once the response is streamed, the watcher is the only one to call `receive`, and hands pieces over
        # here.
        self._watched = False
        self._handed: MutableMapping[str, Any] | None = None
        self._farewell: MutableMapping[str, Any] | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what has come, at most `len(buffer)` bytes; 0 at the end.

        Raises:
            ClientDisconnected: (400) when the client left before the end.
            RequestEntityTooLarge: (413) when more came than the request may carry.
        """
        piece = self.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read1(self, size: int = -1, /) -> bytes:
        """Read what has come, at most `size` bytes, waiting only while nothing has."""
        if self._offset == len(self._piece) and not self._fetch():
            return b""
        start = self._offset
        end = len(self._piece) if size < 0 else min(start + size, len(self._piece))
        self._offset = end
        return self._piece[start:end]

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, or fewer only at the end of the body; everything without a size."""
        if size is None or size < 0:
            return self.readall()
        piece = self.read1(size)
        if len(piece) == size or not piece:
            return piece
        pieces, missing = [piece], size - len(piece)
        while missing and (piece := self.read1(missing)):
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def readall(self) -> bytes:
        pieces = []
        while piece := self.read1():
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read up to the next newline and with it, at most `size` bytes."""
        limit = -1 if size is None else size
        pieces: list[bytes] = []
        length = 0
        while limit < 0 or length < limit:
            if self._offset == len(self._piece) and not self._fetch():
                break
            newline = self._piece.find(b"\n", self._offset)
            wanted = (newline + 1 if newline >= 0 else len(self._piece)) - self._offset
            piece = self.read1(wanted if limit < 0 else min(wanted, limit - length))
            pieces.append(piece)
            length += len(piece)
            if piece.endswith(b"\n"):
                break
        return b"".join(pieces)

    def release(self) -> None:
        """Break the reference cycle with the request's environ."""
        self._environ = None

    def watch(self) -> None:
        """Leave `receive` to `until_disconnect` from now on."""
        self._watched = True

    async def until_disconnect(self) -> None:
        """Return when the client has left; meanwhile hand the rest of the body to its reader."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._farewell = message
                self._news.set()
                return
            self._room.clear()
            self._handed = message
            self._news.set()
            if message.get("more_body", False):
                await self._room.wait()

    async def _next_message(self) -> MutableMapping[str, Any]:
        if not self._watched:
            return await self._receive()
        while self._handed is None and self._farewell is None:
            self._news.clear()
            await self._news.wait()
        if self._handed is None:
            assert self._farewell is not None
            return self._farewell
        message, self._handed = self._handed, None
        self._room.set()
        return message

    def _fetch(self) -> bool:
        """Replace the spent piece by the next one; False at the end of the body."""
        while self._more:
            piece = self._accept(await_(self._next_message()))
            if not self._declared:
                self._hold_limit(len(piece))
            if piece:
                self._piece, self._offset = piece, 0
                return True
        return False

    def _accept(self, message: MutableMapping[str, Any]) -> bytes:
        if message["type"] == "http.disconnect":
            # `_more` stays true: whoever reads on is told again, instead of taking a torn body for a whole
            # one.
            raise ClientDisconnected
        self._more = message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body

    def _hold_limit(self, arrived_bytes: int) -> None:
        self._received_bytes += arrived_bytes
        request = self._environ.get("werkzeug.request") if self._environ is not None else None
        limit = request.max_content_length if request is not None else None
        if limit is None:
            return
        # At the limit exactly, Werkzeug stops to ask: look here whether the body goes on.
        while self._received_bytes == limit and self._more:
            self._received_bytes += len(self._accept(await_(self._next_message())))
        if self._received_bytes > limit:
            raise RequestEntityTooLarge
