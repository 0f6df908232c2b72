"""Bad input of every kind: a 4xx problem that names the field, never a 500, nothing half-written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from users_world import API, GOOD_PASSWORD, Person, World
from vitrine_users.accounts.addresses import key_of

JSON = {"Content-Type": "application/json"}
PUBLIC_PATHS = [
    "/registrations",
    "/tokens",
    "/tokens/refresh",
    "/tokens/revoke",
    "/tokens/factors",
    "/tokens/factors/passkey",
    "/tokens/passkeys",
    "/email-verifications",
    "/email-verifications/confirm",
    "/password-resets",
    "/password-resets/confirm",
    "/address-changes/confirm",
    "/deletions/cancel",
]


def assert_problem(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in (statuses or range(400, 500)), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "Traceback" not in answer.text
    assert "SELECT" not in answer.text
    return problem


REGISTRATION = {"email": "a@example.com", "password": GOOD_PASSWORD, "name": "Ann"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surprise": 1}, "surprise"),
        ({"roles": ["owner"]}, "roles"),
        ({"email": 5}, "email"),
        ({"email": None}, "email"),
        ({"email": ["a@example.com"]}, "email"),
        ({"email": "a\u0000@example.com"}, "email"),
        ({"email": "x" * 400}, "email"),
        ({"password": {"a": 1}}, "password"),
        ({"password": "quilt harbour \u0000 lamps"}, "password"),
        ({"password": "p" * 2000}, "password"),
        ({"name": True}, "name"),
        ({"name": "\u0000"}, "name"),
        ({"name": "\u202e" + "n" * 130}, "name"),
    ],
)
async def test_a_wrong_member_of_a_registration_is_named(
    world: World, change: dict[str, Any], field: str
) -> None:
    answer = await world.client.post(f"{API}/registrations", json=REGISTRATION | change)

    assert assert_problem(answer, 422)["errors"][0]["field"] == field


@pytest.mark.parametrize("member", ["email", "password", "name"])
async def test_a_missing_member_is_named(world: World, member: str) -> None:
    body = {name: value for name, value in REGISTRATION.items() if name != member}

    assert (
        assert_problem(await world.client.post(f"{API}/registrations", json=body), 422)["errors"][0]["field"]
        == member
    )


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'"text"', b"{'email': 1}", b'{"email": "\xff\xfe@example.com"}', b"\xef\xbb\xbf{}",
     b'{"email": "\\ud800"}', b'{"a":' * 5000, b'{"email": NaN}', b"{}{}", b'{"email": 1e999}'],
)  # fmt: skip
async def test_a_body_that_is_no_object_is_refused(world: World, raw: bytes) -> None:
    for path in PUBLIC_PATHS:
        answer = await world.client.post(f"{API}{path}", content=raw, headers=JSON)
        assert_problem(answer, 400, 422)


async def test_another_content_type_and_too_large_a_body_are_refused(world: World) -> None:
    text = await world.client.post(f"{API}/tokens", content=b"a=b", headers={"Content-Type": "text/plain"})
    large = await world.client.post(
        f"{API}/tokens", content=b'{"email": "' + b"a" * 2**21 + b'"}', headers=JSON
    )

    assert_problem(text, 415)
    assert_problem(large, 413)


@pytest.mark.parametrize("path", ["/users/not-a-uuid", "/users/1", "/users/%00", "/nothing", "/me/nothing"])
async def test_an_address_that_is_none_is_not_found(world: World, owner: Person, path: str) -> None:
    assert_problem(await world.get(owner, path), 404)


async def test_a_method_that_is_not_taken_is_said(world: World, owner: Person) -> None:
    assert_problem(await world.send(owner, "PUT", "/me", json={}), 405)


async def test_an_unknown_parameter_is_named(world: World, owner: Person) -> None:
    problem = assert_problem(await world.get(owner, "/me?verbose=1"), 422)

    assert problem["errors"][0]["field"] == "verbose"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/internal/people", {"ids": ["x"]}, "ids.0"),
        ("/internal/people", {"ids": "x"}, "ids"),
        ("/internal/sessions", {"email": "a@example.com", "password": "p", "address": ""}, "address"),
        ("/internal/sessions", {"email": "a@example.com", "password": ""}, "password"),
        ("/internal/sessions/exchange", {"session": ""}, "session"),
        ("/internal/sessions/exchange", {"session": "s" * 129}, "session"),
        ("/internal/sign-in-links/redeem", {"token": 5}, "token"),
    ],
)
async def test_neighbours_are_told_too(world: World, path: str, body: dict[str, Any], field: str) -> None:
    answer = await world.client.post(path, json=body, headers=world.neighbour())

    assert assert_problem(answer, 422)["errors"][0]["field"] == field


@pytest.mark.parametrize("header", ["", "x" * 256, "\u00e9", "a\tb"])
async def test_a_strange_idempotency_key_is_refused(world: World, header: str) -> None:
    answer = await world.client.post(
        f"{API}/registrations", json=REGISTRATION, headers=[("Idempotency-Key", header.encode())]
    )

    assert_problem(answer, 400, 422)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=50),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12), children, max_size=4)
    ),
    max_leaves=8,
)
paths = st.sampled_from(PUBLIC_PATHS)
members = st.sampled_from(
    ["email", "password", "name", "refresh_token", "token", "new_password", "locale"]
) | st.text(max_size=8)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(path=paths, body=st.dictionaries(members, json_values, max_size=5))
async def test_any_json_gets_an_answer_of_the_document(world: World, path: str, body: dict[str, Any]) -> None:
    answer = await world.client.post(f"{API}{path}", json=body, headers={"X-Real-IP": world.some_address()})

    assert answer.status_code in {201, 202, 204, 400, 401, 410, 422, 429}, answer.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(email=st.emails(), password=st.text(max_size=140), name=st.text(max_size=130))
async def test_any_email_password_and_name_register_or_are_refused(
    world: World, email: str, password: str, name: str
) -> None:
    body = {"email": email, "password": password, "name": name}
    known = "SELECT true FROM users.accounts WHERE email_key = $1"
    is_new = await world.sql.fetchval(known, key_of(email)) is None
    answer = await world.client.post(
        f"{API}/registrations", json=body, headers={"X-Real-IP": world.some_address()}
    )

    assert answer.status_code in {202, 422}, answer.text
    if answer.status_code == 202 and is_new:
        again = await world.sign_in(email, password)
        assert again.status_code == 201, again.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(token=st.binary(max_size=120))
async def test_any_bearer_token_is_refused(world: World, token: bytes) -> None:
    safe = bytes(byte for byte in token if byte not in b"\r\n\0")
    answer = await world.client.get(f"{API}/me", headers=[(b"Authorization", b"Bearer " + safe)])

    assert answer.status_code == 401
