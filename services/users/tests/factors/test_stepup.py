"""Proving again who one is: what asks for it, what it is worth, and that the old session dies of it."""

from __future__ import annotations

import pytest
from factors_world import (
    add_app,
    add_codes,
    add_passkey,
    code_of,
    internal,
    let_proof_age,
    with_session_token,
    with_tokens,
)
from soft_authenticator import SoftAuthenticator
from users_world import API, World
from vitrine_users.factors.proofs import assurance_after, method_after


@pytest.mark.parametrize(
    ("begun_by", "before", "proof", "verified", "after"),
    [
        ("password", 1, "totp", False, 2),
        ("password", 1, "recovery_code", False, 2),
        ("password", 1, "passkey", False, 2),
        ("password", 1, "password", False, 1),
        ("passkey", 1, "password", False, 2),
        ("passkey", 1, "totp", False, 1),
        ("passkey", 1, "passkey", True, 2),
        ("link", 1, "totp", False, 1),
        ("link", 1, "password", False, 1),
        ("link", 1, "passkey", True, 2),
        ("password", 2, "password", False, 2),
    ],
)
def test_rule_20_two_proofs_count_as_two_where_they_are_of_two_kinds(
    begun_by: str, before: int, proof: str, verified: bool, after: int
) -> None:
    assert assurance_after(begun_by, before, proof, user_verified=verified) == after


def test_a_sign_in_by_link_counts_as_begun_by_the_first_proof_that_comes() -> None:
    assert method_after("link", "password") == "password"
    assert method_after("password", "totp") == "password"


async def test_rule_25_confirming_by_api_brings_new_tokens_and_ends_the_old(world: World) -> None:
    person = await world.person()
    await let_proof_age(world, person)
    assert (await world.send(person, "POST", "/me/totp")).status_code == 403

    answer = await world.send(
        person, "POST", "/me/confirmations", json={"method": "password", "password": person.password}
    )

    assert answer.status_code == 201
    assert (await world.get(person, "/me")).status_code == 401
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    again = with_tokens(person, answer.json())
    assert (await world.send(again, "POST", "/me/totp")).status_code == 201


@pytest.mark.parametrize("proof", [{"method": "password", "password": "not it, not at all"}, {"method": "password"},
                                   {"method": "totp", "code": "123456"}, {"method": "recovery_code", "code": "x"},
                                   {"method": "recovery_code"}, {"method": "totp"}])  # fmt: skip
async def test_a_wrong_proof_confirms_nothing(world: World, proof: dict[str, str]) -> None:
    person = await world.person()
    await let_proof_age(world, person)

    assert (await world.send(person, "POST", "/me/confirmations", json=proof)).status_code == 422

    assert (await world.send(person, "POST", "/me/totp")).status_code == 403
    assert (await world.get(person, "/me")).status_code == 200


async def test_an_absent_passkey_confirms_nothing(world: World) -> None:
    person = await world.person()

    answer = await world.send(person, "POST", "/me/confirmations", json={"method": "passkey"})

    assert answer.status_code == 401


async def test_rule_25_confirming_in_a_browser_gives_the_session_a_new_secret_and_id(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    await let_proof_age(world, person)
    before = with_session_token(person, await world.exchange(begun["session"]))
    assert (await world.send(before, "POST", "/me/totp")).status_code == 403
    body = {"session": begun["session"], "method": "password", "address": world.some_address()}

    wrong = await internal(world, "sessions/confirm", **body, password="not it, not at all")
    right = await internal(world, "sessions/confirm", **body, password=person.password)
    late = await internal(world, "sessions/confirm", **body, password=person.password)

    assert [answer.status_code for answer in (wrong, right, late)] == [422, 201, 401]
    assert right.json()["session"] != begun["session"]
    assert (await world.exchange(begun["session"])).status_code == 401
    assert (await world.get(before, "/me")).status_code == 401, "the old session's tokens end with it"
    after = with_session_token(person, await world.exchange(right.json()["session"]))
    assert (await world.send(after, "POST", "/me/totp")).status_code == 201


async def test_a_browser_session_is_not_confirmed_by_api(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    acting = with_session_token(person, await world.exchange(begun["session"]))

    answer = await world.send(
        acting, "POST", "/me/confirmations", json={"method": "password", "password": person.password}
    )

    assert answer.status_code == 409


async def test_each_factor_confirms(world: World) -> None:
    person = await world.person()
    device = SoftAuthenticator()
    await add_passkey(world, person, device)
    secret = await add_app(world, person)
    codes = await add_codes(world, person)
    options = (await world.send(person, "POST", "/me/confirmations/passkey")).json()["public_key"]
    proofs = [
        {"method": "passkey", "credential": device.get(options)},
        {"method": "totp", "code": code_of(secret)},
        {"method": "recovery_code", "code": codes[0]},
    ]

    for proof in proofs:
        await let_proof_age(world, person)
        assert (await world.send(person, "POST", "/me/totp")).json()["type"] == "/problems/step-up-required"
        answer = await world.send(person, "POST", "/me/confirmations", json=proof)
        assert answer.status_code == 201, answer.text
        person = with_tokens(person, answer.json())
        assert (await world.send(person, "POST", "/me/totp")).status_code == 409


async def test_step_up_names_every_way_that_works(world: World) -> None:
    person = await world.person()
    await add_passkey(world, person, SoftAuthenticator())
    await add_app(world, person)
    await add_codes(world, person)
    await let_proof_age(world, person)

    answer = await world.send(person, "POST", "/me/totp")

    assert answer.json()["methods"] == ["passkey", "totp", "password", "recovery_code"]


async def test_who_has_nothing_to_prove_with_may_begin(world: World) -> None:
    person = await world.person()
    await world.sql.execute("UPDATE users.accounts SET password_hash = NULL WHERE id = $1", person.id)
    await let_proof_age(world, person)

    assert (await world.send(person, "POST", "/me/totp")).status_code == 201


async def test_the_token_tells_when_and_how_its_person_was_proved(world: World) -> None:
    person = await world.person()
    verifier = world.app.extensions["vitrine_auth"].tokens

    before = await verifier.verify(person.tokens["access_token"])
    answer = await world.send(
        person, "POST", "/me/confirmations", json={"method": "password", "password": person.password}
    )
    after = await verifier.verify(answer.json()["access_token"])

    assert before.assurance == after.assurance == 1
    assert before.authenticated_s is not None
    assert before.authenticated_s <= after.authenticated_s


async def test_adding_a_factor_raises_the_sign_in_and_its_session_gets_another_secret(world: World) -> None:
    person = await world.person()
    begun = await world.begin_session(person.email)
    acting = with_session_token(person, await world.exchange(begun["session"]))
    await add_app(world, acting)

    raised = await world.exchange(begun["session"])
    renewed = await internal(world, "sessions/renew", session=begun["session"])

    assert raised.json()["assurance"] == 2
    assert renewed.status_code == 201
    assert (await world.exchange(begun["session"])).status_code == 401
    assert (await world.exchange(renewed.json()["session"])).json()["assurance"] == 2
    assert (await internal(world, "sessions/renew", session=begun["session"])).status_code == 401


async def test_confirming_an_ended_session_by_passkey_is_refused(world: World) -> None:
    answer = await internal(world, "sessions/confirm/passkey", session="x")

    assert answer.status_code == 401


async def test_no_proof_is_sent_to_the_audit_log_but_that_there_was_one(world: World) -> None:
    person = await world.person()
    await world.send(
        person, "POST", "/me/confirmations", json={"method": "password", "password": person.password}
    )

    rows = await world.sql.fetch(
        "SELECT a::text AS row, action FROM users.audit_log a WHERE subject_id = $1", person.id
    )

    assert "session.confirmed" in {row["action"] for row in rows}
    assert not any(person.password in row["row"] for row in rows)


async def test_api_confirmations_ask_for_a_sign_in(world: World) -> None:
    answer = await world.client.post(f"{API}/me/confirmations", json={"method": "password"})

    assert answer.status_code == 401


async def test_rule_48_a_wrong_proof_is_in_the_audit_log(world: World) -> None:
    person = await world.person()
    await world.send(person, "POST", "/me/confirmations", json={"method": "totp", "code": "123456"})

    row = await world.sql.fetchrow(
        "SELECT * FROM users.audit_log WHERE subject_id = $1 AND action = 'factor.refused'", person.id
    )

    assert row["outcome"] == "refused"
    assert "123456" not in str(row)


@pytest.mark.parametrize(("age_s", "status"), [(290, 201), (302, 403)])
async def test_rule_30_a_proof_is_good_for_five_minutes(world: World, age_s: int, status: int) -> None:
    person = await world.person()
    await let_proof_age(world, person, age_s)

    assert (await world.send(person, "POST", "/me/totp")).status_code == status
