"""One's own account: reading, changing, erasing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from users_world import GOOD_PASSWORD, World


async def test_me_shows_the_account_with_its_roles_and_permissions(world: World) -> None:
    person = await world.person("editor")

    answer = await world.get(person, "/me")

    assert answer.status_code == 200
    me = answer.json()
    assert me["id"] == str(person.id)
    assert me["roles"] == ["editor"]
    assert me["permissions"] == ["catalog:import", "catalog:read_drafts", "catalog:write"]
    assert answer.headers["Cache-Control"] == "private, no-cache"


async def test_an_unchanged_account_need_not_be_sent_again(world: World) -> None:
    person = await world.person()
    etag = (await world.get(person, "/me")).headers["ETag"]

    answer = await world.get(person, "/me", headers={"If-None-Match": etag})

    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)


async def test_renaming_counts_the_version_and_changes_the_tag(world: World) -> None:
    person = await world.person()
    before = await world.get(person, "/me")

    answer = await world.send(
        person, "PATCH", "/me", json={"name": "Bea  Other"}, headers={"If-Match": before.headers["ETag"]}
    )

    assert answer.status_code == 200
    assert answer.json()["name"] == "Bea Other"
    assert answer.json()["version"] == before.json()["version"] + 1
    assert answer.headers["ETag"] != before.headers["ETag"]
    assert answer.json()["updated_at"] > before.json()["updated_at"]


async def test_a_change_made_from_an_older_version_is_refused(world: World) -> None:
    person = await world.person()
    old = (await world.get(person, "/me")).headers["ETag"]
    await world.send(person, "PATCH", "/me", json={"name": "First Change"})

    answer = await world.send(person, "PATCH", "/me", json={"name": "Second"}, headers={"If-Match": old})

    assert answer.status_code == 412
    assert (await world.get(person, "/me")).json()["name"] == "First Change"


async def test_an_empty_change_changes_nothing(world: World) -> None:
    person = await world.person()
    before = (await world.get(person, "/me")).json()

    assert (await world.send(person, "PATCH", "/me", json={})).json() == before


@pytest.mark.parametrize(
    "body",
    [
        {"locale": "tlh"},
        {"time_zone": "Mars/Olympus"},
        {"name": None},
        {"name": 3},
        {"name": ""},
        {"email": "x@example.com"},
        {"roles": ["owner"]},
    ],
)
async def test_nobody_changes_what_is_not_theirs_to_change(world: World, body: dict[str, Any]) -> None:
    person = await world.person()

    answer = await world.send(person, "PATCH", "/me", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(body))


async def test_erasing_oneself_needs_the_password(world: World) -> None:
    person = await world.person()

    for body in ({}, {"password": "not my password at all"}):
        answer = await world.send(person, "DELETE", "/me", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "password"
    assert (await world.get(person, "/me")).status_code == 200


async def test_erasing_leaves_no_personal_data_and_tells_the_other_services(world: World) -> None:
    person = await world.person(name="Wilhelmina Vanishing")
    session = await world.begin_session(person.email)

    answer = await world.send(person, "DELETE", "/me", json={"password": GOOD_PASSWORD})

    assert (answer.status_code, answer.json()) == (202, {"erase_after": None})
    assert (await world.get(person, "/me")).status_code == 401
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await world.exchange(session["session"])).status_code == 401
    assert (await world.sign_in(person.email)).status_code == 401
    event = await world.sql.fetchrow("SELECT * FROM users.outbox WHERE aggregate_id = $1", str(person.id))
    assert event["topic"] == "person.deleted"
    assert json.loads(event["payload"]) == {"person_id": str(person.id)}
    tables = await world.sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'users'")
    for table in tables:
        rows = await world.sql.fetch(f'SELECT t::text AS row FROM users."{table["tablename"]}" t')
        text = "\n".join(row["row"] for row in rows)
        assert person.email not in text, table
        assert "Wilhelmina" not in text, table


async def test_an_erased_address_can_be_registered_again(world: World) -> None:
    person = await world.person()
    await world.send(person, "DELETE", "/me", json={"password": GOOD_PASSWORD})

    account_id, _email = await world.registered(email=person.email)

    assert account_id != person.id


async def test_wrong_passwords_for_erasing_are_limited_like_sign_ins(world: World) -> None:
    person = await world.person()

    answers = [await world.send(person, "DELETE", "/me", json={"password": "wrong"}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]


async def test_language_and_time_zone_are_changed_and_shown(world: World) -> None:
    person = await world.person()

    answer = await world.send(person, "PATCH", "/me", json={"locale": "fr", "time_zone": "Europe/Paris"})

    assert answer.status_code == 200
    me = (await world.get(person, "/me")).json()
    assert (me["locale"], me["time_zone"], me["name"]) == ("fr", "Europe/Paris", person.name)
