"""Limits on guessing: shared by all workers, by account and address, and locking nobody out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from users_world import API, GOOD_PASSWORD, World

MakeWorld = Callable[..., Any]


async def test_failures_at_one_account_from_one_address_have_to_wait(world: World) -> None:
    person, address = await world.person(), world.some_address()

    answers = [await world.sign_in(person.email, "wrong wrong wrong", address=address) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 31
    assert (await world.sign_in(person.email, address=address)).status_code == 429


async def test_a_try_that_has_to_wait_counts_nowhere_else(world: World) -> None:
    email, address = world.some_email(), world.some_address()
    before = {row["key"] for row in await world.sql.fetch("SELECT key FROM users.failed_tries")}

    for _ in range(14):
        await world.sign_in(email, "wrong wrong wrong", address=address)

    rows = await world.sql.fetch("SELECT key, failures FROM users.failed_tries")
    assert [row["failures"] for row in rows if row["key"] not in before] == [10, 10]


async def test_the_owner_at_another_address_is_not_shut_out(world: World) -> None:
    person, address = await world.person(), world.some_address()
    for _ in range(12):
        await world.sign_in(person.email, "wrong wrong wrong", address=address)

    assert (await world.sign_in(person.email)).status_code == 201


async def test_a_success_forgets_the_failures_before_it(world: World) -> None:
    person, address = await world.person(), world.some_address()
    for _ in range(3):
        for _ in range(9):
            assert (
                await world.sign_in(person.email, "wrong wrong wrong", address=address)
            ).status_code == 401
        assert (await world.sign_in(person.email, address=address)).status_code == 201


async def test_an_unknown_account_is_limited_in_the_same_way(world: World) -> None:
    address = world.some_address()

    answers = [await world.sign_in("nobody@example.com", "wrong wrong", address=address) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]


async def test_tries_made_at_once_are_all_counted(world: World) -> None:
    person, address = await world.person(), world.some_address()

    answers = await asyncio.gather(
        *(world.sign_in(person.email, "wrong wrong wrong", address=address) for _ in range(30))
    )

    assert sorted(answer.status_code for answer in answers) == [401] * 10 + [429] * 20


async def test_another_worker_knows_of_the_failures(world: World, make_world: MakeWorld) -> None:
    person, address = await world.person(), world.some_address()
    for _ in range(10):
        await world.sign_in(person.email, "wrong wrong wrong", address=address)

    async with make_world() as other:
        assert (await other.sign_in(person.email, address=address)).status_code == 429


async def test_one_account_guessed_from_many_addresses_has_to_wait_too(make_world: MakeWorld) -> None:
    async with make_world(sign_in_burst=1) as world:
        email = world.some_email()
        answers = [await world.sign_in(email, "wrong wrong wrong") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]


async def test_many_accounts_guessed_from_one_address_have_to_wait_too(make_world: MakeWorld) -> None:
    async with make_world(sign_in_burst=1) as world:
        address, started = world.some_address(), time.monotonic()
        answers = await asyncio.gather(
            *(world.sign_in(world.some_email(), "wrong wrong", address=address) for _ in range(60))
        )
        seconds = time.monotonic() - started

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {401, 429}
    assert 30 <= statuses.count(401) <= 30 + seconds + 1


async def test_a_forged_forwarded_header_never_changes_the_bucket(world: World) -> None:
    person, address = await world.person(), world.some_address()
    statuses = []
    for n in range(11):
        headers = {"X-Real-IP": address, "X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.0.{n}"}
        body = {"email": person.email, "password": "wrong wrong wrong"}
        statuses.append((await world.client.post(f"{API}/tokens", json=body, headers=headers)).status_code)

    assert statuses == [401] * 10 + [429]


async def test_the_gateway_names_the_address_of_a_browser(world: World) -> None:
    person = await world.person()
    body = {"email": person.email, "password": "wrong wrong wrong", "address": world.some_address()}
    answers = [
        await world.client.post("/internal/sessions", json=body, headers=world.neighbour()) for _ in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]

    body |= {"password": GOOD_PASSWORD, "address": world.some_address()}
    answer = await world.client.post("/internal/sessions", json=body, headers=world.neighbour())
    assert answer.status_code == 201


async def test_the_table_of_limits_tells_nobody_who_was_tried(world: World) -> None:
    person, address = await world.person(), world.some_address()
    await world.sign_in(person.email, "wrong wrong wrong", address=address)

    rows = await world.sql.fetch(
        "SELECT r::text AS row FROM users.rate_limit r UNION ALL SELECT f::text FROM users.failed_tries f"
    )

    assert rows
    assert not any(person.email in row["row"] or address in row["row"] for row in rows)


async def test_rule_9_each_further_failure_doubles_the_wait_up_to_an_hour(world: World) -> None:
    person, address, waits = await world.person(), world.some_address(), []
    for _ in range(10):
        await world.sign_in(person.email, "wrong wrong wrong", address=address)
    for _ in range(9):
        answer = await world.sign_in(person.email, address=address)
        assert answer.status_code == 429
        waits.append(int(answer.headers["Retry-After"]))
        await world.sql.execute("UPDATE users.failed_tries SET retry_at = now() WHERE retry_at > now()")
        assert (await world.sign_in(person.email, "wrong wrong wrong", address=address)).status_code == 401

    assert [round(wait, -1) for wait in waits] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


async def test_failures_are_forgotten_after_a_quiet_day(world: World) -> None:
    person, address = await world.person(), world.some_address()
    for _ in range(10):
        await world.sign_in(person.email, "wrong wrong wrong", address=address)
    await world.sql.execute("UPDATE users.failed_tries SET retry_at = now(), forget_at = now()")

    answers = [await world.sign_in(person.email, "wrong wrong wrong", address=address) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
