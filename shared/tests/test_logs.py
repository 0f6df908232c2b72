"""Log lines are JSON, carry the request's id, and never the body or the credentials."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import httpx
import pytest
from vitrine_kit.testing import Keys

PROGRAM = """
import logging
from vitrine_kit.logs import configure_logging, get_logger
configure_logging("notes", "one", "INFO")
get_logger("a.b").info("it_happened", count=3)
logging.getLogger("other").warning("plain %s", "text")
get_logger("a.b").debug("not shown")
try:
    1 / 0
except ZeroDivisionError:
    get_logger("a.b").exception("broke")
"""


def test_lines_are_json_objects_that_say_where_they_come_from() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, second, third = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["count"], first["level"], first["logger"]) == (
        "it_happened",
        3,
        "info",
        "a.b",
    )
    assert (first["service"], first["instance"]) == ("notes", "one")
    assert (second["event"], second["level"]) == ("plain text", "warning")
    assert "ZeroDivisionError" in third["exception"]
    assert first["timestamp"].endswith("Z")


async def test_neither_credentials_nor_bodies_are_logged(
    client: httpx.AsyncClient, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    headers = keys.bearer("notes:write")
    with caplog.at_level(logging.DEBUG):
        await client.post("/api/notes/v1/notes", json={"title": "canary-in-the-body"}, headers=headers)
        await client.post(
            "/api/notes/v1/notes", json={"title": 1, "x": "canary-in-the-body"}, headers=headers
        )
    assert "canary-in-the-body" not in caplog.text
    assert headers["Authorization"].split()[1] not in caplog.text
    assert "/api/notes/v1/notes" in caplog.text


async def test_health_checks_are_not_logged(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await client.get("/livez")
    assert not [record for record in caplog.records if record.name == "vitrine.request"]
