"""The signing keys: one for all workers, sealed at rest, published as long as they are needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from users_world import API, World, settings_of
from vitrine_kit.testing import (
    Keys,
    create_service_database,
    drop_service_database,
    migrate,
    service_environment,
)
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


async def test_all_workers_share_one_key_though_they_start_at_once(postgres_url: str, keys: Keys) -> None:
    database = await create_service_database(postgres_url, "users")
    environment = service_environment("users", keys, database)
    migrate("vitrine_users", environment)
    apps = [create_app(settings_of(environment)) for _ in range(3)]
    states: list[UsersState] = [app.extensions["vitrine_users"] for app in apps]
    try:
        published = await asyncio.gather(*(state.keyring.jwks() for state in states))
        assert len({orjson.dumps(found) for found in published}) == 1
        assert len(published[0]["keys"]) == 1
    finally:
        for app in apps:
            await app.extensions["vitrine"].database.dispose()
            app.extensions["vitrine_users"].hasher.close()
        await drop_service_database(postgres_url, database)


async def test_a_retired_key_is_published_until_its_last_token_has_ended(
    world: World, make_world: Callable[..., Any]
) -> None:
    person = await world.person()
    old = (await world.client.get(f"{API}/jwks.json")).json()["keys"][0]["kid"]
    await world.sql.execute("UPDATE users.signing_keys SET retired_at = now() WHERE id = $1", old)

    async with make_world() as other:
        renewed = await other.person()
        kids = {key["kid"] for key in (await other.client.get(f"{API}/jwks.json")).json()["keys"]}
        assert old in kids
        assert len(kids) >= 2
        assert (await other.get(person, "/me")).status_code == 200
        assert (await world.get(renewed, "/me")).status_code == 200
        await world.sql.execute(
            "UPDATE users.signing_keys SET retired_at = now() - interval '12 minutes' WHERE id = $1", old
        )
        kids = {key["kid"] for key in (await other.client.get(f"{API}/jwks.json")).json()["keys"]}
        assert old not in kids
    await world.sql.execute("UPDATE users.signing_keys SET retired_at = NULL WHERE id = $1", old)


async def test_a_key_that_another_secret_sealed_is_replaced_and_still_published(
    world: World, make_world: Callable[..., Any]
) -> None:
    await world.person()
    before = await world.sql.fetch("SELECT id FROM users.signing_keys WHERE retired_at IS NULL")

    async with make_world(secret_key="quite another secret of the installation") as other:
        answer = await other.register()
        assert (await other.sign_in(answer.json()["email"])).status_code == 201
        kids = {key["kid"] for key in (await other.client.get(f"{API}/jwks.json")).json()["keys"]}

    assert {str(row["id"]) for row in before} <= kids
    await world.sql.execute(
        "DELETE FROM users.signing_keys WHERE id <> ALL($1)", [row["id"] for row in before]
    )
    await world.sql.execute("UPDATE users.signing_keys SET retired_at = NULL")


async def test_a_key_that_signs_from_later_on_is_published_already(world: World) -> None:
    from vitrine_kit import auth

    key = auth.new_signing_key()
    await world.sql.execute(
        "INSERT INTO users.signing_keys (id, public_jwk, sealed_key, signs_from)"
        " VALUES ($1, $2, 'x', now() + interval '2 minutes')",
        key.kid,
        orjson.dumps(key.as_dict(private=False)).decode(),
    )
    try:
        kids = {found["kid"] for found in (await world.client.get(f"{API}/jwks.json")).json()["keys"]}
        signing = await queries.find_signing_key(world.app.extensions["vitrine"].database)
        assert key.kid in kids
        assert signing is not None
        assert str(signing["id"]) != key.kid
    finally:
        await world.sql.execute("DELETE FROM users.signing_keys WHERE id = $1", key.kid)
