"""How long a sign-in lasts, by how it was proved; held by the server, whatever a cookie says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from factors_world import add_app, browser_sign_in, challenge_of, code_of, internal, second_step
from users_world import Person, World


async def two_factor_session(world: World, person: Person) -> dict[str, Any]:
    secret = await add_app(world, person)
    pending = (await browser_sign_in(world, person)).json()
    begun = await internal(
        world, "sessions/second-step", challenge=pending["challenge"], method="totp", code=code_of(secret)
    )
    assert begun.status_code == 201, begun.text
    found: dict[str, Any] = begun.json()
    return found


def lasts(text: str) -> timedelta:
    return datetime.fromisoformat(text) - datetime.now(UTC)


async def test_rule_27_a_session_of_one_proof_lasts_30_days_at_most(world: World) -> None:
    person = await world.person()

    begun = (await browser_sign_in(world, person)).json()

    assert timedelta(days=29) < lasts(begun["expires_at"]) <= timedelta(days=30)


async def test_rule_27_a_session_of_two_proofs_lasts_a_day_at_most(world: World) -> None:
    person = await world.person()

    begun = await two_factor_session(world, person)

    assert timedelta(hours=23) < lasts(begun["expires_at"]) <= timedelta(hours=24)


async def test_rule_27_a_session_of_two_proofs_ends_after_an_hour_unused(world: World) -> None:
    person = await world.person()
    begun = await two_factor_session(world, person)
    token = (await world.exchange(begun["session"])).json()["access_token"]
    age = (
        "UPDATE users.browser_sessions SET seen_at = now() - make_interval(mins => $2) WHERE account_id = $1"
    )

    await world.sql.execute(age, person.id, 59)
    assert (await world.exchange(begun["session"])).status_code == 200, "it was in use just in time"
    await world.sql.execute(age, person.id, 61)

    assert (await world.exchange(begun["session"])).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    assert (await world.client.get("/api/users/v1/me", headers=headers)).status_code == 401
    renewed = await internal(world, "sessions/renew", session=begun["session"])
    assert renewed.status_code == 401


async def test_using_a_session_keeps_it_from_being_idle(world: World) -> None:
    person = await world.person()
    begun = await two_factor_session(world, person)
    age = (
        "UPDATE users.browser_sessions SET seen_at = now() - make_interval(mins => 40) WHERE account_id = $1"
    )
    for _ in range(3):
        await world.sql.execute(age, person.id)
        assert (await world.exchange(begun["session"])).status_code == 200


async def test_a_session_of_one_proof_may_lie_unused(world: World) -> None:
    person = await world.person()
    begun = (await browser_sign_in(world, person)).json()
    await world.sql.execute(
        "UPDATE users.browser_sessions SET seen_at = now() - interval '20 days' WHERE account_id = $1",
        person.id,
    )

    assert (await world.exchange(begun["session"])).status_code == 200


@pytest.mark.parametrize(("age", "status"), [("23 hours", 200), ("25 hours", 401)])
async def test_rule_27_a_proof_again_gives_a_session_of_two_proofs_no_more_than_a_day(
    world: World, age: str, status: int
) -> None:
    person = await world.person()
    begun = await two_factor_session(world, person)
    confirmed = await internal(
        world,
        "sessions/confirm",
        session=begun["session"],
        method="password",
        password=person.password,
        address=world.some_address(),
    )
    session = confirmed.json()["session"]
    await world.sql.execute(
        f"UPDATE users.browser_sessions SET expires_at = expires_at - interval '{age}' WHERE account_id = $1",
        person.id,
    )

    assert (await world.exchange(session)).status_code == status


async def test_rule_27_a_sign_in_by_api_with_two_proofs_ends_in_the_same_way(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    tokens = (
        await second_step(world, await challenge_of(world, person), "totp", code=code_of(secret))
    ).json()
    assert tokens["refresh_expires_in"] <= 86400
    await world.sql.execute(
        "UPDATE users.refresh_families SET created_at = now() - interval '61 minutes' WHERE account_id = $1",
        person.id,
    )

    assert (await world.refresh(tokens["refresh_token"])).status_code == 401
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.client.get("/api/users/v1/me", headers=headers)).status_code == 401
