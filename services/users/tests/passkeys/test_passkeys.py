"""Passkeys: made, used as first and second proof, and refused for another challenge, origin, key or purpose."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from factors_world import (
    add_app,
    add_passkey,
    challenge_of,
    internal,
    let_proof_age,
    mails_of,
    second_step,
    with_tokens,
)
from soft_authenticator import SoftAuthenticator, decoded
from users_world import API, World
from vitrine_users.passkeys.ceremony import BadAnswer, RelyingParty, challenge_in, credential_id_in


async def options_of(world: World) -> dict[str, Any]:
    answer = await world.client.post(
        f"{API}/tokens/passkeys/options", headers={"X-Real-IP": world.some_address()}
    )
    found: dict[str, Any] = answer.json()["public_key"]
    return found


async def sign_in(world: World, credential: dict[str, Any]) -> httpx.Response:
    headers = {"X-Real-IP": world.some_address()}
    return await world.client.post(f"{API}/tokens/passkeys", json={"credential": credential}, headers=headers)


async def test_a_passkey_is_added_named_used_renamed_and_removed(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    passkey_id = await add_passkey(world, person, device, "Old phone")
    renamed = await world.send(person, "PATCH", f"/me/passkeys/{passkey_id}", json={"name": "New phone"})
    assert renamed.json()["name"] == "New phone"
    assert renamed.json()["last_used_at"] is None

    assert (await sign_in(world, device.get(await options_of(world)))).status_code == 201

    shown = (await world.get(person, "/me/factors")).json()["passkeys"]
    assert [(key["name"], key["last_used_at"] is None) for key in shown] == [("New phone", False)]
    assert (await world.send(person, "DELETE", f"/me/passkeys/{passkey_id}")).status_code == 204
    assert (await world.send(person, "DELETE", f"/me/passkeys/{passkey_id}")).status_code == 404
    assert (await sign_in(world, device.get(await options_of(world)))).status_code == 401
    assert await mails_of(world, person) == ["factor-added", "factor-removed"]


async def test_rule_24_a_challenge_has_64_bits_or_more_and_is_for_this_shop(world: World) -> None:
    first, second = await options_of(world), await options_of(world)

    assert len(decoded(first["challenge"])) * 8 >= 64
    assert first["challenge"] != second["challenge"]
    assert first["rpId"] == "localhost"
    assert first["allowCredentials"] == []


@pytest.mark.parametrize(("verifies", "assurance"), [(True, 2), (False, 1)])
async def test_rule_24_only_a_device_that_verified_its_owner_counts_as_two_factors(
    world: World, verifies: bool, assurance: int
) -> None:
    person, device = await world.person(), SoftAuthenticator(verifies=verifies)
    await add_passkey(world, person, device)
    await world.sql.execute("UPDATE users.accounts SET password_hash = NULL WHERE id = $1", person.id)

    answer = await sign_in(world, device.get(await options_of(world)))

    assert answer.status_code == 201
    verifier = world.app.extensions["vitrine_auth"].tokens
    assert (await verifier.verify(answer.json()["access_token"])).assurance == assurance


async def test_rule_24_without_verification_the_password_is_the_second_proof(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator(verifies=False)
    await add_passkey(world, person, device)

    pending = await sign_in(world, device.get(await options_of(world)))
    assert pending.status_code == 403
    assert pending.json()["methods"] == ["password"]
    challenge = pending.json()["challenge"]
    wrong = await second_step(world, challenge, "password", password="not it, not at all")
    other = await second_step(world, challenge, "totp", code="123456")
    right = await second_step(world, challenge, "password", password=person.password)

    assert [answer.status_code for answer in (wrong, other, right)] == [422, 422, 201]
    verifier = world.app.extensions["vitrine_auth"].tokens
    assert (await verifier.verify(right.json()["access_token"])).assurance == 2


@pytest.mark.parametrize(
    "changes",
    [{"origin": "https://localhost:8080"}, {"origin": "http://localhost:8081"}, {"origin": "http://evil.example"},
     {"origin": "http://localhost:8080.evil.example"}, {"rp_id": "evil.example"}, {"rp_id": "sub.localhost"}],
)  # fmt: skip
async def test_rule_24_origin_and_rp_id_must_be_exact(world: World, changes: dict[str, str]) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)

    elsewhere = replace(device, **changes)

    assert (await sign_in(world, elsewhere.get(await options_of(world)))).status_code == 401
    options = (await world.send(person, "POST", "/me/passkeys/options")).json()["public_key"]
    body = {"name": "Elsewhere", "credential": replace(SoftAuthenticator(), **changes).create(options)}
    assert (await world.send(person, "POST", "/me/passkeys", json=body)).status_code == 422


async def test_rule_24_an_answer_is_good_once(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    answer = device.get(await options_of(world))

    assert (await sign_in(world, answer)).status_code == 201
    assert (await sign_in(world, answer)).status_code == 401


async def test_rule_24_a_challenge_ends_after_five_minutes(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    options = await options_of(world)
    left = await world.sql.fetchval(
        "SELECT extract(epoch FROM expires_at - now())::float FROM users.passkey_challenges WHERE challenge = $1",
        decoded(options["challenge"]),
    )
    assert left <= 300
    await world.sql.execute(
        "UPDATE users.passkey_challenges SET expires_at = now() WHERE challenge = $1",
        decoded(options["challenge"]),
    )

    assert (await sign_in(world, device.get(options))).status_code == 401


async def test_rule_46_of_fifty_uses_of_one_answer_exactly_one_wins(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator(counts=False)
    await add_passkey(world, person, device)
    answer = device.get(await options_of(world))

    answers = await asyncio.gather(*(sign_in(world, answer) for _ in range(50)))

    assert sorted(found.status_code for found in answers) == [201] + [401] * 49


async def test_a_challenge_of_one_purpose_serves_no_other(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    confirm = (await world.send(person, "POST", "/me/confirmations/passkey")).json()["public_key"]
    register = (await world.send(person, "POST", "/me/passkeys/options")).json()["public_key"]
    signing = await options_of(world)

    assert (await sign_in(world, device.get(confirm))).status_code == 401
    assert (await sign_in(world, device.get(register))).status_code == 401
    body = {"method": "passkey", "credential": device.get(signing)}
    assert (await world.send(person, "POST", "/me/confirmations", json=body)).status_code == 401


async def test_a_copied_key_is_found_out_by_its_count(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    copy = replace(device)
    assert (await sign_in(world, device.get(await options_of(world)))).status_code == 201
    assert (await sign_in(world, device.get(await options_of(world)))).status_code == 201

    assert (await sign_in(world, copy.get(await options_of(world)))).status_code == 401


async def test_a_key_that_signs_wrongly_or_is_unknown_is_refused_alike(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    forged = replace(SoftAuthenticator(), credential_id=device.credential_id)

    answers = [
        await sign_in(world, forged.get(await options_of(world))),
        await sign_in(world, SoftAuthenticator().get(await options_of(world))),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1


async def test_a_passkey_is_the_second_proof_after_a_password(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator(verifies=False)
    await add_passkey(world, person, device)
    challenge = await challenge_of(world, person)
    begun = await world.client.post(
        f"{API}/tokens/factors/passkey",
        json={"challenge": challenge},
        headers={"X-Real-IP": world.some_address()},
    )
    options = begun.json()["public_key"]
    assert [decoded(key["id"]) for key in options["allowCredentials"]] == [device.credential_id]

    answer = await second_step(world, challenge, "passkey", credential=device.get(options))

    assert answer.status_code == 201
    verifier = world.app.extensions["vitrine_auth"].tokens
    assert (await verifier.verify(answer.json()["access_token"])).assurance == 2


async def test_somebody_elses_passkey_is_no_second_proof(world: World) -> None:
    person, other = await world.person(), await world.person()
    device, foreign = SoftAuthenticator(), SoftAuthenticator()
    await add_passkey(world, person, device)
    await add_passkey(world, other, foreign)
    challenge = await challenge_of(world, person)
    begun = await world.client.post(
        f"{API}/tokens/factors/passkey",
        json={"challenge": challenge},
        headers={"X-Real-IP": world.some_address()},
    )

    answer = await second_step(
        world, challenge, "passkey", credential=foreign.get(begun.json()["public_key"])
    )

    assert answer.status_code == 401


async def test_rule_10_failures_of_the_password_never_keep_a_passkey_out(world: World) -> None:
    person, device, address = await world.person(), SoftAuthenticator(), world.some_address()
    await add_passkey(world, person, device)
    for _ in range(11):
        await world.sign_in(person.email, "wrong wrong wrong", address=address)
    assert (await world.sign_in(person.email, address=address)).status_code == 429
    credential = device.get(await options_of(world))

    answer = await world.client.post(
        f"{API}/tokens/passkeys", json={"credential": credential}, headers={"X-Real-IP": address}
    )

    assert answer.status_code == 201


async def test_rule_30_changes_of_passkeys_ask_for_a_recent_proof(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    passkey_id = await add_passkey(world, person, device)
    options = (await world.send(person, "POST", "/me/passkeys/options")).json()["public_key"]
    await let_proof_age(world, person)
    body = {"name": "Late", "credential": SoftAuthenticator().create(options)}

    answers = [
        await world.send(person, "POST", "/me/passkeys/options"),
        await world.send(person, "POST", "/me/passkeys", json=body),
        await world.send(person, "DELETE", f"/me/passkeys/{passkey_id}"),
    ]

    assert {answer.json()["type"] for answer in answers} == {"/problems/step-up-required"}


async def test_another_persons_passkeys_are_not_there(world: World) -> None:
    person, other = await world.person(), await world.person()
    passkey_id = await add_passkey(world, other, SoftAuthenticator())

    assert (await world.send(person, "DELETE", f"/me/passkeys/{passkey_id}")).status_code == 404
    renamed = await world.send(person, "PATCH", f"/me/passkeys/{passkey_id}", json={"name": "Mine"})
    assert renamed.status_code == 404


async def test_one_key_is_on_one_account_and_an_account_has_twenty_at_most(world: World) -> None:
    person, other, device = await world.person(), await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    options = (await world.send(other, "POST", "/me/passkeys/options")).json()["public_key"]
    body = {"name": "Same", "credential": device.create(options)}
    assert (await world.send(other, "POST", "/me/passkeys", json=body)).status_code == 409
    for _ in range(19):
        await add_passkey(world, person, SoftAuthenticator())
    options = (await world.send(person, "POST", "/me/passkeys/options")).json()["public_key"]
    body = {"name": "21", "credential": SoftAuthenticator().create(options)}

    assert (await world.send(person, "POST", "/me/passkeys", json=body)).status_code == 409


async def test_a_passkey_added_beside_a_password_raises_the_sign_in(world: World) -> None:
    person = await world.person()
    await add_passkey(world, person, SoftAuthenticator())

    assurance = await world.sql.fetchval(
        "SELECT assurance FROM users.refresh_families WHERE account_id = $1", person.id
    )

    assert assurance == 2


HOSTILE: list[Any] = [
    {}, {"response": None}, {"response": {}}, {"response": {"clientDataJSON": 5}}, {"rawId": 5, "response": []},
    {"response": {"clientDataJSON": "e30"}}, {"response": {"clientDataJSON": "\u20ac"}},
    {"response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOjV9"}}, {"response": {"clientDataJSON": "W10"}},
]  # fmt: skip


@pytest.mark.parametrize("credential", HOSTILE)
async def test_what_is_no_credential_is_refused(world: World, credential: dict[str, Any]) -> None:
    person = await world.person()

    assert (await sign_in(world, credential)).status_code == 401
    made = await world.send(person, "POST", "/me/passkeys", json={"name": "N", "credential": credential})
    assert made.status_code == 422


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
async def test_a_garbled_answer_is_refused(world: World, member: str) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    for garbled in ("", "AAAA", "!", "gg", 7, None):
        credential = device.get(await options_of(world))
        credential["response"][member] = garbled
        expected = 201 if member == "userHandle" and garbled in {"", None} else 401

        assert (await sign_in(world, credential)).status_code == expected


@pytest.mark.parametrize("attestation", ["", "AAAA", "oA", "gYGBgYGBgYGBgYGBgYE", "v39_", 7])
async def test_a_garbled_registration_is_refused(world: World, attestation: Any) -> None:
    person, device = await world.person(), SoftAuthenticator()
    options = (await world.send(person, "POST", "/me/passkeys/options")).json()["public_key"]
    credential = device.create(options)
    credential["response"]["attestationObject"] = attestation

    made = await world.send(person, "POST", "/me/passkeys", json={"name": "N", "credential": credential})

    assert made.status_code == 422


@pytest.mark.parametrize(
    ("public_url", "works"),
    [("http://localhost:8080", True), ("https://shop.example", True), ("https://shop.example:8443", True),
     ("http://shop.example", False), ("https://192.0.2.1", False), ("http://127.0.0.1:8080", False),
     ("https://[::1]:8443", False)],
)  # fmt: skip
def test_passkeys_need_a_domain_and_https(public_url: str, works: bool) -> None:
    party = RelyingParty.of(public_url, "Shop")

    assert party.works is works
    assert party.origin == public_url


async def test_where_passkeys_cannot_work_it_is_said(make_world: Any) -> None:
    async with make_world(public_url="http://192.0.2.1:8080") as world:
        person = await world.person()
        answer = await world.send(person, "POST", "/me/passkeys/options")
        factors = await world.get(person, "/me/factors")

    assert answer.status_code == 409
    assert factors.json()["passkeys_work"] is False


def test_nothing_is_read_from_an_empty_answer() -> None:
    for read in (challenge_in, credential_id_in):
        with pytest.raises(BadAnswer):
            read({})


async def test_a_passkey_begins_a_browser_session(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    options = (await internal(world, "sessions/passkey/options", address=world.some_address())).json()
    credential = device.get(options["public_key"])

    begun = await internal(world, "sessions/passkey", credential=credential, user_agent="tests")

    assert begun.status_code == 201
    exchanged = await world.exchange(begun.json()["session"])
    assert exchanged.json()["assurance"] == 2
    assert exchanged.json()["user"]["id"] == str(person.id)


async def test_in_a_browser_too_the_password_follows_a_key_that_verified_nobody(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator(verifies=False)
    await add_passkey(world, person, device)
    options = (await internal(world, "sessions/passkey/options", address=world.some_address())).json()

    pending = await internal(world, "sessions/passkey", credential=device.get(options["public_key"]))
    body = {"challenge": pending.json()["challenge"], "method": "password", "password": person.password}
    begun = await internal(world, "sessions/second-step", **body)

    assert (pending.status_code, begun.status_code) == (202, 201)
    assert (await world.exchange(begun.json()["session"])).json()["assurance"] == 2


async def test_in_a_browser_a_passkey_is_the_second_step_and_confirms(world: World) -> None:
    person, device = await world.person(), SoftAuthenticator()
    await add_passkey(world, person, device)
    await add_app(world, with_tokens(person, person.tokens))
    pending = await internal(
        world, "sessions", email=person.email, password=person.password, address=world.some_address()
    )
    assert pending.json()["methods"] == ["passkey", "totp"]
    challenge = pending.json()["challenge"]
    options = await internal(world, "sessions/second-step/passkey", challenge=challenge)
    credential = device.get(options.json()["public_key"])
    begun = await internal(
        world, "sessions/second-step", challenge=challenge, method="passkey", credential=credential
    )
    session = begun.json()["session"]

    asked = await internal(world, "sessions/confirm/passkey", session=session)
    confirmed = await internal(
        world,
        "sessions/confirm",
        session=session,
        method="passkey",
        credential=device.get(asked.json()["public_key"]),
    )

    assert confirmed.status_code == 201
