"""Known and unknown accounts take the same work: the same statements in the same order, the same hashes, one mail."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event
from users_world import API, GOOD_PASSWORD, World
from vitrine_kit.db import Database
from vitrine_users.state import EXTENSION

Ask = Callable[[World, str], Awaitable[Any]]


async def sign_in(world: World, email: str) -> Any:
    return await world.sign_in(email, "not the password at all")


async def begin_session(world: World, email: str) -> Any:
    body = {"email": email, "password": "not the password", "user_agent": "", "address": world.some_address()}
    return await world.client.post("/internal/sessions", json=body, headers=world.neighbour())


async def register(world: World, email: str) -> Any:
    return await world.register(email=email)


async def reset(world: World, email: str) -> Any:
    headers = {"X-Real-IP": world.some_address()}
    return await world.client.post(f"{API}/password-resets", json={"email": email}, headers=headers)


async def resend(world: World, email: str) -> Any:
    headers = {"X-Real-IP": world.some_address()}
    return await world.client.post(f"{API}/email-verifications", json={"email": email}, headers=headers)


@contextmanager
def watching(world: World) -> Iterator[list[str]]:
    """What is asked of the database, and each hash, as it happens; values that differ by chance are left out."""
    database: Database = world.app.extensions["vitrine"].database
    engines = [database.read_engine.sync_engine, database.write_engine.sync_engine]
    hasher = world.app.extensions[EXTENSION].hasher
    seen: list[str] = []

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        seen.append(re.sub(r"\s+", " ", text))

    def commit(_connection: Any) -> None:
        seen.append("COMMIT")

    for engine in engines:
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", commit)
    threads = hasher._threads
    submit = threads.submit

    def submitted(*args: Any, **kwargs: Any) -> Any:
        seen.append("HASH")
        return submit(*args, **kwargs)

    threads.submit = submitted
    try:
        yield seen
    finally:
        threads.submit = submit
        for engine in engines:
            event.remove(engine, "before_cursor_execute", statement)
            event.remove(engine, "commit", commit)


@pytest_asyncio.fixture(params=["no mail server", "a mail server"])
async def shop(request: pytest.FixtureRequest, make_world: Any) -> AsyncIterator[World]:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": 1, "mail_from": "a@b.example"}
    async with make_world(**(mail if request.param == "a mail server" else {})) as found:
        yield found


@pytest.mark.parametrize("ask", [sign_in, begin_session, register, reset, resend])
async def test_rule_13_known_and_unknown_take_the_same_statements_and_hashes(shop: World, ask: Ask) -> None:
    """OWASP ASVS 6.3.8: the answers are equal, and so is what is done for them."""
    person = await shop.person()
    # Once before, so that neither pays for what is prepared at the first use.
    await ask(shop, shop.some_email())
    await ask(shop, person.email)

    with watching(shop) as for_unknown:
        unknown = await ask(shop, shop.some_email())
    with watching(shop) as for_known:
        known = await ask(shop, person.email)

    def comparable(answer: Any) -> Any:
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        return answer.status_code, headers, {**answer.json(), "request_id": None}

    assert comparable(known) == comparable(unknown)
    assert for_known == for_unknown
    assert for_known.count("HASH") == (0 if ask in {reset, resend} else 1)


async def test_rule_13_an_unknown_address_writes_as_much_as_a_known_one(shop: World) -> None:
    """A mail and a link are written for both, so that both wait for the same disk."""
    person = await shop.person()
    count = "SELECT (SELECT count(*) FROM users.mail_outbox), (SELECT count(*) FROM users.link_tokens)"
    grown = []
    for email in (person.email, shop.some_email()):
        before = await shop.sql.fetchrow(count)
        assert (await reset(shop, email)).status_code == 202
        after = await shop.sql.fetchrow(count)
        grown.append([int(b) - int(a) for a, b in zip(before, after, strict=True)])

    assert grown == [[1, 1], [1, 1]]


async def test_the_right_password_is_not_what_makes_the_hash(shop: World) -> None:
    person = await shop.person()

    with watching(shop) as seen:
        assert (await shop.sign_in(person.email, GOOD_PASSWORD)).status_code == 201

    assert seen.count("HASH") == 1
