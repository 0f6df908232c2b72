"""Real servers and raw connections for the bridge's tests: uvicorn on a socket of its own, HTTP/1.1 by hand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn


class InLoopServer(uvicorn.Server):
    """Leaves the process's signals alone, as one task among the tests', and stops when told instead of polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told_to_stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told_to_stop.wait()

    @asynccontextmanager
    async def serving(self, listener: socket.socket) -> AsyncIterator[None]:
        task = asyncio.create_task(self._serve([listener]))
        try:
            while not self.started:
                if task.done():
                    task.result()
                    raise RuntimeError("the server ended before it had started")
                await asyncio.sleep(0.005)
            yield
        finally:
            self._told_to_stop.set()
            await task


@dataclass
class Served:
    """A running server: its address and a client for it."""

    host: str
    port: int
    client: httpx.AsyncClient
    server: uvicorn.Server

    async def connect(self) -> RawConnection:
        return RawConnection(*await asyncio.open_connection(self.host, self.port, limit=1 << 22))


@asynccontextmanager
async def serve(app: Any, **options: Any) -> AsyncIterator[Served]:
    """Serve an ASGI app with uvicorn on this loop, at a free port of the loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    # httptools, as in production; contextvars are not reset, so that the bridge itself has to keep requests
    # apart.
    settings = {
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "log_level": "critical",
        "access_log": False,
    }
    config = uvicorn.Config(app, **{**settings, "timeout_graceful_shutdown": 2, **options})
    server = InLoopServer(config)
    async with (
        server.serving(listener),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=10) as client,
    ):
        yield Served(host, port, client, server)


class RawConnection:
    """An HTTP/1.1 connection written and read by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def __aenter__(self) -> RawConnection:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def get(self, path: str) -> None:
        await self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        """The status and headers of the next response, as they came."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [
            (name.lower(), value) for name, _, value in (line.partition(": ") for line in lines[1:] if line)
        ]
        return status, headers

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body; empty at its proper end."""
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def response(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """A whole response with a declared length or in chunks."""
        status, headers = await self.head()
        found = dict(headers)
        if "content-length" in found:
            return status, headers, await self.reader.readexactly(int(found["content-length"]))
        pieces = []
        if found.get("transfer-encoding") == "chunked":
            while piece := await self.chunk():
                pieces.append(piece)
        return status, headers, b"".join(pieces)

    def abort(self) -> None:
        """Leave without saying goodbye."""
        self.writer.transport.abort()
