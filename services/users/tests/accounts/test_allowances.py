"""What an address, a mailbox and a person may ask for: how many at once, how often, and each for itself."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from users_world import World
from vitrine_kit.ids import new_id
from vitrine_users.accounts.errors import TooManyFailures
from vitrine_users.accounts.guessing import Guesses
from vitrine_users.secrets import derive_key, keyed_digest

MakeWorld = Callable[..., Any]


def guesses_of(world: World) -> Guesses:
    found: Guesses = world.app.extensions["vitrine_users"].guesses
    return found


def stored(world: World, kind: str, subject: str) -> bytes:
    """Under which key the allowance of this is kept: not told by the table, nor changed by a release."""
    settings = world.app.extensions["vitrine_users"].settings
    key = derive_key(settings.secret_key.get_secret_value(), "rate-limits")
    return hashlib.sha256(f"{kind}:{keyed_digest(key, subject).hex()}".encode()).digest()


async def spent_s(world: World, kind: str, subject: str) -> float | None:
    """In how many seconds the allowance of this is whole again."""
    found: float | None = await world.sql.fetchval(
        "SELECT extract(epoch FROM even_at - clock_timestamp())::float8 FROM users.rate_limit WHERE key = $1",
        stored(world, kind, subject),
    )
    return found


async def taken(step: Callable[[], Awaitable[None]]) -> int:
    """How many times this could be done before the first refusal, of 20."""
    for count in range(20):
        try:
            await step()
        except TooManyFailures:
            return count
    return 20


@pytest.fixture
def subject() -> str:
    return secrets.token_hex(8)


async def test_an_address_regains_a_try_each_second_of_thirty_times_the_burst(
    make_world: MakeWorld, subject: str
) -> None:
    async with make_world(sign_in_burst=1) as world:
        guesses = guesses_of(world)
        await guesses.from_address(subject)
        spent = await spent_s(world, "address", subject)
        assert spent is not None
        assert 0 < spent <= 1

        for already_s, refused in ((28.9, False), (29.95, True)):
            await world.sql.execute(
                "UPDATE users.rate_limit SET even_at = clock_timestamp() + make_interval(secs => $1) WHERE key = $2",
                already_s,
                stored(world, "address", subject),
            )
            if refused:
                with pytest.raises(TooManyFailures):
                    await guesses.from_address(subject)
            else:
                await guesses.from_address(subject)


async def test_registrations_are_counted_by_address(make_world: MakeWorld, subject: str) -> None:
    async with make_world(registration_burst=3, registration_wait_s=1000) as world:
        guesses = guesses_of(world)
        assert await taken(lambda: guesses.registration(subject)) == 3
        assert await taken(lambda: guesses.registration(subject + "x")) == 3
        spent = await spent_s(world, "registration", subject)

    assert spent is not None
    assert 2900 < spent <= 3000


async def test_mails_are_counted_by_mailbox_and_by_who_asks(make_world: MakeWorld, subject: str) -> None:
    async with make_world(
        mail_burst=2, mail_wait_s=1000, registration_burst=5, registration_wait_s=500
    ) as world:
        guesses = guesses_of(world)
        assert await taken(lambda: guesses.mail(subject, subject)) == 2, "one mailbox"
        others = [f"{subject}-{n}" for n in range(20)]
        assert await taken(lambda: guesses.mail(others.pop(), subject)) == 3, "five from one address in all"
        by_box, by_address = await spent_s(world, "mail", subject), await spent_s(world, "mail-from", subject)

    assert by_box is not None
    assert by_address is not None
    assert 1900 < by_box <= 2000
    assert 2400 < by_address <= 2500


async def test_what_costs_us_much_is_counted_by_person(make_world: MakeWorld, subject: str) -> None:
    async with make_world(mail_burst=2, mail_wait_s=1000) as world:
        guesses = guesses_of(world)
        assert await taken(lambda: guesses.costly(subject)) == 2
        assert await taken(lambda: guesses.costly(subject + "x")) == 2
        spent = await spent_s(world, "costly", subject)

    assert spent is not None
    assert 1900 < spent <= 2000


async def test_a_known_device_has_tries_of_its_own_and_a_success_forgets_them(
    make_world: MakeWorld, subject: str
) -> None:
    async with make_world(sign_in_burst=2, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, device, other = guesses_of(world), new_id(), new_id()

        assert await taken(lambda: guesses.sign_in(subject, "10.0.0.1")) == 2
        assert await taken(lambda: guesses.sign_in(subject, "10.0.0.1", device_id=device)) == 2
        assert await taken(lambda: guesses.sign_in(subject + "x", "10.0.0.1", device_id=device)) == 2
        assert await taken(lambda: guesses.sign_in(subject, "10.0.0.1", device_id=other)) == 2
        await guesses.succeeded(subject, "10.0.0.1", device_id=device)
        assert await taken(lambda: guesses.sign_in(subject, "10.0.0.1", device_id=device)) == 2
        assert await taken(lambda: guesses.sign_in(subject, "10.0.0.1", device_id=other)) == 0
        assert await taken(lambda: guesses.sign_in(subject, "10.0.0.1")) == 2


async def test_a_try_of_a_stranger_uses_what_its_address_may_do_and_one_of_a_known_device_does_not(
    make_world: MakeWorld, subject: str
) -> None:
    async with make_world(sign_in_burst=2, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, address = guesses_of(world), world.some_address()

        await guesses.sign_in(subject, address, device_id=new_id())
        assert await spent_s(world, "address", address) is None
        await guesses.sign_in(subject, address)
        assert await spent_s(world, "address", address) is not None


async def test_the_failures_at_one_account_from_anywhere_are_ten_times_as_many(
    make_world: MakeWorld, subject: str
) -> None:
    async with make_world(sign_in_burst=1, sign_in_wait_s=1000, sign_in_wait_max_s=2000) as world:
        guesses, addresses = guesses_of(world), [f"10.0.0.{n}" for n in range(60)]

        assert await taken(lambda: guesses.sign_in(subject, addresses.pop())) == 10
        with pytest.raises(TooManyFailures) as caught:
            await guesses.sign_in(subject, addresses.pop())
        assert 900 < int(caught.value.headers["Retry-After"]) <= 1001
        await guesses.succeeded(subject, "10.9.9.9")
        assert await taken(lambda: guesses.sign_in(subject, addresses.pop())) == 10
