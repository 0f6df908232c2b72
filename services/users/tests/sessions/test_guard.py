"""The guard: a token counts only while its sign-in is alive, and for no more than its account may do."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from users_world import API, Person, World
from vitrine_kit import auth


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
