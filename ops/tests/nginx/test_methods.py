"""Methods Nginx itself refuses: the answer names those that may be used (RFC 9110, section 15.5.6)."""

from __future__ import annotations

import httpx
import pytest
from nginx_edge import Edge


@pytest.mark.parametrize(
    "path", ["/api/users/v1/me", "/api/catalog/v1/products", "/", "/static/css/base.css"]
)
def test_trace_is_refused_with_what_is_allowed(edge: Edge, path: str) -> None:
    answer = httpx.request("TRACE", f"{edge.url}{path}", headers={"X-Request-Id": "request-0001"})
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (answer.json()["status"], answer.json()["request_id"]) == (405, "request-0001")
    assert "GET" in answer.headers["allow"].split(", ")
    assert "TRACE" not in answer.headers["allow"]
    assert not any(one.seen for one in edge.upstreams.values())


def test_files_allow_reading_only(edge: Edge) -> None:
    answer = httpx.delete(f"{edge.url}/media/pictures/some.webp")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_services_own_405_passes_untouched(edge: Edge) -> None:
    edge.upstreams["users"].answer = lambda _request: (
        405,
        {"Allow": "GET", "Content-Type": "text/plain"},
        b"own",
    )
    answer = httpx.put(f"{edge.url}/api/users/v1/jwks.json")
    assert (answer.status_code, answer.headers["allow"], answer.text) == (405, "GET", "own")
