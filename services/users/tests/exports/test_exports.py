"""The export: everything about one person and nobody else, without a secret."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import factor_preparations as factors
import rights_preparations as rights
from users_world import Person, World
from vitrine_users.exports import queries, service
from vitrine_users.tables import metadata


def unpack(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


async def test_the_zip_holds_the_account_with_what_hangs_on_it(world: World) -> None:
    person = await world.person(name="Xenia Export")
    other = await world.person(name="Somebody Else")
    await world.begin_session(person.email)

    answer = await world.get(person, "/me/export")

    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    found = unpack(answer.content)
    [account] = found["accounts.json"]
    assert (account["email"], account["name"]) == (person.email, "Xenia Export")
    assert len(found["browser_sessions.json"]) == 1
    assert len(found["refresh_families.json"]) == 1
    assert [mail["template"] for mail in found["mail_outbox.json"]] == ["verify"]
    everything = json.dumps(found)
    assert other.email not in everything
    assert str(other.id) not in everything


async def test_no_secret_is_in_it(world: World) -> None:
    person = await world.person()
    session = (await world.begin_session(person.email))["session"]

    everything = json.dumps(unpack((await world.get(person, "/me/export")).content))

    for name in ("password_hash", "digest", "secret", "sealed"):
        assert name not in everything
    for value in (session, person.tokens["refresh_token"], "$argon2id$"):
        assert value not in everything


def test_every_table_is_exported_or_left_out_for_a_reason() -> None:
    about = {part.name for part in queries.parts_about(metadata, uuid4())}
    left_out = set(queries.LEFT_OUT)

    assert not about & left_out
    assert about | left_out == {table.name for table in metadata.sorted_tables}, (
        "a new table belongs into the export, or with a reason into LEFT_OUT"
    )
    assert all(len(reason) > 20 for reason in queries.LEFT_OUT.values())
    for table in metadata.sorted_tables:
        if any(queries.names_a_person(table, column) for column in table.columns):
            assert table.name in about, f"{table.name} names a person"


async def test_tokens_devices_roles_and_invitations_are_in_it(world: World, owner: Person) -> None:
    person = await world.person()
    await rights.token_made(world, person)
    await factors.device_known(world, person)
    theirs = {"email": person.email.upper(), "roles": ["customer"]}
    await world.sql.execute(
        "INSERT INTO users.invitations (id, email, email_key, role_names, digest, invited_by, expires_at)"
        " VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, now() + interval '1 hour')",
        theirs["email"],
        person.email.lower(),
        theirs["roles"],
        person.id.bytes,
        owner.id,
    )
    sent = await world.send(owner, "POST", "/invitations", json={"email": world.some_email()})
    assert sent.status_code == 201, sent.text

    received = unpack((await world.get(person, "/me/export")).content)
    given = unpack((await world.get(owner, "/me/export")).content)

    assert [token["scopes"] for token in received["personal_access_tokens.json"]]
    assert len(received["remembered_devices.json"]) == 1
    assert [role["role_name"] for role in received["account_roles.json"]] == ["customer"]
    assert [one["email"] for one in received["invitations.json"]] == [theirs["email"]]
    assert sent.json()["email"] in {one["email"] for one in given["invitations.json"]}
    assert received["connections.json"] == []


async def test_whoever_else_did_something_keeps_their_address(world: World, owner: Person) -> None:
    person = await world.person()
    done = await world.send(owner, "PATCH", f"/users/{person.id}", json={"name": "Renamed"})
    assert done.status_code == 200, done.text

    entries = unpack((await world.get(person, "/me/export")).content)["audit_log.json"]

    by_owner = [one for one in entries if one["actor_id"] == str(owner.id)]
    assert [one["address"] for one in by_owner] == [None]
    assert {one["address"] for one in entries if one["actor_id"] == str(person.id)} >= {person.address}


def test_a_large_export_comes_in_pieces() -> None:
    rows = [{"n": n, "text": str(uuid4())} for n in range(20_000)]

    pieces = list(service.zip_of([("numbers", rows)]))

    assert len(pieces) > 5
    assert max(map(len, pieces)) < 4 * service.FLUSH_BYTES
    assert unpack(b"".join(pieces))["numbers.json"] == rows


async def test_rule_12_exports_are_limited(make_world: Any) -> None:
    async with make_world(mail_burst=2, mail_wait_s=60) as world:
        person: Person = await world.person()
        statuses = [(await world.get(person, "/me/export")).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
