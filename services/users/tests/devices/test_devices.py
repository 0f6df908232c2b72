"""Remembered devices: kept out by nobody, trusted on request, listed, forgotten, never enough for staff."""

from __future__ import annotations

from typing import Any

import pytest
from factors_world import add_app, browser_sign_in, code_of, internal, let_codes_pass, mails_of
from users_world import Person, World
from vitrine_users.housekeeping import go_round


async def trusted_device(world: World, person: Person, secret: str) -> str:
    """A device that was trusted after a second factor."""
    pending = await browser_sign_in(world, person)
    body = {
        "challenge": pending.json()["challenge"],
        "method": "totp",
        "code": code_of(secret),
        "trust": True,
    }
    begun = await internal(world, "sessions/second-step", **body)
    assert begun.status_code == 201, begun.text
    await let_codes_pass(world, person)
    found: str = begun.json()["device"]
    return found


async def test_a_browser_is_known_after_a_sign_in_and_only_its_digest_is_stored(world: World) -> None:
    person = await world.person()

    first = (await browser_sign_in(world, person)).json()
    again = (await browser_sign_in(world, person, device=first["device"])).json()

    assert len(first["device"]) == 43
    assert again["device"] is None, "it keeps the one it has"
    rows = await world.sql.fetch("SELECT d::text AS row FROM users.remembered_devices d")
    assert not any(first["device"] in row["row"] for row in rows)


async def test_rule_10_a_known_device_is_not_kept_out_by_failures_elsewhere(world: World) -> None:
    person, address = await world.person(), world.some_address()
    device = (await browser_sign_in(world, person)).json()["device"]
    for _ in range(11):
        await browser_sign_in(world, person, address=address, password="wrong wrong wrong")

    stranger = await browser_sign_in(world, person, address=address)
    known = await browser_sign_in(world, person, address=address, device=device)

    assert (stranger.status_code, known.status_code) == (429, 201)


async def test_a_known_device_guesses_no_more_often_than_others(world: World) -> None:
    person = await world.person()
    device = (await browser_sign_in(world, person)).json()["device"]

    answers = [
        await browser_sign_in(world, person, device=device, password="wrong wrong wrong") for _ in range(11)
    ]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]


async def test_another_accounts_device_is_known_to_nobody_else(world: World) -> None:
    person, other, address = await world.person(), await world.person(), world.some_address()
    foreign = (await browser_sign_in(world, other)).json()["device"]
    for _ in range(11):
        await browser_sign_in(world, person, address=address, password="wrong wrong wrong", device=foreign)

    assert (await browser_sign_in(world, person, address=address, device=foreign)).status_code == 429


async def test_a_trusted_device_is_asked_for_the_password_only_and_begins_one_factor(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    device = await trusted_device(world, person, secret)

    begun = await browser_sign_in(world, person, device=device)

    assert begun.status_code == 201
    assert (await world.exchange(begun.json()["session"])).json()["assurance"] == 1
    assert (await browser_sign_in(world, person)).status_code == 202


async def test_a_device_that_is_only_known_is_asked_for_both(world: World) -> None:
    person = await world.person()
    device = (await browser_sign_in(world, person)).json()["device"]
    await add_app(world, person)

    assert (await browser_sign_in(world, person, device=device)).status_code == 202


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_who_runs_the_shop_is_asked_for_both_on_every_device(make_world: Any, role: str) -> None:
    async with make_world(require_factor=True) as world:
        person = await world.person()
        secret = await add_app(world, person)
        device = await trusted_device(world, person, secret)
        await world.give(person.id, role)

        assert (await browser_sign_in(world, person, device=device)).status_code == 202


async def test_trust_ends_after_30_days(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    device = await trusted_device(world, person, secret)
    left = await world.sql.fetchval(
        "SELECT max(expires_at) - now() FROM users.remembered_devices WHERE account_id = $1 AND trusted",
        person.id,
    )
    assert left.days <= 30
    await world.sql.execute(
        "UPDATE users.remembered_devices SET expires_at = now() WHERE account_id = $1", person.id
    )

    assert (await browser_sign_in(world, person, device=device)).status_code == 202


async def test_devices_are_listed_and_forgotten(world: World) -> None:
    person, other = await world.person(), await world.person()
    secret = await add_app(world, person)
    device = await trusted_device(world, person, secret)
    listed = (await world.get(person, "/me/devices")).json()["items"]
    assert [found["trusted"] for found in listed] == [True]
    path = f"/me/devices/{listed[0]['id']}"

    foreign = await world.send(other, "DELETE", path)
    done = await world.send(person, "DELETE", path)
    again = await world.send(person, "DELETE", path)

    assert [answer.status_code for answer in (foreign, done, again)] == [404, 204, 404]
    assert (await browser_sign_in(world, person, device=device)).status_code == 202


async def test_a_password_change_makes_every_device_a_stranger(world: World) -> None:
    person = await world.person()
    secret = await add_app(world, person)
    device = await trusted_device(world, person, secret)
    body = {"current_password": person.password, "new_password": "seven brass anchors sing"}
    assert (await world.send(person, "POST", "/me/password", json=body)).status_code == 204

    answer = await browser_sign_in(world, person, device=device, password="seven brass anchors sing")

    assert answer.status_code == 202


async def test_a_sign_in_with_another_browser_is_told_to_the_accounts_owner(world: World) -> None:
    person = await world.person()
    first = (await browser_sign_in(world, person)).json()["device"]
    assert await mails_of(world, person) == []
    await browser_sign_in(world, person, device=first)
    assert await mails_of(world, person) == []

    await browser_sign_in(world, person, user_agent="Another browser")

    assert await mails_of(world, person) == ["new-sign-in"]


async def test_what_is_over_is_dropped_by_the_round_of_the_worker(world: World) -> None:
    person = await world.person()
    await add_app(world, person)
    await browser_sign_in(world, person)
    await browser_sign_in(world, person, password="wrong wrong wrong")
    await internal(world, "sessions/passkey/options", address=world.some_address())
    tables = ("pending_sign_ins", "passkey_challenges", "remembered_devices")
    for table in tables:
        await world.sql.execute(f"UPDATE users.{table} SET expires_at = now() - interval '1 second'")
    await world.sql.execute("UPDATE users.failed_tries SET forget_at = now() - interval '1 second'")

    await go_round(world.app.extensions["vitrine"].database)

    for table in (*tables, "failed_tries"):
        assert await world.sql.fetchval(f"SELECT count(*) FROM users.{table}") == 0, table
