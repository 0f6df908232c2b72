"""Signing in with an account elsewhere, through Nginx: a certified OpenID Provider in a process of its own."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from certified import certified_provider, install, sign_in_there
from gateway_browser import SESSION, Browser, form_values, words

pytestmark = pytest.mark.stack

USERS = "/api/users/v1"
PASSWORD = "quiet harbour lantern seven"
LEAVE, BACK = "/sign-in/with/certified", "/sign-in/with/certified/callback"
CONNECT = "/account/security/connections/certified"

Opened = Callable[[], Awaitable[Browser]]


@pytest.fixture(scope="module", autouse=True)
def provider(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The provider, where the stack's settings say it is."""
    offered = json.loads(stack.environ.get("VITRINE_OIDC_PROVIDERS", "[]"))
    if not offered:
        pytest.skip("this stack offers no provider")
    folder = install(tmp_path_factory.mktemp("certified"))
    port = urlsplit(offered[0]["issuer"]).port
    with certified_provider(folder, stack.url + BACK, port) as issuer:
        assert issuer == offered[0]["issuer"], "the provider has not started"
        yield


@pytest_asyncio.fixture
async def opened(stack: Any) -> AsyncIterator[Opened]:
    """Opens a browser that knows nothing yet."""
    clients: list[httpx.AsyncClient] = []

    async def open_browser() -> Browser:
        clients.append(httpx.AsyncClient(base_url=stack.url, timeout=30))
        return Browser(clients[-1])

    yield open_browser
    for client in clients:
        await client.aclose()


async def at_the_provider(stack: Any, url: str, login: str) -> str:
    """Signs in there as somebody, from a browser that the provider does not know; returns the way back."""
    async with httpx.AsyncClient(timeout=30) as elsewhere:
        return str(await sign_in_there(url, login, stack.url + BACK, elsewhere))


async def sign_in_with(stack: Any, browser: Browser, login: str) -> httpx.Response:
    """The whole way from the sign-in page; returns the answer to the browser that is back."""
    left = await browser.get(LEAVE)
    assert left.status_code == 303, left.text
    return await browser.get(await at_the_provider(stack, left.headers["Location"], login))


async def refusal(browser: Browser, answer: httpx.Response) -> str:
    """What the sign-in page says to somebody who was sent back to it."""
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.headers["Location"]).path == "/sign-in"
    assert SESSION not in browser.cookies
    return words((await browser.get(answer.headers["Location"])).text)


async def account_of(browser: Browser) -> str:
    page = await browser.get("/account")
    assert page.status_code == 200, page.headers
    return words(page.text)


async def registered(stack: Any, browser: Browser, email: str) -> None:
    """An account with a password, signed in to on the pages."""
    person = {"email": email, "password": PASSWORD, "name": "Ada Here"}
    made = httpx.post(f"{stack.url}{USERS}/registrations", json=person, timeout=30)
    assert made.status_code == 202, made.text
    done = await browser.fill("/sign-in", {"email": email, "password": PASSWORD})
    assert done.status_code == 303, words(done.text)


async def connect(stack: Any, browser: Browser, login: str) -> httpx.Response:
    """Sends the browser to the provider by the button of the page, and brings it back."""
    sent = await browser.fill("/account/security", action=CONNECT)
    assert sent.status_code == 200, sent.text
    url = unescape(sent.text.partition('content="0;url=')[2].partition('"')[0])
    return await browser.get(await at_the_provider(stack, url, login))


def accounts_with(stack: Any, email: str) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {stack.token()}"}
    found = httpx.get(f"{stack.url}{USERS}/users", params={"q": email}, headers=headers, timeout=30)
    return list(found.json()["items"])


async def test_rule_42_somebody_new_gets_an_account_and_comes_back_to_it(stack: Any, opened: Opened) -> None:
    login = f"ann-{secrets.token_hex(5)}"
    browser = await opened()
    assert "Continue with Certified" in words((await browser.get("/sign-in")).text)

    first = await sign_in_with(stack, browser, login)

    assert first.status_code == 303, words(first.text)
    shown = await account_of(browser)
    assert f"{login}@provider.example" in shown
    assert f"{login} of the provider" in (await browser.get("/account")).text
    assert "confirm your e-mail address" not in shown, "the provider vouches for it"

    again = await opened()
    await sign_in_with(stack, again, login)
    assert f"{login}@provider.example" in await account_of(again)
    assert len(accounts_with(stack, f"{login}@provider.example")) == 1


async def test_rule_42_a_way_back_is_good_once_and_in_one_browser(stack: Any, opened: Opened) -> None:
    browser, thief = await opened(), await opened()
    left = await browser.get(LEAVE)
    back = await at_the_provider(stack, left.headers["Location"], f"bob-{secrets.token_hex(5)}")

    stolen = await thief.get(back)
    assert stolen.status_code == 410
    assert SESSION not in thief.cookies
    await thief.get(LEAVE)
    assert "begun elsewhere" in await refusal(thief, await thief.get(back))

    assert (await browser.get(back)).status_code == 303
    assert SESSION in browser.cookies
    del browser.cookies[SESSION]
    assert "has ended" in await refusal(browser, await browser.get(back))


@pytest.mark.parametrize("login", ["unsure", "nobody"])
async def test_rule_42_without_a_confirmed_address_nobody_gets_an_account(
    stack: Any, opened: Opened, login: str
) -> None:
    browser, login = await opened(), f"{login}-{secrets.token_hex(5)}"

    answer = await sign_in_with(stack, browser, login)

    assert "does not vouch for an e-mail address of yours" in await refusal(browser, answer)
    assert accounts_with(stack, f"{login}@provider.example") == []


async def test_rule_42_an_account_is_joined_only_by_somebody_who_has_proved_both(
    stack: Any, opened: Opened
) -> None:
    login = f"cleo-{secrets.token_hex(5)}"
    email = f"{login}@provider.example"
    here, there = await opened(), await opened()
    await registered(stack, here, email)

    answer = await sign_in_with(stack, there, login)
    assert "There is an account with this e-mail address already." in await refusal(there, answer)
    form = {"csrf_token": form_values((await there.get("/sign-in")).text, "/sign-in")["csrf_token"]}
    anonymous = await there.send("POST", CONNECT, data=form)
    assert urlsplit(anonymous.headers["Location"]).path == "/sign-in"

    joined = await connect(stack, here, login)
    assert joined.status_code == 303, words(joined.text)
    shown = words((await here.get("/account/security")).text)
    assert "Your account at Certified is connected." in shown
    assert f"Certified {email}" in shown

    await sign_in_with(stack, there, login)
    assert "Ada Here" in (await there.get("/account")).text
    assert len(accounts_with(stack, email)) == 1

    other = await opened()
    await registered(stack, other, f"{secrets.token_hex(6)}@example.org")
    await connect(stack, other, login)
    shown = words((await other.get("/account/security")).text)
    assert "is connected to another account here" in shown
    assert f"Certified {email}" not in shown
