"""Signing in by API: what it brings, and what a failure does not tell."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from users_world import API, GOOD_PASSWORD, World


async def claims_of(world: World, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await world.client.get(f"{API}/jwks.json")).json())
    decoded = jwt.decode(token, keys, algorithms=["Ed25519"])
    assert decoded.header["typ"] == "at+jwt"
    return decoded.claims


async def test_signing_in_brings_a_short_token_of_the_declared_form(world: World) -> None:
    person = await world.person("editor", name="Token Holder")

    answer = await world.sign_in(person.email)

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600
    assert 30 * 86400 - 5 <= body["refresh_expires_in"] <= 30 * 86400
    claims = await claims_of(world, body["access_token"])
    assert claims["iss"] == "http://localhost:8080"
    assert claims["aud"] == "vitrine"
    assert claims["sub"] == str(person.id)
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["roles"] == ["editor"]
    assert claims["perms"] == ["catalog:import", "catalog:read_drafts", "catalog:write"]
    assert claims["name"] == "Token Holder"
    assert UUID(claims["sid"])
    assert claims["jti"] != (await claims_of(world, person.tokens["access_token"]))["jti"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
async def test_either_spelling_of_a_password_signs_in(world: World, form: Any) -> None:
    person = await world.person(password="crème brûlée à gogo")

    answer = await world.sign_in(person.email, unicodedata.normalize(form, "crème brûlée à gogo"))

    assert answer.status_code == 201


@pytest.mark.parametrize("email", ["PERSON", "other"])
async def test_the_case_of_the_address_does_not_matter(world: World, email: str) -> None:
    person = await world.person()
    written = person.email.upper() if email == "PERSON" else person.email.title()

    assert (await world.sign_in(written)).status_code == 201


async def test_a_failure_does_not_tell_whether_the_account_exists(world: World) -> None:
    person = await world.person()
    wrong = await world.sign_in(person.email, "not the password at all")
    unknown = await world.sign_in("nobody-at-all@example.com", "not the password at all")
    no_address = await world.sign_in("no address at all", "not the password at all")

    def comparable(answer: Any) -> tuple[Any, ...]:
        ignored = {"x-request-id"}
        headers = {name: value for name, value in answer.headers.items() if name not in ignored}
        return answer.status_code, headers, {**answer.json(), "request_id": None}

    assert comparable(wrong) == comparable(unknown) == comparable(no_address)
    assert wrong.status_code == 401
    assert wrong.headers["WWW-Authenticate"] == "Bearer"


async def test_an_account_without_a_password_cannot_sign_in_with_one(world: World) -> None:
    person = await world.person()
    await world.sql.execute("UPDATE users.accounts SET password_hash = NULL WHERE id = $1", person.id)

    assert (await world.sign_in(person.email)).status_code == 401


async def test_a_hash_of_lower_cost_is_made_again_at_sign_in(
    world: World, make_world: Callable[..., Any]
) -> None:
    person = await world.person()
    stored = "SELECT password_hash FROM users.accounts WHERE id = $1"
    assert ",t=1," in await world.sql.fetchval(stored, person.id)

    async with make_world(argon2_passes=2) as stronger:
        assert (await stronger.sign_in(person.email)).status_code == 201
        session = await stronger.begin_session(person.email)
        assert session["user"]["id"] == str(person.id)

    assert ",t=2," in await world.sql.fetchval(stored, person.id)
    assert (await world.sign_in(person.email)).status_code == 201


async def test_a_password_changed_while_it_is_being_verified_does_not_sign_in(world: World) -> None:
    """The hash that was verified must still be there when the sign-in is written."""
    from vitrine_kit.db import Database
    from vitrine_users.accounts import service
    from vitrine_users.accounts.errors import WrongCredentials

    person = await world.person()
    database: Database = world.app.extensions["vitrine"].database
    verified = await world.sql.fetchval("SELECT password_hash FROM users.accounts WHERE id = $1", person.id)
    await world.sql.execute("UPDATE users.accounts SET password_hash = 'changed' WHERE id = $1", person.id)

    with pytest.raises(WrongCredentials):
        async with database.transaction() as session:
            await service.note_sign_in(session, service.Proved(person.id, verified, False, []), rehashed=None)


async def test_signing_in_is_noted_and_clears_what_has_ended(world: World) -> None:
    person = await world.person()
    await world.sql.execute(
        "UPDATE users.refresh_families SET expires_at = now() WHERE account_id = $1", person.id
    )

    await world.sign_in(person.email)

    families = await world.sql.fetchval(
        "SELECT count(*) FROM users.refresh_families WHERE account_id = $1", person.id
    )
    noted = await world.sql.fetchval("SELECT last_signed_in_at FROM users.accounts WHERE id = $1", person.id)
    assert families == 1
    assert noted is not None


async def test_a_long_user_agent_is_kept_only_in_part(world: World) -> None:
    person = await world.person()
    body = {"email": person.email, "password": GOOD_PASSWORD}

    answer = await world.client.post(f"{API}/tokens", json=body, headers={"User-Agent": "x" * 5000})

    assert answer.status_code == 201
