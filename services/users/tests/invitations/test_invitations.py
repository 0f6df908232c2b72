"""Invitations: sent, looked up, taken up once, withdrawn, and never worth more than who sent them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from users_world import GOOD_PASSWORD, Person, World


async def invite(world: World, actor: Person, **changes: Any) -> httpx.Response:
    body = {"email": world.some_email(), "roles": ["customer"], **changes}
    return await world.send(actor, "POST", "/invitations", json=body)


async def accept(world: World, secret: str, **changes: Any) -> httpx.Response:
    body = {"token": secret, "name": "Ina Invited", "password": GOOD_PASSWORD, **changes}
    return await world.client.post(
        "/api/users/v1/invitations/acceptances", json=body, headers={"X-Real-IP": world.some_address()}
    )


async def look_up(world: World, secret: str) -> httpx.Response:
    return await world.client.post("/api/users/v1/invitations/lookups", json={"token": secret})


async def test_somebody_invited_has_an_account_with_these_roles(world: World, owner: Person) -> None:
    made = (await invite(world, owner, roles=["editor"])).json()
    secret = await world.link_to(made["email"], "invitation")
    seen = await look_up(world, secret)
    assert seen.json() == {"email": made["email"], "roles": ["editor"]}

    answer = await accept(world, secret)

    assert answer.status_code == 201
    assert answer.json()["roles"] == ["editor"]
    assert answer.json()["email"] == made["email"]
    assert (await world.sign_in(made["email"])).status_code == 201
    verified = await world.sql.fetchval(
        "SELECT email_verified_at FROM users.accounts WHERE id = $1", await world.id_of(made["email"])
    )
    assert verified is not None
    assert (await look_up(world, secret)).status_code == 410
    assert (await accept(world, secret)).status_code == 410


async def test_rule_46_of_fifty_who_take_an_invitation_up_one_wins(world: World, owner: Person) -> None:
    made = (await invite(world, owner)).json()
    secret = await world.link_to(made["email"], "invitation")

    statuses = [a.status_code for a in await asyncio.gather(*(accept(world, secret) for _ in range(50)))]

    assert sorted(statuses) == [201] + [410] * 49


async def test_rule_17_looking_uses_nothing_up(world: World, owner: Person) -> None:
    made = (await invite(world, owner)).json()
    secret = await world.link_to(made["email"], "invitation")

    for _ in range(3):
        assert (await look_up(world, secret)).status_code == 200

    assert (await accept(world, secret)).status_code == 201


async def test_rule_15_an_invitation_ends_and_is_kept_as_a_digest(world: World, owner: Person) -> None:
    made = (await invite(world, owner)).json()
    secret = await world.link_to(made["email"], "invitation")
    assert len(secret) == 43
    stored = await world.sql.fetchval(
        "SELECT row_to_json(i)::text FROM users.invitations i WHERE id = $1", made["id"]
    )
    assert secret not in stored
    life = await world.sql.fetchval(
        "SELECT extract(epoch FROM expires_at - created_at) FROM users.invitations WHERE id = $1", made["id"]
    )
    assert life <= 86400

    await world.sql.execute("UPDATE users.invitations SET expires_at = now() WHERE id = $1", made["id"])

    assert (await look_up(world, secret)).status_code == 410
    assert (await accept(world, secret)).status_code == 410


async def test_a_new_invitation_takes_the_place_of_the_old_one(world: World, owner: Person) -> None:
    email = world.some_email()
    await invite(world, owner, email=email)
    old = await world.link_to(email, "invitation")
    await invite(world, owner, email=email.upper())
    new = await world.link_to(email, "invitation")

    assert old != new
    assert (await look_up(world, old)).status_code == 410
    assert (await look_up(world, new)).status_code == 200


async def test_a_withdrawn_invitation_is_worth_nothing(world: World, owner: Person) -> None:
    made = (await invite(world, owner)).json()
    secret = await world.link_to(made["email"], "invitation")

    assert (await world.send(owner, "DELETE", f"/invitations/{made['id']}")).status_code == 204

    assert (await accept(world, secret)).status_code == 410
    assert (await world.send(owner, "DELETE", f"/invitations/{made['id']}")).status_code == 404


async def test_nobody_invites_to_more_than_they_may_do(world: World, owner: Person) -> None:
    admin = await world.person("admin")

    assert (await invite(world, admin)).status_code == 201
    assert (await invite(world, admin, roles=["viewer"])).status_code == 403, "needs users:roles"
    assert (await invite(world, owner, roles=["no-such"])).status_code == 422


async def test_an_invitation_loses_what_its_sender_has_lost(world: World) -> None:
    sender = await world.person("owner")
    made = (await invite(world, sender, roles=["owner"])).json()
    secret = await world.link_to(made["email"], "invitation")

    await world.give(sender.id, "viewer")

    assert (await accept(world, secret)).status_code == 403
    assert await world.id_of(made["email"]) is None


async def test_who_has_an_account_is_not_invited(world: World, owner: Person) -> None:
    person = await world.person()

    assert (await invite(world, owner, email=person.email)).status_code == 409


@pytest.mark.parametrize(
    "changes", [{"email": "none"}, {"roles": []}, {"roles": "owner"}, {"locale": "../x"}, {"colour": "red"}]
)
async def test_nonsense_is_refused(world: World, owner: Person, changes: dict[str, Any]) -> None:
    assert (await invite(world, owner, **changes)).status_code == 422


async def test_a_weak_password_leaves_the_invitation_good(world: World, owner: Person) -> None:
    made = (await invite(world, owner)).json()
    secret = await world.link_to(made["email"], "invitation")

    assert (await accept(world, secret, password="short")).status_code == 422
    assert (await accept(world, secret)).status_code == 201


async def test_open_invitations_are_listed_without_their_secrets(world: World, owner: Person) -> None:
    made = [(await invite(world, owner)).json()["id"] for _ in range(3)]
    secret = "token"
    path, found = "/invitations?limit=2", []
    while path:
        answer = (await world.get(owner, path.removeprefix("/api/users/v1"))).json()
        found += answer["items"]
        path = answer["next"]

    assert [item["id"] for item in found if item["id"] in made] == made[::-1]
    assert all(secret not in item for item in found)
