"""Confirming an address: once, by its own link, and without telling strangers anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from users_world import API, World

PATH = f"{API}/email-verifications"


async def confirm(world: World, token: str) -> Any:
    return await world.client.post(f"{PATH}/confirm", json={"token": token})


async def is_verified(world: World, account_id: Any) -> bool:
    found = "SELECT email_verified_at IS NOT NULL FROM users.accounts WHERE id = $1"
    return bool(await world.sql.fetchval(found, account_id))


async def test_rule_15_the_link_confirms_its_address_once(world: World) -> None:
    """ASVS 11.5.1: 256 random bits, of which only the digest is stored."""
    account_id, email = await world.registered()
    token = await world.link_to(email, "verify-email")

    assert len(token) == 43
    rows = await world.sql.fetch("SELECT t::text AS row FROM users.link_tokens t")
    assert token not in "".join(row["row"] for row in rows)
    first, second = await confirm(world, token), await confirm(world, token)

    assert (first.status_code, first.json()) == (200, {"email": email})
    assert second.status_code == 410
    assert await is_verified(world, account_id)


async def test_rule_46_of_fifty_confirmations_at_once_one_wins(world: World) -> None:
    _account_id, email = await world.registered()
    token = await world.link_to(email, "verify-email")

    answers = await asyncio.gather(*(confirm(world, token) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 49


async def test_rule_17_reading_the_address_of_the_link_consumes_nothing(world: World) -> None:
    _account_id, email = await world.registered()
    token = await world.link_to(email, "verify-email")

    for method in ("GET", "HEAD"):
        answer = await world.client.request(method, f"{PATH}/confirm?token={token}")
        assert answer.status_code == 405

    assert (await confirm(world, token)).status_code == 200


@pytest.mark.parametrize("purpose", ["reset-password", "change-address", "keep-account"])
async def test_rule_15_a_link_for_something_else_confirms_nothing(world: World, purpose: str) -> None:
    account_id, email = await world.registered()
    token = await world.link_to(email, "verify-email")
    await world.sql.execute(
        "UPDATE users.link_tokens SET purpose = $1 WHERE person_id = $2", purpose, account_id
    )

    assert (await confirm(world, token)).status_code == 410
    assert not await is_verified(world, account_id)


async def test_rule_15_a_link_ends_after_its_time(world: World) -> None:
    account_id, email = await world.registered()
    token = await world.link_to(email, "verify-email")
    await world.sql.execute(
        "UPDATE users.link_tokens SET expires_at = now() WHERE person_id = $1", account_id
    )

    assert (await confirm(world, token)).status_code == 410
    assert not await is_verified(world, account_id)


async def test_a_new_link_takes_the_older_ones_place(world: World) -> None:
    _account_id, email = await world.registered()
    old = await world.link_to(email, "verify-email")

    assert (await world.client.post(PATH, json={"email": email})).status_code == 202
    new = await world.link_to(email, "verify-email")

    assert new != old
    assert (await confirm(world, old)).status_code == 410
    assert (await confirm(world, new)).status_code == 200


async def test_rule_13_asking_again_tells_nobody_whose_address_waits(world: World) -> None:
    _account_id, waits = await world.registered()
    person = await world.person()
    before = len(await world.mails_to(person.email))

    answers = [
        await world.client.post(PATH, json={"email": email})
        for email in (waits, person.email, world.some_email())
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {
        (202, '{"status":"check_your_mail","delivers":false}')
    }
    assert len(await world.mails_to(waits)) == 2
    assert len(await world.mails_to(person.email)) == before, "a confirmed address gets no further link"


async def test_rule_12_trying_links_is_limited(make_world: Any) -> None:
    async with make_world(sign_in_burst=1) as world:
        headers = {"X-Real-IP": world.some_address()}
        answers = [
            await world.client.post(f"{PATH}/confirm", json={"token": f"guess-{n}"}, headers=headers)
            for n in range(40)
        ]

    assert answers[0].status_code == 410
    assert answers[-1].status_code == 429


async def test_rule_19_a_forged_host_changes_no_link(world: World) -> None:
    """The address in a mail comes from the settings."""
    email = world.some_email()
    body = {"email": email, "password": "quilt harbour nine lamps", "name": "Ann"}
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Real-IP": world.some_address()}

    answer = await world.client.post(f"{API}/registrations", json=body, headers=headers)

    assert answer.status_code == 202
    [mail] = await world.mails_to(email)
    assert "evil.example" not in mail["text"] + mail["html"]
    assert "http://localhost:8080/verify-email/" in mail["text"]
