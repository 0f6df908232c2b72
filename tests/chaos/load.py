"""A bounded load of mixed reads and writes from a process of its own; prints what failed as one JSON document.

`python load.py URL TOKEN_FILE SECONDS CONNECTIONS` says "under way"; then each connection sends its next request
when the last was answered and a short pause is over. It stops after the time, or at SIGINT once what is under way was
answered.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import aiohttp

PAUSE_S = 0.1
WRITE_SHARE = 0.25


class Load:
    """Counts of what was asked and what came back."""

    def __init__(self, url: str, token: str, seconds: float) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}
        self.deadline = time.monotonic() + seconds
        self.answered: Counter[str] = Counter()
        self.failures: list[str] = []
        self.slowest_s = 0.0
        self.products: list[str] = []

    async def run(self, connections: int) -> dict[str, object]:
        """Runs every connection to the end of the time."""
        connector = aiohttp.TCPConnector(limit=connections)
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(self.url, connector=connector, timeout=timeout) as session:
            for number in range(5):
                body = {"title": f"Load {time.time_ns()} {number}", "status": "active"}
                async with session.post(
                    "/api/catalog/v1/products", json=body, headers=self.headers
                ) as answer:
                    self.products.append((await answer.json())["id"])
            print("under way", flush=True)
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, self._end)
            await asyncio.gather(*(self._visitor(session, number) for number in range(connections)))
        return {
            "requests": sum(self.answered.values()) + len(self.failures),
            "failed": len(self.failures),
            "failures": self.failures[:20],
            "answered": dict(self.answered),
            "slowest_s": round(self.slowest_s, 3),
        }

    def _end(self) -> None:
        self.deadline = 0.0

    async def _visitor(self, session: aiohttp.ClientSession, number: int) -> None:
        dice = random.Random(number)
        await asyncio.sleep(dice.random() * 0.3)
        while time.monotonic() < self.deadline:
            name, method, path, body, headers, expected = self._choose(dice)
            started = time.monotonic()
            try:
                async with session.request(
                    method, path, json=body, headers=headers, allow_redirects=False
                ) as answer:
                    text = await answer.text()
                    if answer.status in expected:
                        self.answered[f"{name} {answer.status}"] += 1
                        if name == "create product":
                            self.products.append(json.loads(text)["id"])
                    else:
                        clock = time.strftime("%H:%M:%S")
                        self.failures.append(f"{clock} {name}: {answer.status} {text[:200]}")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {name}: {type(error).__name__} {error}")
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
            await asyncio.sleep(dice.random() * PAUSE_S * 2)

    def _choose(self, dice: random.Random) -> tuple[str, str, str, object, dict[str, str], set[int]]:
        if dice.random() < WRITE_SHARE:
            kind = dice.randrange(4)
            if kind == 0:
                product = {"title": f"Load {dice.randrange(10**9)}", "status": "active"}
                return "create product", "POST", "/api/catalog/v1/products", product, self.headers, {201}
            if kind == 1:
                path = f"/api/catalog/v1/products/{dice.choice(self.products)}"
                return (
                    "edit product",
                    "PATCH",
                    path,
                    {"vendor": f"V{dice.randrange(1000)}"},
                    self.headers,
                    {200},
                )
            if kind == 2:
                name = {"name": f"Owner {dice.randrange(1000)}"}
                return "edit me", "PATCH", "/api/users/v1/me", name, self.headers, {200}
            return "post a page", "POST", "/register", None, {}, {400, 403}
        kind = dice.randrange(5)
        if kind == 0:
            return "home", "GET", "/", None, {}, {200}
        if kind == 1:
            return "search page", "GET", f"/search?q=load+{dice.randrange(10**6)}", None, {}, {200}
        if kind == 2:
            return (
                "list",
                "GET",
                f"/api/catalog/v1/products?limit={dice.randrange(1, 30)}",
                None,
                self.headers,
                {200},
            )
        if kind == 3:
            return (
                "product",
                "GET",
                f"/api/catalog/v1/products/{dice.choice(self.products)}",
                None,
                self.headers,
                {200},
            )
        return "me", "GET", "/api/users/v1/me", None, self.headers, {200}


if __name__ == "__main__":
    url, token_file, seconds, connections = sys.argv[1:5]
    load = Load(url, Path(token_file).read_text(encoding="utf-8").strip(), float(seconds))
    print(json.dumps(asyncio.run(load.run(int(connections))), indent=1))
