"""Registration: who gets an account, and what is refused with which reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from users_world import API, GOOD_PASSWORD, Person, World

CHECK_YOUR_MAIL = {"status": "check_your_mail", "delivers": False}


async def test_a_registered_person_is_a_customer_whose_address_waits_to_be_confirmed(world: World) -> None:
    email = world.some_email()

    answer = await world.register(email=email.title(), name="  Ann   First ", locale="de")

    assert (answer.status_code, answer.json()) == (202, CHECK_YOUR_MAIL)
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = (await world.sign_in(email)).json()
    me = await world.client.get(f"{API}/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    shown = me.json()
    assert shown["name"] == "Ann First"
    assert (shown["roles"], shown["has_password"]) == (["customer"], True)
    assert (shown["email_verified"], shown["locale"]) == (False, "de")
    assert "password_hash" not in shown


async def test_the_password_is_stored_as_argon2id_of_a_peppered_value(world: World) -> None:
    account_id, _email = await world.registered()

    stored = await world.sql.fetchval("SELECT password_hash FROM users.accounts WHERE id = $1", account_id)
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert GOOD_PASSWORD not in stored


async def test_rule_13_a_taken_address_gets_the_same_answer_and_its_owner_a_mail(world: World) -> None:
    """OWASP ASVS 6.3.8: nobody learns from a registration who has an account."""
    person = await world.person(name="Olga Owns")
    first = await world.register()

    again = await world.register(email=person.email.upper(), name="Somebody Else")

    def comparable(answer: Any) -> Any:
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        return answer.status_code, answer.json(), headers

    assert comparable(again) == comparable(first)
    verify, taken = await world.mails_to(person.email)
    assert (verify["template"], taken["template"]) == ("verify", "address-taken")
    assert "Hello Olga Owns," in taken["text"], "it speaks to the owner, not to who tried"
    assert "verify-email" not in taken["text"]
    assert (await world.sign_in(person.email)).status_code == 201, "nothing of the account was changed"


async def test_of_twenty_registrations_of_one_address_at_once_one_makes_the_account(world: World) -> None:
    email = world.some_email()

    answers = await asyncio.gather(*(world.register(email=email) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert await world.sql.fetchval("SELECT count(*) FROM users.accounts WHERE email_key = $1", email) == 1
    templates = [mail["template"] for mail in await world.mails_to(email)]
    assert sorted(templates) == ["address-taken"] * 19 + ["verify"]


@pytest.mark.parametrize(("registration", "told"), [("invite", "by invitation only"), ("closed", "closed")])
async def test_a_shop_that_is_not_open_refuses_known_and_new_alike(
    make_world: Any, world: World, registration: str, told: str
) -> None:
    person = await world.person()
    async with make_world(registration=registration) as shut:
        for email in (person.email, shut.some_email()):
            answer = await shut.register(email=email)
            assert answer.status_code == 403
            assert told in answer.json()["detail"]


async def test_rule_12_mails_to_one_address_are_limited_for_everybody(make_world: Any) -> None:
    async with make_world(mail_burst=2, mail_wait_s=60) as world:
        email = world.some_email()
        answers = [await world.register(email=email) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert (await world.register()).status_code == 202, "other addresses are not held up"


async def test_an_unconfirmed_person_is_given_no_role_for_staff(world: World, owner: Person) -> None:
    account_id, email = await world.registered()

    refused = await world.send(owner, "PATCH", f"/users/{account_id}", json={"roles": ["editor"]})
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["field"] == "roles"
    token = await world.link_to(email, "verify-email")
    await world.client.post(f"{API}/email-verifications/confirm", json={"token": token})
    given = await world.send(owner, "PATCH", f"/users/{account_id}", json={"roles": ["editor"]})

    assert given.status_code == 200
    assert given.json()["email_verified"] is True


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"password": "fourteen chars"}, "password", "at least 15"),
        ({"password": "x" * 10 + "é" * 119}, "password", "at most 128"),
        ({"password": "passwordpassword"}, "password", "common passwords"),
        ({"password": "Correct Horse Battery Staple"}, "password", "common passwords"),
        ({"password": "a" * 20}, "password", "repeats"),
        ({"password": "vitrine-vitrine-2026"}, "password", "made of your name"),
        (
            {"password": "Zebediah Quackenbush 7", "name": "Zebediah Quackenbush"},
            "password",
            "made of your name",
        ),
        (
            {"password": "zeb.quackenbush@example.com", "email": "zeb.quackenbush@example.com"},
            "password",
            "made of",
        ),
        ({"email": "no address"}, "email", "@"),
        ({"email": "a@localhost"}, "email", "period"),
        ({"name": "   "}, "name", "name"),
        ({"name": "bad\u0007name"}, "name", "cannot be shown"),
        ({"name": "n" * 121}, "name", "120"),
    ],
)
async def test_what_is_refused_names_the_field_and_says_why(
    world: World, changes: dict[str, Any], field: str, reason: str
) -> None:
    answer = await world.register(**changes)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["errors"][0]["field"] == field
    assert reason in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "password", ["quilt harbour 15", "ω" * 5 + "λόγος ψυχή νοῦς", "🦊🦉🐢🦋🐙" * 3, "quilt é " * 16]
)
async def test_good_passwords_of_any_script_and_length_are_taken(world: World, password: str) -> None:
    _account_id, email = await world.registered(password=password)

    assert (await world.sign_in(email, password)).status_code == 201


async def test_repeating_with_an_idempotency_key_registers_once(world: World) -> None:
    body = {"email": world.some_email(), "password": GOOD_PASSWORD, "name": "Ida Twice"}
    headers = {"Idempotency-Key": "registration-1", "X-Real-IP": world.some_address()}

    first = await world.client.post("/api/users/v1/registrations", json=body, headers=headers)
    second = await world.client.post("/api/users/v1/registrations", json=body, headers=headers)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(await world.mails_to(body["email"])) == 1


async def test_registrations_from_one_address_are_limited(make_world: Any) -> None:
    async with make_world(registration_burst=2, registration_wait_s=60) as world:
        address = {"X-Real-IP": world.some_address()}
        answers = [
            await world.client.post(
                "/api/users/v1/registrations",
                json={"email": world.some_email(), "password": GOOD_PASSWORD, "name": "Ann"},
                headers=address,
            )
            for _ in range(3)
        ]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 61
