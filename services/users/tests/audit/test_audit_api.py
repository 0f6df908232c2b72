"""The audit log over HTTP and at the command line."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from click.testing import Result
from users_world import API, Person, World, settings_of
from vitrine_kit.ids import new_id
from vitrine_users import create_app
from vitrine_users.audit import log


async def write(world: World, count: int, **changes: Any) -> UUID:
    """So many entries about somebody new."""
    subject = new_id()
    async with world.app.extensions["vitrine"].database.transaction() as session:
        for number in range(count):
            entry: dict[str, Any] = {"action": "test.done", "actor_id": None, "address": "192.0.2.1"}
            entry |= {"details": {"number": number}}
            await log.record(session, subject_id=subject, **(entry | changes))
    return subject


async def test_entries_are_listed_newest_first_in_pages(world: World, owner: Person) -> None:
    subject = await write(world, 5)
    numbers, path = [], f"/audit?subject_id={subject}&limit=2"
    while path:
        answer = await world.get(owner, path.removeprefix(API))
        assert answer.status_code == 200, answer.text
        numbers += [item["details"]["number"] for item in answer.json()["items"]]
        path = answer.json()["next"]

    assert numbers == [4, 3, 2, 1, 0]
    assert answer.headers["Cache-Control"] == "no-store"


async def test_entries_are_found_by_what_is_known_of_them(world: World, owner: Person) -> None:
    actor = new_id()
    subject = await write(world, 1, action="find.me", actor_id=actor, outcome="refused")
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat().replace("+", "%2B")
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat().replace("+", "%2B")

    for query in (
        f"actor_id={actor}",
        "action=find.me",
        "action=find",
        "action=find&outcome=refused",
        f"action=find&since={past}&until={soon}",
        "action=find&q=D.ME",
        "action=find&q=192.0.2",
        "action=find&q=number",
    ):
        found = (await world.get(owner, f"/audit?{query}")).json()["items"]
        assert [item["subject_id"] for item in found] == [str(subject)], query
    for query in (
        "action=find&q=%25%25",
        "action=fin",
        "action=find&outcome=success",
        f"action=find&since={soon}",
    ):
        assert (await world.get(owner, f"/audit?{query}")).json()["items"] == [], query


@pytest.mark.parametrize(
    "query",
    [
        "action=A B",
        "actor_id=me",
        "outcome=maybe",
        "since=yesterday",
        "after=x",
        "colour=red",
        "q=a",
        "q=a%00b",
    ],
)
async def test_what_makes_no_sense_is_refused(world: World, owner: Person, query: str) -> None:
    assert (await world.get(owner, f"/audit?{query}")).status_code == 422


async def test_the_export_is_one_entry_a_line(world: World, owner: Person) -> None:
    subject = await write(world, 2300)

    answer = await world.get(owner, f"/audit/export?subject_id={subject}")

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert [line["details"]["number"] for line in lines] == list(range(2299, -1, -1))
    assert len(lines[0]["digest"]) == 64


async def test_the_chain_is_checked_over_http(world: World, owner: Person) -> None:
    await write(world, 3)

    verdict = (await world.get(owner, "/audit/verification?newest=2")).json()

    assert verdict["intact"]
    assert verdict["checked"] == 2
    assert verdict["broken_at"] is None


async def test_only_owners_and_admins_see_the_log(world: World) -> None:
    for role, status in (("admin", 200), ("editor", 403), ("customer", 403)):
        person = await world.person(role)
        for path in ("/audit", "/audit/export", "/audit/verification"):
            assert (await world.get(person, path)).status_code == status, (role, path)


async def test_the_operator_checks_the_chain(world: World, environment: dict[str, str]) -> None:
    await write(world, 2)

    async def verify(*arguments: str) -> Result:
        def invoke() -> Result:
            app = create_app(settings_of(environment))
            return app.test_cli_runner().invoke(args=["audit", "verify", *arguments])

        return await asyncio.to_thread(invoke)

    done = await verify("--json")
    assert done.exit_code == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert verdict["intact"]
    noted = f"{verdict['position']}:{verdict['digest']}"
    assert (await verify("--expect", noted)).stdout.strip().endswith(noted)
    wrong = await verify("--expect", f"{verdict['position']}:{'00' * 32}")
    assert wrong.exit_code == 4
    assert f"entry {verdict['position']}" in wrong.stderr
    assert (await verify("--expect", "nonsense")).exit_code == 2
