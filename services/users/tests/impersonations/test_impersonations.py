"""Impersonation: an owner sees what somebody else sees, changes nothing, and it is all in the audit log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
from users_world import API, Person, World


async def impersonate(world: World, session: str, whom: UUID) -> httpx.Response:
    return await world.client.post(
        "/internal/impersonations",
        json={"session": session, "user_id": str(whom), "user_agent": "tests", "address": "192.0.2.1"},
        headers=world.neighbour(),
    )


async def as_seen(world: World, session: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the gateway learns of a session, and the header of its token."""
    answer = await world.exchange(session)
    assert answer.status_code == 200, answer.text
    return answer.json(), {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_an_owner_sees_the_shop_as_somebody_else_and_changes_nothing(
    world: World, owner: Person
) -> None:
    editor = await world.person("editor")
    own = (await world.begin_session(owner.email))["session"]

    begun = await impersonate(world, own, editor.id)

    assert begun.status_code == 201, begun.text
    seen, bearer = await as_seen(world, begun.json()["session"])
    assert seen["impersonation"]
    assert seen["user"]["id"] == str(editor.id)
    assert seen["user"]["permissions"] == ["catalog:read_drafts"]
    assert (await world.client.get(f"{API}/me", headers=bearer)).status_code == 200
    for method, path, body in (
        ("PATCH", "/me", {"name": "Other"}),
        ("DELETE", "/me", {}),
        ("DELETE", "/me/sessions", None),
        ("POST", "/me/password", {"new_password": "nine calm otters knit"}),
        ("POST", "/me/tokens", {"name": "t", "scopes": [], "expires_in_days": 1}),
    ):
        answer = await world.client.request(method, API + path, json=body, headers=bearer)
        assert answer.status_code == 403, (method, path)
    own_seen, _ = await as_seen(world, own)
    assert not own_seen["impersonation"]
    assert own_seen["user"]["id"] == str(owner.id)


async def test_it_is_in_the_audit_log_with_both_persons(world: World, owner: Person) -> None:
    person = await world.person()
    own = (await world.begin_session(owner.email))["session"]
    begun = (await impersonate(world, own, person.id)).json()["session"]
    await world.client.post("/internal/sessions/end", json={"session": begun}, headers=world.neighbour())

    found = await world.sql.fetch(
        "SELECT action, actor_id FROM users.audit_log WHERE subject_id = $1 ORDER BY position", person.id
    )
    assert [(r["action"], r["actor_id"]) for r in found][-2:] == [
        ("session.impersonated", owner.id),
        ("session.ended", owner.id),
    ]


async def test_the_person_sees_it_in_their_list_and_can_end_it(world: World, owner: Person) -> None:
    person = await world.person()
    own = (await world.begin_session(owner.email))["session"]
    begun = (await impersonate(world, own, person.id)).json()["session"]

    items = (await world.get(person, "/me/sessions")).json()["items"]
    (seen,) = (item for item in items if item["impersonation"])
    assert (await world.send(person, "DELETE", f"/me/sessions/{seen['id']}")).status_code == 204

    assert (await world.exchange(begun)).status_code == 401


async def test_only_owners_may_and_never_through_another_impersonation(world: World, owner: Person) -> None:
    person, admin = await world.person(), await world.person("admin")
    admins = (await world.begin_session(admin.email))["session"]
    owners = (await world.begin_session(owner.email))["session"]
    other_owner = await world.person("owner")
    nested = (await impersonate(world, owners, other_owner.id)).json()["session"]

    assert (await impersonate(world, admins, person.id)).status_code == 403
    assert (await impersonate(world, nested, person.id)).status_code == 403
    assert (await impersonate(world, owners, owner.id)).status_code == 403
    assert (await impersonate(world, "unknown", person.id)).status_code == 401
    assert (await impersonate(world, owners, UUID("0192a000-0000-7000-8000-00000000dead"))).status_code == 404


async def test_it_ends_when_the_owner_is_suspended_or_erased(world: World) -> None:
    owner, person = await world.person("owner"), await world.person()
    own = (await world.begin_session(owner.email))["session"]
    begun = (await impersonate(world, own, person.id)).json()["session"]

    await world.sql.execute("DELETE FROM users.accounts WHERE id = $1", owner.id)

    assert (await world.exchange(begun)).status_code == 401
