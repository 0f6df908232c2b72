"""What the gateway relies on in users about second factors, verified with its own client against the real one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyotp
import pytest
import pytest_asyncio
from soft_authenticator import SoftAuthenticator
from vitrine_gateway.clients.factors import FactorsClient
from vitrine_gateway.clients.mailboxes import MailboxClient
from vitrine_gateway.clients.users import NewSession, SecondStep, UsersClient
from vitrine_kit.problems import Conflict, Gone, Unauthenticated, Unprocessable

PASSWORD = "quiet harbour lantern seven"
VISITOR = {"user_agent": "test", "address": "127.0.0.1"}


@dataclass
class Clients:
    """The gateway's clients of users, and a person who has just signed in."""

    users: UsersClient
    factors: FactorsClient
    mailboxes: MailboxClient

    async def somebody(self) -> tuple[str, NewSession]:
        email = f"{uuid4().hex[:12]}@example.org"
        await self.mailboxes.register(email, PASSWORD, "Ada", "en", key=uuid4().hex)
        begun = await self.users.begin_session(email, PASSWORD, **VISITOR)
        assert isinstance(begun, NewSession)
        return email, begun

    async def token(self, session: str) -> str:
        exchanged = await self.users.exchange_session(session)
        assert exchanged is not None
        return exchanged.access_token


@pytest_asyncio.fixture(scope="module")
async def clients(providers: Any) -> AsyncIterator[Clients]:
    neighbour = providers.neighbour("gateway", "users")
    yield Clients(UsersClient(neighbour), FactorsClient(neighbour), MailboxClient(neighbour))
    await neighbour.aclose()


async def test_an_app_is_added_asked_for_and_removed(clients: Clients) -> None:
    email, begun = await clients.somebody()
    assert begun.device is not None
    assert begun.device_expires_at is not None
    token = await clients.token(begun.session)
    made = await clients.factors.begin_app(token)
    assert made.qr_svg.startswith("<svg")
    with pytest.raises(Unprocessable):
        await clients.factors.confirm_app(token, "x", end_others=False)
    app = pyotp.TOTP(made.secret)
    await clients.factors.confirm_app(token, app.at(time.time() - 30), end_others=True)
    held = await clients.factors.factors(token)
    assert held.any
    assert held.methods == ("totp", "password")
    renewed = await clients.factors.renew(begun.session)
    assert await clients.users.exchange_session(begun.session) is None
    token = await clients.token(renewed.session)
    codes = await clients.factors.issue_codes(token)
    with pytest.raises(Conflict):
        await clients.factors.begin_app(token)

    waiting = await clients.users.begin_session(email, PASSWORD, **VISITOR)
    assert isinstance(waiting, SecondStep)
    assert waiting.methods == ("totp", "recovery_code")
    with pytest.raises(Unprocessable):
        await clients.factors.second_step(waiting.challenge, "totp", {"code": "x"}, trust=False, **VISITOR)
    done = await clients.factors.second_step(
        waiting.challenge, "recovery_code", {"code": codes[0]}, trust=True, **VISITOR
    )
    with pytest.raises(Gone):
        await clients.factors.second_step(waiting.challenge, "totp", {"code": "x"}, trust=False, **VISITOR)
    token = await clients.token(done.session)
    trusted = [device for device in await clients.factors.devices(token) if device.trusted]
    assert len(trusted) == 1
    again = await clients.users.begin_session(email, PASSWORD, **VISITOR, device=done.device)
    assert isinstance(again, NewSession)
    await clients.factors.forget_device(token, trusted[0].id)

    confirmed = await clients.factors.confirm(
        done.session, "password", {"password": PASSWORD}, address="127.0.0.1"
    )
    token = await clients.token(confirmed.session)
    await clients.factors.remove_app(token)
    assert not (await clients.factors.factors(token)).any


async def test_a_passkey_is_added_signs_in_and_is_removed(clients: Clients) -> None:
    email, begun = await clients.somebody()
    token, device = await clients.token(begun.session), SoftAuthenticator()
    options = await clients.factors.passkey_creation(token)
    with pytest.raises(Unprocessable):
        await clients.factors.add_passkey(token, "Phone", {"id": "x"}, end_others=False)
    await clients.factors.add_passkey(token, "Phone", device.create(options), end_others=False)
    held = await clients.factors.factors(token)
    assert [key.name for key in held.passkeys] == ["Phone"]

    asked = await clients.factors.sign_in_options("127.0.0.1")
    by_key = await clients.factors.begin_by_passkey(device.get(asked), **VISITOR)
    assert isinstance(by_key, NewSession)
    with pytest.raises(Unauthenticated):
        await clients.factors.begin_by_passkey({"id": "x"}, **VISITOR)
    waiting = await clients.users.begin_session(email, PASSWORD, **VISITOR)
    assert isinstance(waiting, SecondStep)
    asked = await clients.factors.second_step_options(waiting.challenge)
    await clients.factors.second_step(
        waiting.challenge, "passkey", {"credential": device.get(asked)}, trust=False, **VISITOR
    )
    asked = await clients.factors.confirm_options(by_key.session)
    confirmed = await clients.factors.confirm(
        by_key.session, "passkey", {"credential": device.get(asked)}, address="127.0.0.1"
    )

    token = await clients.token(confirmed.session)
    await clients.factors.rename_passkey(token, held.passkeys[0].id, "Old phone")
    await clients.factors.remove_passkey(token, held.passkeys[0].id)
    assert not (await clients.factors.factors(token)).any
