"""The access log: JSON, with the request id, without secrets."""

from __future__ import annotations

import json

import httpx
from nginx_edge import Edge, wait_for


def test_the_access_log_is_json_with_the_request_id_and_no_secret(edge: Edge) -> None:
    httpx.get(
        f'{edge.url}/logged"page?token=secret',
        headers={"X-Request-Id": "request-log-1", "User-Agent": 'a "browser"'},
    )
    httpx.get(f"{edge.url}/sign-in/link/one-time-secret", headers={"X-Request-Id": "request-log-2"})
    log = edge.places.log / "access.log"
    wait_for(lambda: "request-log-2" in log.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    found = {line["request_id"]: line for line in lines}
    first = found["request-log-1"]
    assert (first["method"], first["path"], first["status"], first["agent"]) == (
        "GET",
        '/logged"page',
        200,
        'a "browser"',
    )
    assert first["upstream"].startswith("unix:")
    assert found["request-log-2"]["path"] == "/sign-in/link/…"
    assert "token=secret" not in log.read_text(encoding="utf-8")
