"""A forgotten password: what the link does, and all that it does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from factors_world import add_app, challenge_of, code_of, second_step
from users_world import API, GOOD_PASSWORD, World

PATH = f"{API}/password-resets"
NEW = "nine calm otters knit"


async def ask(world: World, email: str) -> Any:
    headers = {"X-Real-IP": world.some_address()}
    return await world.client.post(PATH, json={"email": email}, headers=headers)


async def confirm(world: World, token: str, password: str = NEW) -> Any:
    headers = {"X-Real-IP": world.some_address()}
    body = {"token": token, "new_password": password}
    return await world.client.post(f"{PATH}/confirm", json=body, headers=headers)


async def test_the_link_sets_a_password_once(world: World) -> None:
    person = await world.person()
    assert (await ask(world, person.email)).json() == {"status": "check_your_mail", "delivers": False}
    token = await world.link_to(person.email, "reset-password")

    first, second = await confirm(world, token), await confirm(world, token, "another calm otter 9")

    assert (first.status_code, second.status_code) == (204, 410)
    assert (await world.sign_in(person.email)).status_code == 401
    assert (await world.sign_in(person.email, NEW)).status_code == 201
    assert (await world.mails_to(person.email))[-1]["template"] == "password-changed"


async def test_rule_18_a_reset_signs_nobody_in_and_ends_every_sign_in(world: World) -> None:
    person = await world.person()
    session = (await world.begin_session(person.email))["session"]
    await ask(world, person.email)

    answer = await confirm(world, await world.link_to(person.email, "reset-password"))

    assert answer.content == b""
    assert "set-cookie" not in answer.headers
    assert (await world.get(person, "/me")).status_code == 401
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await world.exchange(session)).status_code == 401
    assert (
        await world.sql.fetchval(
            "SELECT count(*) FROM users.browser_sessions WHERE account_id = $1", person.id
        )
        == 0
    )


async def test_rule_18_a_reset_replaces_no_second_factor(world: World) -> None:
    """ASVS 6.4.3: whoever has only the mailbox still lacks what else guards the account."""
    person = await world.person()
    secret = await add_app(world, person)
    half_done = await challenge_of(world, person)
    await ask(world, person.email)
    assert (await confirm(world, await world.link_to(person.email, "reset-password"))).status_code == 204

    signed_in = await world.sign_in(person.email, NEW)
    assert signed_in.json()["type"] == "/problems/factor-required"
    stale = await second_step(world, half_done, "totp", code=code_of(secret))
    assert stale.status_code == 410, "a sign-in begun with the old password ends with it"
    fresh = await second_step(world, signed_in.json()["challenge"], "totp", code=code_of(secret))
    assert fresh.status_code == 201


async def test_rule_13_an_unknown_address_gets_the_same_answer_and_nobody_a_mail(world: World) -> None:
    person, unknown = await world.person(), world.some_email()

    known_answer, unknown_answer = await ask(world, person.email), await ask(world, unknown)

    def comparable(answer: Any) -> Any:
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        return answer.status_code, answer.content, headers

    assert comparable(known_answer) == comparable(unknown_answer)
    assert await world.mails_to(unknown) == []


@pytest.mark.parametrize("password", ["short", "passwordpassword", "a" * 20])
async def test_a_refused_password_leaves_the_link_alive(world: World, password: str) -> None:
    person = await world.person()
    await ask(world, person.email)
    token = await world.link_to(person.email, "reset-password")

    refused = await confirm(world, token, password)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "new_password"
    assert (await confirm(world, token)).status_code == 204


async def test_a_password_too_weak_for_anybody_is_refused_whatever_the_link_is(world: World) -> None:
    assert (await confirm(world, "no-such-link", "short")).status_code == 422


async def test_rule_15_the_link_ends_after_thirty_minutes(world: World) -> None:
    person = await world.person()
    await ask(world, person.email)
    life = "SELECT expires_at - created_at FROM users.link_tokens WHERE person_id = $1 AND purpose = 'reset-password'"
    assert (await world.sql.fetchval(life, person.id)).total_seconds() == 1800
    token = await world.link_to(person.email, "reset-password")
    await world.sql.execute("UPDATE users.link_tokens SET expires_at = now() WHERE person_id = $1", person.id)

    assert (await confirm(world, token)).status_code == 410


async def test_rule_15_a_link_to_nobody_is_never_alive(world: World) -> None:
    await ask(world, world.some_email())

    alive = (
        "SELECT count(*) FROM users.link_tokens WHERE person_id IS NULL AND expires_at > clock_timestamp()"
    )
    assert await world.sql.fetchval(alive) == 0


async def test_rule_46_of_fifty_resets_at_once_one_wins(world: World) -> None:
    person = await world.person()
    await ask(world, person.email)
    token = await world.link_to(person.email, "reset-password")

    answers = await asyncio.gather(*(confirm(world, token) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [204] + [410] * 49
    mails = [mail["template"] for mail in await world.mails_to(person.email)]
    assert mails.count("password-changed") == 1


async def test_a_reset_confirms_the_address_it_was_mailed_to(world: World) -> None:
    account_id, email = await world.registered()
    await ask(world, email)
    await confirm(world, await world.link_to(email, "reset-password"))

    assert await world.sql.fetchval("SELECT email_verified_at FROM users.accounts WHERE id = $1", account_id)


async def test_rule_12_resets_of_one_address_are_limited_known_or_not(make_world: Any) -> None:
    async with make_world(mail_burst=2, mail_wait_s=60) as world:
        account_id, email = await world.registered()
        assert account_id
        known = [(await ask(world, email)).status_code for _ in range(2)]
        unknown = [(await ask(world, "nobody-here@example.com")).status_code for _ in range(3)]

    assert known == [202, 429], "the mail of the registration counts too"
    assert unknown == [202, 202, 429]


async def test_a_changed_password_is_told_by_mail(world: World) -> None:
    person = await world.person()
    body = {"current_password": GOOD_PASSWORD, "new_password": NEW}
    assert (await world.send(person, "POST", "/me/password", json=body)).status_code == 204

    assert (await world.mails_to(person.email))[-1]["template"] == "password-changed"
