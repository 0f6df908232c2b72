"""Registration: who gets an account, and what is refused with which reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from users_world import GOOD_PASSWORD, World


async def test_a_registered_person_is_a_customer(world: World) -> None:
    answer = await world.register(email="Ann.First@Example.com", name="  Ann   First ")

    assert answer.status_code == 201
    made = answer.json()
    assert made["email"] == "Ann.First@example.com"
    assert made["name"] == "Ann First"
    assert made["roles"] == ["customer"]
    assert made["has_password"] is True
    assert answer.headers["Location"] == f"/api/users/v1/users/{made['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "password_hash" not in made


async def test_the_password_is_stored_as_argon2id_of_a_peppered_value(world: World) -> None:
    made = (await world.register()).json()

    stored = await world.sql.fetchval("SELECT password_hash FROM users.accounts WHERE id = $1", made["id"])
    assert stored.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert GOOD_PASSWORD not in stored


async def test_an_address_is_taken_whatever_its_case(world: World) -> None:
    email = world.some_email()
    assert (await world.register(email=email)).status_code == 201

    again = await world.register(email=email.upper())

    assert again.status_code == 409
    assert again.json()["errors"] == [
        {"field": "email", "message": "There is an account with this e-mail address already."}
    ]


async def test_of_twenty_registrations_of_one_address_at_once_one_wins(world: World) -> None:
    email = world.some_email()

    answers = await asyncio.gather(*(world.register(email=email) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert await world.sql.fetchval("SELECT count(*) FROM users.accounts WHERE email_key = $1", email) == 1


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
    made = await world.register(password=password)

    assert made.status_code == 201, made.text
    assert (await world.sign_in(made.json()["email"], password)).status_code == 201


async def test_repeating_with_an_idempotency_key_registers_once(world: World) -> None:
    body = {"email": world.some_email(), "password": GOOD_PASSWORD, "name": "Ida Twice"}
    headers = {"Idempotency-Key": "registration-1", "X-Real-IP": world.some_address()}

    first = await world.client.post("/api/users/v1/registrations", json=body, headers=headers)
    second = await world.client.post("/api/users/v1/registrations", json=body, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"


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

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 61
