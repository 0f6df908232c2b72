"""The load generator counts what servers answer, and everything that is no proper answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from vitrine_ops.bench import load

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@asynccontextmanager
async def server(answer: Callable[[int, asyncio.StreamWriter], None]) -> AsyncIterator[int]:
    """A server that answers the n-th request on each connection as told."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        try:
            while not writer.is_closing():
                await reader.readuntil(b"\r\n\r\n")
                answer(number, writer)
                await writer.drain()
                number += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def measured(
    answer: Callable[[int, asyncio.StreamWriter], None], connections: int = 3
) -> dict[str, Any]:
    async with server(answer) as port:
        return await load.run("127.0.0.1", port, ["/a", "/b"], connections, 0.3)


async def test_answers_are_counted_and_timed() -> None:
    found = await measured(lambda _, writer: writer.write(OK))
    assert found["requests"] > 10
    assert found["failures"] == {}
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
    assert found["rps"] == pytest.approx(found["requests"] / found["seconds"])
    assert found["load_cpu"] > 0


async def test_an_answer_in_pieces_is_one_answer() -> None:
    def in_pieces(_: int, writer: asyncio.StreamWriter) -> None:
        asyncio.get_running_loop().call_later(0.005, writer.write, OK[20:])
        writer.write(OK[:20])

    found = await measured(in_pieces)
    assert found["requests"] > 3
    assert found["failures"] == {}
    assert found["p50_ms"] >= 4


async def test_other_statuses_are_failures() -> None:
    refused = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    found = await measured(lambda number, writer: writer.write(refused if number % 2 else OK))
    assert set(found["failures"]) == {"503"}
    assert 0 < found["failures"]["503"] < found["requests"]


async def test_a_connection_closed_before_its_answer_is_a_failure() -> None:
    found = await measured(lambda number, writer: writer.close() if number == 2 else writer.write(OK))
    assert set(found["failures"]) <= {"closed early", "ConnectionResetError"}
    assert sum(found["failures"].values()) > 0


async def test_an_announced_close_is_none() -> None:
    last = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def answer(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(last if number == 2 else OK)
        if number == 2:
            writer.close()

    found = await measured(answer)
    assert found["failures"] == {}
    assert found["requests"] > 9


async def test_an_answer_without_a_length_is_a_failure() -> None:
    found = await measured(lambda _, writer: writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello"))
    assert found["requests"] == 0
    assert "no content-length" in found["failures"]


async def test_nobody_listening_is_a_failure() -> None:
    async with server(lambda _, writer: None) as port:
        pass
    found = await load.run("127.0.0.1", port, ["/"], 1, 0.2)
    assert (found["requests"], found["p50_ms"]) == (0, None)
    assert sum(found["failures"].values()) > 0


async def test_no_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "GIVE_UP_S", 0.2)
    found = await measured(lambda number, writer: None if number else writer.write(OK), connections=1)
    assert found["failures"] == {"no answer": 1}


def test_the_command_prints_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        load.main(["127.0.0.1", "9", "/items/{id}", "--ids", "3", "--connections", "1", "--seconds", "0.1"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["requests"] == 0
