"""Changing the address: the old one works until the new one is confirmed, and both are told."""

from __future__ import annotations

import asyncio
from typing import Any

from users_world import API, GOOD_PASSWORD, Person, World


async def ask(world: World, person: Person, email: str, password: str | None = GOOD_PASSWORD) -> Any:
    body = {"email": email, **({"password": password} if password else {})}
    return await world.send(person, "POST", "/me/address", json=body)


async def confirm(world: World, token: str) -> Any:
    return await world.client.post(f"{API}/address-changes/confirm", json={"token": token})


async def test_rule_31_the_old_address_works_until_the_new_one_is_confirmed(world: World) -> None:
    person, new = await world.person(), world.some_email()

    assert (await ask(world, person, new)).status_code == 202
    assert (await world.sign_in(person.email)).status_code == 201
    assert (await world.sign_in(new)).status_code == 401
    token = await world.link_to(new, "change-address")
    done = await confirm(world, token)

    assert (done.status_code, done.json()) == (200, {"email": new})
    assert (await world.sign_in(person.email)).status_code == 401
    assert (await world.sign_in(new)).status_code == 201
    assert (await world.get(person, "/me")).json()["email_verified"] is True


async def test_rule_31_both_addresses_are_told(world: World) -> None:
    person, new = await world.person(), world.some_email()

    await ask(world, person, new)
    warned = (await world.mails_to(person.email))[-1]
    await confirm(world, await world.link_to(new, "change-address"))

    assert warned["template"] == "address-change-requested"
    assert new in warned["text"]
    assert "change-address/" not in warned["text"], "the old address gets no link to confirm with"
    for email in (person.email, new):
        last = (await world.mails_to(email))[-1]
        assert last["template"] == "address-changed"
        assert person.email in last["text"]
        assert new in last["text"]


async def test_rule_31_older_links_die_with_the_change(world: World) -> None:
    person, new = await world.person(), world.some_email()
    await world.client.post(f"{API}/password-resets", json={"email": person.email})
    reset = await world.link_to(person.email, "reset-password")
    await ask(world, person, new)

    await confirm(world, await world.link_to(new, "change-address"))

    body = {"token": reset, "new_password": "nine calm otters knit"}
    assert (await world.client.post(f"{API}/password-resets/confirm", json=body)).status_code == 410
    assert (
        await world.sql.fetchval("SELECT count(*) FROM users.link_tokens WHERE person_id = $1", person.id)
        == 0
    )


async def test_rule_30_the_change_needs_the_password(world: World) -> None:
    person, new = await world.person(), world.some_email()

    for password in (None, "not my password at all"):
        answer = await ask(world, person, new, password)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "password"
    assert await world.mails_to(new) == []


async def test_rule_13_somebody_elses_address_gets_the_same_answer_and_no_link(world: World) -> None:
    person, other = await world.person(), await world.person(name="Other Owner")

    answer = await ask(world, person, other.email)

    assert (answer.status_code, answer.json()) == (202, {"status": "check_your_mail", "delivers": False})
    last = (await world.mails_to(other.email))[-1]
    assert last["template"] == "address-taken"
    assert "change-address/" not in last["text"]
    assert person.email not in last["text"], "nor whose wish it was"


async def test_an_address_that_somebody_took_meanwhile_is_refused(world: World) -> None:
    person, new = await world.person(), world.some_email()
    await ask(world, person, new)
    token = await world.link_to(new, "change-address")
    await world.registered(email=new)

    assert (await confirm(world, token)).status_code == 409
    assert (await world.get(person, "/me")).json()["email"] == person.email


async def test_a_password_reset_stops_a_change_that_waits(world: World) -> None:
    person, new = await world.person(), world.some_email()
    await ask(world, person, new)
    token = await world.link_to(new, "change-address")
    await world.client.post(f"{API}/password-resets", json={"email": person.email})
    body = {
        "token": await world.link_to(person.email, "reset-password"),
        "new_password": "nine calm otters knit",
    }
    assert (await world.client.post(f"{API}/password-resets/confirm", json=body)).status_code == 204

    assert (await confirm(world, token)).status_code == 410


async def test_rule_46_of_fifty_confirmations_at_once_one_wins(world: World) -> None:
    person, new = await world.person(), world.some_email()
    await ask(world, person, new)
    token = await world.link_to(new, "change-address")

    answers = await asyncio.gather(*(confirm(world, token) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 49
