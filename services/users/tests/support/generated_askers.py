"""Those who ask the generated requests, each with what is really theirs to name; it is renewed as it is used up."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import application_preparations as applications
import connection_preparations as connections
import factor_preparations as factors
import factors_world
import rights_preparations as rights
import scim_world as scim
import webhook_preparations as webhooks
from users_world import GOOD_PASSWORD, Person, World
from vitrine_users.links import service as links
from vitrine_users.links.service import Purpose

V1 = "/api/users/v1"
RENEWED_AFTER_S = 280
"""Well before an access token ends, and before a sign-in is too old for what asks for a recent one."""
LINKS = {
    "/address-changes/confirm": Purpose.CHANGE_ADDRESS,
    "/deletions/cancel": Purpose.CANCEL_DELETION,
    "/email-verifications/confirm": Purpose.VERIFY,
    "/password-resets/confirm": Purpose.RESET,
}
CONSTANT = {
    "password": GOOD_PASSWORD,
    "current_password": GOOD_PASSWORD,
    "new_password": "nine calm otters knit",
    "name": "Ann Example",
    "locale": "de",
    "time_zone": "Europe/Berlin",
    "roles": ["viewer"],
    "scopes": ["users:read"],
    "permissions": ["users:read"],
    "expires_in_days": 1,
    "method": "totp",
    "url": "https://hooks.invalid/",
    "event_types": ["user.created"],
    "redirect_uris": ["https://app.example/back"],
    "logout_uris": [],
    "signature": "EdDSA",
    "description": "",
    "reason": "",
    "overlap_s": 0,
}
"""Values of members that are right whoever asks."""
ONCE = frozenset(
    ["challenge", "code", "credential", "displayName", "email", "name", "refresh_token", "token", "userName"]
)
"""What a second request cannot name with success."""


async def owner_with_factor(world: World) -> Person:
    """An owner whose sign-in a second factor has proved, so that they may do all they may."""
    person = await world.person("owner")
    secret = await factors_world.add_app(world, person)
    challenge = await factors_world.challenge_of(world, person)
    done = await factors_world.second_step(world, challenge, "totp", code=factors_world.code_of(secret))
    assert done.status_code == 201, done.text
    return factors_world.with_tokens(person, done.json())


@dataclass
class Asker:
    """Somebody who sends requests: a person and how they show who they are."""

    name: str
    world: World
    enter: Callable[[World], Awaitable[tuple[Person, dict[str, str]]]]
    """Makes a new one of the kind: the person, and the headers that speak for them."""
    person: Person | None = None
    headers: dict[str, str] = field(default_factory=dict)
    stock: dict[tuple[str, str], Any] = field(default_factory=dict)
    renewals: int = 0
    entered_s: float = 0

    async def ready(self) -> Person:
        """The person, who is somebody new after a while."""
        if self.person is None or time.monotonic() - self.entered_s > RENEWED_AFTER_S:
            await self.renew()
        assert self.person is not None
        return self.person

    async def renew(self) -> None:
        """Puts somebody new in the place of who was signed out, erased or suspended."""
        self.person, self.headers = await self.enter(self.world)
        self.stock.clear()
        self.renewals += 1
        self.entered_s = time.monotonic()

    async def is_out(self) -> bool:
        """Whether nobody would answer to these headers any more."""
        if "Authorization" not in self.headers:
            return False
        answer = await self.world.client.get(f"{V1}/me", headers=self.headers)
        return answer.status_code == 401

    async def true_value(self, path: str, name: str) -> Any:
        """What `name`, a path parameter or a member of the body, can truly be in a request to this path."""
        if (path, name) not in self.stock:
            try:
                found = await self._find(path, name)
            except (AssertionError, LookupError, TypeError):
                # What this person did before is in the way of the preparation; somebody new has not done it.
                await self.renew()
                found = await self._find(path, name)
            self.stock |= {(path, each): value for each, value in found.items()}
        return self.stock[path, name]

    def spent(self, path: str, method: str) -> None:
        """A request to the path succeeded: what it named is gone, or was good once."""
        for key in [key for key in self.stock if key[0] == path]:
            if method == "DELETE" or key[1] in ONCE:
                del self.stock[key]

    async def _find(self, path: str, name: str) -> dict[str, Any]:
        person, short = await self.ready(), path.removeprefix(V1)
        if name == "token":
            return {name: await self._link(person, short)}
        if name in {"challenge", "code"} and short.startswith("/tokens"):
            return _bare(await factors.waiting_by_api(self.world, await self.world.person()))
        if name == "credential" and short == "/tokens/passkeys":
            return _bare(await factors.passkey_signed(self.world, await self.world.person()))
        if name == "refresh_token":
            return {name: (await self.world.person()).tokens["refresh_token"]}
        if name == "email":
            return {name: self.world.some_email() if self.renewals % 2 else person.email}
        if name == "session_id" and "{user_id}" in path:
            values = _bare(await rights.other_signed_in(self.world, person))
            return {"user_id": values["other"], "session_id": values["sign_in"]}
        if name == "userName":
            return {name: self.world.some_email()}
        if name == "displayName":
            return {name: f"Group {secrets.token_hex(4)}"}
        if name == "value":
            return {name: str(person.id if self.name == "customer" else (await self.world.registered())[0])}
        if name == "name" and short == "/roles":
            return {name: f"role-{secrets.token_hex(4)}"}
        if name == "name" and "{name}" in path:
            return {name: await self._named(person, short)}
        if name in CONSTANT:
            return {name: CONSTANT[name]}
        return {name: await self._thing(person, name)}

    async def _link(self, person: Person, short: str) -> str:
        if short not in LINKS:
            return str((await rights.invited(self.world, person))["{invited}"])
        other_id, email = await self.world.registered()
        address = self.world.some_email() if LINKS[short] == Purpose.CHANGE_ADDRESS else email
        async with self.world.app.extensions["vitrine"].database.transaction() as session:
            made = await links.make(session, LINKS[short], person_id=other_id, ttl_s=60, address=address)
        return made.url.rpartition("/")[2]

    async def _named(self, person: Person, short: str) -> str:
        if "ResourceTypes" in short:
            return "User"
        if "Schemas" in short:
            return scim.GROUP
        return str((await rights.role_made(self.world, person))["{role}"])

    async def _thing(self, person: Person, name: str) -> Any:
        """An object of the person where it belongs to somebody, and where the name stands for one at all."""
        world, sql = self.world, self.world.sql
        if name == "user_id":
            return str((await world.registered())[0])
        if name == "mail_id":
            return str(await sql.fetchval("SELECT id FROM users.mail_outbox ORDER BY id DESC LIMIT 1"))
        if name == "session_id":
            found = await sql.fetchval(
                "SELECT id FROM users.refresh_families WHERE account_id = $1 LIMIT 1", person.id
            )
            return str(found or uuid4())
        if name == "picture_id":
            other = await world.person()
            return (await rights.picture_set(world, other))["{picture}"]
        made: dict[str, Callable[[World, Person], Awaitable[dict[str, Any]]]] = {
            "application_id": applications.application_allowed,
            "connection_id": connections.connected,
            "delivery_id": webhooks.delivery_made,
            "group_id": scim.group_made,
            "invitation_id": rights.invited,
            "webhook_id": webhooks.delivery_made,
        }
        own: dict[str, Callable[[World, Person], Awaitable[dict[str, Any]]]] = {
            "code": factors.app_begun,
            "credential": factors.passkey_made,
            "device_id": factors.device_known,
            "passkey_id": factors.passkey_added,
            "token_id": rights.token_made,
        }
        if name in own and self.name == "customer":
            return _bare(await own[name](world, person))[name.removesuffix("_id")]
        if name in made:
            return _bare(await made[name](world, person))[name.removesuffix("_id")]
        return str(uuid4()) if name.endswith("_id") else name


def _bare(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a preparation under names without braces."""
    return {name.strip("{}"): value for name, value in values.items()}


async def _nobody(world: World) -> tuple[Person, dict[str, str]]:
    return await world.person(), {}


async def _customer(world: World) -> tuple[Person, dict[str, str]]:
    person = await world.person()
    return person, person.headers


async def _owner(world: World) -> tuple[Person, dict[str, str]]:
    person = await owner_with_factor(world)
    return person, person.headers


async def _token(world: World) -> tuple[Person, dict[str, str]]:
    made = await scim.provisioner(world, owner=await owner_with_factor(world))
    return made.owner, made.headers


async def _scim_token(world: World) -> tuple[Person, dict[str, str]]:
    owner = await owner_with_factor(world)
    made = await scim.provisioner(
        world, "users:scim", "users:read", "users:write", "users:roles", owner=owner
    )
    return made.owner, made.headers


def everybody(world: World) -> list[Asker]:
    """One of each kind that the API is asked by."""
    return [
        Asker("anonymous", world, _nobody),
        Asker("customer", world, _customer),
        Asker("owner with second factor", world, _owner),
        Asker("personal access token", world, _token),
        Asker("SCIM token", world, _scim_token),
    ]
