"""Webhooks by API: set up, changed, switched off, deleted; their secrets shown once and kept sealed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from users_world import Person, World
from vitrine_users.webhooks.events import NAMES
from vitrine_users.webhooks.secrets import EndpointSecrets

BODY = {"url": "https://hooks.example.org/in", "event_types": ["user.created", "user.deleted"]}


async def made(world: World, owner: Person, **changes: Any) -> dict[str, Any]:
    answer = await world.send(owner, "POST", "/webhooks", json={**BODY, **changes})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_webhook_is_made_read_changed_and_deleted(world: World, owner: Person) -> None:
    created = await world.send(owner, "POST", "/webhooks", json={**BODY, "description": "CRM"})
    body = created.json()
    path = f"/webhooks/{body['id']}"

    assert created.headers["Cache-Control"] == "no-store"
    assert created.headers["Location"].endswith(path)
    assert body["secret"].startswith("whsec_")
    read = await world.get(owner, path)
    assert "secret" not in read.json()
    assert read.json()["event_types"] == ["user.created", "user.deleted"]
    assert body["id"] in {item["id"] for item in (await world.get(owner, "/webhooks")).json()["items"]}

    changed = await world.send(
        owner,
        "PATCH",
        path,
        json={"event_types": ["session.created"], "include_email": True},
        headers={"If-Match": read.headers["ETag"]},
    )
    assert changed.status_code == 200
    assert (changed.json()["event_types"], changed.json()["url"]) == (["session.created"], BODY["url"])
    stale = await world.send(
        owner, "PATCH", path, json={"description": "x"}, headers={"If-Match": read.headers["ETag"]}
    )
    assert stale.status_code == 412

    assert (await world.send(owner, "DELETE", path)).status_code == 204
    assert (await world.get(owner, path)).status_code == 404


async def test_secrets_are_sealed_and_a_rotation_keeps_the_former_for_a_while(
    world: World, owner: Person
) -> None:
    first = await made(world, owner)
    rotated = await world.send(owner, "POST", f"/webhooks/{first['id']}/secret", json={"overlap_s": 3600})
    row = await world.sql.fetchrow("SELECT * FROM users.webhook_endpoints WHERE id = $1", first["id"])
    secrets = EndpointSecrets(world.app.extensions["vitrine"].settings.secret_key)

    assert rotated.status_code == 201
    assert rotated.json()["secret"] != first["secret"]
    assert rotated.json()["previous_secret_until"] is not None
    for name, secret in (
        ("sealed_secret", rotated.json()["secret"]),
        ("sealed_previous_secret", first["secret"]),
    ):
        assert secret.removeprefix("whsec_").encode() not in row[name]
        assert secrets.unseal(row["id"], row[name]) == secret
    at_once = await world.send(owner, "POST", f"/webhooks/{first['id']}/secret", json={"overlap_s": 0})
    assert at_once.json()["previous_secret_until"] is None
    assert await world.sql.fetchval(
        "SELECT sealed_previous_secret IS NULL FROM users.webhook_endpoints WHERE id = $1", first["id"]
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://hooks.example.org/in"}, "url"),
        ({"url": "https://127.0.0.1/in"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/in"}, "url"),
        ({"url": "https://user:secret@hooks.example.org/"}, "url"),
        ({"url": "https://hooks.example.org/#x"}, "url"),
        ({"url": "ftp://hooks.example.org/"}, "url"),
        ({"url": "https://" + "a" * 2000}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["user.exploded"]}, "event_types.0"),
        ({"event_types": ["webhook.test"]}, "event_types.0"),
        ({"include_email": "yes"}, "include_email"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
async def test_bad_input_is_refused_by_name(
    world: World, owner: Person, change: dict[str, Any], field: str
) -> None:
    answer = await world.send(owner, "POST", "/webhooks", json={**BODY, **change})

    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


async def test_the_url_is_judged_anew_when_it_changes(world: World, owner: Person) -> None:
    path = f"/webhooks/{(await made(world, owner))['id']}"

    answer = await world.send(owner, "PATCH", path, json={"url": "https://192.168.0.1/"})

    assert answer.status_code == 422
    assert (await world.get(owner, path)).json()["url"] == BODY["url"]


async def test_there_can_be_fifty(world: World, owner: Person) -> None:
    await world.sql.execute("DELETE FROM users.webhook_endpoints")
    kept = [(await made(world, owner))["id"] for _ in range(50)]

    answer = await world.send(owner, "POST", "/webhooks", json=BODY)

    assert answer.status_code == 409
    await world.sql.execute("DELETE FROM users.webhook_endpoints WHERE id = ANY($1::uuid[])", kept)


async def test_a_test_event_waits_and_a_webhook_that_is_off_takes_none(world: World, owner: Person) -> None:
    path = f"/webhooks/{(await made(world, owner))['id']}"
    sent = await world.send(owner, "POST", f"{path}/tests")
    delivery = f"{path}/deliveries/{sent.json()['id']}"

    assert sent.status_code == 202
    assert (await world.get(owner, delivery)).json()["payload"]["type"] == "webhook.test"
    off = await world.send(owner, "PATCH", path, json={"enabled": False})
    assert (off.json()["enabled"], off.json()["disabled_because"]) == (False, "staff")
    assert (await world.get(owner, delivery)).json()["state"] == "failed"
    assert (await world.send(owner, "POST", f"{path}/tests")).status_code == 409
    assert (await world.send(owner, "POST", f"{delivery}/redelivery")).status_code == 409
    on = await world.send(owner, "PATCH", path, json={"enabled": True})
    assert (on.json()["enabled"], on.json()["disabled_because"]) == (True, None)
    assert (await world.send(owner, "POST", f"{delivery}/redelivery")).status_code == 202
    assert (await world.get(owner, delivery)).json()["state"] == "waiting"


async def test_deliveries_belong_to_their_webhook(world: World, owner: Person) -> None:
    mine, other = [f"/webhooks/{(await made(world, owner))['id']}" for _ in range(2)]
    sent = (await world.send(owner, "POST", f"{mine}/tests")).json()["id"]

    assert (await world.get(owner, f"{other}/deliveries/{sent}")).status_code == 404
    assert (await world.send(owner, "POST", f"{other}/deliveries/{sent}/redelivery")).status_code == 404
    assert (await world.get(owner, f"/webhooks/{uuid4()}/deliveries")).status_code == 404


async def test_deliveries_are_listed_page_by_page(world: World, owner: Person) -> None:
    path = f"/webhooks/{(await made(world, owner))['id']}"
    sent = [(await world.send(owner, "POST", f"{path}/tests")).json()["id"] for _ in range(3)]

    first = (await world.get(owner, f"{path}/deliveries?limit=2")).json()
    second = (await world.client.get(first["next"], headers=owner.headers)).json()

    assert [item["id"] for item in first["items"] + second["items"]] == sent[::-1]
    assert second["next"] is None


async def test_the_events_are_listed_with_what_they_say(world: World, owner: Person) -> None:
    items = (await world.get(owner, "/webhooks/event-types")).json()["items"]

    assert [item["name"] for item in items] == list(NAMES)
    assert all(item["summary"] for item in items)


async def test_rule_48_each_change_is_in_the_audit_log_without_address_or_secret(
    world: World, owner: Person
) -> None:
    created = await made(world, owner)
    path = f"/webhooks/{created['id']}"
    await world.send(owner, "PATCH", path, json={"description": "x"})
    await world.send(owner, "POST", f"{path}/secret", json={})
    await world.send(owner, "DELETE", path)

    rows = await world.sql.fetch(
        "SELECT action, details::text FROM users.audit_log WHERE details->>'webhook_id' = $1 ORDER BY position",
        created["id"],
    )
    assert [row["action"] for row in rows] == [
        "webhook.created",
        "webhook.changed",
        "webhook.secret_rotated",
        "webhook.deleted",
    ]
    for row in rows:
        assert "whsec_" not in row["details"]
        assert "hooks.example.org" not in row["details"]
