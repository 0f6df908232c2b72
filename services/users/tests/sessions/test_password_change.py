"""The change of a password: its proof, its rules, and the sessions it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from users_world import API, GOOD_PASSWORD, Person, World

NEW_PASSWORD = "seven brass anchors sing"


async def change(world: World, person: Person, **body: Any) -> Any:
    body = {"current_password": GOOD_PASSWORD, "new_password": NEW_PASSWORD, **body}
    return await world.send(person, "POST", "/me/password", json=body)


async def test_a_change_takes_effect_and_ends_every_other_sign_in(world: World) -> None:
    person = await world.person()
    browser = await world.begin_session(person.email)
    elsewhere = (await world.sign_in(person.email)).json()

    assert (await change(world, person)).status_code == 204

    assert (await world.get(person, "/me")).status_code == 200
    assert (await world.exchange(browser["session"])).status_code == 401
    assert (await world.refresh(elsewhere["refresh_token"])).status_code == 401
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 201
    assert (await world.sign_in(person.email)).status_code == 401
    assert (await world.sign_in(person.email, NEW_PASSWORD)).status_code == 201


async def test_the_browser_that_changes_it_stays_signed_in(world: World) -> None:
    person = await world.person()
    browser = await world.begin_session(person.email)
    token = (await world.exchange(browser["session"])).json()["access_token"]

    answer = await world.client.post(
        f"{API}/me/password",
        json={"current_password": GOOD_PASSWORD, "new_password": NEW_PASSWORD},
        headers={"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 204
    assert (await world.exchange(browser["session"])).status_code == 200
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401


async def test_other_sign_ins_stay_where_that_is_asked_for(world: World) -> None:
    person = await world.person()
    browser = await world.begin_session(person.email)

    assert (await change(world, person, end_other_sessions=False)).status_code == 204

    assert (await world.exchange(browser["session"])).status_code == 200


@pytest.mark.parametrize("current", ["not my password at all", None])
async def test_the_current_password_is_needed(world: World, current: str | None) -> None:
    person = await world.person()

    answer = await change(world, person, current_password=current)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "current_password"
    assert (await world.sign_in(person.email)).status_code == 201


async def test_an_account_without_a_password_sets_its_first_one(world: World) -> None:
    person = await world.person()
    await world.sql.execute("UPDATE users.accounts SET password_hash = NULL WHERE id = $1", person.id)
    assert (await world.get(person, "/me")).json()["has_password"] is False

    answer = await world.send(person, "POST", "/me/password", json={"new_password": NEW_PASSWORD})

    assert answer.status_code == 204
    assert (await world.get(person, "/me")).json()["has_password"] is True
    assert (await world.sign_in(person.email, NEW_PASSWORD)).status_code == 201


async def test_a_password_given_for_an_account_without_one_is_wrong(world: World) -> None:
    person = await world.person()
    await world.sql.execute("UPDATE users.accounts SET password_hash = NULL WHERE id = $1", person.id)

    assert (await change(world, person)).status_code == 422


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 15"),
        ("passwordpassword", "common"),
        ("Ann.Example-Ann.Example", "made of your name"),
    ],
)
async def test_a_weak_new_password_is_refused_with_the_reason(
    world: World, password: str, reason: str
) -> None:
    person = await world.person()

    answer = await change(world, person, new_password=password)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "new_password"
    assert reason in answer.json()["errors"][0]["message"]


async def test_of_ten_changes_at_once_from_one_password_one_wins(world: World) -> None:
    person = await world.person()
    passwords = [f"{NEW_PASSWORD} {n}" for n in range(8)]

    answers = await asyncio.gather(*(change(world, person, new_password=password) for password in passwords))

    assert sorted(answer.status_code for answer in answers) == [204] + [422] * 7
    winner = passwords[[answer.status_code for answer in answers].index(204)]
    assert (await world.sign_in(person.email, winner)).status_code == 201


async def test_a_pending_sign_in_link_dies_with_the_old_password(world: World) -> None:
    from vitrine_users.sessions import service

    person = await world.person()
    async with world.app.extensions["vitrine"].database.transaction() as session:
        await service.make_link(session, person.id, ttl_s=1800)

    await change(world, person)

    assert (
        await world.sql.fetchval("SELECT count(*) FROM users.sign_in_links WHERE account_id = $1", person.id)
        == 0
    )
