"""What tests of factors do again and again: add an app or a passkey, sign in in two steps, let time pass."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import httpx
import pyotp
from soft_authenticator import SoftAuthenticator
from users_world import API, GOOD_PASSWORD, Person, World


def code_of(secret: str, *, steps_back: int = 0) -> str:
    """The code an app with this secret shows now, or showed so many steps ago."""
    return pyotp.TOTP(secret).at(time.time() - 30 * steps_back)


def wrong_code(secret: str) -> str:
    """A code the app shows neither now nor around now."""
    near = {code_of(secret, steps_back=back) for back in range(-2, 4)}
    return next(f"{n:06}" for n in range(10) if f"{n:06}" not in near)


async def add_app(world: World, person: Person) -> str:
    """An authenticator app for a person, whose present code is unused again; returns its secret."""
    begun = await world.send(person, "POST", "/me/totp")
    assert begun.status_code == 201, begun.text
    secret: str = begun.json()["secret"]
    confirmed = await world.send(person, "POST", "/me/totp/confirm", json={"code": code_of(secret)})
    assert confirmed.status_code == 204, confirmed.text
    await let_codes_pass(world, person)
    return secret


async def let_codes_pass(world: World, person: Person) -> None:
    """As if some minutes had gone by since the last code was used."""
    await world.sql.execute(
        "UPDATE users.totp_factors SET last_step = last_step - 10 WHERE account_id = $1", person.id
    )


async def add_codes(world: World, person: Person) -> list[str]:
    """Ten recovery codes for a person who has a factor."""
    answer = await world.send(person, "POST", "/me/recovery-codes")
    assert answer.status_code == 201, answer.text
    codes: list[str] = answer.json()["codes"]
    return codes


async def add_passkey(world: World, person: Person, device: SoftAuthenticator, name: str = "Phone") -> str:
    """A passkey for a person; returns its id."""
    options = await world.send(person, "POST", "/me/passkeys/options")
    assert options.status_code == 200, options.text
    body = {"name": name, "credential": device.create(options.json()["public_key"])}
    answer = await world.send(person, "POST", "/me/passkeys", json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def challenge_of(world: World, person: Person) -> str:
    """The challenge of a sign-in by API whose password was right."""
    answer = await world.sign_in(person.email, person.password)
    assert answer.status_code == 403, answer.text
    assert answer.json()["type"] == "/problems/factor-required"
    found: str = answer.json()["challenge"]
    return found


async def second_step(world: World, challenge: str, method: str, **proof: Any) -> httpx.Response:
    """The second step of a sign-in by API."""
    body = {"challenge": challenge, "method": method, **proof}
    headers = {"X-Real-IP": world.some_address()}
    return await world.client.post(f"{API}/tokens/factors", json=body, headers=headers)


async def internal(world: World, path: str, **body: Any) -> httpx.Response:
    """A request of the gateway."""
    return await world.client.post(f"/internal/{path}", json=body, headers=world.neighbour())


async def browser_sign_in(world: World, person: Person, **more: Any) -> httpx.Response:
    """The first step of a sign-in with a browser."""
    body = {"email": person.email, "password": GOOD_PASSWORD, "user_agent": "tests"}
    return await internal(world, "sessions", **{**body, "address": world.some_address(), **more})


async def let_proof_age(world: World, person: Person, seconds: int = 301) -> None:
    """As if the person had last proved who they are so long ago."""
    for table in ("browser_sessions", "refresh_families"):
        await world.sql.execute(
            f"UPDATE users.{table} SET authenticated_at = authenticated_at - make_interval(secs => $2)"
            " WHERE account_id = $1",
            person.id,
            float(seconds),
        )


def with_tokens(person: Person, tokens: dict[str, Any]) -> Person:
    """The same person, signed in with other tokens."""
    return replace(person, tokens=tokens)


def with_session_token(person: Person, exchanged: httpx.Response) -> Person:
    """The same person, acting by the access token of a browser's session."""
    return replace(person, tokens={"access_token": exchanged.json()["access_token"]})


async def mails_of(world: World, person: Person) -> list[str]:
    """The templates of the mails the person was sent about their sign-in, oldest first."""
    rows = await world.sql.fetch(
        "SELECT template FROM users.mail_outbox WHERE person_id = $1 AND template <> 'verify' ORDER BY id",
        person.id,
    )
    return [row["template"] for row in rows]
