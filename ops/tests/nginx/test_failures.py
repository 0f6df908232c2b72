"""Services that are gone, hang or fail: what the reader gets, and which instance is asked next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from nginx_edge import Edge, running
from stub_upstreams import slow


def test_a_service_that_is_gone_is_a_problem_under_api_and_a_page_elsewhere(tmp_path: Path) -> None:
    with running(tmp_path) as edge:
        edge.upstreams["users"].stop()
        edge.upstreams["gateway"].stop()
        answer = httpx.get(f"{edge.url}/api/users/v1/jwks.json", headers={"X-Request-Id": "request-0001"})
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["status"] == 502
        assert answer.json()["request_id"] == "request-0001"
        page = httpx.get(f"{edge.url}/")
        assert page.status_code == 502
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["retry-after"] == "2"
        assert "will be right back" in page.text
        assert httpx.get(f"{edge.url}/api/catalog/v1/products").status_code == 200


def test_a_services_own_errors_pass_untouched(edge: Edge) -> None:
    edge.upstreams["catalog"].answer = lambda _request: (
        503,
        {"Content-Type": "application/problem+json", "Retry-After": "7"},
        b'{"own": true}',
    )
    answer = httpx.get(f"{edge.url}/api/catalog/v1/own")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (503, "7", {"own": True})


def test_a_service_that_hangs_is_a_504_problem(edge: Edge) -> None:
    edge.upstreams["users"].answer = slow(9)
    answer = httpx.get(f"{edge.url}/api/users/v1/me", timeout=20)
    assert answer.status_code == 504
    assert answer.json()["title"] == "Gateway Timeout"
    assert len(edge.upstreams["users"].seen) == 1


def test_a_dead_instance_is_passed_over(tmp_path: Path) -> None:
    with running(tmp_path, instances=2) as edge:
        edge.upstreams["catalog-0"].stop()
        answers = [
            httpx.get(f"{edge.url}/api/catalog/v1/products?n={number}").status_code for number in range(12)
        ]
        posts = [httpx.post(f"{edge.url}/api/catalog/v1/products").status_code for _number in range(6)]
        assert set(answers + posts) == {200}
        assert len(edge.upstreams["catalog-1"].seen) == 18


def test_both_instances_are_used(tmp_path: Path) -> None:
    with running(tmp_path, instances=2) as edge:
        for number in range(20):
            httpx.get(f"{edge.url}/api/catalog/v1/products?n={number}")
        counts = [len(edge.upstreams[f"catalog-{number}"].seen) for number in range(2)]
        assert min(counts) >= 5


def test_a_request_that_may_have_had_an_effect_is_never_sent_twice(edge: Edge) -> None:
    def vanish(_request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        raise ConnectionResetError

    edge.upstreams["catalog"].answer = vanish
    assert httpx.post(f"{edge.url}/api/catalog/v1/products", json={}).status_code == 502
    assert len(edge.upstreams["catalog"].seen) == 1
    edge.upstreams["catalog"].seen.clear()
    assert httpx.get(f"{edge.url}/api/catalog/v1/once").status_code == 502
    assert len(edge.upstreams["catalog"].seen) == 2
