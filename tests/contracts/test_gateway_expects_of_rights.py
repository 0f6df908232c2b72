"""What the gateway relies on in users about rights, the audit log, pictures and challenges; with its own clients."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from PIL import Image
from vitrine_gateway.clients.mailboxes import MailboxClient
from vitrine_gateway.clients.rights import RightsClient
from vitrine_gateway.clients.users import Exchange, NewSession, UsersClient
from vitrine_gateway.clients.wire import ChallengeNeeded
from vitrine_kit.problems import (
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
    Unauthenticated,
    Unprocessable,
)

PASSWORD = "quiet harbour lantern seven"
FROM = {"user_agent": "test", "address": "127.0.0.1"}


@pytest_asyncio.fixture(scope="module")
async def neighbour(providers: Any) -> AsyncIterator[Any]:
    found = providers.neighbour("gateway", "users")
    yield found
    await found.aclose()


@pytest.fixture
def users(neighbour: Any) -> UsersClient:
    return UsersClient(neighbour)


@pytest.fixture
def rights(neighbour: Any) -> RightsClient:
    return RightsClient(neighbour)


async def somebody(neighbour: Any, users: UsersClient) -> Exchange:
    email = f"{uuid4().hex[:12]}@example.org"
    await MailboxClient(neighbour).register(email, PASSWORD, "Ada", "en", key=uuid4().hex)
    begun = await users.begin_session(email, PASSWORD, **FROM)
    assert isinstance(begun, NewSession)
    found = await users.exchange_session(begun.session)
    assert found is not None
    return found


async def test_a_role_is_made_changed_and_deleted(rights: RightsClient, providers: Any) -> None:
    token, name = providers.owner_token, f"role-{uuid4().hex[:8]}"
    offered = {one.name for one in await rights.permissions(token)}
    assert {"catalog:write", "users:read"} <= offered

    await rights.make_role(token, name, "Packs.", ["catalog:read_drafts"])
    with pytest.raises(Conflict) as taken:
        await rights.make_role(token, name, "", [])
    assert taken.value.errors[0].field == "name"
    await rights.change_role(token, name, "Packs more.", ["catalog:write"])
    found = {role.name: role for role in await rights.roles(token)}
    assert found["owner"].built_in
    assert found[name].permissions == ("catalog:write",)
    assert found[name].holders == 0
    await rights.delete_role(token, name)
    with pytest.raises(NotFound):
        await rights.delete_role(token, name)


async def test_somebody_is_given_roles_unless_they_were_changed_meanwhile(
    neighbour: Any, rights: RightsClient, users: UsersClient, providers: Any
) -> None:
    person = (await somebody(neighbour, users)).user
    shown, version = await rights.person(providers.owner_token, person.id)
    assert shown.roles == ("customer",)
    assert version
    with pytest.raises(PreconditionFailed):
        await rights.set_roles(providers.owner_token, person.id, ["customer"], version='"another"')
    with pytest.raises((Conflict, Forbidden)):
        # The address is not confirmed: no role for staff.
        await rights.set_roles(providers.owner_token, person.id, ["editor"], version=version)
    await rights.set_roles(providers.owner_token, person.id, ["customer"], version=version)


async def test_the_audit_log_is_searched_by_words_and_time_page_by_page(
    neighbour: Any, rights: RightsClient, users: UsersClient, providers: Any
) -> None:
    await somebody(neighbour, users)
    token, query = providers.owner_token, {"q": "SESSION", "since": "2020-01-01T00:00:00+00:00", "limit": "1"}

    page = await rights.audit_entries(token, query)
    assert page.items[0].action.startswith("session")
    assert len(page.items[0].digest) == 64
    await somebody(neighbour, users)
    page = await rights.audit_entries(token, query)
    assert page.after is not None
    older = await rights.audit_entries(token, query | {"after": page.after})
    assert older.items[0].position < page.items[0].position
    assert (await rights.verify_audit(token)).intact
    assert (await rights.audit_entries(token, {"until": "2020-01-01T00:00:00+00:00"})).items == ()


async def test_a_picture_is_set_and_removed(neighbour: Any, users: UsersClient) -> None:
    person = await somebody(neighbour, users)
    assert person.user.picture_id is None
    written = BytesIO()
    Image.new("RGB", (30, 40), "teal").save(written, "PNG")

    await users.set_picture(person.access_token, written.getvalue(), "image/png")
    changed = await users.change_profile(person.access_token, name="Ada B")
    assert changed.picture_id is not None
    with pytest.raises(Unprocessable):
        await users.set_picture(person.access_token, b"no picture", "image/png")
    await users.remove_picture(person.access_token)
    with pytest.raises(NotFound):
        await users.remove_picture(person.access_token)


async def test_under_attack_a_sign_in_is_paid_for(users: UsersClient) -> None:
    attacked = {"user_agent": "test", "address": "203.0.113.9"}

    async def try_one(**options: Any) -> None:
        with pytest.raises(Unauthenticated):
            await users.begin_session(f"{uuid4().hex}@example.org", PASSWORD, **attacked, **options)

    async def refused() -> ChallengeNeeded:
        for _ in range(100):
            try:
                await users.begin_session(f"{uuid4().hex}@example.org", PASSWORD, **attacked)
            except Unauthenticated:
                continue
            except ChallengeNeeded as problem:
                return problem
        raise AssertionError("nothing was asked for")

    asked = await refused()
    puzzle = asked.challenge
    assert asked.wait_s > 0
    assert puzzle["ticket"]
    number = next(
        n
        for n in range(puzzle["maxnumber"] + 1)
        if sha256(f"{puzzle['salt']}{n}".encode()).hexdigest() == puzzle["challenge"]
    )
    kept = {name: puzzle[name] for name in ("algorithm", "challenge", "salt", "signature")}
    solution = base64.b64encode(orjson.dumps(kept | {"number": number})).decode()
    await try_one(paid={"Challenge-Solution": solution})
