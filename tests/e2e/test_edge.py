"""What Nginx lets through, adds and keeps out."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    "path",
    [
        "/internal/people",
        "/internal/jwks",
        "/internal",
        "/INTERNAL/people",
        "//internal/people",
        "/./internal/people",
        "/api/../internal/people",
        "/%69nternal/people",
        "/api/users/%2e%2e/%2e%2e/internal/people",
        "/api/users/..%2f..%2finternal/people",
        "/internal%2fpeople",
        "/api/catalog/;/internal/events",
        "/metrics",
    ],
)
def test_nothing_internal_can_be_reached(stack: Any, path: str) -> None:
    where = urlsplit(stack.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    status = int(answer.split(b" ", 2)[1])
    assert status in {400, 404}, answer[:300]
    assert b'"people"' not in answer
    assert b'"keys"' not in answer


def test_pages_and_answers_carry_the_security_headers(stack: Any) -> None:
    page = httpx.get(f"{stack.url}/")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"]
    api = httpx.get(f"{stack.url}/api/catalog/v1/products")
    assert api.headers["X-Content-Type-Options"] == "nosniff"
    assert "nginx/" not in api.headers.get("Server", "")


def test_a_forged_service_credential_is_stripped(stack: Any) -> None:
    answer = httpx.get(
        f"{stack.url}/api/users/v1/me", headers={"X-Vitrine-Service": "eyJ", "X-Real-IP": "1.2.3.4"}
    )
    assert answer.status_code == 401


def test_static_files_are_served_for_good(stack: Any) -> None:
    page = httpx.get(f"{stack.url}/").text
    link = re.search(r'<link[^>]*rel="stylesheet"[^>]*>', page)
    assert link is not None
    address = link[0].split('href="', 1)[1].split('"', 1)[0]
    found = httpx.get(f"{stack.url}{address}", headers={"Accept-Encoding": "gzip"})
    assert found.status_code == 200
    assert "immutable" in found.headers["Cache-Control"]
    assert found.headers["Content-Encoding"] == "gzip"


def test_an_oversized_body_gets_a_problem_document(stack: Any) -> None:
    answer = httpx.post(f"{stack.url}/api/users/v1/tokens", content=b"x" * 3_000_000)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["status"] == 413


def test_a_websocket_is_refused_cleanly(stack: Any) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers["Sec-WebSocket-Key"] = "dml0cmluZSB2aXRyaW5lIQ=="
    assert httpx.get(f"{stack.url}/api/catalog/v1/products", headers=headers).status_code < 500


def test_uploads_in_progress_are_not_served(stack: Any) -> None:
    media = stack.data / "media"
    for name, status in (("probe.txt", 200), (".incoming/probe.txt", 404), (".probe.txt", 404)):
        file = media / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("probe", encoding="utf-8")
        file.chmod(0o644)
        try:
            assert httpx.get(f"{stack.url}/media/{name}").status_code == status, name
        finally:
            file.unlink()
