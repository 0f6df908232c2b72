"""What the gateway relies on in users, verified with the gateway's own client against the running service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from vitrine_gateway.clients.users import UsersClient
from vitrine_kit.problems import Conflict, Problem, Unauthenticated, Unprocessable

PASSWORD = "quiet harbour lantern seven"


@pytest_asyncio.fixture(scope="module")
async def users(providers: Any) -> AsyncIterator[UsersClient]:
    neighbour = providers.neighbour("gateway", "users")
    yield UsersClient(neighbour)
    await neighbour.aclose()


async def registered(users: UsersClient) -> str:
    email = f"{uuid4().hex[:12]}@example.org"
    await users.register(email, PASSWORD, "Ada", key=uuid4().hex)
    return email


async def test_a_session_begins_is_exchanged_and_ends(users: UsersClient) -> None:
    email = await registered(users)
    begun = await users.begin_session(email, PASSWORD, user_agent="test", address="127.0.0.1")
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    assert exchanged.user.email == email
    assert exchanged.user.name == "Ada"
    assert 0 < exchanged.expires_in <= 600
    await users.end_session(begun.session)
    assert await users.exchange_session(begun.session) is None


async def test_refusals_are_the_problems_the_forms_know(users: UsersClient) -> None:
    email = await registered(users)
    with pytest.raises(Unauthenticated):
        await users.begin_session(email, "wrong " * 4, user_agent="test", address="127.0.0.1")
    with pytest.raises(Conflict):
        await users.register(email, PASSWORD, "Ada", key=uuid4().hex)
    with pytest.raises(Unprocessable) as caught:
        await users.register(f"{uuid4().hex}@example.org", "short", "Ada", key=uuid4().hex)
    assert caught.value.errors[0].field == "password"
    with pytest.raises(Problem) as unknown:
        await users.redeem_link("no-such-link", user_agent="test", address="127.0.0.1")
    assert unknown.value.status in {401, 410}
    assert await users.exchange_session("no-such-session") is None


async def test_a_person_changes_and_deletes_the_account(users: UsersClient) -> None:
    email = await registered(users)
    begun = await users.begin_session(email, PASSWORD, user_agent="test", address="127.0.0.1")
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    assert (await users.rename(exchanged.access_token, "Augusta")).name == "Augusta"
    await users.set_password(exchanged.access_token, "another quiet harbour 8", PASSWORD)
    begun = await users.begin_session(
        email, "another quiet harbour 8", user_agent="test", address="127.0.0.1"
    )
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    await users.delete_account(exchanged.access_token, "another quiet harbour 8")
    assert await users.exchange_session(begun.session) is None
