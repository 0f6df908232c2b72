"""Each service goes on without its neighbours, says what is missing, and finds them again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.stack import until

pytestmark = pytest.mark.stack

PRODUCTS = "/api/catalog/v1/products"


@contextmanager
def without(stack: Any, service: str) -> Iterator[None]:
    stack.stop(service)
    try:
        yield
    finally:
        stack.start(service)


def fresh(url: str) -> str:
    """The same list at an address that no cache has seen: Nginx shows what it has while a service is away."""
    return f"{url}{'&' if '?' in url else '?'}created_by={uuid4()}"


def sign_in_status(visitor: httpx.Client) -> int:
    """What users answers to a stranger; nothing but users itself can say 401."""
    body = {"email": f"{uuid4().hex}@example.org", "password": "no such person at all"}
    return visitor.post("/api/users/v1/tokens", json=body).status_code


@pytest.fixture(scope="module")
def owner(stack: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.token()}"}


@pytest.fixture(scope="module", autouse=True)
def product(stack: Any, owner: dict[str, str]) -> dict[str, Any]:
    body = {"title": f"Vase {uuid4().hex[:8]}", "status": "active"}
    made = httpx.post(f"{stack.url}{PRODUCTS}", json=body, headers=owner, timeout=20)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def test_with_users_stopped_the_public_catalogue_is_complete(
    stack: Any, owner: dict[str, str], product: dict[str, Any]
) -> None:
    with httpx.Client(base_url=stack.url, timeout=20) as visitor:
        # A signed-in reader whose keys the catalogue knows already.
        assert visitor.get(PRODUCTS, headers=owner).status_code == 200
        with without(stack, "users"):
            assert visitor.get("/").status_code == 200
            assert visitor.get(fresh(PRODUCTS)).status_code == 200
            assert visitor.get(f"{PRODUCTS}/{product['id']}").json()["title"] == product["title"]
            assert visitor.get(f"/products/{product['slug']}").status_code == 200
            assert visitor.get("/search", params={"q": product["title"].split()[0]}).status_code == 200
            signed_in = visitor.get(fresh(f"{PRODUCTS}?expand=created_by"), headers=owner)
            assert signed_in.status_code == 200
            assert sign_in_status(visitor) in {502, 503, 504}
            sign_in = visitor.get("/sign-in")
            assert sign_in.status_code in {200, 503}
        until(lambda: sign_in_status(visitor) == 401, "users comes back")


def test_with_the_catalogue_stopped_the_gateway_says_so(stack: Any, product: dict[str, Any]) -> None:
    slug = product["slug"]
    with httpx.Client(base_url=stack.url, timeout=20) as visitor:
        with without(stack, "catalog"):
            away = visitor.get("/search", params={"q": uuid4().hex})
            assert away.status_code == 503
            assert "text/html" in away.headers["Content-Type"]
            assert "<h1" in away.text
            api = visitor.get(fresh(PRODUCTS))
            assert api.status_code in {502, 503}
            assert api.headers["Content-Type"].startswith("application/problem+json")
            assert visitor.get("/sign-in").status_code == 200
        shown = f"/products/{slug}?fresh={uuid4().hex}"
        until(lambda: visitor.get(shown).status_code == 200, "the catalogue comes back")


def test_with_the_gateway_stopped_both_apis_serve(stack: Any) -> None:
    with httpx.Client(base_url=stack.url, timeout=20) as visitor:
        with without(stack, "gateway"):
            assert visitor.get(fresh(PRODUCTS)).status_code == 200
            assert visitor.get("/api/users/v1/jwks.json").status_code == 200
            assert visitor.get(f"/search?q={uuid4().hex}").status_code in {502, 503}
        until(lambda: visitor.get(f"/?fresh={uuid4().hex}").status_code == 200, "the gateway comes back")
