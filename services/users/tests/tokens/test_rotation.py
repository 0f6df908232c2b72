"""Rule 39: the key that signs is replaced while requests come in, and none of them fails."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from joserfc.jws import extract_compact
from users_world import API, settings_of
from vitrine_kit import auth
from vitrine_kit.testing import PUBLIC_URL, Keys, service_environment, serving
from vitrine_users import create_app
from vitrine_users.tokens import keyring, queries
from vitrine_users.tokens.keyring import KeyRing, RotationUnderWay

WHO = UUID("0192a000-0000-7000-8000-0000000000aa")


@pytest_asyncio.fixture
async def workers(make_database: Any, keys: Keys) -> AsyncIterator[list[Any]]:
    """Two workers of the service on a database of their own."""
    async with make_database() as database:
        environment = service_environment("users", keys, database)
        first, second = (create_app(settings_of(environment)) for _ in range(2))
        async with serving(first) as one, serving(second) as two:
            yield [(first, one), (second, two)]


async def rotate(app: Any, **options: Any) -> keyring.Rotation:
    ring: KeyRing = app.extensions["vitrine_users"].keyring
    async with app.extensions["vitrine"].database.transaction() as session:
        return await ring.rotate(session, **options)


def key_id_of(token: str) -> str:
    return str(extract_compact(token.encode()).headers()["kid"])


async def sign(app: Any) -> str:
    token: str = await app.extensions["vitrine_users"].keyring.sign(
        account_id=WHO, session_id=WHO, name="", roles=[], permissions=[]
    )
    return token


async def kids(client: Any) -> set[str]:
    return {key["kid"] for key in (await client.get(f"{API}/jwks.json")).json()["keys"]}


async def test_rule_39_no_request_fails_while_keys_rotate(
    workers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers sign and four services verify without a pause, while five keys come and go in turn.

    All waits are those of the real thing, two hundred times as short; the whole of a token's life is in them too.
    """
    monkeypatch.setattr(keyring, "ANNOUNCED_S", 0.45)
    monkeypatch.setattr(keyring, "REREAD_AFTER_S", 0.15)
    monkeypatch.setattr(auth.tokens, "KEYS_MAX_AGE_S", 0.3)
    monkeypatch.setattr(auth.tokens, "REFRESH_INTERVAL_S", 0.05)
    (first, client), (second, _) = workers
    await sign(first)

    async def source() -> Any:
        return (await client.get(f"{API}/jwks.json")).json()

    verifiers = [auth.TokenVerifier(source, PUBLIC_URL) for _ in range(4)]
    stop, checked, seen = asyncio.Event(), itertools.count(), set()

    async def load(app: Any, verifier: auth.TokenVerifier) -> None:
        while not stop.is_set():
            token = await sign(app)
            principal = await verifier.verify(token)
            seen.add(key_id_of(token))
            assert principal.user_id == WHO
            next(checked)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for app, verifier in zip((first, second, first, second), verifiers, strict=True):
            group.create_task(load(app, verifier))
        for _ in range(5):
            made = await rotate(first)
            async with asyncio.timeout(10):
                while str(made.kid) not in seen:
                    await asyncio.sleep(0.01)
        stop.set()

    assert len(seen) == 6, "the first key and each of its successors have signed"
    assert next(checked) > 100


async def test_rule_39_an_old_key_lives_until_its_last_token_has_ended(workers: list[Any]) -> None:
    (app, client), _ = workers
    await sign(app)
    (old,) = await kids(client)

    made = await rotate(app)

    assert made.retired == (UUID(old),)
    assert await kids(client) == {old, str(made.kid)}
    database = app.extensions["vitrine"].database
    signing = await queries.find_signing_key(database)
    assert str(signing["id"]) == old, "the new key is announced first"

    async def pass_time(seconds: float) -> None:
        async with database.transaction() as session:
            await session.execute(
                queries.text(
                    "UPDATE users.signing_keys SET signs_from = signs_from - make_interval(secs => :s),"
                    " retired_at = retired_at - make_interval(secs => :s)"
                ),
                {"s": seconds},
            )

    await pass_time(keyring.ANNOUNCED_S + 1)
    signing = await queries.find_signing_key(database)
    assert signing["id"] == made.kid
    await pass_time(keyring.REREAD_AFTER_S + keyring.TOKEN_LIFE_S - 5)
    async with database.transaction() as session:
        assert await queries.purge_keys(session, token_life_s=keyring.TOKEN_LIFE_S) == 0
    assert old in await kids(client)
    await pass_time(10)
    assert await kids(client) == {str(made.kid)}
    async with database.transaction() as session:
        assert await queries.purge_keys(session, token_life_s=keyring.TOKEN_LIFE_S) == 1


async def test_one_rotation_at_a_time(workers: list[Any]) -> None:
    (app, client), (second, _) = workers
    await sign(app)

    found = await asyncio.gather(*(rotate(one) for one in (app, second) * 5), return_exceptions=True)

    assert sum(isinstance(one, keyring.Rotation) for one in found) == 1
    assert sum(isinstance(one, RotationUnderWay) for one in found) == 9
    assert len(await kids(client)) == 2


async def test_a_worker_that_waited_for_its_turn_sees_the_key_just_made(workers: list[Any]) -> None:
    """Its transaction began before that key was there; it must not make a second one, which nobody knows yet."""
    (app, _client), (second, _) = workers
    async with second.extensions["vitrine"].database.transaction() as late:
        await late.execute(queries.text("SELECT now()"))
        first_kid = key_id_of(await sign(app))

        found = await queries.lock_signing_keys(late)

    assert found is not None
    assert str(found["id"]) == first_kid


async def test_the_first_key_of_all_need_not_be_announced(workers: list[Any]) -> None:
    """Until it signs nothing does, and a key made in its place would be as new to all who verify."""
    (app, client), _ = workers

    made = await rotate(app)

    assert key_id_of(await sign(app)) == str(made.kid)
    assert await kids(client) == {str(made.kid)}


async def test_a_key_somebody_else_may_have_is_withdrawn_at_once(workers: list[Any]) -> None:
    (app, client), _ = workers
    await sign(app)
    await rotate(app)

    made = await rotate(app, at_once=True)

    assert await kids(client) == {str(made.kid)}
    assert len(made.retired) == 2


async def test_an_announcement_outlasts_what_verifiers_remember() -> None:
    assert keyring.ANNOUNCED_S > auth.tokens.KEYS_MAX_AGE_S + auth.tokens.REFRESH_INTERVAL_S
    assert keyring.TOKEN_LIFE_S >= auth.ACCESS_TOKEN_LIFETIME_S + auth.tokens.SKEW_S
    assert keyring.REREAD_AFTER_S > 0
