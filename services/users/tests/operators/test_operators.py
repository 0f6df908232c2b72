"""The operator's commands: what they do to accounts, and that the audit log tells of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from click.testing import Result
from factors_world import add_app
from users_world import GOOD_PASSWORD, World, settings_of
from vitrine_users import create_app


async def run(environment: dict[str, str], *arguments: str) -> Result:
    """A command in an app of its own, as in a process of its own."""

    def invoke() -> Result:
        app = create_app(settings_of(environment))
        return app.test_cli_runner().invoke(args=["operator", *arguments])

    return await asyncio.to_thread(invoke)


async def told(world: World, action: str) -> dict[str, Any]:
    row = await world.sql.fetchrow(
        "SELECT * FROM users.audit_log WHERE action = $1 ORDER BY position DESC LIMIT 1", action
    )
    return dict(row)


async def test_an_owner_is_made_with_a_link(world: World, environment: dict[str, str]) -> None:
    email = world.some_email()

    done = await run(environment, "create-owner", "--json", "--", email)

    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    answer = await world.client.post(
        "/internal/sign-in-links/redeem",
        json={"token": made["link"].rpartition("/")[2]},
        headers=world.neighbour(),
    )
    assert answer.status_code == 201
    assert answer.json()["user"]["roles"] == ["owner"]
    person = await world.person()
    refused = await run(environment, "create-owner", person.email)
    assert refused.exit_code == 3
    assert "no owner" in refused.stderr


async def test_every_second_factor_is_taken_off_and_the_owner_told(
    world: World, environment: dict[str, str]
) -> None:
    person = await world.person()
    await add_app(world, person)

    done = await run(environment, "reset-mfa", person.email, "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["authenticator_app"]
    assert (await world.get(person, "/me")).status_code == 401
    assert (await world.sign_in(person.email)).status_code == 201
    assert (await told(world, "factor.reset"))["subject_id"] == person.id
    assert (await world.mails_to(person.email))[-1]["template"] == "factor-removed"


async def test_failed_tries_are_forgotten(world: World, environment: dict[str, str]) -> None:
    person = await world.person()
    for _ in range(11):
        refused = await world.sign_in(person.email, "wrong password here", address="192.0.2.44")
    assert refused.status_code == 429
    assert (await world.sign_in(person.email, GOOD_PASSWORD, address="192.0.2.44")).status_code == 429

    done = await run(environment, "unlock", person.email, "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["addresses"] == 1
    assert (await world.sign_in(person.email, GOOD_PASSWORD, address="192.0.2.44")).status_code == 201
    assert (await told(world, "account.unlocked"))["subject_id"] == person.id


async def test_accounts_are_listed(world: World, environment: dict[str, str]) -> None:
    person = await world.person("viewer")

    done = await run(environment, "list", "--role", "viewer", "--limit", "10000", "--json")

    found = {item["email"]: item for item in json.loads(done.stdout)["items"]}
    assert found[person.email]["roles"] == ["viewer"]
    assert all("viewer" in item["roles"] for item in found.values())
    assert person.email in (await run(environment, "list", "--limit", "10000")).stdout


async def test_nobody_can_be_helped_who_is_not_there(environment: dict[str, str]) -> None:
    for command in ("reset-mfa", "unlock"):
        done = await run(environment, command, "nobody@example.com")
        assert done.exit_code == 3
        assert "no account" in done.stderr
        assert (await run(environment, command, "no address")).exit_code == 3


async def test_keys_are_rotated_once_at_a_time(world: World, environment: dict[str, str]) -> None:
    person = await world.person()
    try:
        done = await run(environment, "rotate-keys", "--json")
        assert done.exit_code == 0, done.output
        made = json.loads(done.stdout)
        assert (await told(world, "keys.rotated"))["actor_id"] is None
        refused = await run(environment, "rotate-keys")
        assert refused.exit_code == 3
        assert "under way" in refused.stderr
        assert (await world.get(person, "/me")).status_code == 200
    finally:
        await world.sql.execute("DELETE FROM users.signing_keys WHERE id = $1", made["kid"])
        await world.sql.execute("UPDATE users.signing_keys SET retired_at = NULL")
