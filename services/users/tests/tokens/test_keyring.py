"""The signing keys: one for all workers, sealed at rest, published as long as they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio
from users_world import API, World, living, settings_of
from vitrine_kit import auth
from vitrine_kit.testing import Keys, service_environment
from vitrine_users import create_app
from vitrine_users.state import UsersState
from vitrine_users.tokens import queries


async def test_the_public_keys_hold_no_private_part(world: World) -> None:
    await world.person()
    public = await world.client.get(f"{API}/jwks.json")
    internal = await world.client.get("/internal/jwks", headers=world.neighbour("catalog"))

    assert public.json() == internal.json()
    assert public.headers["Cache-Control"] == "public, max-age=60"
    for key in public.json()["keys"]:
        assert {"kty": "OKP", "crv": "Ed25519", "use": "sig"}.items() <= key.items()
        assert "d" not in key


async def test_the_private_key_is_sealed_in_the_table(world: World) -> None:
    await world.person()
    sealed = await world.sql.fetchval("SELECT sealed_key FROM users.signing_keys LIMIT 1")

    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(sealed)
    assert b'"d"' not in sealed


async def test_all_workers_share_one_key_though_they_start_at_once(make_database: Any, keys: Keys) -> None:
    async with make_database() as database:
        apps = [create_app(settings_of(service_environment("users", keys, database))) for _ in range(3)]
        states: list[UsersState] = [app.extensions["vitrine_users"] for app in apps]
        try:
            published = await asyncio.gather(*(state.keyring.jwks() for state in states))
            assert len({orjson.dumps(found) for found in published}) == 1
            assert len(published[0]["keys"]) == 1
        finally:
            for app in apps:
                await app.extensions["vitrine"].database.dispose()
                app.extensions["vitrine_users"].hasher.close()


@pytest_asyncio.fixture
async def make_worker(make_database: Any, keys: Keys) -> AsyncIterator[Callable[..., Any]]:
    """Instances of the service on a database whose keys are a test's own."""
    async with make_database() as database:
        connection = await asyncpg.connect(database.admin_url)
        yield partial(living, service_environment("users", keys, database), connection, keys)
        await connection.close()


async def kids(world: World) -> set[str]:
    return {key["kid"] for key in (await world.client.get(f"{API}/jwks.json")).json()["keys"]}


async def test_a_retired_key_is_published_until_its_last_token_has_ended(
    make_worker: Callable[..., Any],
) -> None:
    async with make_worker() as world:
        person = await world.person()
        (old,) = await kids(world)
    await world.sql.execute("UPDATE users.signing_keys SET retired_at = now() WHERE id = $1", old)

    async with make_worker() as world:
        renewed = await world.person()
        assert len(await kids(world)) == 2
        for whose in (person, renewed):
            assert (await world.get(whose, "/me")).status_code == 200
        await world.sql.execute(
            "UPDATE users.signing_keys SET retired_at = now() - interval '12 minutes' WHERE id = $1", old
        )
        assert len(await kids(world)) == 1
        assert old not in await kids(world)


async def test_a_key_that_another_secret_sealed_is_replaced_and_still_published(
    make_worker: Callable[..., Any],
) -> None:
    async with make_worker() as world:
        await world.person()
        before = await kids(world)

    async with make_worker(secret_key="quite another secret of the installation") as world:
        _account_id, email = await world.registered()
        assert (await world.sign_in(email)).status_code == 201
        assert before < await kids(world)


async def test_a_key_that_signs_from_later_on_is_published_already(make_worker: Callable[..., Any]) -> None:
    key = auth.new_signing_key()
    async with make_worker() as world:
        (signing,) = await kids(world)
        await world.sql.execute(
            "INSERT INTO users.signing_keys (id, public_jwk, sealed_key, signs_from)"
            " VALUES ($1, $2, 'x', now() + interval '2 minutes')",
            key.kid,
            orjson.dumps(key.as_dict(private=False)).decode(),
        )

        assert await kids(world) == {signing, key.kid}
        found = await queries.find_signing_key(world.app.extensions["vitrine"].database)
        assert found is not None
        assert str(found["id"]) == signing
