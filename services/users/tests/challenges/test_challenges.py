"""Challenges under attack: asked for after failures, good once, for one purpose; who is known is not asked."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
import pytest_asyncio
from users_world import API, GOOD_PASSWORD, World
from vitrine_users.challenges.pressure import network_of
from vitrine_users.challenges.service import HEADER, MAX_WAITED

FEW = 3
ATTACKED = {
    "challenge_after_network": FEW,
    "challenge_after_all": 0,
    "challenge_work": 1000,
    "challenge_wait_s": 1,
    "sign_in_burst": 1000,
}


@pytest_asyncio.fixture
async def shop(make_world: Any) -> AsyncIterator[World]:
    async with make_world(**ATTACKED) as world:
        yield world


def encoded(value: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def solved(puzzle: dict[str, Any], /, **changes: Any) -> str:
    """What a client sends that has done the work."""
    salt = puzzle["salt"]
    number = next(
        n
        for n in range(puzzle["maxnumber"] + 1)
        if sha256(f"{salt}{n}".encode()).hexdigest() == puzzle["challenge"]
    )
    names = ("algorithm", "challenge", "salt", "signature")
    return encoded({**{name: puzzle[name] for name in names}, "number": number, **changes})


async def sign_in(
    world: World, email: str, address: str, solution: str | None = None, password: str = "not the password"
) -> httpx.Response:
    headers = {"X-Real-IP": address, **({HEADER: solution} if solution is not None else {})}
    body = {"email": email, "password": password}
    return await world.client.post(f"{API}/tokens", json=body, headers=headers)


async def attack(world: World, address: str, tries: int = FEW + 1) -> None:
    for _ in range(tries):
        assert (await sign_in(world, world.some_email(), address)).status_code == 401


async def challenge_for(world: World, address: str, path: str = "/tokens") -> dict[str, Any]:
    bodies = {
        "/tokens": {"email": world.some_email(), "password": GOOD_PASSWORD},
        "/password-resets": {"email": world.some_email()},
        "/registrations": {"email": world.some_email(), "password": GOOD_PASSWORD, "name": "N"},
    }
    answer = await world.client.post(f"{API}{path}", json=bodies[path], headers={"X-Real-IP": address})
    assert answer.status_code == 429, answer.text
    found: dict[str, Any] = answer.json()["challenge"]
    return found


async def test_in_quiet_times_nobody_is_asked(shop: World) -> None:
    person = await shop.person()

    assert (await sign_in(shop, person.email, shop.some_address(), None, GOOD_PASSWORD)).status_code == 201


async def test_after_failures_of_a_network_its_tries_have_to_be_paid_for(shop: World) -> None:
    person, address = await shop.person(), shop.some_address()
    await attack(shop, address)

    refused = await sign_in(shop, person.email, address, None, GOOD_PASSWORD)

    problem = refused.json()
    assert (refused.status_code, problem["type"]) == (429, "/problems/challenge-required")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) >= 1
    paid = await sign_in(shop, person.email, address, solved(problem["challenge"]), GOOD_PASSWORD)
    assert paid.status_code == 201, paid.text
    elsewhere = await sign_in(shop, person.email, shop.some_address(), None, GOOD_PASSWORD)
    assert elsewhere.status_code == 201, "another network is not asked"


async def test_known_and_unknown_accounts_get_the_same_challenge(shop: World) -> None:
    person, address = await shop.person(), shop.some_address()
    await attack(shop, address)

    known, unknown = [await sign_in(shop, email, address) for email in (person.email, shop.some_email())]

    assert known.status_code == unknown.status_code == 429
    assert set(known.json()) == set(unknown.json())
    assert set(known.json()["challenge"]) == set(unknown.json()["challenge"])


async def test_failures_from_everywhere_ask_everybody(make_world: Any) -> None:
    async with make_world(**ATTACKED | {"challenge_after_all": FEW}) as world:
        for _ in range(FEW + 1):
            await attack(world, world.some_address(), 1)

        assert (await sign_in(world, world.some_email(), world.some_address())).status_code == 429
        # For whoever shares the database: this world's failures do not go on counting.
        await world.sql.execute("DELETE FROM users.rate_limit")


@pytest.mark.parametrize("path", ["/registrations", "/password-resets"])
async def test_registering_and_resetting_count_and_are_asked_too(shop: World, path: str) -> None:
    address = shop.some_address()
    body = (
        {"email": "", "password": GOOD_PASSWORD, "name": "N"} if path == "/registrations" else {"email": ""}
    )
    for _ in range(FEW + 1):
        body["email"] = shop.some_email()
        answer = await shop.client.post(f"{API}{path}", json=body, headers={"X-Real-IP": address})
        assert answer.status_code == 202, answer.text

    solution = solved(await challenge_for(shop, address, path))
    paid = await shop.client.post(f"{API}{path}", json=body, headers={"X-Real-IP": address, HEADER: solution})
    assert paid.status_code == 202, paid.text


async def test_rule_46_fifty_tries_with_one_solution_make_one(shop: World) -> None:
    address = shop.some_address()
    await attack(shop, address)
    solution = solved(await challenge_for(shop, address))

    answers = await asyncio.gather(*(sign_in(shop, shop.some_email(), address, solution) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [401] + [429] * 49


async def test_a_solution_is_good_for_its_purpose_only(shop: World) -> None:
    address = shop.some_address()
    await attack(shop, address)
    for_reset = solved(await challenge_for(shop, address, "/password-resets"))

    assert (await sign_in(shop, shop.some_email(), address, for_reset)).status_code == 429


async def test_what_is_forged_changed_or_nonsense_is_worth_nothing(shop: World) -> None:
    address = shop.some_address()
    await attack(shop, address)
    challenge = await challenge_for(shop, address)
    salt = challenge["salt"]
    made_up = sha256(f"{salt}7".encode()).hexdigest()
    stretched = salt.replace("expires=", "expires=9")
    worthless = [
        "",
        "%%%",
        "é" * 10,
        "a" * 3000,
        encoded({}),
        encoded({"ticket": 7}),
        encoded({"ticket": challenge["ticket"][:-1] + ("0" if challenge["ticket"][-1] != "0" else "1")}),
        encoded({"ticket": challenge["ticket"].replace("purpose=sign-in", "purpose=reset")}),
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        solved(challenge, number=-1),
        solved(challenge, number="12"),
        solved(challenge, number=2**63),
        solved(challenge, algorithm="SHA-1"),
        solved(challenge, salt=[salt]),
        solved(challenge, salt=stretched),
        solved(challenge, signature="0" * 64),
        solved(challenge, number=7, challenge=made_up),
    ]
    for solution in worthless:
        headers = {"X-Real-IP": address, HEADER: solution.encode()}
        body = {"email": shop.some_email(), "password": "not the password"}
        answer = await shop.client.post(f"{API}/tokens", json=body, headers=headers)
        assert answer.status_code in {400, 429}, (solution[:40], answer.status_code)

    assert (await sign_in(shop, shop.some_email(), address, solved(challenge))).status_code == 401


async def test_who_cannot_work_waits(shop: World) -> None:
    person, address = await shop.person(), shop.some_address()
    await attack(shop, address)
    challenge = await challenge_for(shop, address)
    ticket = encoded({"ticket": challenge["ticket"]})

    early = await sign_in(shop, person.email, address, ticket, GOOD_PASSWORD)
    assert early.status_code == 429
    assert early.json()["challenge"]["ticket"] == challenge["ticket"], "the wait does not begin anew"
    await asyncio.sleep(challenge["wait_s"])
    waited = await sign_in(shop, person.email, address, ticket, GOOD_PASSWORD)
    assert waited.status_code == 201, waited.text
    assert (await sign_in(shop, person.email, address, ticket, GOOD_PASSWORD)).status_code == 429


async def test_waiting_pays_for_a_few_tries_of_a_network_only(make_world: Any) -> None:
    async with make_world(**ATTACKED) as world:
        address = world.some_address()
        await attack(world, address)
        tickets = [
            encoded({"ticket": (await challenge_for(world, address))["ticket"]})
            for _ in range(MAX_WAITED + 3)
        ]
        await asyncio.sleep(1)
        answers = await asyncio.gather(
            *(sign_in(world, world.some_email(), address, ticket) for ticket in tickets)
        )

    passed = [answer.status_code for answer in answers].count(401)
    assert MAX_WAITED <= passed < len(tickets)


async def test_rule_10_a_device_the_account_knows_is_not_asked(shop: World) -> None:
    person, address = await shop.person(), shop.some_address()
    device = (await shop.begin_session(person.email))["device"]
    await attack(shop, address)

    for known, status in ((device, 201), ("somebody-elses-cookie", 429), (None, 429)):
        body = {"email": person.email, "password": GOOD_PASSWORD, "user_agent": "", "address": address}
        answer = await shop.client.post(
            "/internal/sessions", json=body | {"device": known}, headers=shop.neighbour()
        )
        assert answer.status_code == status, (known, answer.text)


async def test_rule_10_a_passkey_is_not_asked(shop: World) -> None:
    address = shop.some_address()
    await attack(shop, address)

    answer = await shop.client.post(f"{API}/tokens/passkeys/options", headers={"X-Real-IP": address})

    assert answer.status_code == 200


async def test_rule_11_the_count_is_kept_for_all_workers_and_restarts(make_world: Any) -> None:
    async with make_world(**ATTACKED) as world:
        address = world.some_address()
        await attack(world, address)
    async with make_world(**ATTACKED) as another:
        assert (await sign_in(another, another.some_email(), address)).status_code == 429
        forged = {"X-Real-IP": address, "X-Forwarded-For": "198.51.100.7"}
        body = {"email": another.some_email(), "password": "not the password"}
        answer = await another.client.post(f"{API}/tokens", json=body, headers=forged)
        assert answer.status_code == 429


async def test_an_attack_is_over_when_the_failures_are(make_world: Any) -> None:
    async with make_world(**ATTACKED | {"challenge_window_s": 1}) as world:
        address = world.some_address()
        for _ in range(30):
            await world.app.extensions["vitrine_users"].pressure.note(address)
        assert (await sign_in(world, world.some_email(), address)).status_code == 429
        async with asyncio.timeout(10):
            while (await sign_in(world, world.some_email(), address)).status_code == 429:
                await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("local", "local"),
    ],
)
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_the_document_tells_of_the_challenge(shop: World) -> None:
    document = (await shop.client.get("/api/users/openapi.json")).json()

    for path in ("/tokens", "/registrations", "/password-resets"):
        operation = document["paths"][f"{API}{path}"]["post"]
        assert HEADER in {one["name"] for one in operation["parameters"]}
        schema = operation["responses"]["429"]["content"]["application/problem+json"]["schema"]
        assert schema["$ref"].endswith("/SignInProblem" if path == "/tokens" else "/ChallengeProblem")
    members = document["components"]["schemas"]["ChallengeOut"]["properties"]
    assert set(members) == {"algorithm", "challenge", "salt", "signature", "maxnumber", "ticket", "wait_s"}
