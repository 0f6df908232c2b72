"""Who is reading: asked rarely, believed briefly, and remembered while users is away."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from gateway_app import SECRET
from gateway_browser import SESSION, Browser
from shop_neighbours import FakeCatalog, FakeUsers
from vitrine_gateway import sessions as module
from vitrine_gateway.clients.users import UsersClient
from vitrine_gateway.sessions import Sessions
from vitrine_gateway.settings import GatewaySettings
from vitrine_kit.outbound import Neighbour, Policy
from vitrine_kit.problems import Unavailable

EXCHANGE = "/internal/sessions/exchange"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make_sessions(users: FakeUsers, clock: Clock) -> Sessions:
    settings = GatewaySettings(secret_key=SECRET)
    policy = Policy(max_retries=0)
    neighbour = Neighbour("users", "http://users", settings, transport=users.transport(), policy=policy)
    return Sessions(UsersClient(neighbour), 5, clock)


async def test_an_answer_is_believed_for_five_seconds() -> None:
    users, clock = FakeUsers(), Clock()
    session, sessions = users.add("carl@example.org"), make_sessions(users, clock)
    for _ in range(3):
        reader = await sessions.reader_of(session)
        assert reader is not None
        assert reader.name == "Carl"
    assert users.asked(EXCHANGE) == 1
    users.sessions.clear()
    clock.now += 4.9
    assert await sessions.reader_of(session) is not None
    clock.now += 0.2
    assert await sessions.reader_of(session) is None
    assert await sessions.reader_of(session) is None, "that it has ended is remembered too"
    assert users.asked(EXCHANGE) == 2


async def test_those_who_ask_at_once_share_one_question() -> None:
    users, clock = FakeUsers(), Clock()
    session, sessions = users.add("carl@example.org"), make_sessions(users, clock)
    readers = await asyncio.gather(*(sessions.reader_of(session) for _ in range(20)))
    assert len({id(reader) for reader in readers}) == 1
    assert users.asked(EXCHANGE) == 1


async def test_while_users_is_away_the_last_token_serves_until_it_ends() -> None:
    users, clock = FakeUsers(token_lifetime_s=60), Clock()
    session, sessions = users.add("carl@example.org"), make_sessions(users, clock)
    assert await sessions.reader_of(session) is not None
    users.stopped = True
    clock.now += 10
    assert await sessions.reader_of(session) is not None
    asked = users.asked(EXCHANGE)
    clock.now += 0.5
    assert await sessions.reader_of(session) is not None
    assert users.asked(EXCHANGE) == asked, "users is asked again only after a second"
    clock.now += 1
    assert await sessions.reader_of(session) is not None
    assert users.asked(EXCHANGE) == asked + 1
    clock.now += 60
    with pytest.raises(Unavailable):
        await sessions.reader_of(session)
    users.stopped = False
    assert await sessions.reader_of(session) is not None


async def test_a_session_nobody_knows_of_cannot_be_judged_while_users_is_away() -> None:
    users = FakeUsers(stopped=True)
    with pytest.raises(Unavailable):
        await make_sessions(users, Clock()).reader_of("unknown")


async def test_forgotten_sessions_are_asked_about_anew() -> None:
    users, clock = FakeUsers(), Clock()
    sessions = make_sessions(users, clock)
    one, two = users.add("carl@example.org"), users.begin("carl@example.org")
    other = users.add("edith@example.org")
    for session in (one, two, other):
        reader = await sessions.reader_of(session)
        assert reader is not None
    sessions.forget(one)
    await sessions.reader_of(one)
    assert users.asked(EXCHANGE) == 4
    carl = await sessions.reader_of(one)
    assert carl is not None
    sessions.forget_all_of(carl.get_id())
    for session in (one, two, other):
        await sessions.reader_of(session)
    assert users.asked(EXCHANGE) == 6


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_SESSIONS", 3)
    users = FakeUsers()
    sessions = make_sessions(users, Clock())
    for number in range(6):
        await sessions.reader_of(f"unknown-{number}")
    await sessions.reader_of("unknown-5")
    assert users.asked(EXCHANGE) == 6
    await sessions.reader_of("unknown-0")
    assert users.asked(EXCHANGE) == 7


async def test_a_session_that_has_ended_is_taken_from_the_browser(browser: Browser) -> None:
    browser.cookies[SESSION] = "ended"
    page = await browser.get("/")
    assert page.status_code == 200
    assert SESSION not in browser.cookies
    assert page.headers["Cache-Control"] == "private, no-cache"


async def test_an_absurd_cookie_is_nobody(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = "x" * 600
    assert (await browser.get("/")).status_code == 200
    assert users.asked(EXCHANGE) == 0


async def test_with_users_away_a_guarded_page_says_so_and_keeps_the_session(
    browser: Browser, users: FakeUsers
) -> None:
    users.stopped = True
    browser.cookies[SESSION] = "somebody"
    page = await browser.get("/studio")
    assert page.status_code == 503
    assert "Sign-in is away for a moment" in page.text
    assert browser.cookies[SESSION] == "somebody"


async def test_an_editor_goes_on_working_while_users_is_away(
    editor: Browser, users: FakeUsers, catalog: FakeCatalog
) -> None:
    product = catalog.add("Tidal bowl")
    assert (await editor.get("/studio/products")).status_code == 200
    users.stopped = True
    assert (await editor.get(f"/studio/products/{product['id']}")).status_code == 200


async def test_a_token_that_the_catalog_refuses_leads_to_signing_in(
    editor: Browser, catalog: FakeCatalog
) -> None:
    catalog.failing = 401
    page = await editor.get("/studio/products")
    assert page.status_code == 303
    assert page.headers["Location"].startswith("/sign-in?next=/studio/products")
    assert "WWW-Authenticate" not in page.headers


async def test_users_answering_oddly_is_not_a_verdict() -> None:
    users = FakeUsers(garbled=True)
    with pytest.raises(Unavailable):
        await make_sessions(users, Clock()).reader_of("somebody")


async def test_two_readers_at_once_never_see_each_other(
    app: object, browser: Browser, users: FakeUsers
) -> None:
    people = [f"person{number}@example.org" for number in range(8)]
    sessions = {email: users.add(email, name=f"Name of {email}") for email in people}

    async def look(email: str) -> None:
        for _ in range(5):
            page: httpx.Response = await browser.client.get(
                "/account", headers={"Cookie": f"{SESSION}={sessions[email]}"}
            )
            assert email in page.text
            assert not any(other in page.text for other in people if other != email)

    await asyncio.gather(*(look(email) for email in people))


async def test_rule_28_a_sign_in_ended_elsewhere_counts_at_the_next_page(
    browser: Browser, users: FakeUsers
) -> None:
    browser.cookies[SESSION] = session = users.add("carl@example.org")
    assert (await browser.get("/account")).status_code == 200

    del users.sessions[session]

    assert (await browser.get("/account")).status_code == 303
    assert SESSION not in browser.cookies
