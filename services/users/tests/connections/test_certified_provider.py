"""The whole way with a certified provider in a process of its own: its forms, its tokens, its cookies."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from certified import CLIENT_ID, CLIENT_SECRET, certified_provider, install, sign_in_there
from connections_world import Visitor
from users_world import World

REDIRECT_URI = "http://localhost:8080/sign-in/with/certified/callback"
MakeWorld = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = install(tmp_path_factory.mktemp("certified"))
    with certified_provider(folder, REDIRECT_URI) as found:
        yield found


def offered(issuer: str) -> list[dict[str, Any]]:
    return [
        {
            "slug": "certified",
            "name": "Certified",
            "issuer": issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
    ]


async def round_trip(
    visitor: Visitor, login: str, client: httpx.AsyncClient, purpose: str = "sign-in"
) -> httpx.Response:
    url = await visitor.leave("certified", purpose)
    back = await sign_in_there(url, login, REDIRECT_URI, client)
    return await visitor.come_back("certified", dict(back.params))


async def test_rule_42_somebody_signs_in_comes_again_connects_and_confirms(
    make_world: MakeWorld, issuer: str
) -> None:
    login = f"ann-{secrets.token_hex(4)}"
    async with make_world(oidc_providers=offered(issuer)) as world, httpx.AsyncClient() as client:
        visitor = Visitor(world)
        first = await round_trip(visitor, login, client)
        assert first.status_code == 200, first.text
        user = first.json()["begun"]["user"]
        assert user["email"] == f"{login}@provider.example"
        assert (user["name"], user["locale"]) == (f"{login} of the provider", "de")

        again = await round_trip(visitor, login, client)
        assert again.json()["begun"]["user"]["id"] == user["id"]

        visitor.session = again.json()["begun"]["session"]
        confirmed = await round_trip(visitor, login, client, "confirm")
        assert confirmed.status_code == 200, confirmed.text

        person = await world.person()
        other = Visitor(world, session=(await world.begin_session(person.email))["session"])
        async with httpx.AsyncClient() as elsewhere:
            connected = await round_trip(other, f"bob-{login}", elsewhere, "connect")
        assert connected.status_code == 200, connected.text
        (connection,) = (await world.get(person, "/me/connections")).json()["items"]
        assert connection["label"] == f"bob-{login}@provider.example"


async def test_an_unconfirmed_address_and_none_make_no_account(make_world: MakeWorld, issuer: str) -> None:
    async with make_world(oidc_providers=offered(issuer)) as world:
        for login in ("unsure-one", "nobody-one"):
            async with httpx.AsyncClient() as client:
                assert (await round_trip(Visitor(world), login, client)).status_code == 403


async def test_somebody_who_changes_their_mind_is_refused_and_a_code_is_good_once(
    make_world: MakeWorld, issuer: str
) -> None:
    async with make_world(oidc_providers=offered(issuer)) as world, httpx.AsyncClient() as client:
        visitor = Visitor(world)
        back = await sign_in_there(
            await visitor.leave("certified"), f"ann-{secrets.token_hex(4)}", REDIRECT_URI, client
        )
        params = dict(back.params)
        assert params["iss"] == issuer
        url = await visitor.leave("certified")
        state = dict(httpx.URL(url).params)["state"]
        assert (await visitor.come_back("certified", params)).status_code == 200
        replayed = {**params, "state": state}
        assert (await visitor.come_back("certified", replayed)).status_code == 403, "the code is spent"
        denied = {"error": "access_denied", "state": dict(httpx.URL(await visitor.leave("certified")).params)["state"],
                  "iss": issuer}  # fmt: skip
        assert (await visitor.come_back("certified", denied)).status_code == 403
