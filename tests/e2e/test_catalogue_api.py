"""The catalogue's API as an integrating developer meets it: through Nginx, with a token, against the real thing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.stack

PRODUCTS = "/api/catalog/v1/products"


@pytest.fixture(scope="module")
def api(stack: Any) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=20) as client:
        yield client


def new_product(**changes: Any) -> dict[str, Any]:
    title = f"Kettle {uuid4().hex[:8]}"
    money = {"amount_minor": 4900, "currency": "EUR"}
    variants = [
        {"sku": f"K-{uuid4().hex[:6]}", "option_values": [colour], "price": money}
        for colour in ("Red", "Blue")
    ]
    return {
        "title": title,
        "status": "active",
        "vendor": "Ember",
        "tags": ["kitchen"],
        "description_html": "<p>Boils <b>fast</b>.<script>alert(1)</script></p>",
        "options": [{"name": "Colour", "values": ["Red", "Blue"]}],
        "variants": variants,
        **changes,
    }


def red(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"option_values": ["Red"], "price": {"amount_minor": amount_minor, "currency": currency}}


def test_a_products_life(api: httpx.Client, stack: Any) -> None:
    created = api.post(PRODUCTS, json=new_product())
    assert created.status_code == 201, created.text
    product = created.json()
    assert "script" not in product["description_html"]
    assert [variant["option_values"] for variant in product["variants"]] == [["Red"], ["Blue"]]
    address = f"{PRODUCTS}/{product['id']}"

    anonymous = httpx.get(f"{stack.url}{address}")
    assert anonymous.status_code == 200
    assert "public" in anonymous.headers["Cache-Control"]
    by_slug = api.get(f"{PRODUCTS}/by-slug/{product['slug']}")
    assert by_slug.json()["id"] == product["id"]

    etag = api.get(address).headers["ETag"]
    changed = api.patch(address, json={"title": "Kettle, renamed"}, headers={"If-Match": etag})
    assert etag.startswith("W/"), "compressed on the way, so Nginx weakened it; it must do all the same"
    assert changed.status_code == 200, changed.text
    assert changed.json()["version"] > product["version"]
    late = api.patch(address, json={"title": "Too late"}, headers={"If-Match": etag})
    assert late.status_code == 412

    hidden = api.patch(address, json={"status": "draft"})
    assert hidden.status_code == 200
    unseen = httpx.get(f"{stack.url}{PRODUCTS}/by-slug/{changed.json()['slug']}")
    assert unseen.status_code == 404
    assert api.get(address).json()["status"] == "draft"

    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_names_of_the_makers_come_in_one_batch(api: httpx.Client) -> None:
    api.post(PRODUCTS, json=new_product())
    found = api.get(PRODUCTS, params={"expand": "created_by", "sort": "newest", "limit": 5}).json()
    assert found["items"][0]["created_by"].keys() == {"id", "name"}


def test_a_double_submit_makes_one_product(api: httpx.Client) -> None:
    body, key = new_product(), {"Idempotency-Key": uuid4().hex}
    first = api.post(PRODUCTS, json=body, headers=key)
    again = api.post(PRODUCTS, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    other = api.post(PRODUCTS, json={**body, "title": "Other"}, headers=key)
    assert other.status_code == 422


async def test_parallel_submits_with_one_key_make_one_product(stack: Any, api: httpx.Client) -> None:
    body = new_product()
    headers = {"Idempotency-Key": uuid4().hex, **dict(api.headers)}
    async with httpx.AsyncClient(base_url=stack.url, timeout=20) as client:
        answers = await asyncio.gather(*(client.post(PRODUCTS, json=body, headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"title": 7}, "title"),
        ({"title": ""}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"status": "gone"}, "status"),
        ({"tags": "x"}, "tags"),
        ({"variants": [red(-1, "EUR")]}, "variants.0.price.amount_minor"),
        ({"variants": [red(1, "XXQ")]}, "variants.0.price.currency"),
    ],
)
def test_wrong_input_names_the_field(api: httpx.Client, change: dict[str, Any], field: str) -> None:
    refused = api.post(PRODUCTS, json=new_product(**change))
    assert refused.status_code == 422, refused.text
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["errors"][0]["field"].startswith(field)


def test_the_public_may_not_write(stack: Any) -> None:
    assert httpx.post(f"{stack.url}{PRODUCTS}", json=new_product()).status_code == 401
    forged = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."}
    assert httpx.post(f"{stack.url}{PRODUCTS}", json=new_product(), headers=forged).status_code == 401


def test_oversized_and_malformed_bodies(api: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    assert (
        api.post(PRODUCTS, content=b'{"title": "' + b"x" * 2_000_000 + b'"}', headers=headers).status_code
        == 413
    )
    assert api.post(PRODUCTS, content=b"{", headers=headers).status_code == 400
    assert api.post(PRODUCTS, content=b'{"title": "\xff"}', headers=headers).status_code == 400
    assert api.get(PRODUCTS, params={"after": "x!"}).status_code == 422


def test_every_answer_carries_the_request_id(api: httpx.Client) -> None:
    answer = api.get(f"{PRODUCTS}/{uuid4()}", headers={"X-Request-Id": "my-own-request-id"})
    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "my-own-request-id"
