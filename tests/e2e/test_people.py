"""A person's life across the services: register, sign in, be named, be deleted, be forgotten."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.stack import until

pytestmark = pytest.mark.stack

USERS = "/api/users/v1"
PASSWORD = "quiet harbour lantern seven"


@pytest.fixture
def visitor(stack: Any) -> Any:
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        yield client


def register(visitor: httpx.Client) -> dict[str, Any]:
    email = f"{uuid4().hex[:12]}@example.org"
    created = visitor.post(
        f"{USERS}/registrations", json={"email": email, "password": PASSWORD, "name": "Ada"}
    )
    assert created.status_code == 201, created.text
    tokens = visitor.post(f"{USERS}/tokens", json={"email": email, "password": PASSWORD})
    assert tokens.status_code == 201, tokens.text
    return {"email": email, **created.json(), **tokens.json()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_register_sign_in_refresh_and_sign_out(visitor: httpx.Client) -> None:
    person = register(visitor)
    me = visitor.get(f"{USERS}/me", headers=bearer(person["access_token"]))
    assert me.json()["email"] == person["email"]
    assert "customer" in me.json()["roles"]

    fresh = visitor.post(f"{USERS}/tokens/refresh", json={"refresh_token": person["refresh_token"]})
    assert fresh.status_code == 201
    assert fresh.json()["refresh_token"] != person["refresh_token"]
    revoked = visitor.post(f"{USERS}/tokens/revoke", json={"refresh_token": fresh.json()["refresh_token"]})
    assert revoked.status_code == 204
    dead = visitor.post(f"{USERS}/tokens/refresh", json={"refresh_token": fresh.json()["refresh_token"]})
    assert dead.status_code in {400, 401}


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(visitor: httpx.Client) -> None:
    person = register(visitor)
    wrong = visitor.post(f"{USERS}/tokens", json={"email": person["email"], "password": "x" * 20})
    unknown = visitor.post(
        f"{USERS}/tokens", json={"email": f"{uuid4().hex}@example.org", "password": "x" * 20}
    )
    assert wrong.status_code == unknown.status_code == 401
    told = [{**answer.json(), "request_id": None} for answer in (wrong, unknown)]
    assert told[0] == told[1]


def test_the_keys_are_public_and_hold_no_private_part(visitor: httpx.Client) -> None:
    keys = visitor.get(f"{USERS}/jwks.json").json()["keys"]
    assert keys
    assert all("d" not in key and key["kty"] == "OKP" for key in keys)


def test_a_deleted_person_is_forgotten_by_the_catalogue(visitor: httpx.Client, stack: Any) -> None:
    person = register(visitor)
    owner = bearer(stack.token())
    promoted = visitor.patch(f"{USERS}/users/{person['id']}", json={"roles": ["editor"]}, headers=owner)
    assert promoted.status_code == 200, promoted.text
    tokens = visitor.post(f"{USERS}/tokens", json={"email": person["email"], "password": PASSWORD}).json()
    made = visitor.post(
        "/api/catalog/v1/products", json={"title": "Ada's lamp"}, headers=bearer(tokens["access_token"])
    )
    assert made.status_code == 201, made.text
    address = f"/api/catalog/v1/products/{made.json()['id']}"
    assert visitor.get(address, headers=owner).json()["created_by"] == person["id"]

    gone = visitor.request(
        "DELETE", f"{USERS}/me", json={"password": PASSWORD}, headers=bearer(tokens["access_token"])
    )
    assert gone.status_code == 204, gone.text
    until(
        lambda: visitor.get(address, headers=owner).json()["created_by"] is None,
        "the catalogue forgets the person",
    )
    again = visitor.post(f"{USERS}/tokens", json={"email": person["email"], "password": PASSWORD})
    assert again.status_code == 401
