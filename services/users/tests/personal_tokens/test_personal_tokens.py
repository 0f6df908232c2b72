"""Personal access tokens: made, listed, withdrawn, and what Nginx is told of them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from users_world import Person, World
from vitrine_users.edge.routes import TOKEN_HEADER

READ = {"name": "nightly", "scopes": ["users:read"], "expires_in_days": 30}


async def make(world: World, person: Person, **changes: Any) -> dict[str, Any]:
    answer = await world.send(person, "POST", "/me/tokens", json=READ | changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def judged(world: World, credential: str, **headers: str) -> httpx.Response:
    return await world.client.get(
        "/edge/identity", headers={"Authorization": f"Bearer {credential}", **headers}
    )


async def with_token(world: World, text: str, method: str, path: str, **options: Any) -> httpx.Response:
    """A request with a personal token as it comes through Nginx."""
    verdict = await judged(world, text)
    if verdict.status_code != 204:
        return verdict
    bearer = {"Authorization": f"Bearer {verdict.headers[TOKEN_HEADER]}"}
    return await world.client.request(method, f"/api/users/v1{path}", headers=bearer, **options)


async def test_rule_41_a_token_is_shown_once_and_kept_as_a_digest(world: World, owner: Person) -> None:
    made = await make(world, owner)

    listed = await world.get(owner, "/me/tokens")
    assert made["id"] in {item["id"] for item in listed.json()["items"]}
    assert made["token"] not in listed.text
    assert listed.headers["Cache-Control"] == "no-store"
    stored = await world.sql.fetchval(
        "SELECT row_to_json(t)::text FROM users.personal_access_tokens t WHERE id = $1", made["id"]
    )
    assert made["token"] not in stored
    assert made["token"][12:] not in stored


async def test_rule_41_a_token_has_no_more_rights_than_its_scopes(world: World, owner: Person) -> None:
    text = (await make(world, owner))["token"]

    assert (await with_token(world, text, "GET", "/users")).status_code == 200
    assert (await with_token(world, text, "GET", "/me")).status_code == 200
    assert (await with_token(world, text, "GET", "/audit")).status_code == 403
    assert (
        await with_token(world, text, "PATCH", f"/users/{owner.id}", json={"name": "Other"})
    ).status_code == 403


async def test_rule_41_a_token_has_no_more_rights_than_its_maker(world: World) -> None:
    customer, admin = await world.person(), await world.person("admin")

    for person, scope in ((customer, "users:read"), (admin, "users:roles"), (admin, "no:such")):
        answer = await world.send(person, "POST", "/me/tokens", json=READ | {"scopes": [scope]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "scopes"


async def test_rule_28_a_right_taken_from_the_maker_is_taken_from_the_token_at_once(world: World) -> None:
    admin = await world.person("admin")
    text = (await make(world, admin))["token"]
    assert (await with_token(world, text, "GET", "/users")).status_code == 200

    await world.give(admin.id, "customer")

    assert (await with_token(world, text, "GET", "/users")).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_in_days": 366},
        {"expires_in_days": 0},
        {"expires_in_days": None},
        {"name": ""},
        {"scopes": "users:read"},
        {"colour": "red"},
    ],
)
async def test_a_token_without_a_sensible_end_is_refused(
    world: World, owner: Person, changes: dict[str, Any]
) -> None:
    assert (await world.send(owner, "POST", "/me/tokens", json=READ | changes)).status_code == 422


async def test_rule_28_a_withdrawn_token_is_refused_at_the_next_request(world: World, owner: Person) -> None:
    made = await make(world, owner)
    verdict = await judged(world, made["token"])
    assert verdict.status_code == 204
    short = {"Authorization": f"Bearer {verdict.headers[TOKEN_HEADER]}"}

    assert (await world.send(owner, "DELETE", f"/me/tokens/{made['id']}")).status_code == 204

    refused = await judged(world, made["token"])
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert (await world.client.get("/api/users/v1/users", headers=short)).status_code == 401
    assert (await world.send(owner, "DELETE", f"/me/tokens/{made['id']}")).status_code == 404


async def test_nobody_withdraws_the_token_of_another(world: World, owner: Person) -> None:
    made, stranger = await make(world, owner), await world.person("admin")

    assert (await world.send(stranger, "DELETE", f"/me/tokens/{made['id']}")).status_code == 404
    assert (await judged(world, made["token"])).status_code == 204


async def test_a_token_ends(world: World, owner: Person) -> None:
    made = await make(world, owner)
    await world.sql.execute(
        "UPDATE users.personal_access_tokens SET expires_at = now() WHERE id = $1", made["id"]
    )

    assert (await judged(world, made["token"])).status_code == 401
    listed = (await world.get(owner, "/me/tokens")).json()["items"]
    assert made["id"] not in {item["id"] for item in listed}


async def test_the_last_use_is_written_once_a_minute(world: World, owner: Person) -> None:
    made = await make(world, owner)

    async def last_use() -> Any:
        return await world.sql.fetchrow(
            "SELECT last_used_at, last_address FROM users.personal_access_tokens WHERE id = $1", made["id"]
        )

    assert (await last_use())["last_used_at"] is None
    await asyncio.gather(*(judged(world, made["token"], **{"X-Real-IP": "192.0.2.7"}) for _ in range(5)))
    first = await last_use()
    assert first["last_address"] == "192.0.2.7"
    await judged(world, made["token"], **{"X-Real-IP": "192.0.2.8"})
    assert await last_use() == first
    await world.sql.execute(
        "UPDATE users.personal_access_tokens SET last_used_at = now() - interval '61 s' WHERE id = $1",
        made["id"],
    )
    await judged(world, made["token"], **{"X-Real-IP": "192.0.2.9"})
    assert (await last_use())["last_address"] == "192.0.2.9"


async def test_rule_41_credential_endpoints_refuse_tokens(world: World) -> None:
    """Every route without a permission of its own that changes something, and all that show credentials."""
    person = await world.person("admin")
    text = (await make(world, person, scopes=["users:read", "users:write"]))["token"]
    for method, path, body in (
        ("POST", "/me/tokens", READ),
        ("GET", "/me/tokens", None),
        ("DELETE", f"/me/tokens/{person.id}", None),
        (
            "POST",
            "/me/password",
            {"current_password": person.password, "new_password": "nine calm otters knit"},
        ),
        ("PATCH", "/me", {"name": "Other"}),
        ("DELETE", "/me", {"password": person.password}),
        ("POST", "/tokens", {"email": person.email, "password": person.password}),
    ):
        answer = await with_token(world, text, method, path, json=body)
        assert answer.status_code == 403, (method, path, answer.text)
    assert (await world.get(person, "/me")).status_code == 200


async def test_a_service_never_takes_the_long_token_itself(world: World, owner: Person) -> None:
    text = (await make(world, owner))["token"]

    answer = await world.client.get("/api/users/v1/me", headers={"Authorization": f"Bearer {text}"})

    assert answer.status_code == 401


async def test_what_is_said_of_a_token_is_signed_once(world: World, owner: Person) -> None:
    text = (await make(world, owner))["token"]

    tokens = {(await judged(world, text)).headers[TOKEN_HEADER] for _ in range(3)}

    assert len(tokens) == 1


@pytest.mark.parametrize(
    "credential", ["vitrine_pat_", "vitrine_pat_" + "a" * 49, "nonsense", "a.b.c", "vitrine_pat_ä"]
)
async def test_other_credentials_are_refused(world: World, credential: str) -> None:
    answer = await world.client.get(
        "/edge/identity", headers=[(b"Authorization", f"Bearer {credential}".encode("latin-1"))]
    )

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_there_can_be_fifty(world: World) -> None:
    person = await world.person()
    for _ in range(50):
        await make(world, person, scopes=[])

    answer = await world.send(person, "POST", "/me/tokens", json=READ | {"scopes": []})

    assert answer.status_code == 409


async def test_making_and_withdrawing_is_in_the_audit_log(world: World) -> None:
    person = await world.person()
    made = await make(world, person, scopes=[])
    await world.send(person, "DELETE", f"/me/tokens/{made['id']}")

    found = await world.sql.fetch(
        "SELECT action, details::text FROM users.audit_log WHERE subject_id = $1 AND action LIKE 'token.%'"
        " ORDER BY position",
        person.id,
    )
    assert [row["action"] for row in found] == ["token.created", "token.revoked"]
    assert all(made["id"] in row["details"] and made["token"] not in row["details"] for row in found)


async def test_rule_30_making_and_withdrawing_asks_for_a_proof_of_the_last_five_minutes(world: World) -> None:
    person = await world.person()
    made = await make(world, person, scopes=[])
    await world.sql.execute(
        "UPDATE users.refresh_families SET authenticated_at = now() - interval '301 s' WHERE account_id = $1",
        person.id,
    )

    for method, path, body in (
        ("POST", "/me/tokens", READ | {"scopes": []}),
        ("DELETE", f"/me/tokens/{made['id']}", None),
    ):
        answer = await world.send(person, method, path, json=body)
        assert answer.status_code == 403
        assert answer.json()["methods"] == ["password"]
    assert (await world.get(person, "/me/tokens")).status_code == 200


async def test_the_owner_is_told_by_mail_without_the_token(world: World) -> None:
    person = await world.person()
    made = await make(world, person, scopes=[])

    mail = (await world.mails_to(person.email))[-1]

    assert mail["template"] == "token-created"
    assert "nightly" in mail["text"]
    assert made["token"] not in mail["text"] + mail["html"]


async def test_power_over_others_is_measured_by_the_tokens_scopes(world: World) -> None:
    """An owner's token with users:write alone is no owner: it rules over nobody who may do more than that."""
    maker, editor, customer = await world.person("owner"), await world.person("editor"), await world.person()
    text = (await make(world, maker, scopes=["users:write"]))["token"]

    for whom, status in ((editor, 403), (customer, 200)):
        answer = await with_token(world, text, "PATCH", f"/users/{whom.id}", json={"name": "Renamed"})
        assert answer.status_code == status


async def test_a_token_is_told_what_it_may_do_beside_what_its_owner_may(world: World) -> None:
    editor = await world.person("editor")
    text = (await make(world, editor, scopes=["catalog:write"]))["token"]

    shown = (await with_token(world, text, "GET", "/me")).json()

    assert shown["scopes"] == ["catalog:write"]
    assert shown["permissions"] == ["catalog:import", "catalog:read_drafts", "catalog:write"]
    assert (await world.get(editor, "/me")).json()["scopes"] is None
