"""The load: keep-alive connections that send one request after another, as a process of its own.

Prints one JSON document: requests, failures, latencies in milliseconds, and how much processor it took
itself. Needs the standard library alone; uses uvloop where it is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

GIVE_UP_S = 20


class Tally:
    """What all connections count together."""

    def __init__(self, deadline: float, *, status: int = 200, pause_s: float = 0.0) -> None:
        self.deadline = deadline
        self.status = f"HTTP/1.1 {status}".encode()
        self.pause_s = pause_s
        self.latencies_ms = array("d")
        self.failures: dict[str, int] = {}

    def fail(self, reason: str) -> None:
        self.failures[reason] = self.failures.get(reason, 0) + 1


class Connection(asyncio.Protocol):
    """One connection: sends a request, reads its answer, sends the next, until the time is over."""

    def __init__(self, tally: Tally, next_request: Callable[[], bytes], done: asyncio.Future[None]) -> None:
        self.tally = tally
        self.next_request = next_request
        self.done = done
        self.buffer = b""
        self.expected = 0
        self.sent_at = 0.0
        self.waiting = False
        self.last = False
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        if self.transport.is_closing():
            return
        self.sent_at = time.perf_counter()
        if self.sent_at >= self.tally.deadline:
            self.waiting = False
            self.transport.close()
            return
        self.waiting = True
        self.transport.write(self.next_request())

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        if not self.expected:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = buffer
                return
            head = buffer[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            if at < 0:
                self.tally.fail("no content-length")
                self.transport.abort()
                return
            stop = head.find(b"\r\n", at + 2)
            self.expected = end + 4 + int(head[at + 17 : stop if stop >= 0 else end])
            # Servers end a kept connection after so many requests: that is announced, and no failure.
            self.last = b"\r\nconnection: close" in head
            if not buffer.startswith(self.tally.status):
                self.tally.fail(buffer[9:12].decode("latin-1"))
        if len(buffer) < self.expected:
            self.buffer = buffer
            return
        self.buffer = b""
        self.expected = 0
        self.tally.latencies_ms.append((time.perf_counter() - self.sent_at) * 1000)
        if self.last:
            self.waiting = False
            self.transport.close()
        elif self.tally.pause_s:
            self.waiting = False
            asyncio.get_running_loop().call_later(self.tally.pause_s, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiting:
            self.tally.fail(type(exc).__name__ if exc else "closed early")
        if not self.done.done():
            self.done.set_result(None)


async def _keep_connected(
    host: str, port: int, tally: Tally, next_request: Callable[[], bytes], delay_s: float
) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(delay_s)
    while time.perf_counter() < tally.deadline:
        done: asyncio.Future[None] = loop.create_future()
        try:
            await loop.create_connection(partial(Connection, tally, next_request, done), host, port)
        except OSError as error:
            tally.fail(type(error).__name__)
            await asyncio.sleep(0.05)
            continue
        await done


@dataclass(frozen=True)
class Shape:
    """What the requests are like, where they are no plain GET."""

    body: str = ""
    """JSON to POST; empty for a GET."""
    headers: Sequence[str] = ()
    status: int = 200
    """What is no failure."""
    pause_s: float = 0.0
    """How long a connection rests between an answer and its next request."""

    def request(self, host: str, port: int, path: str) -> bytes:
        """The bytes of one request."""
        lines = [f"{'POST' if self.body else 'GET'} {path} HTTP/1.1", f"Host: {host}:{port}", "Accept: */*"]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body.encode())}"]
        return "\r\n".join([*lines, *self.headers, "", self.body]).encode()


async def run(
    host: str,
    port: int,
    paths: Sequence[str],
    connections: int,
    seconds: float,
    shape: Shape | None = None,
) -> dict[str, Any]:
    """Load the server at `host:port` with requests for `paths`, at random, for `seconds`."""
    shape = shape or Shape()
    requests = [shape.request(host, port, path) for path in paths]
    choose = random.Random(20260101).random  # the same order for every server
    count = len(requests)

    def next_request() -> bytes:
        return requests[int(choose() * count)]

    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)
    tally = Tally(begun + seconds, status=shape.status, pause_s=shape.pause_s)
    # Connected within the first twentieth, not all in one instant: that would measure the accept queue.
    delays = [seconds / 20 * number / connections for number in range(connections)]
    running = [
        asyncio.ensure_future(_keep_connected(host, port, tally, next_request, delay)) for delay in delays
    ]
    _, hanging = await asyncio.wait(running, timeout=seconds + GIVE_UP_S)
    took = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    for task in hanging:
        tally.fail("no answer")
        task.cancel()
    latencies = sorted(tally.latencies_ms)
    return {
        "requests": len(latencies),
        "seconds": took,
        "rps": len(latencies) / took,
        "p50_ms": latencies[len(latencies) // 2] if latencies else None,
        "p99_ms": latencies[int(len(latencies) * 0.99)] if latencies else None,
        "max_ms": latencies[-1] if latencies else None,
        "failures": tally.failures,
        "load_cpu": (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / took,
    }


def main(argv: Sequence[str]) -> int:
    """`load HOST PORT PATH… --connections N --seconds S`; a path may hold `{id}` with --ids N."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--ids", type=int, default=0)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--body", default="", help="JSON to POST in place of a GET")
    parser.add_argument("--header", action="append", default=[], help="a further header line")
    parser.add_argument("--status", type=int, default=200, help="the status of a good answer (default 200)")
    parser.add_argument("--pause-ms", type=float, default=0, help="rest between two requests (default 0)")
    options = parser.parse_args(argv)
    paths = [options.path]
    if options.ids:
        paths = [options.path.replace("{id}", str(number)) for number in range(1, options.ids + 1)]
    loop_factory = None
    try:
        import uvloop

        loop_factory = uvloop.new_event_loop
    except ImportError:
        pass
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        shape = Shape(options.body, options.header, options.status, options.pause_ms / 1000)
        found = runner.run(
            run(options.host, options.port, paths, options.connections, options.seconds, shape)
        )
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
