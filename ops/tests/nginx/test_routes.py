"""Which service a path reaches, and that nothing internal is reached from outside."""

from __future__ import annotations

import httpx
import pytest
from nginx_edge import NAMES, Edge
from vitrine_ops.environment import internal_socket


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/users/v1/me", "users"),
        ("/api/users/openapi.json", "users"),
        ("/api/catalog/v1/products?limit=3", "catalog"),
        ("/api/catalog/v1/imports", "catalog"),
        ("/oauth2/token", "users"),
        ("/oauth2/userinfo", "users"),
        ("/oauth2/jwks.json", "users"),
        ("/.well-known/openid-configuration", "users"),
        ("/oauth2/authorize?client_id=x", "gateway"),
        ("/oauth2/tokens", "gateway"),
        ("/oauth2/logout", "gateway"),
        ("/.well-known/else", "gateway"),
        ("/", "gateway"),
        ("/products/a-lamp", "gateway"),
        ("/api", "gateway"),
        ("/api/orders/v1/x", "gateway"),
        ("/internals", "gateway"),
        ("/status", "gateway"),
    ],
)
def test_a_path_reaches_its_service_as_it_was_sent(edge: Edge, path: str, service: str) -> None:
    found = httpx.get(edge.url + path).json()
    assert found == {"service": service, "path": path}


@pytest.mark.parametrize(
    "path",
    [
        "/internal",
        "/internal/people",
        "//internal/people",
        "/internal//people",
        "/INTERNAL/people",
        "/Internal/People",
        "/%69nternal/people",
        "/%49%4e%54%45%52%4e%41%4c/people",
        "/internal%2fpeople",
        "/%2finternal/people",
        "/internal;x=1/people",
        "/./internal/people",
        "/x/../internal/people",
        "/api/users/../../internal/people",
        "/api/users/..%2f..%2finternal/people",
        "/api/users/%2e%2e/%2e%2e/internal/people",
        "/api/users/..;/internal/people",
        "/static/../internal/people",
        "/internal?x=1",
        "/livez",
        "/readyz",
        "/metrics",
    ],
)
def test_what_is_internal_does_not_exist_outside_in_any_spelling(edge: Edge, path: str) -> None:
    assert edge.raw(path).status in {400, 404}
    assert [one.seen for one in edge.upstreams.values()] == [[], [], []]


def test_a_query_that_speaks_of_internal_is_no_trick(edge: Edge) -> None:
    assert httpx.get(f"{edge.url}/search?q=/../internal/x").json()["service"] == "gateway"


@pytest.mark.parametrize("name", NAMES)
def test_services_reach_internal_paths_of_one_another_over_the_socket(edge: Edge, name: str) -> None:
    transport = httpx.HTTPTransport(uds=str(internal_socket(edge.places)))
    headers = {"X-Vitrine-Service": "a.b.c", "X-Request-Timeout-Ms": "700", "X-Request-Id": "request-0001"}
    with httpx.Client(transport=transport) as neighbour:
        found = neighbour.get(f"http://{name}:8000/internal/people", headers=headers)
    assert found.json() == {"service": name, "path": "/internal/people"}
    reached = edge.upstreams[name].seen[-1]["headers"]
    assert {header: reached[header.lower()] for header in headers} == headers


def test_a_host_that_is_no_service_reaches_nobody_over_the_socket(edge: Edge) -> None:
    transport = httpx.HTTPTransport(uds=str(internal_socket(edge.places)))
    with httpx.Client(transport=transport) as neighbour:
        assert neighbour.get("http://elsewhere/internal/people").status_code == 404
