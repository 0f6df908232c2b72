"""Signing in and out, registering, the profile, and leaving."""

from __future__ import annotations

import re

import pytest
from gateway_app import browsing, make_gateway
from gateway_browser import FORM, SESSION, Browser, form_values, words
from shop_neighbours import FakeCatalog, FakeUsers, body_of

PASSWORD = "a long enough password"


async def test_signing_in_gives_a_session_and_goes_on_to_where_one_wanted(
    browser: Browser, users: FakeUsers
) -> None:
    users.add("edith@example.org", "catalog:read_drafts", password=PASSWORD)
    done = await browser.fill(
        "/sign-in?next=/studio/products",
        {"email": " edith@example.org ", "password": PASSWORD},
        action="/sign-in",
    )
    assert done.status_code == 303
    assert done.headers["Location"] == "/studio/products"
    cookie = next(c for c in done.headers.get_list("set-cookie") if c.startswith(SESSION))
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Max-Age=" in cookie
    assert "Domain" not in cookie
    assert users.sessions[browser.cookies[SESSION]] == "edith@example.org"
    sent = body_of(users.last("POST", "/internal/sessions"))
    assert sent["address"]
    assert "user_agent" in sent


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_signing_in_never_goes_on_to_another_site(
    browser: Browser, users: FakeUsers, target: str
) -> None:
    users.add("carl@example.org", password=PASSWORD)
    done = await browser.fill("/sign-in", {"email": "carl@example.org", "password": PASSWORD, "next": target})
    assert done.headers["Location"] == "/account/arrive"


async def test_people_arrive_where_their_work_is(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("edith@example.org", "catalog:read_drafts")
    assert (await browser.get("/account/arrive")).headers["Location"] == "/studio"
    browser.cookies[SESSION] = users.add("carl@example.org")
    assert (await browser.get("/account/arrive")).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/sign-in", "/register"])
async def test_who_is_signed_in_is_sent_on(customer: Browser, path: str) -> None:
    assert (await customer.get(path)).headers["Location"] == "/"
    assert (await customer.get(f"{path}?next=/account")).headers["Location"] == "/account"


async def test_a_wrong_password_is_answered_like_an_unknown_address(
    browser: Browser, users: FakeUsers
) -> None:
    users.add("edith@example.org", password=PASSWORD)
    answers = []
    for email in ("edith@example.org", "nobody@example.org"):
        page = await browser.fill("/sign-in", {"email": email, "password": "not the password"})
        assert page.status_code == 422
        assert "do not match an account" in page.text
        answers.append(re.sub(r'value="[^"]*"|nonce="[^"]*"', "", page.text))
    assert answers[0] == answers[1]
    assert SESSION not in browser.cookies


async def test_too_many_tries_are_told_how_long_to_wait(browser: Browser) -> None:
    page = await browser.fill("/sign-in", {"email": "a@example.org", "password": "too often"})
    assert "Wait 30 seconds" in page.text


async def test_an_empty_form_names_what_is_missing(browser: Browser, users: FakeUsers) -> None:
    page = await browser.fill("/sign-in")
    assert page.status_code == 422
    assert 'href="#email"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert users.asked("/internal/sessions") == 0


async def test_with_users_stopped_signing_in_says_so_and_comes_back(
    browser: Browser, users: FakeUsers
) -> None:
    users.add("carl@example.org", password=PASSWORD)
    form = form_values((await browser.get("/sign-in")).text, "/sign-in")
    users.stopped = True
    values = {**form, "email": "carl@example.org", "password": PASSWORD}
    page = await browser.send("POST", "/sign-in", data=values)
    assert page.status_code == 503
    assert "Sign-in is away for a moment" in page.text
    users.stopped = False
    assert (await browser.send("POST", "/sign-in", data=values)).status_code == 303


async def test_signing_in_changes_the_form_token(browser: Browser, users: FakeUsers) -> None:
    users.add("carl@example.org", password=PASSWORD)
    before = form_values((await browser.get("/sign-in")).text, "/sign-in")
    await browser.send("POST", "/sign-in", data={**before, "email": "carl@example.org", "password": PASSWORD})
    refused = await browser.send(
        "POST", "/account", data={"csrf_token": before["csrf_token"], "name": "Carl"}
    )
    assert refused.status_code == 403


async def test_signing_out_ends_the_session_here_and_at_users(customer: Browser, users: FakeUsers) -> None:
    done = await customer.fill("/account", action="/sign-out")
    assert done.status_code == 303
    assert SESSION not in customer.cookies
    assert not users.sessions
    page = await customer.get(done.headers["Location"])
    assert "You are signed out." in page.text
    assert (await customer.get("/account")).status_code == 303


async def test_signing_out_works_while_users_is_away(customer: Browser, users: FakeUsers) -> None:
    await customer.get("/account")
    form = form_values((await customer.get("/account")).text, "/sign-out")
    users.stopped = True
    done = await customer.send("POST", "/sign-out", data=form)
    assert done.status_code == 303
    assert SESSION not in customer.cookies
    assert "Accounts are away just now" in (await customer.get("/sign-in")).text


async def test_signing_out_twice_is_no_error(browser: Browser) -> None:
    token = form_values((await browser.get("/sign-in")).text, "/sign-in")["csrf_token"]
    assert (await browser.send("POST", "/sign-out", data={"csrf_token": token})).status_code == 303


async def test_reading_a_sign_in_link_uses_nothing_up_and_the_button_does(
    browser: Browser, users: FakeUsers
) -> None:
    users.add("owner@localhost.localdomain", "catalog:read_drafts", password=None)
    users.links["secret-token"] = "owner@localhost.localdomain"
    for method in ("GET", "HEAD", "GET"):
        page = await browser.send(method, "/sign-in/link/secret-token")
        assert page.status_code == 200
        assert page.headers["Referrer-Policy"] == "strict-origin"
        assert page.headers["Cache-Control"] == "no-store"
    assert users.asked("/internal/sign-in-links/redeem") == 0
    done = await browser.fill("/sign-in/link/secret-token")
    assert done.status_code == 303
    assert "secret-token" not in done.headers["Location"]
    assert users.sessions[browser.cookies[SESSION]] == "owner@localhost.localdomain"
    again = await browser.fill("/sign-in/link/secret-token")
    assert again.status_code == 410
    assert "This link has been used" in again.text


async def test_a_link_tried_too_often_is_told_to_wait(browser: Browser, users: FakeUsers) -> None:
    users.failing = 429
    assert "Too many tries" in (await browser.fill("/sign-in/link/x")).text


async def test_who_came_by_a_link_is_asked_for_a_password(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("owner@localhost.localdomain", "catalog:read_drafts", password=None)
    for path in ("/account", "/studio"):
        assert "have no password yet" in words((await browser.get(path)).text)
    page = await browser.get("/account")
    assert 'name="current_password"' not in page.text
    values = {"new_password": PASSWORD, "repeated": PASSWORD}
    done = await browser.fill("/account", values, action="/account/password")
    assert done.status_code == 303
    assert users.accounts["owner@localhost.localdomain"]["password"] == PASSWORD
    assert "have no password yet" not in words((await browser.get("/account")).text), (
        "the change is seen at once"
    )


async def test_a_password_is_changed_with_the_present_one(customer: Browser, users: FakeUsers) -> None:
    async def change(**values: str) -> str:
        return (await customer.fill("/account", values, action="/account/password")).text

    new = "another long password"
    assert "Enter your current password" in await change(new_password=new, repeated=new)
    assert "not your present password" in await change(
        current_password="wrong", new_password=new, repeated=new
    )
    assert "not the same" in await change(current_password=PASSWORD, new_password=new, repeated="different")
    assert "Wait 10 minutes" in await change(current_password="too often", new_password=new, repeated=new)
    assert users.accounts["carl@example.org"]["password"] == PASSWORD
    done = await customer.fill(
        "/account",
        {"current_password": PASSWORD, "new_password": new, "repeated": new},
        action="/account/password",
    )
    assert done.status_code == 303
    assert body_of(users.last("POST", "/me/password"))["end_other_sessions"] is True


async def test_the_name_is_saved_and_shown_at_once(customer: Browser, users: FakeUsers) -> None:
    assert "Carl" in (await customer.get("/")).text
    done = await customer.fill("/account", {"name": "Karl der Große"})
    assert done.status_code == 303
    assert "Karl der Große" in (await customer.get("/")).text
    refused = await customer.fill("/account", {"name": "\u202e"})
    assert refused.status_code == 422
    assert "That is no name" in refused.text
    assert (await customer.fill("/account", {"name": "  "})).status_code == 422


async def test_where_browsers_refuse_secure_cookies_the_names_and_flags_are_plain(
    users: FakeUsers, catalog: FakeCatalog
) -> None:
    users.add("carl@example.org", password=PASSWORD)
    app = make_gateway(users, catalog, public_url="http://shop.lan:8080")
    async with browsing(app) as browser:
        done = await browser.fill("/sign-in", {"email": "carl@example.org", "password": PASSWORD})
        cookies = done.headers.get_list("set-cookie")
        assert any(cookie.startswith("vitrine_session=") for cookie in cookies)
        assert not any("Secure" in cookie or "__Host-" in cookie for cookie in cookies)
        assert (await browser.get("/account")).status_code == 200


async def test_no_answer_ever_holds_an_access_token(customer: Browser, users: FakeUsers) -> None:
    for path in ("/", "/account", "/account/delete"):
        page = await customer.get(path)
        assert "token-of-" not in page.text
        assert "token-of-" not in str(page.headers)
    assert FORM in customer.cookies
