"""Rule 48: every event of somebody's access is in the audit log, and no secret is in any log or in an entry."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from users_world import API, GOOD_PASSWORD, Person, World
from vitrine_kit.db import Database
from vitrine_users.edge.routes import TOKEN_HEADER
from vitrine_users.sessions import service as sessions

WRONG_PASSWORD = "canary of the wrong colour"
NEW_PASSWORD = "canary sings at eleven"


async def a_life(world: World, owner: Person) -> tuple[Person, list[str]]:
    """Somebody who does and suffers all there is; returns them and every secret that was ever shown or sent."""
    person = await world.person(name="Canary Quillfeather")
    secrets = [GOOD_PASSWORD, WRONG_PASSWORD, NEW_PASSWORD, person.email, "Quillfeather"]
    secrets += [person.tokens["access_token"], person.tokens["refresh_token"]]
    await world.sign_in(person.email, WRONG_PASSWORD)
    refreshed = (await world.refresh(person.tokens["refresh_token"])).json()
    secrets += [refreshed["access_token"], refreshed["refresh_token"]]

    made = (
        await world.send(person, "POST", "/me/tokens", json={"name": "n", "scopes": [], "expires_in_days": 1})
    ).json()
    verdict = await world.client.get("/edge/identity", headers={"Authorization": f"Bearer {made['token']}"})
    secrets += [made["token"], verdict.headers[TOKEN_HEADER]]
    await world.client.get("/edge/identity", headers={"Authorization": f"Bearer {made['token'][:-1]}x"})
    await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {made['token']}"})
    await world.send(person, "DELETE", f"/me/tokens/{made['id']}")

    browser = await world.begin_session(person.email)
    secrets += [browser["session"], (await world.exchange(browser["session"])).json()["access_token"]]
    own = (await world.begin_session(owner.email))["session"]
    seen = await world.client.post(
        "/internal/impersonations",
        json={"session": own, "user_id": str(person.id)},
        headers=world.neighbour(),
    )
    secrets += [own, seen.json()["session"]]
    async with world.app.extensions["vitrine"].database.transaction() as session:
        secrets.append((await sessions.make_link(session, person.id, ttl_s=60)).secret)
    invited = (await world.send(owner, "POST", "/invitations", json={"email": world.some_email()})).json()
    secrets += [invited["email"], await world.link_to(invited["email"], "invitation")]

    await world.client.post(
        "/internal/sessions/end", json={"session": browser["session"]}, headers=world.neighbour()
    )
    body = {"current_password": WRONG_PASSWORD, "new_password": NEW_PASSWORD}
    await world.send(person, "POST", "/me/password", json=body)
    body["current_password"] = GOOD_PASSWORD
    assert (await world.send(person, "POST", "/me/password", json=body)).status_code == 204
    roles = await world.send(owner, "PATCH", f"/users/{person.id}", json={"roles": ["viewer"]})
    assert roles.status_code == 200, roles.text
    suspension = f"/users/{person.id}/suspension"
    assert (await world.send(owner, "PUT", suspension, json={"reason": "test"})).status_code == 204
    assert (await world.send(owner, "DELETE", suspension)).status_code == 204
    return person, secrets


EVENTS = {
    "account.registered",
    "account.roles_changed",
    "account.suspended",
    "account.unsuspended",
    "password.changed",
    "password.refused",
    "session.begun",
    "session.ended",
    "session.impersonated",
    "session.link_made",
    "session.others_ended",
    "session.refreshed",
    "session.refused",
    "token.created",
    "token.revoked",
}


async def test_rule_48_canary_secrets_appear_in_no_log_and_in_no_entry(
    world: World, owner: Person, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    person, secrets = await a_life(world, owner)

    logged = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    logged += "".join(capfd.readouterr())
    assert "signed_in" in logged
    assert [secret for secret in secrets if secret in logged] == []
    entries = await world.sql.fetch("SELECT row_to_json(a)::text AS entry FROM users.audit_log a")
    kept = "\n".join(row["entry"] for row in entries)
    assert str(person.id) in kept
    assert [secret for secret in secrets if secret in kept] == []


async def test_rule_48_every_event_is_in_the_audit_log(world: World, owner: Person) -> None:
    person, _ = await a_life(world, owner)

    rows = await world.sql.fetch("SELECT * FROM users.audit_log WHERE subject_id = $1", person.id)
    found = {row["action"] for row in rows}
    assert found >= EVENTS
    assert all(row["outcome"] == "refused" for row in rows if row["action"].endswith("refused"))
    by_owner = {row["action"] for row in rows if row["actor_id"] == owner.id}
    assert {"account.roles_changed", "account.suspended", "session.impersonated"} <= by_owner


async def test_rule_48_a_token_used_twice_is_an_event(make_world: Any) -> None:
    async with make_world(refresh_grace_s=0) as world:
        person = await world.person()
        await world.refresh(person.tokens["refresh_token"])
        assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401

        row = await world.sql.fetchrow(
            "SELECT * FROM users.audit_log WHERE subject_id = $1 AND action = 'session.refresh_reused'",
            person.id,
        )
        assert row["outcome"] == "refused"


async def test_rule_48_an_erased_person_is_an_id_that_leads_nowhere(world: World, owner: Person) -> None:
    person, secrets = await a_life(world, owner)

    assert (await world.send(owner, "DELETE", f"/users/{person.id}")).status_code == 204

    rows = await world.sql.fetch(
        "SELECT row_to_json(a)::text AS entry, action FROM users.audit_log a WHERE subject_id = $1"
        " ORDER BY position",
        person.id,
    )
    assert rows[-1]["action"] == "account.erased"
    assert not [secret for secret in secrets if any(secret in row["entry"] for row in rows)]


async def test_the_chain_is_whole_after_all_this(world: World) -> None:
    from vitrine_users.audit import service

    database: Database = world.app.extensions["vitrine"].database
    assert (await service.verify(database)).intact
