"""What has to be there before a request about factors can succeed: each gives the values its case asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from factors_world import (
    add_app,
    add_passkey,
    browser_sign_in,
    challenge_of,
    code_of,
    internal,
)
from soft_authenticator import SoftAuthenticator
from users_world import API, Person, World

Preparation = Callable[[World, Person], Awaitable[dict[str, Any]]]


async def _no_app(world: World, person: Person) -> None:
    await world.sql.execute("DELETE FROM users.totp_factors WHERE account_id = $1", person.id)


async def app_begun(world: World, person: Person) -> dict[str, Any]:
    """An app that waits for its first code."""
    await _no_app(world, person)
    secret = (await world.send(person, "POST", "/me/totp")).json()["secret"]
    return {"{code}": code_of(secret)}


async def app_added(world: World, person: Person) -> dict[str, Any]:
    """An app with an unused code."""
    await _no_app(world, person)
    return {"{code}": code_of(await add_app(world, person))}


async def waiting_by_api(world: World, person: Person) -> dict[str, Any]:
    """A sign-in by API that waits for the app's code."""
    values = await app_added(world, person)
    return {**values, "{challenge}": await challenge_of(world, person)}


async def waiting_in_browser(world: World, person: Person) -> dict[str, Any]:
    """A browser's sign-in that waits for the app's code."""
    values = await app_added(world, person)
    return {**values, "{challenge}": (await browser_sign_in(world, person)).json()["challenge"]}


async def passkey_made(world: World, person: Person) -> dict[str, Any]:
    """A passkey that a browser has made and nobody has stored."""
    options = (await world.send(person, "POST", "/me/passkeys/options")).json()["public_key"]
    return {"{credential}": SoftAuthenticator().create(options)}


async def passkey_added(world: World, person: Person) -> dict[str, Any]:
    """A passkey of the account."""
    return {"{passkey}": await add_passkey(world, person, SoftAuthenticator())}


async def passkey_signed(world: World, person: Person) -> dict[str, Any]:
    """A passkey's answer that signs in by API."""
    device = SoftAuthenticator()
    await add_passkey(world, person, device)
    headers = {"X-Real-IP": world.some_address()}
    answer = await world.client.post(f"{API}/tokens/passkeys/options", headers=headers)
    return {"{credential}": device.get(answer.json()["public_key"])}


async def passkey_signed_in_browser(world: World, person: Person) -> dict[str, Any]:
    """A passkey's answer that begins a browser's session."""
    device = SoftAuthenticator()
    await add_passkey(world, person, device)
    answer = await internal(world, "sessions/passkey/options", address=world.some_address())
    return {"{credential}": device.get(answer.json()["public_key"])}


async def device_known(world: World, person: Person) -> dict[str, Any]:
    """A remembered device."""
    await browser_sign_in(world, person)
    row = await world.sql.fetchrow("SELECT id FROM users.remembered_devices WHERE account_id = $1", person.id)
    return {"{device}": str(row["id"])}
