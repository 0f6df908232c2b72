"""The signing keys: one for all workers, sealed at rest, published as long as they are needed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
import pytest_asyncio
from joserfc import jws
from users_world import API, World, living, settings_of
from vitrine_kit import auth
from vitrine_kit.ids import new_id
from vitrine_kit.testing import PUBLIC_URL, Keys, service_environment
from vitrine_users import create_app
from vitrine_users.secrets import derive_key, unseal
from vitrine_users.state import UsersState
from vitrine_users.tokens import keyring, queries
from vitrine_users.tokens.keyring import KeyRing, RotationUnderWay


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(jws.extract_compact(token.encode()).payload)
    return found


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


async def test_a_token_says_all_that_it_is_asked_to(world: World) -> None:
    ring: KeyRing = world.app.extensions["vitrine_users"].keyring
    proved_at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    who: dict[str, Any] = {"account_id": new_id(), "session_id": new_id(), "name": "Ada"}
    rights = {"roles": ["editor"], "permissions": ["catalog:write"]}

    full = claims_of(await ring.sign(**who, **rights, authenticated_at=proved_at, assurance=2, ttl_s=42))
    plain = claims_of(await ring.sign(**who, roles=(), permissions=()))

    assert (full["sub"], full["sid"]) == (str(who["account_id"]), str(who["session_id"]))
    assert (full["name"], full["roles"], full["perms"]) == ("Ada", ["editor"], ["catalog:write"])
    assert (full["iss"], full["auth_time"], full["aal"]) == (PUBLIC_URL, int(proved_at.timestamp()), 2)
    assert full["exp"] - full["iat"] == 42
    assert (plain["roles"], plain["perms"], plain["aal"]) == ([], [], 1)
    assert plain["exp"] - plain["iat"] == 600, "the setting's"
    assert "auth_time" not in plain


async def test_a_key_is_kept_as_any_worker_and_any_release_reads_it(make_worker: Callable[..., Any]) -> None:
    async with make_worker() as world:
        ring: KeyRing = world.app.extensions["vitrine_users"].keyring
        key = await ring.signing_key()
        row = await world.sql.fetchrow("SELECT * FROM users.signing_keys")
        secret = world.app.extensions["vitrine_users"].settings.secret_key.get_secret_value()
        opened = unseal(derive_key(secret, "signing-keys"), row["sealed_key"], str(row["id"]))

    assert orjson.loads(opened) == key.as_dict(private=True)
    assert orjson.loads(row["public_jwk"]) == key.as_dict(private=False)
    assert (str(row["id"]), row["retired_at"]) == (key.kid, None)
    assert row["signs_from"] <= datetime.now(UTC), "the first signs at once"
    assert await ring.current_kid() == key.kid


async def test_a_key_that_cannot_be_read_any_more_is_retired(make_worker: Callable[..., Any]) -> None:
    async with make_worker() as world:
        (old,) = await kids(world)
    async with make_worker(secret_key="quite another secret of the installation") as world:
        new = await world.app.extensions["vitrine_users"].keyring.current_kid()
        retired = "SELECT retired_at <= now() FROM users.signing_keys WHERE id = $1"

        assert new != old
        assert await world.sql.fetchval(retired, old) is True
        assert await world.sql.fetchval(retired, new) is None


async def test_a_worker_looks_after_half_a_minute_which_key_signs(
    make_worker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_worker() as first, make_worker() as second:
        ring: KeyRing = first.app.extensions["vitrine_users"].keyring
        old = await ring.current_kid()
        async with second.app.extensions["vitrine"].database.transaction() as session:
            made = await second.app.extensions["vitrine_users"].keyring.rotate(session, at_once=True)

        assert await ring.current_kid() == old, "it does not ask for each token"
        later = time.monotonic() + 31
        monkeypatch.setattr(keyring, "time", SimpleNamespace(monotonic=lambda: later))
        assert await ring.current_kid() == str(made.kid)
        monkeypatch.setattr(keyring, "time", SimpleNamespace(monotonic=lambda: later + 29))
        assert await ring.current_kid() == str(made.kid)


async def test_a_rotation_says_and_keeps_when_each_key_signs(make_worker: Callable[..., Any]) -> None:
    async with make_worker() as world:
        ring: KeyRing = world.app.extensions["vitrine_users"].keyring
        first = await ring.current_kid()
        database = world.app.extensions["vitrine"].database
        async with database.transaction() as session:
            made = await ring.rotate(session)
        rows = {str(row["id"]): row for row in await world.sql.fetch("SELECT * FROM users.signing_keys")}

        assert rows[str(made.kid)]["signs_from"] == made.signs_from
        assert 85 < (made.signs_from - datetime.now(UTC)).total_seconds() <= keyring.ANNOUNCED_S
        apart_s = (rows[first]["retired_at"] - made.signs_from).total_seconds()
        assert keyring.REREAD_AFTER_S <= apart_s < keyring.REREAD_AFTER_S + 5
        with pytest.raises(RotationUnderWay, match=re.escape(made.signs_from.isoformat())) as caught:
            async with database.transaction() as session:
                await ring.rotate(session)
        assert caught.value.signs_from == made.signs_from
        async with database.transaction() as session:
            at_once = await ring.rotate(session, at_once=True)
        assert at_once.signs_from <= datetime.now(UTC)
        assert set(at_once.retired) == {made.kid, UUID(first)}
        left = await world.sql.fetchval(
            "SELECT max(retired_at) - now() FROM users.signing_keys WHERE id <> $1", at_once.kid
        )
        assert left.total_seconds() <= -keyring.TOKEN_LIFE_S
