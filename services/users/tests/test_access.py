"""Every route: nobody, somebody who may not, and somebody who may; and no route without these three."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from users_world import API, GOOD_PASSWORD, Person, World
from vitrine_kit.auth import INTERNAL, PUBLIC, SIGNED_IN
from vitrine_users.sessions import service as sessions


@dataclass(frozen=True)
class Case:
    """A request of one endpoint that succeeds for somebody who may make it."""

    method: str
    path: str
    status: int
    body: dict[str, Any] | None = None
    roles: tuple[str, ...] = ()
    callers: tuple[str, ...] = field(default=("gateway",))
    """The neighbours that may call an internal route."""


CASES = {
    "accounts.register": Case(
        "POST", "/registrations", 201, {"email": "{new}", "password": GOOD_PASSWORD, "name": "N"}
    ),
    "accounts.get_me": Case("GET", "/me", 200),
    "accounts.patch_me": Case("PATCH", "/me", 200, {"name": "Other Name"}),
    "accounts.delete_me": Case("DELETE", "/me", 204, {"password": GOOD_PASSWORD}),
    "accounts.list_users": Case("GET", "/users", 200, roles=("admin",)),
    "accounts.get_user": Case("GET", "/users/{other}", 200, roles=("admin",)),
    "accounts.patch_user": Case("PATCH", "/users/{other}", 200, {"roles": ["viewer"]}, roles=("owner",)),
    "accounts.delete_user": Case("DELETE", "/users/{other}", 204, roles=("admin",)),
    "passwords.change_password": Case(
        "POST",
        "/me/password",
        204,
        {"current_password": GOOD_PASSWORD, "new_password": "nine calm otters knit"},
    ),
    "roles.list_roles": Case("GET", "/roles", 200, roles=("admin",)),
    "tokens.sign_in": Case("POST", "/tokens", 201, {"email": "{email}", "password": GOOD_PASSWORD}),
    "tokens.refresh": Case("POST", "/tokens/refresh", 201, {"refresh_token": "{refresh}"}),
    "tokens.revoke": Case("POST", "/tokens/revoke", 204, {"refresh_token": "{refresh}"}),
    "tokens.jwks": Case("GET", "/jwks.json", 200),
    "internal_tokens.internal_jwks": Case("GET", "/jwks", 200, callers=("gateway", "catalog")),
    "internal_people.people": Case("POST", "/people", 200, {"ids": []}, callers=("gateway", "catalog")),
    "internal_sessions.begin_session": Case(
        "POST", "/sessions", 201, {"email": "{email}", "password": GOOD_PASSWORD}
    ),
    "internal_sessions.exchange": Case("POST", "/sessions/exchange", 200, {"session": "{session}"}),
    "internal_sessions.end_session": Case("POST", "/sessions/end", 204, {"session": "{session}"}),
    "internal_sessions.redeem_link": Case("POST", "/sign-in-links/redeem", 201, {"token": "{link}"}),
}

OPEN = {"health.livez", "health.readyz", "openapi", "static", "vitrine_metrics"}
"""What is no operation of the service's API."""


def operation_of(world: World, endpoint: str) -> Any:
    return getattr(world.app.view_functions[endpoint], "__vitrine_operation__", None)


async def ask(world: World, case: Case, person: Person, *, internal: bool, headers: dict[str, str]) -> int:
    other = await world.person()
    values = {
        "{new}": world.some_email(),
        "{email}": person.email,
        "{refresh}": person.tokens["refresh_token"],
    }
    if "{session}" in (case.body or {}).values():
        values["{session}"] = (await world.begin_session(person.email))["session"]
    if "{link}" in (case.body or {}).values():
        async with world.app.extensions["vitrine"].database.transaction() as session:
            values["{link}"] = (await sessions.make_link(session, person.id, ttl_s=60)).secret
    body = None
    if case.body is not None:
        body = {
            name: values.get(value, value) if isinstance(value, str) else value
            for name, value in case.body.items()
        }
    prefix = "/internal" if internal else API
    answer = await world.client.request(
        case.method, prefix + case.path.replace("{other}", str(other.id)), json=body, headers=headers
    )
    return answer.status_code


def test_no_route_is_without_a_case(world: World) -> None:
    endpoints = {rule.endpoint for rule in world.app.url_map.iter_rules()}

    assert {endpoint for endpoint in endpoints if operation_of(world, endpoint) is not None} == set(CASES)
    assert endpoints - set(CASES) == OPEN


def test_each_case_is_a_request_of_its_endpoint(world: World) -> None:
    adapter = world.app.url_map.bind("localhost")
    for endpoint, case in CASES.items():
        prefix = "/internal" if operation_of(world, endpoint).permission == INTERNAL else API
        path = case.path.replace("{other}", "0192a000-0000-7000-8000-000000000001")
        assert adapter.match(prefix + path, method=case.method)[0] == endpoint


@pytest.mark.parametrize("endpoint", CASES)
async def test_nobody_in_particular(world: World, endpoint: str) -> None:
    permission = operation_of(world, endpoint).permission
    case, person = CASES[endpoint], await world.person(*CASES[endpoint].roles)

    status = await ask(
        world, case, person, internal=permission == INTERNAL, headers={"X-Real-IP": world.some_address()}
    )

    assert status == (case.status if permission == PUBLIC else 401)


@pytest.mark.parametrize("endpoint", CASES)
async def test_somebody_who_may_not(world: World, endpoint: str) -> None:
    permission = operation_of(world, endpoint).permission
    case, person = CASES[endpoint], await world.person(*CASES[endpoint].roles)
    if permission == INTERNAL:
        bearer = {"Authorization": f"Bearer {person.tokens['access_token']}"}
        elsewhere = world.keys.service_header("gateway", "catalog")
        assert await ask(world, case, person, internal=True, headers=bearer) == 401
        assert await ask(world, case, person, internal=True, headers=elsewhere) == 401
        if "catalog" not in case.callers:
            assert await ask(world, case, person, internal=True, headers=world.neighbour("catalog")) == 403
    elif permission in {PUBLIC, SIGNED_IN}:
        ended = await world.person()
        await world.sql.execute("DELETE FROM users.refresh_families WHERE account_id = $1", ended.id)
        assert await ask(world, case, person, internal=False, headers=ended.headers) == 401
    else:
        customer, editor = await world.person(), await world.person("editor", "viewer")
        assert await ask(world, case, person, internal=False, headers=customer.headers) == 403
        assert await ask(world, case, person, internal=False, headers=editor.headers) == 403


@pytest.mark.parametrize("endpoint", CASES)
async def test_somebody_who_may(world: World, endpoint: str) -> None:
    permission = operation_of(world, endpoint).permission
    case, person = CASES[endpoint], await world.person(*CASES[endpoint].roles)
    if permission == INTERNAL:
        for caller in case.callers:
            assert (
                await ask(world, case, person, internal=True, headers=world.neighbour(caller)) == case.status
            )
    else:
        assert await ask(world, case, person, internal=False, headers=person.headers) == case.status


async def test_the_internal_routes_are_in_no_public_document(world: World) -> None:
    document = (await world.client.get("/api/users/openapi.json")).json()

    assert document["openapi"].startswith("3.1")
    assert all(path.startswith("/api/users/v1/") for path in document["paths"])
    public = [
        case for endpoint, case in CASES.items() if operation_of(world, endpoint).permission != INTERNAL
    ]
    assert sum(len(methods) for methods in document["paths"].values()) == len(public)
