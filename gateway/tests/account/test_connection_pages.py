"""Signing in with a provider, connecting and disconnecting accounts there: no page of it needs a script."""

from __future__ import annotations

import pytest
from fake_connections import PROVIDER
from gateway_browser import SESSION, Browser, form_values, words
from shop_neighbours import FakeUsers, body_of, made_id

VISIT = "__Host-vitrine_visit"
BACK = "/sign-in/with/google/callback"
EMAIL = "carl@example.org"


@pytest.fixture
def google(users: FakeUsers) -> FakeUsers:
    users.connections.offered["google"] = "Google"
    users.add(EMAIL)
    return users


async def test_a_person_signs_in_with_a_provider(browser: Browser, google: FakeUsers) -> None:
    page = await browser.get("/sign-in?next=/account")
    assert "Continue with Google" in words(page.text)
    assert 'href="/sign-in/with/google?next=/account"' in page.text
    assert "Continue with Google" in words((await browser.get("/register")).text)

    left = await browser.get("/sign-in/with/google?next=/account")
    assert left.status_code == 303
    assert left.headers["Location"] == PROVIDER
    assert left.headers["Cache-Control"] == "no-store"
    assert browser.cookies[VISIT] == "binding-1"
    cookie = left.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=600"))
    back = await browser.get(f"{BACK}?code=right&state=s&iss=https://provider.example")

    assert back.status_code == 303
    assert back.headers["Location"] == "/account"
    assert SESSION in browser.cookies
    sent = body_of(google.last("POST", "/return"))
    assert (sent["code"], sent["state"], sent["iss"]) == ("right", "s", "https://provider.example")
    assert sent["address"]


async def test_the_second_step_comes_after_it(browser: Browser, google: FakeUsers) -> None:
    google.connections.pending = ["totp"]
    await browser.get("/sign-in/with/google")

    back = await browser.get(f"{BACK}?code=right&state=s")

    assert back.headers["Location"] == "/sign-in/second-step"
    assert SESSION not in browser.cookies


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x\n"]
)
async def test_rule_35_nobody_is_sent_elsewhere_afterwards(
    browser: Browser, google: FakeUsers, target: str
) -> None:
    await browser.get("/sign-in/with/google", params={"next": target})
    assert google.connections.visits[-1]["target"] == ""
    google.connections.visits[-1]["target"] = target

    back = await browser.get(f"{BACK}?code=right&state=s")

    assert back.headers["Location"] == "/account/arrive"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=right",
        "state=s&state=s&code=right",
        "state=&code=right",
        f"state={'s' * 200}&code=right",
        "state=other&code=right",
        "state=s&error=access_denied",
        "state=s&code=wrong",
    ],
)
async def test_rule_42_whoever_comes_back_otherwise_is_told_to_begin_again(
    browser: Browser, google: FakeUsers, query: str
) -> None:
    await browser.get("/sign-in/with/google")

    back = await browser.get(f"{BACK}?{query}")

    assert SESSION not in browser.cookies
    if back.status_code == 303:
        assert back.headers["Location"] == "/sign-in"
        back = await browser.get("/sign-in")
    else:
        assert back.status_code == 410
    shown = words(back.text)
    assert "Begin again" in shown or "did not sign you in" in shown


async def test_rule_42_a_browser_that_was_not_sent_does_not_come_back(
    browser: Browser, google: FakeUsers
) -> None:
    await browser.get("/sign-in/with/google")
    for cookie in ("", "x" * 129, "another"):
        browser.cookies[VISIT] = cookie
        back = await browser.get(f"{BACK}?code=right&state=s")
        assert back.status_code == (303 if cookie == "another" else 410)
        assert SESSION not in browser.cookies


async def test_a_provider_that_is_away_leaves_the_password(browser: Browser, google: FakeUsers) -> None:
    google.connections.away = True

    left = await browser.get("/sign-in/with/google?next=/account")

    assert left.headers["Location"] == "/sign-in?next=/account"
    assert "Google cannot be reached right now" in words((await browser.get("/sign-in")).text)
    done = await browser.fill("/sign-in", {"email": EMAIL, "password": "a long enough password"})
    assert done.status_code == 303
    assert SESSION in browser.cookies
    assert (await browser.get("/sign-in/with/nobody")).status_code == 404


async def test_the_buttons_stay_while_users_is_away(browser: Browser, google: FakeUsers) -> None:
    assert "Continue with Google" in (await browser.get("/sign-in")).text
    google.stopped = True
    assert "Continue with Google" in (await browser.get("/sign-in")).text
    assert google.asked("/api/users/v1/providers") == 1


async def test_a_person_connects_and_disconnects_an_account(browser: Browser, google: FakeUsers) -> None:
    browser.cookies[SESSION] = google.begin(EMAIL)
    page = await browser.get("/account/security")
    assert "Connect an account at Google" in words(page.text)

    going = await browser.fill("/account/security", action="/account/security/connections/google")
    assert going.status_code == 200, "a form's answer may not lead to another site"
    assert f'content="0;url={PROVIDER.replace("&", "&amp;")}"' in going.text
    assert google.connections.visits[-1]["session"] == browser.cookies[SESSION]
    back = await browser.get(f"{BACK}?code=right&state=s")
    assert back.headers["Location"] == "/account/security"
    google.connections.connect("google")
    google.connections.connect("gone")
    shown = await browser.get("/account/security")
    assert "Your account at Google is connected" in words(shown.text)
    assert "the shop no longer offers it" in words(shown.text)
    path = f"/account/security/connections/{made_id('gone')}/remove"
    assert (await browser.fill("/account/security", action=path)).status_code == 303
    assert "is disconnected" in words((await browser.get("/account/security")).text)
    path = f"/account/security/connections/{made_id('google')}/remove"
    await browser.fill("/account/security", action=path)
    assert "only way to sign in" in words((await browser.get("/account/security")).text)


async def test_rule_30_connecting_asks_first_who_it_is(browser: Browser, google: FakeUsers) -> None:
    browser.cookies[SESSION] = google.begin(EMAIL)
    google.connections.stale = True

    asked = await browser.fill("/account/security", action="/account/security/connections/google")

    assert asked.headers["Location"] == "/account/confirm?next=/account/security"


async def test_rule_32_connecting_needs_the_form(browser: Browser, google: FakeUsers) -> None:
    browser.cookies[SESSION] = google.begin(EMAIL)

    assert (await browser.send("POST", "/account/security/connections/google")).status_code == 403
    assert (await browser.get("/account/security/connections/google")).status_code == 405
    assert google.connections.visits == []


async def test_somebody_without_a_password_confirms_with_the_provider(
    browser: Browser, google: FakeUsers
) -> None:
    old = browser.cookies[SESSION] = google.begin(EMAIL)
    google.connections.connect("google")
    page = await browser.get("/account/confirm?next=/account/tokens")
    values = form_values(page.text, "/account/confirm/with/google")

    going = await browser.send("POST", "/account/confirm/with/google", data=values)
    assert going.status_code == 200
    assert google.connections.visits[-1]["purpose"] == "confirm"
    back = await browser.get(f"{BACK}?code=right&state=s")

    assert back.headers["Location"] == "/account/tokens"
    assert browser.cookies[SESSION] != old


async def test_who_is_refused_while_signed_in_stays_so(browser: Browser, google: FakeUsers) -> None:
    browser.cookies[SESSION] = google.begin(EMAIL)
    await browser.fill("/account/security", action="/account/security/connections/google")

    back = await browser.get(f"{BACK}?error=access_denied&state=s")
    assert back.headers["Location"] == "/account/security"
    google.connections.away = True
    again = await browser.fill("/account/security", action="/account/security/connections/google")
    assert again.headers["Location"] == "/account/security"
    assert "cannot be reached" in words((await browser.get("/account/security")).text)
