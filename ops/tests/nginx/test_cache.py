"""The micro-cache: what is kept, for whom, and what is shown while a service is down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from nginx_edge import Edge, wait_for


def public(
    body: bytes = b"page", lifetime: str = "public, max-age=60"
) -> Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]:
    return lambda _request: (
        200,
        {"Cache-Control": lifetime, "Vary": "Cookie", "Content-Type": "text/html"},
        body,
    )


def test_public_answers_are_kept_for_anonymous_readers(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public()
    ids = []
    for expected in ("MISS", "HIT", "HIT"):
        answer = httpx.get(f"{edge.url}/kept")
        assert answer.headers["x-cache"] == expected
        ids.append(answer.headers["x-request-id"])
    assert len(edge.upstreams["gateway"].seen) == 1
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer x"},
        {"Cookie": "__Host-vitrine_session=abc"},
        {"Cookie": "theme=dark; vitrine_session=abc"},
        {"Cookie": "__Host-vitrine_form=abc"},
    ],
)
def test_a_known_reader_never_meets_the_cache(edge: Edge, headers: dict[str, str]) -> None:
    edge.upstreams["gateway"].answer = public(b"anonymous")
    path = f"{edge.url}/bypass-{abs(hash(str(headers)))}"
    assert httpx.get(path).text == "anonymous"
    edge.upstreams["gateway"].answer = public(b"personal")
    assert httpx.get(path, headers=headers).text == "personal"
    assert httpx.get(path).text == "anonymous"


def test_cookies_that_do_not_matter_share_the_cache(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public()
    httpx.get(f"{edge.url}/cookies", headers={"Cookie": "visit=1"})
    assert httpx.get(f"{edge.url}/cookies", headers={"Cookie": "visit=2"}).headers["x-cache"] == "HIT"


@pytest.mark.parametrize("lifetime", ["private, max-age=60", "no-store", "max-age=60", "no-cache"])
def test_nothing_is_kept_that_the_service_does_not_call_public(edge: Edge, lifetime: str) -> None:
    edge.upstreams["gateway"].answer = public(lifetime=lifetime)
    path = f"{edge.url}/private-{lifetime.replace(' ', '').replace(',', '-')}"
    assert {httpx.get(path).headers["x-cache"] for _time in range(2)} == {"MISS"}


def test_a_page_and_a_document_at_one_address_are_kept_apart(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public(b"page")
    httpx.get(f"{edge.url}/both", headers={"Accept": "text/html"})
    assert httpx.get(f"{edge.url}/both", headers={"Accept": "application/json"}).headers["x-cache"] == "MISS"


def test_a_stale_answer_is_shown_while_the_service_is_down(edge: Edge) -> None:
    edge.upstreams["gateway"].answer = public(b"kept", "public, max-age=1")
    httpx.get(f"{edge.url}/stale")
    edge.upstreams["gateway"].answer = lambda _request: (503, {}, b"down")
    wait_for(lambda: httpx.get(f"{edge.url}/stale").headers["x-cache"] == "STALE")
    answer = httpx.get(f"{edge.url}/stale")
    assert (answer.status_code, answer.text) == (200, "kept")
