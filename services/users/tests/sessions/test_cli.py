"""The operator's commands: the owner's first sign-in, and tokens for scripts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from click.testing import Result
from flask import Flask
from flask.cli import ScriptInfo
from users_world import API, GOOD_PASSWORD, World, living, settings_of
from vitrine_kit.testing import Keys, ServiceDatabase, service_environment
from vitrine_users import create_app


@pytest_asyncio.fixture(scope="module")
async def fresh(make_database: Any) -> AsyncIterator[ServiceDatabase]:
    """A shop of its own, in which nobody has an account."""
    async with make_database() as database:
        yield database


@pytest_asyncio.fixture
async def shop(fresh: ServiceDatabase, keys: Keys) -> AsyncIterator[World]:
    connection = await asyncpg.connect(fresh.admin_url)
    await connection.execute("TRUNCATE users.accounts CASCADE")
    async with living(service_environment("users", keys, fresh), connection, keys) as world:
        yield world
    await connection.close()


async def run(fresh: ServiceDatabase, keys: Keys, *arguments: str) -> Result:
    """A command in an app of its own, as in a process of its own."""

    def invoke() -> Result:
        app = create_app(settings_of(service_environment("users", keys, fresh)))
        return app.test_cli_runner().invoke(args=list(arguments))

    return await asyncio.to_thread(invoke)


async def redeem(world: World, link: str) -> dict[str, object]:
    token = link.rpartition("/")[2]
    answer = await world.client.post(
        "/internal/sign-in-links/redeem", json={"token": token}, headers=world.neighbour()
    )
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def test_the_first_link_makes_the_owner_and_signs_in_once(
    shop: World, fresh: ServiceDatabase, keys: Keys
) -> None:
    done = await run(fresh, keys, "create-owner-link")

    assert done.exit_code == 0, done.output
    link = done.stdout.strip()
    assert link.startswith("http://localhost:8080/sign-in/link/")
    begun = await redeem(shop, link)
    user = begun["user"]
    assert isinstance(user, dict)
    assert user["email"] == "owner@localhost.localdomain"
    assert user["roles"] == ["owner"]
    assert user["has_password"] is False


async def test_until_the_owner_has_a_password_new_links_are_made(
    shop: World, fresh: ServiceDatabase, keys: Keys
) -> None:
    first = await run(fresh, keys, "create-owner-link", "--json")
    second = await run(fresh, keys, "create-owner-link", "--json")

    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert one["email"] == two["email"] == "owner@localhost.localdomain"
    assert one["link"] != two["link"]
    assert one["expires_at"] < two["expires_at"]
    await redeem(shop, two["link"])
    assert await shop.sql.fetchval("SELECT count(*) FROM users.accounts") == 1


async def test_once_an_owner_has_signed_in_with_a_password_it_refuses(
    shop: World, fresh: ServiceDatabase, keys: Keys
) -> None:
    await run(fresh, keys, "create-owner-link", "--email", "boss@example.com")
    begun = await redeem(shop, (await run(fresh, keys, "create-owner-link")).stdout.strip())
    token = (await shop.exchange(str(begun["session"]))).json()["access_token"]
    await shop.client.post(
        f"{API}/me/password",
        json={"new_password": GOOD_PASSWORD},
        headers={"Authorization": f"Bearer {token}"},
    )

    refused = await run(fresh, keys, "create-owner-link")
    forced = await run(fresh, keys, "create-owner-link", "--force", "--json")

    assert refused.exit_code == 3
    assert refused.stdout == ""
    assert "signs in with a password already" in refused.stderr
    assert forced.exit_code == 0
    assert json.loads(forced.stdout)["email"] == "boss@example.com"


@pytest.mark.parametrize("email", ["taken@example.com", "no address"])
async def test_an_address_that_cannot_be_the_owners_is_refused(
    shop: World, fresh: ServiceDatabase, keys: Keys, email: str
) -> None:
    await shop.registered(email="taken@example.com")

    done = await run(fresh, keys, "create-owner-link", "--email", email)

    assert done.exit_code == 3
    assert done.stdout == ""
    assert done.stderr.strip()


async def test_commands_at_once_make_one_owner(
    shop: World, fresh: ServiceDatabase, keys: Keys, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(app: Flask) -> None:
        # Not by the test runner, which takes the process's standard output for itself.
        script = ScriptInfo(create_app=lambda: app)
        app.cli.main(["create-owner-link"], prog_name="flask", standalone_mode=False, obj=script)

    # Made one after the other: building a URL map compiles code, which CPython 3.11 cannot do in several threads.
    apps = [create_app(settings_of(service_environment("users", keys, fresh))) for _ in range(3)]
    await asyncio.gather(*(asyncio.to_thread(command, app) for app in apps))

    assert len(capsys.readouterr().out.split()) == 3
    assert await shop.sql.fetchval("SELECT count(*) FROM users.accounts") == 1


async def test_an_issued_token_speaks_for_the_owner(shop: World, fresh: ServiceDatabase, keys: Keys) -> None:
    done = await run(fresh, keys, "issue-token", "--ttl", "120", "--json")

    issued = json.loads(done.stdout)
    assert issued["role"] == "owner"
    assert issued["expires_in"] == 120
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    me = await shop.client.get(f"{API}/me", headers=headers)
    assert me.status_code == 200
    assert me.json()["id"] == issued["subject"]
    assert (await shop.client.get(f"{API}/users", headers=headers)).status_code == 200


async def test_a_token_of_a_lower_role_may_do_less(shop: World, fresh: ServiceDatabase, keys: Keys) -> None:
    done = await run(fresh, keys, "issue-token", "--role", "editor")

    headers = {"Authorization": f"Bearer {done.stdout.strip()}"}
    assert (await shop.client.get(f"{API}/me", headers=headers)).status_code == 200
    assert (await shop.client.get(f"{API}/users", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    ("arguments", "exit_code"), [(["--role", "wizard"], 3), (["--ttl", "601"], 2), (["--ttl", "0"], 2)]
)
async def test_a_token_that_cannot_be_is_refused(
    shop: World, fresh: ServiceDatabase, keys: Keys, arguments: list[str], exit_code: int
) -> None:
    done = await run(fresh, keys, "issue-token", *arguments)

    assert done.exit_code == exit_code
    assert done.stdout == ""
