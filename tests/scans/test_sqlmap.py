"""sqlmap finds nothing to inject SQL through: in queries of both APIs, paths, bodies, forms, headers, cookies."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(
        "VITRINE_TEST_SCANS" not in os.environ,
        reason="sqlmap takes minutes: VITRINE_TEST_SCANS=1 runs it, 2 and 3 look deeper",
    ),
]

LEVEL = os.environ.get("VITRINE_TEST_SCANS", "1")
SAMPLES = {
    "integer": "1",
    "boolean": "true",
    "uuid": "0198f6a0-0000-7000-8000-000000000001",
    "date-time": "2026-01-01T00:00:00Z",
}
"""A value that passes for each type or format, so that what is behind the check of types is reached."""


def scan(folder: Path, *options: str) -> str:
    """What sqlmap says of the one request that the options describe."""
    command = [sys.executable, "-m", "sqlmap.sqlmap", "--batch", "--disable-coloring", "--flush-session"]
    command += ["--level", LEVEL, "--risk", LEVEL, "--ignore-code", "*"]
    command += ["--output-dir", str(folder / uuid4().hex)]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=240, check=False, cwd=folder
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def is_clean(said: str) -> bool:
    """Whether sqlmap has looked, and found nothing."""
    return (
        "all tested parameters do not appear to be injectable" in said
        and "identified the following" not in said
    )


def sample(schema: dict[str, Any]) -> str:
    """A value that this schema of a query's parameter lets through."""
    options = schema.get("anyOf", [schema])
    chosen = next(one for one in options if one.get("type") != "null")
    chosen = chosen["items"] if chosen.get("type") == "array" else chosen
    if "enum" in chosen or "const" in chosen:
        return str(chosen.get("const") or chosen["enum"][0])
    return SAMPLES.get(chosen.get("format", "")) or SAMPLES.get(chosen.get("type", "")) or "chair"


def queries_of(document: dict[str, Any]) -> Iterator[str]:
    """Each GET of an API that takes a query, and no id in its path, with a value for every parameter but the cursor."""
    for path, methods in document["paths"].items():
        found = [one for one in methods.get("get", {}).get("parameters", []) if one["in"] == "query"]
        values = {one["name"]: sample(one["schema"]) for one in found if one["name"] != "after"}
        if values and "{" not in path:
            yield f"{path}?{urlencode(values)}"


def scan_all(folder: Path, requests: list[list[str]]) -> dict[str, str]:
    """What sqlmap says of those requests in which it found something, or at which it could not look."""
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda options: scan(folder, *options), requests))
    return {" ".join(one): text for one, text in zip(requests, said, strict=True) if not is_clean(text)}


@pytest.mark.parametrize("service", ["users", "catalog"])
def test_no_query_of_an_api_can_be_injected(stack: Any, tmp_path: Path, service: str) -> None:
    document = httpx.get(f"{stack.url}/api/{service}/openapi.json").json()
    token = f"Authorization: Bearer {stack.token()}"
    requests = [["-u", f"{stack.url}{query}", "-H", token] for query in queries_of(document)]
    assert len(requests) >= 4
    assert scan_all(tmp_path, requests) == {}


def test_no_path_body_form_header_or_cookie_can_be_injected(stack: Any, tmp_path: Path) -> None:
    """`*` marks where sqlmap puts what it tries."""
    api, credentials = f"{stack.url}/api", '{"email": "a@example.org*", "password": "quiet lantern*"}'
    requests = [
        ["-u", f"{api}/catalog/v1/products/by-slug/chair*"],
        ["-u", f"{api}/catalog/v1/products/chair*"],
        ["-u", f"{api}/users/v1/tokens", "-H", "Content-Type: application/json", "--data", credentials],
        ["-u", f"{api}/users/v1/me", "-H", "Authorization: Bearer vitrine_pat_abc*"],
        ["-u", f"{stack.url}/search?q=chair&category=chairs"],
        ["-u", f"{stack.url}/account", "--cookie", "vitrine_session=abc*", "--ignore-redirects"],
    ]
    assert scan_all(tmp_path, requests) == {}


class Careless(BaseHTTPRequestHandler):
    """Puts what it is asked for into its SQL, as nobody should."""

    def do_GET(self) -> None:
        name = parse_qs(urlsplit(self.path).query).get("q", [""])[0]
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE chair (name TEXT)")
            database.execute("INSERT INTO chair VALUES ('oak')")
            try:
                found = str(database.execute(f"SELECT name FROM chair WHERE name = '{name}'").fetchall())
            except sqlite3.Error as error:
                found = f"SQLite error: {error}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(found.encode())

    def log_message(self, *_: object) -> None:
        """Nothing: the test reads what sqlmap says."""


@contextmanager
def careless_service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_the_scan_finds_what_is_there(tmp_path: Path) -> None:
    with careless_service() as url:
        said = scan(tmp_path, "-u", f"{url}/?q=oak")
    assert "identified the following injection point" in said
    assert not is_clean(said)
