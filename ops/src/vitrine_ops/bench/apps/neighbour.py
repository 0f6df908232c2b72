"""A neighbour service that answers a batch at once, and the clients to ask it with."""

from __future__ import annotations

import os
from typing import Any

import httpx
import orjson
from vitrine_kit.outbound.policy import Policy
from vitrine_kit.outbound.transport import make_transport

IDS = [f"0197f000-0000-7000-8000-{number:012d}" for number in range(50)]
ANSWER = orjson.dumps({"people": [{"id": person, "name": f"Person {person[-4:]}"} for person in IDS]})


def connect(kind: str) -> httpx.AsyncClient:
    """A client of the neighbour through one of the kit's transports: "aiohttp" or "httpx"."""
    transport = make_transport(kind, Policy())
    url = os.environ.get("BENCH_NEIGHBOUR_URL", "http://127.0.0.1:9")
    return httpx.AsyncClient(transport=transport, base_url=url, timeout=10, trust_env=False)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that reads the request and answers 50 people."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})
