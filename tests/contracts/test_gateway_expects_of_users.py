"""What the gateway relies on in users, verified with the gateway's own client against the running service."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from vitrine_gateway.clients.mailboxes import MailboxClient, Sent
from vitrine_gateway.clients.users import UsersClient
from vitrine_kit.problems import Gone, Problem, Unauthenticated, Unprocessable

PASSWORD = "quiet harbour lantern seven"


@pytest_asyncio.fixture(scope="module")
async def users(providers: Any) -> AsyncIterator[UsersClient]:
    neighbour = providers.neighbour("gateway", "users")
    yield UsersClient(neighbour)
    await neighbour.aclose()


@pytest_asyncio.fixture(scope="module")
async def mailboxes(providers: Any) -> AsyncIterator[MailboxClient]:
    neighbour = providers.neighbour("gateway", "users")
    yield MailboxClient(neighbour)
    await neighbour.aclose()


async def registered(mailboxes: MailboxClient) -> str:
    email = f"{uuid4().hex[:12]}@example.org"
    sent = await mailboxes.register(email, PASSWORD, "Ada", "en", key=uuid4().hex)
    assert sent.delivers is False
    return email


async def link_to(mailboxes: MailboxClient, providers: Any, email: str, page: str) -> str:
    """The secret of the latest link to a page in a mail to this address, read as the owner does."""
    found = await mailboxes.list_mails(providers.owner_token, after=None, limit=100)
    for mail in found.items:
        if mail.recipient == email:
            text = (await mailboxes.get_mail(providers.owner_token, mail.id)).text or ""
            if match := re.search(rf"/{page}/(\S+)$", text, re.MULTILINE):
                return match[1]
    raise AssertionError(f"no mail to {email} holds a link to {page}")


async def test_a_form_sent_many_times_makes_one_account_and_gets_one_answer(
    mailboxes: MailboxClient, providers: Any
) -> None:
    email, key = f"{uuid4().hex[:12]}@example.org", uuid4().hex

    def send() -> Any:
        return mailboxes.register(email, PASSWORD, "Ada", "en", key=key)

    answers = [*(await asyncio.gather(*(send() for _ in range(12)))), await send()]

    assert len(answers) == 13
    assert set(answers) == {Sent(delivers=False)}
    mails = await mailboxes.list_mails(providers.owner_token, after=None, limit=100)
    assert [mail.template for mail in mails.items if mail.recipient == email] == ["verify"]


async def test_a_session_begins_is_exchanged_and_ends(users: UsersClient, mailboxes: MailboxClient) -> None:
    email = await registered(mailboxes)
    begun = await users.begin_session(email, PASSWORD, user_agent="test", address="127.0.0.1")
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    assert exchanged.user.email == email
    assert exchanged.user.name == "Ada"
    assert 0 < exchanged.expires_in <= 600
    await users.end_session(begun.session)
    assert await users.exchange_session(begun.session) is None


async def test_refusals_are_the_problems_the_forms_know(users: UsersClient, mailboxes: MailboxClient) -> None:
    email = await registered(mailboxes)
    with pytest.raises(Unauthenticated):
        await users.begin_session(email, "wrong " * 4, user_agent="test", address="127.0.0.1")
    with pytest.raises(Unprocessable) as caught:
        await mailboxes.register(f"{uuid4().hex}@example.org", "short", "Ada", "en", key=uuid4().hex)
    assert caught.value.errors[0].field == "password"
    with pytest.raises(Problem) as unknown:
        await users.redeem_link("no-such-link", user_agent="test", address="127.0.0.1")
    assert unknown.value.status in {401, 410}
    assert await users.exchange_session("no-such-session") is None


async def test_a_person_changes_and_deletes_the_account(users: UsersClient, mailboxes: MailboxClient) -> None:
    email = await registered(mailboxes)
    begun = await users.begin_session(email, PASSWORD, user_agent="test", address="127.0.0.1")
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    changed = await users.change_profile(exchanged.access_token, name="Augusta", time_zone="Europe/Rome")
    assert (changed.name, changed.time_zone, changed.email_verified) == ("Augusta", "Europe/Rome", False)
    await users.set_password(exchanged.access_token, "another quiet harbour 8", PASSWORD)
    begun = await users.begin_session(
        email, "another quiet harbour 8", user_agent="test", address="127.0.0.1"
    )
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    assert (await mailboxes.export(exchanged.access_token)).startswith(b"PK")
    departure = await mailboxes.leave(exchanged.access_token, "another quiet harbour 8")
    assert departure.erase_after is not None
    assert await users.exchange_session(begun.session) is None


async def test_links_by_mail_do_what_their_pages_say(
    users: UsersClient, mailboxes: MailboxClient, providers: Any
) -> None:
    email, new = await registered(mailboxes), f"{uuid4().hex[:12]}@example.org"
    await mailboxes.send_verification(email)
    assert await mailboxes.verify(await link_to(mailboxes, providers, email, "verify-email")) == email
    await mailboxes.send_reset(email)
    await mailboxes.reset(
        await link_to(mailboxes, providers, email, "reset-password"), "nine calm otters knit"
    )
    begun = await users.begin_session(email, "nine calm otters knit", user_agent="t", address="127.0.0.1")
    exchanged = await users.exchange_session(begun.session)
    assert exchanged is not None
    assert exchanged.user.email_verified
    await mailboxes.change_address(exchanged.access_token, new, "nine calm otters knit")
    assert await mailboxes.confirm_address(await link_to(mailboxes, providers, new, "change-address")) == new
    await mailboxes.leave(exchanged.access_token, "nine calm otters knit")
    await mailboxes.stay(await link_to(mailboxes, providers, new, "keep-account"))
    for call in (mailboxes.verify, mailboxes.confirm_address, mailboxes.stay):
        with pytest.raises(Gone):
            await call("no-such-link")
    with pytest.raises(Gone):
        await mailboxes.reset("no-such-link", "nine calm otters knit")
