"""Routes and who is asking: anonymous, signed in, not allowed, a neighbour, and a users service that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from flask import Flask, Response, jsonify
from pydantic import SecretStr
from vitrine_kit import auth, problems
from vitrine_kit.problems import Unavailable
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import PUBLIC_URL, Keys, serving

KEYS = Keys.generate()


class JwkSet:
    """Where the app under test has its keys from."""

    away = False

    async def __call__(self) -> Mapping[str, Any]:
        if self.away:
            raise Unavailable("away")
        return KEYS.jwks()


def make_app(jwks: JwkSet | None) -> Flask:
    app = Flask("doors")
    settings = ServiceSettings(
        secret_key=SecretStr("0123456789abcdef0123456789abcdef"),
        public_url=PUBLIC_URL,
        neighbour_keys=KEYS.neighbour_keys(),
    )
    problems.register(app)
    auth.register(app, settings, "catalog", jwks=jwks)

    def told(principal: Any) -> Response:
        return jsonify(who=getattr(principal, "name", None))

    @app.get("/door/<permission>")
    async def door(permission: str) -> Response:
        return told(await auth.authorize(permission))

    @app.get("/sync/current")
    def sync_current() -> Response:
        first = auth.current_principal()
        assert auth.current_principal() is first
        return told(first)

    @app.get("/sync/write")
    def sync_write() -> Response:
        return told(auth.require("catalog:write"))

    @app.get("/for/users")
    def for_users() -> Response:
        return told(auth.require_service("users"))

    @app.get("/narrowed")
    async def narrowed() -> Response:
        principal = await auth.authenticate()
        assert principal is not None
        auth.set_principal(replace(principal, permissions=frozenset()))
        return told(await auth.authorize("catalog:write"))

    return app


@pytest.fixture(scope="module")
def jwks() -> JwkSet:
    return JwkSet()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def doors(jwks: JwkSet) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(make_app(jwks)) as client:
        yield client


@pytest.mark.parametrize("path", ["/door/public", "/sync/current"])
async def test_anybody_passes_a_public_door(doors: httpx.AsyncClient, path: str) -> None:
    anonymous = await doors.get(path)
    named = await doors.get(path, headers=KEYS.bearer(name="Ada"))

    assert (anonymous.status_code, anonymous.json()) == (200, {"who": None})
    assert (named.status_code, named.json()) == (200, {"who": "Ada"})


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Bearer ", "Basic YTpi", "", "nonsense"])
@pytest.mark.parametrize("path", ["/door/public", "/sync/current", "/door/signed-in"])
async def test_a_bad_token_is_never_silently_anonymous(
    doors: httpx.AsyncClient, path: str, header: str
) -> None:
    answer = await doors.get(path, headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_the_scheme_is_read_in_any_case(doors: httpx.AsyncClient) -> None:
    answer = await doors.get("/door/signed-in", headers={"Authorization": f"bEARER  {KEYS.token()}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/door/signed-in", "/door/catalog:write", "/sync/write"])
async def test_other_doors_ask_for_a_token(doors: httpx.AsyncClient, path: str) -> None:
    answer = await doors.get(path)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/door/catalog:write", "/sync/write"])
async def test_a_permission_is_asked_for(doors: httpx.AsyncClient, path: str) -> None:
    without = await doors.get(path, headers=KEYS.bearer("users:read"))
    having = await doors.get(path, headers=KEYS.bearer("users:read", "catalog:write"))

    assert (without.status_code, without.json()["permission"]) == (403, "catalog:write")
    assert having.status_code == 200


async def test_the_words_for_kinds_of_doors_are_no_permissions(doors: httpx.AsyncClient) -> None:
    answer = await doors.get("/door/internal", headers=KEYS.bearer("internal", "public", "signed-in"))
    assert answer.status_code == 401


async def test_neighbours_pass_the_internal_door(doors: httpx.AsyncClient) -> None:
    answer = await doors.get("/door/internal", headers=KEYS.service_header("gateway", "catalog"))
    wrong = await doors.get("/door/internal", headers=KEYS.service_header("gateway", "users"))
    nonsense = await doors.get("/door/internal", headers={"X-Vitrine-Service": "nonsense"})

    assert (answer.status_code, answer.json()) == (200, {"who": "gateway"})
    assert (wrong.status_code, nonsense.status_code) == (401, 401)


async def test_an_internal_door_may_be_for_one_neighbour(doors: httpx.AsyncClient) -> None:
    right = await doors.get("/for/users", headers=KEYS.service_header("users", "catalog"))
    other = await doors.get("/for/users", headers=KEYS.service_header("gateway", "catalog"))

    assert (right.status_code, other.status_code) == (200, 403)


async def test_what_the_token_says_can_be_narrowed(doors: httpx.AsyncClient) -> None:
    answer = await doors.get("/narrowed", headers=KEYS.bearer("catalog:write"))
    assert answer.status_code == 403


class Users:
    """The users service as a neighbour: it answers, or not as it should."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)

    async def get(self, path: str) -> httpx.Response:
        assert path == "/internal/jwks"
        return self.answers.pop(0)


async def test_the_keys_come_from_the_users_service() -> None:
    app = make_app(None)
    app.extensions["vitrine"] = SimpleNamespace(neighbours={})
    async with serving(app) as client:
        assert (await client.get("/door/signed-in", headers=KEYS.bearer())).status_code == 503
    answers = httpx.Response(404, json={"title": "no"}), httpx.Response(200, json=KEYS.jwks())
    app = make_app(None)
    app.extensions["vitrine"] = SimpleNamespace(neighbours={"users": Users(*answers)})
    async with serving(app) as client:
        assert (await client.get("/door/signed-in", headers=KEYS.bearer())).status_code == 503
        async with asyncio.timeout(10):
            while (await client.get("/door/signed-in", headers=KEYS.bearer())).status_code != 200:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("path", ["/door/public", "/sync/current", "/door/catalog:write"])
async def test_without_keys_a_token_cannot_be_judged(path: str) -> None:
    jwks = JwkSet()
    jwks.away = True
    async with serving(make_app(jwks)) as client:
        shown = await client.get(path, headers=KEYS.bearer("catalog:write"))
        public = await client.get("/door/public")

    assert shown.status_code == 503
    assert int(shown.headers["Retry-After"]) >= 1
    assert public.status_code == 200
