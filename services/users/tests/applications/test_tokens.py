"""Rules 40, 43 and 46: what codes and refresh tokens bring, how often, and what a second use ends."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest
from applications_world import Program, session_of
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from users_world import API, Person, World
from vitrine_users.housekeeping import go_round

OFFLINE = "openid profile email offline_access"


async def claims_of(world: World, id_token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set((await world.client.get("/oauth2/jwks.json")).json())
    registry = jws.JWSRegistry(algorithms=["EdDSA"])
    registry.algorithms = {**registry.algorithms, "EdDSA": registry.algorithms["Ed25519"]}
    return dict(jwt.decode(id_token, keys, algorithms=["EdDSA"], registry=registry).claims)


async def test_a_code_brings_an_id_token_and_an_access_token(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    found = await wiki.tokens(session)

    assert found["token_type"] == "Bearer"
    assert found["expires_in"] <= 600
    assert "refresh_token" not in found, "not asked for"
    claims = await claims_of(world, found["id_token"])
    assert claims["iss"] == "http://localhost:8080"
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (str(ann.id), wiki.id, "a nonce")
    assert claims["exp"] - claims["iat"] <= 600
    assert abs(claims["auth_time"] - time.time()) < 60
    assert claims["acr"] == "aal1"
    assert claims["email"] == ann.email
    told = await wiki.userinfo(found["access_token"])
    assert told.json() == {
        "sub": str(ann.id),
        "name": ann.name,
        "locale": "en",
        "zoneinfo": "UTC",
        "updated_at": told.json()["updated_at"],
        "email": ann.email,
        "email_verified": True,
    }
    assert told.headers["Cache-Control"] == "no-store"


async def test_an_application_is_told_no_more_than_it_asked_for(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    bare = await wiki.tokens(session, scope="openid unknown", nonce=None)
    assert bare["scope"] == "openid"
    assert (await wiki.userinfo(bare["access_token"])).json() == {"sub": str(ann.id)}
    claims = await claims_of(world, bare["id_token"])
    assert not {"email", "name", "nonce", "roles"} & claims.keys()

    roles = await wiki.tokens(session, scope="openid roles")
    assert (await wiki.userinfo(roles["access_token"])).json()["roles"] == ["customer"]


async def test_rule_37_an_applications_token_is_worth_nothing_at_our_own_api(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    found = await wiki.tokens(session, scope=OFFLINE)

    for token in (found["access_token"], found["id_token"]):
        answer = await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    assert (await world.refresh(found["refresh_token"])).status_code == 401
    for token in (ann.tokens["access_token"], found["id_token"], "x", "vr_x"):
        answer = await wiki.userinfo(token)
        assert answer.status_code == 401
        assert "invalid_token" in answer.headers["WWW-Authenticate"]
    own = {"grant_type": "refresh_token", "refresh_token": ann.tokens["refresh_token"]}
    assert (await wiki.post("token", own)).json()["error"] == "invalid_grant"
    assert (await world.client.get("/oauth2/userinfo")).status_code == 401


async def test_rule_43_a_code_that_is_used_again_ends_what_came_of_it(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    form = await wiki.code(session, scope=OFFLINE)
    found = (await wiki.post("token", form)).json()
    assert (await wiki.userinfo(found["access_token"])).status_code == 200

    again = await wiki.post("token", form)

    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert (await wiki.userinfo(found["access_token"])).status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    assert (await wiki.post("token", refresh)).json()["error"] == "invalid_grant"
    rows = await world.sql.fetch("SELECT action FROM users.audit_log WHERE subject_id = $1", ann.id)
    assert "application.code_reused" in {row["action"] for row in rows}


async def test_rule_46_of_fifty_redemptions_at_once_exactly_one_wins(wiki: Program, session: str) -> None:
    form = await wiki.code(session)

    answers = await asyncio.gather(*(wiki.post("token", form) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49


@pytest.mark.parametrize(
    "change",
    [
        {"code_verifier": "x" * 43},
        {"redirect_uri": "https://app.example/back"},
        {"redirect_uri": ""},
        {"code": "x" * 43},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_rule_43_a_code_without_its_verifier_and_address_is_worth_nothing(
    wiki: Program, session: str, change: dict[str, str]
) -> None:
    form = await wiki.code(session)

    refused = await wiki.post("token", {**form, **change})

    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_grant"
    if "code" not in change:
        assert (await wiki.post("token", form)).json()["error"] == "invalid_grant", "one try"


async def test_rule_43_a_code_is_worth_nothing_to_another_application(
    wiki: Program, phone: Program, session: str
) -> None:
    form = await wiki.code(session)

    assert (await phone.post("token", form)).json()["error"] == "invalid_grant"
    assert (await wiki.post("token", form)).status_code == 200, "nor is it used up by one"


async def test_an_old_code_is_worth_nothing(world: World, wiki: Program, session: str) -> None:
    form = await wiki.code(session)
    await world.sql.execute("UPDATE users.authorization_codes SET expires_at = now() - interval '1 second'")

    assert (await wiki.post("token", form)).json()["error"] == "invalid_grant"


async def test_a_public_application_needs_no_secret_and_may_send_none(phone: Program, session: str) -> None:
    form = await phone.code(session, scope=OFFLINE)

    refused = await phone.post("token", {**form, "client_secret": "made up"})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    found = (await phone.post("token", form)).json()
    renewed = await phone.post(
        "token", {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    )
    assert renewed.status_code == 200


async def test_a_wrong_secret_gets_an_application_nothing(wiki: Program, session: str) -> None:
    form = await wiki.code(session)
    assert wiki.secret is not None

    for auth in ((wiki.id, "made up"), (wiki.id, ""), ("0192a000-0000-7000-8000-000000000009", wiki.secret)):
        answer = await wiki.post("token", form, auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    without = await wiki.world.client.post("/oauth2/token", data={**form, "client_id": wiki.id})
    assert without.json()["error"] == "invalid_client"
    twice = await wiki.post("token", {**form, "client_secret": wiki.secret})
    assert twice.json()["error"] == "invalid_request", "one way of authenticating"
    in_form = {**form, "client_id": wiki.id, "client_secret": wiki.secret}
    assert (await wiki.world.client.post("/oauth2/token", data=in_form)).status_code == 200


@pytest.mark.parametrize("kind", ["password", "client_credentials", "implicit", "", "urn:x"])
async def test_rule_43_no_other_way_to_tokens_is_offered(wiki: Program, kind: str) -> None:
    answer = await wiki.post("token", {"grant_type": kind, "username": "a", "password": "b"})

    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"grant_type": "authorization_code"}},
        {
            "content": b"grant_type=a&grant_type=b",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {"data": {"grant_type": "a\0b"}},
        {"data": {"grant_type": "authorization_code"}, "params": {"code": "x"}},
        {"data": {"grant_type": "authorization_code", "code": "x"}},
        {"data": {"padding": "x" * 40_000}},
        {"content": b"\xff\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
)
async def test_malformed_requests_are_refused(wiki: Program, options: dict[str, Any]) -> None:
    assert wiki.secret is not None
    answer = await wiki.world.client.post("/oauth2/token", auth=(wiki.id, wiki.secret), **options)

    assert 400 <= answer.status_code < 500


async def test_rule_40_refresh_tokens_rotate_and_a_second_use_ends_them_all(
    world: World, wiki: Program, session: str
) -> None:
    first = await wiki.tokens(session, scope=OFFLINE)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await wiki.post("token", form)).json()
    assert second["refresh_token"] != first["refresh_token"]
    claims = await claims_of(world, second["id_token"])
    assert claims["auth_time"] == (await claims_of(world, first["id_token"]))["auth_time"]
    assert (await wiki.post("token", form)).json()["refresh_token"] == second["refresh_token"], (
        "a lost answer"
    )
    third = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    latest = (await wiki.post("token", third)).json()
    await world.sql.execute(
        "UPDATE users.application_grants SET rotated_at = ARRAY(SELECT r - interval '11 s' FROM unnest(rotated_at) r)"
    )

    assert (await wiki.post("token", form)).json()["error"] == "invalid_grant"

    assert (await wiki.userinfo(latest["access_token"])).status_code == 401
    now = {"grant_type": "refresh_token", "refresh_token": latest["refresh_token"]}
    assert (await wiki.post("token", now)).json()["error"] == "invalid_grant"


async def test_rule_46_of_fifty_refreshes_at_once_all_get_the_same_successor(
    wiki: Program, session: str
) -> None:
    first = await wiki.tokens(session, scope=OFFLINE)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    answers = await asyncio.gather(*(wiki.post("token", form) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_a_refresh_token_is_bound_to_its_application_and_brings_no_more_than_was_granted(
    wiki: Program, phone: Program, session: str
) -> None:
    found = await wiki.tokens(session, scope=OFFLINE)
    form = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}

    assert (await phone.post("token", form)).json()["error"] == "invalid_grant"
    assert (await wiki.post("token", {**form, "scope": "openid roles"})).json()["error"] == "invalid_scope"
    less = (await wiki.post("token", {**form, "scope": "openid"})).json()
    assert less["scope"] == "openid"
    assert list((await wiki.userinfo(less["access_token"])).json()) == ["sub"]


async def test_rule_28_what_ends_an_account_ends_its_tokens_at_the_next_request(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    found = await wiki.tokens(session, scope=OFFLINE)
    form = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
    await world.sql.execute("UPDATE users.accounts SET suspended_at = now() WHERE id = $1", ann.id)
    assert (await wiki.userinfo(found["access_token"])).status_code == 401
    assert (await wiki.post("token", form)).json()["error"] == "invalid_grant"
    await world.sql.execute("UPDATE users.accounts SET suspended_at = NULL WHERE id = $1", ann.id)
    assert (await wiki.userinfo(found["access_token"])).status_code == 200

    assert (await world.send(ann, "DELETE", "/me/sessions")).status_code == 204

    assert (await wiki.userinfo(found["access_token"])).status_code == 401


async def test_a_token_is_revoked_with_all_that_came_of_the_sign_in(
    wiki: Program, phone: Program, session: str
) -> None:
    for kind in ("refresh_token", "access_token"):
        found = await wiki.tokens(session, scope=OFFLINE)
        assert (await phone.post("revoke", {"token": found[kind]})).status_code == 200
        assert (await wiki.userinfo(found["access_token"])).status_code == 200, "another's is ignored"

        assert (await wiki.post("revoke", {"token": found[kind], "token_type_hint": kind})).status_code == 200

        assert (await wiki.userinfo(found["access_token"])).status_code == 401
        again = {"grant_type": "refresh_token", "refresh_token": found["refresh_token"]}
        assert (await wiki.post("token", again)).json()["error"] == "invalid_grant"
    assert (await wiki.post("revoke", {"token": "made up"})).status_code == 200
    assert (await wiki.post("revoke", {})).json()["error"] == "invalid_request"
    assert (await wiki.post("revoke", {"token": "x"}, auth=(wiki.id, "wrong"))).status_code == 401


async def test_an_application_with_a_secret_may_ask_whether_its_tokens_are_good(
    wiki: Program, phone: Program, ann: Person, session: str
) -> None:
    found = await wiki.tokens(session, scope=OFFLINE)
    for kind in ("refresh_token", "access_token"):
        told = (await wiki.post("introspect", {"token": found[kind]})).json()
        assert told["active"] is True
        assert (told["sub"], told["client_id"]) == (str(ann.id), wiki.id)
    others = await phone.tokens(session)

    assert (await wiki.post("introspect", {"token": others["access_token"]})).json() == {"active": False}
    assert (await wiki.post("introspect", {"token": "x"})).json() == {"active": False}
    assert (await phone.post("introspect", {"token": others["access_token"]})).status_code == 401


async def test_a_person_shuts_an_application_out(
    world: World, wiki: Program, ann: Person, session: str
) -> None:
    found = await wiki.tokens(session, scope=OFFLINE)
    (allowed,) = (await world.get(ann, "/me/applications")).json()["items"]
    assert (allowed["id"], allowed["name"]) == (wiki.id, "Wiki")
    assert len(allowed["texts"]) == len(allowed["scopes"])
    assert allowed["texts"][0] == "know that it is you"

    assert (await world.send(ann, "DELETE", f"/me/applications/{wiki.id}")).status_code == 204

    assert (await wiki.userinfo(found["access_token"])).status_code == 401
    assert (await wiki.ask(wiki.request(), session))["outcome"] == "consent"
    assert (await world.send(ann, "DELETE", f"/me/applications/{wiki.id}")).status_code == 404


async def test_rule_48_no_secret_of_an_application_is_in_a_log(
    wiki: Program, ann: Person, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    form = await wiki.code(session, scope=OFFLINE)
    found = (await wiki.post("token", form)).json()
    await wiki.post("token", form)
    await wiki.userinfo(found["access_token"])
    await wiki.post("revoke", {"token": found["refresh_token"]})

    secrets = [form["code"], form["code_verifier"], wiki.secret or "", session, ann.email]
    secrets += [found[name] for name in ("access_token", "refresh_token", "id_token")]
    assert [secret for secret in secrets if secret in caplog.text] == []


async def test_what_has_ended_is_dropped(world: World, wiki: Program, session: str) -> None:
    await wiki.tokens(session)
    for table in ("application_grants", "authorization_codes"):
        await world.sql.execute(f"UPDATE users.{table} SET expires_at = now() - interval '2 hours'")

    await go_round(world.app.extensions["vitrine"].database)

    for table in ("application_grants", "authorization_codes"):
        assert await world.sql.fetchval(f"SELECT count(*) FROM users.{table}") == 0


async def test_keys_are_rotated_without_a_sign_in_failing(world: World, wiki: Program, session: str) -> None:
    before = await wiki.tokens(session)
    keyring = world.app.extensions["vitrine_users"].keyring
    async with world.app.extensions["vitrine"].database.transaction() as transaction:
        rotation = await keyring.rotate(transaction)
    try:
        assert await claims_of(world, before["id_token"])
        assert (await wiki.userinfo(before["access_token"])).status_code == 200
        assert await claims_of(world, (await wiki.tokens(session))["id_token"])
    finally:
        # The database is shared, and only one rotation can be under way.
        await world.sql.execute("DELETE FROM users.signing_keys WHERE id = $1", rotation.kid)
        await world.sql.execute("UPDATE users.signing_keys SET retired_at = NULL")


async def test_an_application_whose_library_knows_no_ed25519_gets_rs256(
    world: World, wiki: Program, owner: Person, ann: Person
) -> None:
    session = await session_of(world, ann)
    changed = await world.send(owner, "PATCH", f"/applications/{wiki.id}", json={"signature": "RS256"})
    assert changed.status_code == 200, changed.text
    forms = [await wiki.code(session) for _ in range(8)]

    answers = await asyncio.gather(*(wiki.post("token", form) for form in forms))

    keys = KeySet.import_key_set((await world.client.get("/oauth2/jwks.json")).json())
    tokens = [jwt.decode(one.json()["id_token"], keys, algorithms=["RS256"]) for one in answers]
    assert {token.claims["sub"] for token in tokens} == {str(ann.id)}
    assert len({token.header["kid"] for token in tokens}) == 1, "of many that make the first key, one wins"
    row = await world.sql.fetchrow("SELECT * FROM users.id_token_keys")
    assert b'"d"' not in bytes(row["sealed_key"])
    hint = {"id_token_hint": answers[0].json()["id_token"]}
    told = await world.client.post(
        "/internal/logouts", json={"query": hint, "session": session}, headers=world.neighbour()
    )
    assert told.json()["proved"] is True


async def test_rsa_keys_rotate_and_the_old_one_is_published_until_its_last_token_has_ended(
    world: World, wiki: Program, owner: Person, ann: Person
) -> None:
    session = await session_of(world, ann)
    await world.send(owner, "PATCH", f"/applications/{wiki.id}", json={"signature": "RS256"})
    before = (await wiki.tokens(session))["id_token"]
    rsa_keys, database = (
        world.app.extensions["vitrine_users"].rsa_keys,
        world.app.extensions["vitrine"].database,
    )
    async with database.transaction() as transaction:
        await rsa_keys.retire(transaction, at_once=False)
    rsa_keys._reread_at = 0.0

    after = (await wiki.tokens(session))["id_token"]

    keys = KeySet.import_key_set((await world.client.get("/oauth2/jwks.json")).json())
    kids = {jwt.decode(token, keys, algorithms=["RS256"]).header["kid"] for token in (before, after)}
    assert len(kids) == 2
    await world.sql.execute(
        "UPDATE users.id_token_keys SET retired_at = now() - interval '1 hour' WHERE retired_at IS NOT NULL"
    )
    assert len(await rsa_keys.published()) == 1
    await go_round(database)
    assert await world.sql.fetchval("SELECT count(*) FROM users.id_token_keys") == 1
    async with database.transaction() as transaction:
        await rsa_keys.retire(transaction, at_once=True)
    assert await rsa_keys.published() == []


async def test_the_newer_name_of_the_algorithm_is_used_where_an_application_wants_it(
    world: World, wiki: Program, owner: Person, ann: Person
) -> None:
    changed = await world.send(owner, "PATCH", f"/applications/{wiki.id}", json={"signature": "Ed25519"})
    assert changed.status_code == 200, changed.text

    found = await wiki.tokens(await session_of(world, ann))

    keys = KeySet.import_key_set((await world.client.get("/oauth2/jwks.json")).json())
    assert jwt.decode(found["id_token"], keys, algorithms=["Ed25519"]).header["alg"] == "Ed25519"
