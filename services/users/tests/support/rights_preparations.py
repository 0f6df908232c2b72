"""What must be there before a route about tokens, sign-ins, invitations or roles can be asked; for the access tests."""

from __future__ import annotations

import secrets
from io import BytesIO
from typing import Any

from PIL import Image
from users_world import API, Person, World
from vitrine_users.accounts.addresses import parse_address
from vitrine_users.invitations import service as invitations
from vitrine_users.invitations.service import PAGE


def _some_picture() -> bytes:
    written = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(written, "PNG")
    return written.getvalue()


PICTURE = _some_picture()


async def picture_set(world: World, person: Person) -> dict[str, Any]:
    """A picture of the person."""
    done = await world.send(
        person, "PUT", "/me/picture", content=PICTURE, headers={"Content-Type": "image/png"}
    )
    assert done.status_code == 204, done.text
    return {"{picture}": (await world.get(person, "/me")).json()["picture_id"]}


async def token_made(world: World, person: Person) -> dict[str, Any]:
    """A personal access token of the person."""
    body = {"name": "t", "scopes": [], "expires_in_days": 1}
    made = await world.client.post(f"{API}/me/tokens", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
    return {"{token}": made.json()["id"]}


async def signed_in_twice(world: World, person: Person) -> dict[str, Any]:
    """A second sign-in of the person."""
    await world.begin_session(person.email)
    items = (await world.get(person, "/me/sessions")).json()["items"]
    return {"{sign_in}": next(item["id"] for item in items if not item["current"])}


async def other_signed_in(world: World, person: Person) -> dict[str, Any]:
    """Somebody else, who is signed in."""
    other = await world.person()
    items = (await world.get(other, "/me/sessions")).json()["items"]
    return {"{other}": str(other.id), "{sign_in}": items[0]["id"]}


async def invited(world: World, person: Person) -> dict[str, Any]:
    """An open invitation of an owner."""
    owner, email = await world.person("owner"), world.some_email()
    inviter = {"id": owner.id, "name": owner.name, "permissions": []}
    async with world.app.extensions["vitrine"].database.transaction() as session:
        row = await invitations.invite(
            session,
            parse_address(email),
            ["customer"],
            inviter=inviter,
            locale="en",
            from_address="192.0.2.1",
        )
    return {"{invitation}": str(row["id"]), "{invited}": await world.link_to(email, PAGE)}


async def role_made(world: World, person: Person) -> dict[str, Any]:
    """A role of the shop's own that nobody holds."""
    name = f"role-{secrets.token_hex(4)}"
    await world.sql.execute(
        "INSERT INTO users.roles (id, name, description, position) VALUES (gen_random_uuid(), $1, '', 100)",
        name,
    )
    return {"{role}": name}


async def new_role_name(world: World, person: Person) -> dict[str, Any]:
    """A name no role has."""
    return {"{role}": f"role-{secrets.token_hex(4)}"}


async def somebody_else(world: World, person: Person) -> dict[str, Any]:
    """Somebody an owner can see the shop as."""
    await world.give(person.id, "owner")
    return {"{user}": str((await world.person()).id)}
