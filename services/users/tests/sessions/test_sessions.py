"""Browser sessions: begun by password, exchanged for short tokens, ended."""

from __future__ import annotations

import asyncio

import pytest
from users_world import API, World


async def test_a_session_is_opaque_and_only_its_digest_is_stored(world: World) -> None:
    person = await world.person()

    begun = await world.begin_session(person.email)

    assert len(begun["session"]) == 43
    assert begun["user"]["id"] == str(person.id)
    assert begun["user"]["permissions"] == []
    rows = await world.sql.fetch("SELECT s::text AS row FROM users.browser_sessions s")
    assert not any(begun["session"] in row["row"] for row in rows)


async def test_each_sign_in_has_a_session_of_its_own(world: World) -> None:
    person = await world.person()

    first, second = await world.begin_session(person.email), await world.begin_session(person.email)

    assert first["session"] != second["session"]


@pytest.mark.parametrize("email", ["nobody@example.com", "no address"])
async def test_a_wrong_password_begins_nothing(world: World, email: str) -> None:
    body = {"email": email, "password": "not the password", "address": world.some_address()}

    answer = await world.client.post("/internal/sessions", json=body, headers=world.neighbour())

    assert answer.status_code == 401
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."


async def test_a_session_is_worth_a_token_that_the_api_takes(world: World) -> None:
    person = await world.person("viewer")
    begun = await world.begin_session(person.email)

    answer = await world.exchange(begun["session"])

    assert answer.status_code == 200
    body = answer.json()
    assert body["expires_in"] == 600
    assert body["token_type"] == "Bearer"
    assert body["session_expires_at"] == begun["expires_at"]
    assert body["user"]["permissions"] == ["catalog:read_drafts"]
    me = await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert me.json() == body["user"]


async def test_a_token_never_outlives_its_session(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    await world.sql.execute(
        "UPDATE users.browser_sessions SET expires_at = now() + interval '90 seconds' WHERE account_id = $1",
        person.id,
    )

    assert 80 <= (await world.exchange(begun["session"])).json()["expires_in"] <= 90


async def test_the_exchange_tells_the_roles_of_now(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    await world.give(person.id, "editor")

    assert (await world.exchange(begun["session"])).json()["user"]["roles"] == ["editor"]


@pytest.mark.parametrize("session", ["x", "A" * 43, "é"])
async def test_an_unknown_session_is_worth_nothing(world: World, session: str) -> None:
    assert (await world.exchange(session)).status_code == 401


async def test_a_session_ends_by_itself(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    token = (await world.exchange(begun["session"])).json()["access_token"]
    await world.sql.execute(
        "UPDATE users.browser_sessions SET expires_at = now() WHERE account_id = $1", person.id
    )

    assert (await world.exchange(begun["session"])).status_code == 401
    assert (
        await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"})
    ).status_code == 401
    await world.begin_session(person.email)
    assert (
        await world.sql.fetchval(
            "SELECT count(*) FROM users.browser_sessions WHERE account_id = $1", person.id
        )
        == 1
    )


async def test_signing_out_ends_the_session_and_its_tokens_at_once(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    token = (await world.exchange(begun["session"])).json()["access_token"]
    body = {"session": begun["session"]}

    answers = await asyncio.gather(
        *(world.client.post("/internal/sessions/end", json=body, headers=world.neighbour()) for _ in range(5))
    )

    assert {answer.status_code for answer in answers} == {204}
    assert (await world.exchange(begun["session"])).status_code == 401
    assert (
        await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"})
    ).status_code == 401
    assert (await world.get(person, "/me")).status_code == 200


@pytest.mark.parametrize("path", ["sessions", "sessions/exchange", "sessions/end", "sign-in-links/redeem"])
async def test_only_the_gateway_deals_in_sessions(world: World, path: str) -> None:
    bodies = {
        "sessions": {"email": "a@example.com", "password": "p"},
        "sign-in-links/redeem": {"token": "t"},
    }
    body = bodies.get(path, {"session": "s"})

    answer = await world.client.post(f"/internal/{path}", json=body, headers=world.neighbour("catalog"))

    assert answer.status_code == 403
