"""A receiver of webhooks as a test meets it: a real HTTP server that answers, waits or babbles as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Answers with `statuses` in turn, and with the last of them for ever."""

    port: int = 0
    statuses: list[int] = field(default_factory=lambda: [204])
    headers: dict[str, str] = field(default_factory=dict)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, requests are taken and not answered."""
    endless: bool = False
    """Whether the body of an answer never ends."""
    taken: list[Received] = field(default_factory=list)
    sent_bytes: int = 0
    connections: int = 0
    closed: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def arrival(self, number: int = 1) -> None:
        """Waits until so many requests have come."""
        async with asyncio.timeout(20):
            while len(self.taken) < number:
                self.changed.clear()
                await self.changed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self.closed += 1
            self.changed.set()
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.taken.append(Received(method, path, headers, body))
        self.changed.set()
        await self.open.wait()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in self.headers.items())]
        if not self.endless:
            lines.append("Content-Length: 0")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        while self.endless:
            writer.write(b"x" * 65536)
            self.sent_bytes += 65536
            await writer.drain()
        await writer.drain()


@asynccontextmanager
async def receiver(*, tls: ssl.SSLContext | None = None, **changes: Any) -> AsyncIterator[Receiver]:
    """A receiver on a free port of the loopback."""
    made = Receiver(**changes)
    made.open.set()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.open.set()
        server.close()
