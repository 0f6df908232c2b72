"""The mail that waits, over HTTP: for owners, and its text only where nobody delivers it."""

from __future__ import annotations

from typing import Any

import pytest
from users_world import API, Person, World


async def test_the_owner_reads_what_nobody_delivers(world: World, owner: Person) -> None:
    _account_id, email = await world.registered(name="Reads Mail")

    listed = await world.get(owner, "/mails", params={"limit": 1})
    [first] = listed.json()["items"]
    shown = await world.get(owner, f"/mails/{first['id']}")

    assert listed.json()["delivers"] is False
    assert (first["recipient"], first["template"]) == (email, "verify")
    assert "text" not in first
    assert "/verify-email/" in shown.json()["text"]
    assert shown.headers["Cache-Control"] == listed.headers["Cache-Control"] == "no-store"


async def test_with_a_mail_server_links_are_for_their_recipient_alone(make_world: Any, owner: Person) -> None:
    async with make_world(smtp_host="127.0.0.1", smtp_port=1, mail_from="a@b.example") as world:
        _account_id, email = await world.registered()
        mail = (await world.mails_to(email))[0]

        shown = await world.get(owner, f"/mails/{mail['id']}")
        listed = await world.get(owner, "/mails")

    assert shown.json()["text"] is None
    assert listed.json()["delivers"] is True


@pytest.mark.parametrize("role", ["admin", "editor", "viewer", "customer"])
async def test_nobody_but_an_owner_sees_mail(world: World, role: str) -> None:
    """Whoever reads an owner's links could become that owner."""
    person = await world.person(role)
    mail = (await world.mails_to(person.email))[0]

    for path in ("/mails", f"/mails/{mail['id']}"):
        assert (await world.get(person, path)).status_code == 403


async def test_a_page_goes_on_where_the_last_one_ended(world: World, owner: Person) -> None:
    for _ in range(3):
        await world.registered()
    seen: list[str] = []
    address = f"{API}/mails?limit=2"
    while address and len(seen) < 6:
        page = (await world.client.get(address, headers=owner.headers)).json()
        seen += [item["id"] for item in page["items"]]
        address = page["next"] and f"{API}/mails?limit=2&after={page['next']}"

    assert len(seen) == len(set(seen)) >= 3
    assert seen == sorted(seen, reverse=True)


async def test_a_mail_to_nobody_is_shown_to_nobody(world: World, owner: Person) -> None:
    await world.client.post(f"{API}/password-resets", json={"email": world.some_email()})
    decoy = await world.sql.fetchval("SELECT max(id::text) FROM users.mail_outbox WHERE recipient IS NULL")

    assert (await world.get(owner, f"/mails/{decoy}")).status_code == 404
    assert decoy not in (await world.get(owner, "/mails")).text


async def test_an_unknown_mail_is_told(world: World, owner: Person) -> None:
    answer = await world.get(owner, "/mails/0192a000-0000-7000-8000-000000000001")

    assert answer.status_code == 404
