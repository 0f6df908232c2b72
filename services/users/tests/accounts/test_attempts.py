"""A try to sign in by password, in one statement: counted in turn, allowed to its address, and what it reads."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from users_world import World
from vitrine_kit.ids import new_id
from vitrine_users.accounts.addresses import key_of
from vitrine_users.accounts.errors import TooManyFailures
from vitrine_users.accounts.guessing import Guesses

MakeWorld = Callable[..., Any]


def guesses_of(world: World) -> Guesses:
    found: Guesses = world.app.extensions["vitrine_users"].guesses
    return found


def key(email: str) -> str:
    found = key_of(email)
    assert found is not None
    return found


async def test_it_reads_what_a_password_is_checked_against(world: World) -> None:
    person = await world.person()
    stored = await world.sql.fetchval("SELECT password_hash FROM users.accounts WHERE id = $1", person.id)

    for device_id in (None, new_id()):
        found = await guesses_of(world).sign_in_to(
            person.email, key(person.email), world.some_address(), device_id=device_id
        )
        assert (found["id"], found["password_hash"], found["has_factor"]) == (person.id, stored, False)


async def test_of_an_address_that_nobody_has_it_reads_nothing(world: World) -> None:
    for email_key in (key(world.some_email()), ""):
        found = await guesses_of(world).sign_in_to(secrets.token_hex(8), email_key, world.some_address())
        assert (found["id"], found["password_hash"], found["has_factor"]) == (None, None, False)


@pytest.mark.parametrize(
    ("factor", "has_one"),
    [
        ("totp_factors (account_id, sealed_seed, confirmed_at) VALUES ($1, 'x', now())", True),
        ("totp_factors (account_id, sealed_seed) VALUES ($1, 'x')", False),
        (
            "passkeys (id, account_id, credential_id, public_key, sign_count, transports, backed_up, name)"
            " VALUES (gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), 'x', 0, '{}', false, 'key')",
            True,
        ),
    ],
)
async def test_it_knows_who_needs_another_proof(world: World, factor: str, has_one: bool) -> None:
    person = await world.person()
    await world.sql.execute(f"INSERT INTO users.{factor}", person.id)

    found = await guesses_of(world).sign_in_to(person.email, key(person.email), world.some_address())
    assert found["has_factor"] is has_one


async def test_fifty_at_once_are_counted_fifty_times(make_world: MakeWorld) -> None:
    async with make_world(sign_in_burst=3, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, subject, address = guesses_of(world), secrets.token_hex(8), world.some_address()
        answers = await asyncio.gather(
            *(guesses.sign_in_to(subject, "", address) for _ in range(50)), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, TooManyFailures)]
        assert len(refused) == 47
        assert all(900 < int(answer.headers["Retry-After"]) <= 1001 for answer in refused)


async def test_an_address_that_has_used_its_allowance_is_refused_and_a_known_device_is_not(
    make_world: MakeWorld,
) -> None:
    async with make_world(sign_in_burst=1, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, address = guesses_of(world), world.some_address()
        for _ in range(30):
            await guesses.sign_in_to(secrets.token_hex(8), "", address)
        with pytest.raises(TooManyFailures) as caught:
            await guesses.sign_in_to(secrets.token_hex(8), "", address)
        assert 0 < int(caught.value.headers["Retry-After"]) <= 2
        await guesses.sign_in_to(secrets.token_hex(8), "", address, device_id=new_id())


async def test_a_known_device_counts_for_itself(make_world: MakeWorld) -> None:
    async with make_world(sign_in_burst=1, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, subject, address = guesses_of(world), secrets.token_hex(8), world.some_address()
        device = new_id()
        await guesses.sign_in_to(subject, "", address)
        with pytest.raises(TooManyFailures):
            await guesses.sign_in_to(subject, "", address)

        await guesses.sign_in_to(subject, "", address, device_id=device)
        with pytest.raises(TooManyFailures) as caught:
            await guesses.sign_in_to(subject, "", address, device_id=device)
        assert 900 < int(caught.value.headers["Retry-After"]) <= 1001
        await guesses.sign_in_to(subject, "", address, device_id=new_id())


async def test_a_try_that_has_to_wait_uses_no_allowance(make_world: MakeWorld) -> None:
    async with make_world(sign_in_burst=1, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, subject, address = guesses_of(world), secrets.token_hex(8), world.some_address()
        await guesses.sign_in_to(subject, "", address)
        for _ in range(40):
            with pytest.raises(TooManyFailures):
                await guesses.sign_in_to(subject, "", address)
        await guesses.sign_in_to(secrets.token_hex(8), "", address)
