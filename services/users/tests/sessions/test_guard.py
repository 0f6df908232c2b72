"""The guard: a token counts only while its sign-in is alive, and for no more than its account may do."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from users_world import API, Person, World
from vitrine_kit import auth
from vitrine_users.edge.routes import TOKEN_HEADER


async def me_with(world: World, token: str) -> int:
    answer = await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.headers["Content-Type"] == (
        "application/json" if answer.status_code == 200 else "application/problem+json"
    )
    return answer.status_code


async def sign(world: World, person: Person, **changes: Any) -> str:
    session_id = await world.sql.fetchval(
        "SELECT id FROM users.refresh_families WHERE account_id = $1", person.id
    )
    claims: dict[str, Any] = {
        "account_id": person.id,
        "session_id": session_id,
        "name": "x",
        "roles": ["customer"],
        "permissions": [],
        **changes,
    }
    token: str = await world.app.extensions["vitrine_users"].keyring.sign(**claims)
    return token


async def personal_token(world: World, person: Person, *scopes: str, **changes: Any) -> str:
    """What a service sees of a personal token of these scopes: the token that takes its place behind Nginx."""
    token_id = await world.sql.fetchval(
        "INSERT INTO users.personal_access_tokens (id, account_id, digest, name, scopes, expires_at)"
        " VALUES ($1, $2, $3, 'nightly', $4, now() + interval '1 day') RETURNING id",
        uuid4(),
        person.id,
        uuid4().bytes,
        list(scopes),
    )
    return await sign(world, person, **{"session_id": token_id, "permissions": scopes, **changes})


async def test_a_token_for_a_living_sign_in_counts(world: World) -> None:
    assert await me_with(world, await sign(world, await world.person())) == 200


async def test_a_token_for_another_persons_sign_in_does_not(world: World) -> None:
    person, other = await world.person(), await world.person()

    assert await me_with(world, await sign(world, person, account_id=other.id)) == 401


async def test_a_token_for_no_sign_in_does_not(world: World) -> None:
    person = await world.person()
    key: OKPKey = await world.app.extensions["vitrine_users"].keyring._signing_key()
    without = auth.sign_access_token(
        key, issuer="http://localhost:8080", user_id=person.id, roles=[], permissions=[]
    )

    assert await me_with(world, await sign(world, person, session_id=uuid4())) == 401
    assert await me_with(world, without) == 401


async def test_permissions_that_the_account_has_not_got_do_not_count(world: World) -> None:
    person = await world.person()
    token = await sign(world, person, permissions=["users:read", "users:write", "users:roles"])

    answer = await world.client.get(f"{API}/users", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


async def test_permissions_that_the_token_has_not_got_do_not_count_either(world: World) -> None:
    owner = await world.person("owner")
    token = await sign(world, owner, permissions=["catalog:write"])

    answer = await world.client.get(f"{API}/users", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


async def test_tokens_of_another_key_algorithm_issuer_audience_or_kind_are_refused(world: World) -> None:
    person = await world.person()
    good = await sign(world, person)
    key: OKPKey = await world.app.extensions["vitrine_users"].keyring._signing_key()
    header, claims = (
        jwt.decode(good, key, algorithms=["Ed25519"]).header,
        jwt.decode(good, key, algorithms=["Ed25519"]).claims,
    )

    def signed(with_key: Any = key, **changes: Any) -> str:
        head = {**header, **changes.pop("header", {})}
        return jwt.encode(head, {**claims, **changes}, with_key, algorithms=["Ed25519"])

    def hmac_signed_with_the_public_key() -> str:
        head, body = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in ({**header, "alg": "HS256"}, claims)
        )
        tag = hmac.digest(key.as_pem(private=False), head + b"." + body, "sha256")
        return b".".join([head, body, base64.urlsafe_b64encode(tag).rstrip(b"=")]).decode()

    foreign = OKPKey.generate_key("Ed25519", {"kid": key.kid})
    assert await me_with(world, signed()) == 200
    assert await me_with(world, signed(foreign)) == 401
    assert await me_with(world, hmac_signed_with_the_public_key()) == 401
    assert await me_with(world, signed(iss="http://elsewhere.example")) == 401
    assert await me_with(world, signed(aud="other")) == 401
    assert await me_with(world, signed(exp=claims["iat"] - 61)) == 401
    assert await me_with(world, signed(exp=claims["iat"] + 3600)) == 401
    assert await me_with(world, signed(header={"typ": "JWT"})) == 401
    assert await me_with(world, signed(header={"kid": str(uuid4())})) == 401
    none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + good.split(".")[1] + "."
    assert await me_with(world, none) == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x.y.z", "Basic dXNlcjpwYXNz", "Bearer " + "A" * 9000, "x"]
)
async def test_a_malformed_credential_is_never_taken_for_nobody(world: World, header: str) -> None:
    for path in ("/me", "/jwks.json"):
        answer = await world.client.get(f"{API}{path}", headers={"Authorization": header})
        assert answer.status_code == 401


async def test_a_neighbour_may_pass_a_token_on_that_has_ended(world: World) -> None:
    person = await world.person()
    token = person.tokens["access_token"]
    await world.sql.execute("DELETE FROM users.refresh_families WHERE account_id = $1", person.id)

    answer = await world.client.post(
        "/internal/people",
        json={"ids": [str(person.id)]},
        headers=world.neighbour("catalog") | {"Authorization": f"Bearer {token}"},
    )

    assert answer.status_code == 200


async def test_every_instance_guards_its_routes_and_nothing_but_them(make_world: Any) -> None:
    async with make_world() as world:
        person = await world.person()
        assert (await world.get(person, "/me")).status_code == 200
        assert (await world.get(person, "/no-such-page")).status_code == 404
        assert (await world.client.get(f"{API}/me")).status_code == 401
        await world.sql.execute("DELETE FROM users.refresh_families WHERE account_id = $1", person.id)

        assert (await world.get(person, "/me")).status_code == 401


async def test_rule_41_a_personal_token_reads_what_is_public_and_nothing_of_its_owners_but_their_account(
    world: World,
) -> None:
    maker = await world.person("admin")
    token = await personal_token(world, maker, "users:read")
    acting = replace(maker, tokens={"access_token": token})

    for path, status in (("/jwks.json", 200), ("/me", 200), ("/users", 200), ("/me/tokens", 403)):
        assert (await world.get(acting, path)).status_code == status, path
    for path in ("/registrations", "/tokens"):
        assert (await world.send(acting, "POST", path, json={})).status_code == 403, path
    assert (await world.client.head(f"{API}/me", headers=acting.headers)).status_code == 200


async def test_rule_41_a_personal_token_is_told_its_own_rights_and_its_owners_apart(world: World) -> None:
    maker = await world.person("editor")
    token = await personal_token(world, maker, "catalog:write", permissions=["catalog:write", "users:write"])

    shown = (await world.get(replace(maker, tokens={"access_token": token}), "/me")).json()

    assert shown["scopes"] == ["catalog:write"]
    assert shown["permissions"] == ["catalog:import", "catalog:read_drafts", "catalog:write"]


async def test_rule_20_a_personal_token_keeps_the_rights_it_was_made_with_two_proofs(make_world: Any) -> None:
    async with make_world(require_factor=True) as world:
        maker = await world.person("admin")
        token = await personal_token(world, maker, "users:read")

        assert (await world.get(replace(maker, tokens={"access_token": token}), "/users")).status_code == 200
        assert (await world.get(maker, "/users")).status_code == 403, "one proof is not enough for themselves"


async def test_a_sign_in_counts_for_what_it_was_proved_by_as_the_table_says(make_world: Any) -> None:
    """Not as the token says: a new proof counts at once, and so does one that has grown old."""
    async with make_world(require_factor=True) as world:
        person = await world.person("admin")
        permissions = ["users:read"]
        proved_twice = await sign(world, person, permissions=permissions, assurance=2)
        acting = replace(person, tokens={"access_token": proved_twice})
        assert (await world.get(acting, "/users")).status_code == 403

        await world.sql.execute(
            "UPDATE users.refresh_families SET assurance = 2, authenticated_at = now() - interval '302 s'"
            " WHERE account_id = $1",
            person.id,
        )

        proved_once = await sign(world, person, permissions=permissions, authenticated_at=datetime.now(UTC))
        acting = replace(person, tokens={"access_token": proved_once})
        assert (await world.get(acting, "/users")).status_code == 200
        assert (await world.send(acting, "POST", "/me/totp")).json()["type"] == "/problems/step-up-required"
        wider = await sign(world, person, permissions=[*permissions, "no:such"])
        verdict = await world.client.get("/edge/identity", headers={"Authorization": f"Bearer {wider}"})
        said = await world.app.extensions["vitrine_auth"].tokens.verify(verdict.headers[TOKEN_HEADER])
        assert (said.assurance, said.permissions) == (2, {"users:read"})
        await world.sql.execute(
            "UPDATE users.refresh_families SET authenticated_at = now() WHERE account_id = $1", person.id
        )
        long_ago = await sign(world, person, authenticated_at=datetime(2026, 1, 1, tzinfo=UTC), assurance=2)
        acting = replace(person, tokens={"access_token": long_ago})
        assert (await world.send(acting, "POST", "/me/totp")).status_code == 201


async def test_who_sees_the_shop_as_somebody_else_looks_and_does_not_touch(
    world: World, owner: Person
) -> None:
    editor = await world.person("editor")
    begun = await world.begin_session(editor.email)
    await world.sql.execute(
        "UPDATE users.browser_sessions SET impersonated_by = $1 WHERE account_id = $2", owner.id, editor.id
    )
    seen = await world.exchange(begun["session"])
    assert seen.json()["user"]["permissions"] == ["catalog:read_drafts"]
    acting = replace(editor, tokens={"access_token": seen.json()["access_token"]})

    assert (await world.get(acting, "/me")).json()["permissions"] == ["catalog:read_drafts"]
    for method, path in (("PATCH", "/me"), ("DELETE", "/me/sessions"), ("POST", "/tokens")):
        assert (await world.send(acting, method, path, json={})).status_code == 403, path
