"""A sign-in by password and API is written in one statement: all of it or nothing, and in no circle of waits."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest
from users_world import Person, World
from vitrine_kit.db import Database
from vitrine_users.accounts.errors import WrongCredentials
from vitrine_users.accounts.service import Proved
from vitrine_users.accounts.standing import AccountSuspended
from vitrine_users.accounts.waits import GrowingWaits, Patience
from vitrine_users.audit import service as audit
from vitrine_users.sessions import service as sessions
from vitrine_users.tokens import service
from waiting import until

STATE = """
    SELECT (SELECT count(*) FROM users.refresh_families WHERE account_id = $1) AS families,
           (SELECT count(*) FROM users.audit_log WHERE subject_id = $1) AS entries,
           (SELECT count(*) FROM users.failed_tries WHERE key = $2) AS failures,
           last_signed_in_at, password_hash
      FROM users.accounts WHERE id = $1
"""


def database_of(world: World) -> Database:
    found: Database = world.app.extensions["vitrine"].database
    return found


async def hash_of(world: World, person: Person) -> str:
    found: str = await world.sql.fetchval("SELECT password_hash FROM users.accounts WHERE id = $1", person.id)
    return found


async def sign_in(
    world: World, person: Person, tries: list[bytes], verified: str, *, rehashed: str | None = None
) -> Any:
    return await service.sign_in(
        database_of(world),
        world.app.extensions["vitrine_users"].refresh,
        Proved(person.id, verified, False, tries),
        rehashed=rehashed,
        ttl_s=60,
        user_agent="tests",
        address="192.0.2.1",
    )


async def failed_try(world: World) -> bytes:
    key = secrets.token_bytes(32)
    await GrowingWaits(database_of(world)).take((key, Patience(free=5, wait_s=10, max_wait_s=20)))
    return key


async def test_all_of_it_is_written(world: World) -> None:
    person, key = await world.person(), await failed_try(world)
    before = await world.sql.fetchrow(STATE, person.id, key)

    account, started = await sign_in(world, person, [key], before["password_hash"], rehashed="newer")

    after = await world.sql.fetchrow(STATE, person.id, key)
    assert (after["families"], after["entries"]) == (before["families"] + 1, before["entries"] + 1)
    assert (before["failures"], after["failures"]) == (1, 0)
    assert after["last_signed_in_at"] > before["last_signed_in_at"]
    assert after["password_hash"] == "newer"
    assert (account["id"], account["email"], account["roles"]) == (person.id, person.email, ["customer"])
    row = await world.sql.fetchrow("SELECT * FROM users.refresh_families WHERE id = $1", started.family_id)
    assert (row["method"], row["assurance"], row["user_agent"], row["address"]) == (
        "password",
        1,
        "tests",
        "192.0.2.1",
    )
    assert (row["expires_at"], row["authenticated_at"]) == (started.expires_at, started.authenticated_at)
    assert 59 < (row["expires_at"] - row["created_at"]).total_seconds() < 61
    token, _ = await service.prove(
        database_of(world), world.app.extensions["vitrine_users"].refresh, started.token
    )
    assert (token.family_id, token.generation) == (started.family_id, 0)


@pytest.mark.parametrize("why", ["another password", "suspended", "erased"])
async def test_or_nothing_of_it(world: World, why: str) -> None:
    person, key = await world.person(), await failed_try(world)
    verified = await hash_of(world, person)
    change = {
        "another password": "UPDATE users.accounts SET password_hash = 'changed' WHERE id = $1",
        "suspended": "UPDATE users.accounts SET suspended_at = now() WHERE id = $1",
        "erased": "DELETE FROM users.accounts WHERE id = $1",
    }[why]
    await world.sql.execute(change, person.id)
    before = await world.sql.fetchrow(STATE, person.id, key)
    entries = "SELECT count(*) FROM users.audit_log WHERE subject_id = $1"
    logged = await world.sql.fetchval(entries, person.id)

    with pytest.raises(AccountSuspended if why == "suspended" else WrongCredentials):
        await sign_in(world, person, [key], verified)

    assert await world.sql.fetchrow(STATE, person.id, key) == before
    assert await world.sql.fetchval(entries, person.id) == logged
    assert await world.sql.fetchval("SELECT count(*) FROM users.failed_tries WHERE key = $1", key) == 1


HELD = {
    "the account": "SELECT FROM users.accounts WHERE id = $1 AND $2::bytea IS NOT NULL FOR UPDATE",
    "a family that has ended": (
        "SELECT FROM users.refresh_families WHERE account_id = $1 AND $2::bytea IS NOT NULL FOR UPDATE"
    ),
    "the failures": "SELECT FROM users.failed_tries WHERE key = $2 AND $1::uuid IS NOT NULL FOR UPDATE",
}


@pytest.mark.parametrize("held", HELD)
async def test_while_it_waits_for_anything_others_can_write_to_the_audit_log(world: World, held: str) -> None:
    """Whoever holds one of these rows writes to the audit log last: waiting here with its head held were a circle."""
    person, key = await world.person(), await failed_try(world)
    await world.sql.execute(
        "UPDATE users.refresh_families SET expires_at = now() WHERE account_id = $1", person.id
    )
    verified = await hash_of(world, person)

    async with world.sql.transaction():
        await world.sql.execute(HELD[held], person.id, key)
        signing_in = asyncio.create_task(sign_in(world, person, [key], verified))
        await until(lambda: waits_for_a_lock(world))
        await world.sql.execute("SELECT FROM users.audit_head FOR UPDATE NOWAIT")
    account, _ = await signing_in

    assert account["id"] == person.id


async def waits_for_a_lock(world: World) -> bool:
    return bool(
        await world.sql.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
    )


async def test_many_at_once_beside_whoever_ends_them_wait_in_no_circle(world: World) -> None:
    person = await world.person()
    await world.sql.execute(
        "UPDATE users.refresh_families SET expires_at = now() WHERE account_id = $1", person.id
    )
    keys = [await failed_try(world) for _ in range(2)]
    verified = await hash_of(world, person)

    async def end_all() -> None:
        async with database_of(world).transaction() as session:
            await sessions.end_others(session, person.id, None)

    await asyncio.gather(*(sign_in(world, person, keys, verified) if n % 3 else end_all() for n in range(30)))

    verdict = await audit.verify(database_of(world), newest=60)
    assert verdict.intact
