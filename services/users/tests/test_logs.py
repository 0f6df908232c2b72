"""What is logged: every event of somebody's access, and never a secret."""

from __future__ import annotations

import asyncio
import logging

import pytest
from users_world import API, GOOD_PASSWORD, World
from vitrine_users.sessions import service

NEW_PASSWORD = "canary sings at eleven"


async def test_secrets_of_a_whole_life_appear_in_no_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person = await world.person(name="Canary Quillfeather")
    secrets = [GOOD_PASSWORD, NEW_PASSWORD, "a wrong canary password", person.email, "Quillfeather"]
    secrets += [person.tokens["access_token"], person.tokens["refresh_token"]]
    secrets.append(verification := await world.link_to(person.email, "verify-email"))
    confirmed = await world.client.post(f"{API}/email-verifications/confirm", json={"token": verification})
    assert confirmed.status_code == 200
    await world.client.post(f"{API}/password-resets", json={"email": person.email})
    secrets.append(await world.link_to(person.email, "reset-password"))
    change = {"email": world.some_email(), "password": GOOD_PASSWORD}
    assert (await world.send(person, "POST", "/me/address", json=change)).status_code == 202
    secrets += [change["email"], await world.link_to(change["email"], "change-address")]
    async with world.app.extensions["vitrine"].database.transaction() as session:
        link = (await service.make_link(session, person.id, ttl_s=60)).secret
    redeemed = await world.client.post(
        "/internal/sign-in-links/redeem", json={"token": link}, headers=world.neighbour()
    )
    begun = await world.begin_session(person.email)
    exchanged = (await world.exchange(begun["session"])).json()
    refreshed = (await world.refresh(person.tokens["refresh_token"])).json()
    secrets += [
        link,
        redeemed.json()["session"],
        begun["session"],
        exchanged["access_token"],
        refreshed["refresh_token"],
    ]
    await world.sign_in(person.email, "a wrong canary password")
    await asyncio.gather(*(world.register(email=person.email) for _ in range(2)))
    body = {"current_password": GOOD_PASSWORD, "new_password": NEW_PASSWORD}
    assert (await world.send(person, "POST", "/me/password", json=body)).status_code == 204
    assert (await world.send(person, "DELETE", "/me", json={"password": NEW_PASSWORD})).status_code == 202

    logged = "\n".join(f"{record.getMessage()} {record.args} {record.exc_text}" for record in caplog.records)
    assert not [secret for secret in secrets if secret in logged]
    events = {"account_created", "signed_in", "sign_in_failed", "sign_in_link_made", "password_changed"}
    assert [event for event in events | {"account_erased"} if event not in logged] == []
