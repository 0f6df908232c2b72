"""A person's life across the services: register, sign in, be named, be deleted, be forgotten."""

from __future__ import annotations

import io
import re
import zipfile
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
    assert created.status_code == 202, created.text
    tokens = visitor.post(f"{USERS}/tokens", json={"email": email, "password": PASSWORD})
    assert tokens.status_code == 201, tokens.text
    me = visitor.get(f"{USERS}/me", headers=bearer(tokens.json()["access_token"]))
    return {**me.json(), **tokens.json()}


def link_to(visitor: httpx.Client, stack: Any, email: str, page: str) -> str:
    """The secret of the latest link to this page in a mail to the address, as the owner finds it in the outbox."""
    owner = bearer(stack.token())
    for mail in visitor.get(f"{USERS}/mails", params={"limit": 100}, headers=owner).json()["items"]:
        if mail["recipient"] == email:
            text = visitor.get(f"{USERS}/mails/{mail['id']}", headers=owner).json()["text"]
            if found := re.search(rf"^{re.escape(stack.url)}/{page}/(\S+)$", text, re.MULTILINE):
                return found[1]
    raise AssertionError(f"no mail to {email} holds a link to {page}")


def confirm(visitor: httpx.Client, stack: Any, email: str) -> None:
    """Confirms the address, without which nobody becomes an editor."""
    token = link_to(visitor, stack, email, "verify-email")
    done = visitor.post(f"{USERS}/email-verifications/confirm", json={"token": token})
    assert done.status_code == 200, done.text


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
    early = visitor.patch(f"{USERS}/users/{person['id']}", json={"roles": ["editor"]}, headers=owner)
    assert early.status_code == 409, "an address that nobody has confirmed is no editor's"
    confirm(visitor, stack, person["email"])
    promoted = visitor.patch(f"{USERS}/users/{person['id']}", json={"roles": ["editor"]}, headers=owner)
    assert promoted.status_code == 200, promoted.text
    tokens = visitor.post(f"{USERS}/tokens", json={"email": person["email"], "password": PASSWORD}).json()
    made = visitor.post(
        "/api/catalog/v1/products", json={"title": "Ada's lamp"}, headers=bearer(tokens["access_token"])
    )
    assert made.status_code == 201, made.text
    address = f"/api/catalog/v1/products/{made.json()['id']}"
    assert visitor.get(address, headers=owner).json()["created_by"] == person["id"]

    gone = visitor.delete(f"{USERS}/users/{person['id']}", headers=owner)
    assert gone.status_code == 204, gone.text
    until(
        lambda: visitor.get(address, headers=owner).json()["created_by"] is None,
        "the catalogue forgets the person",
    )
    again = visitor.post(f"{USERS}/tokens", json={"email": person["email"], "password": PASSWORD})
    assert again.status_code == 401


def test_a_taken_address_is_told_to_its_owner_alone(visitor: httpx.Client, stack: Any) -> None:
    person = register(visitor)
    body = {"email": person["email"], "password": PASSWORD, "name": "Somebody else"}
    again = visitor.post(f"{USERS}/registrations", json=body)
    new = visitor.post(f"{USERS}/registrations", json={**body, "email": f"{uuid4().hex}@example.org"})
    assert (again.status_code, again.json()) == (new.status_code, new.json())
    owner = bearer(stack.token())
    mails = visitor.get(f"{USERS}/mails", params={"limit": 100}, headers=owner).json()["items"]
    theirs = [mail["template"] for mail in mails if mail["recipient"] == person["email"]]
    assert theirs == ["address-taken", "verify"]


def test_a_forgotten_password_is_set_by_a_link_and_ends_every_sign_in(
    visitor: httpx.Client, stack: Any
) -> None:
    person = register(visitor)
    assert visitor.post(f"{USERS}/password-resets", json={"email": person["email"]}).status_code == 202
    token = link_to(visitor, stack, person["email"], "reset-password")
    body = {"token": token, "new_password": "nine calm otters knit"}
    assert visitor.post(f"{USERS}/password-resets/confirm", json=body).status_code == 204
    assert visitor.post(f"{USERS}/password-resets/confirm", json=body).status_code == 410
    assert visitor.get(f"{USERS}/me", headers=bearer(person["access_token"])).status_code == 401
    tokens = {"email": person["email"], "password": body["new_password"]}
    assert visitor.post(f"{USERS}/tokens", json=tokens).status_code == 201


def test_leaving_can_be_taken_back(visitor: httpx.Client, stack: Any) -> None:
    person = register(visitor)
    left = visitor.request(
        "DELETE", f"{USERS}/me", json={"password": PASSWORD}, headers=bearer(person["access_token"])
    )
    assert left.status_code == 202, left.text
    assert left.json()["erase_after"]
    token = link_to(visitor, stack, person["email"], "keep-account")
    assert visitor.post(f"{USERS}/deletions/cancel", json={"token": token}).status_code == 204
    again = visitor.post(f"{USERS}/tokens", json={"email": person["email"], "password": PASSWORD}).json()
    me = visitor.get(f"{USERS}/me", headers=bearer(again["access_token"]))
    assert me.json()["erase_after"] is None


def test_the_export_is_a_zip(visitor: httpx.Client) -> None:
    person = register(visitor)
    got = visitor.get(f"{USERS}/me/export", headers=bearer(person["access_token"]))
    assert got.status_code == 200, got.text
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        assert "accounts.json" in archive.namelist()
        assert person["email"].encode() in archive.read("accounts.json")
