"""Where one is signed in, access tokens, and taking an invitation up."""

from __future__ import annotations

from fake_rights import SECRET
from fake_service import made_id
from gateway_browser import SESSION, Browser, form_values, words
from shop_neighbours import FakeUsers, body_of


async def test_a_person_sees_where_they_are_signed_in_and_ends_a_sign_in(
    browser: Browser, users: FakeUsers
) -> None:
    browser.cookies[SESSION] = users.add("carl@example.org")
    users.rights.add_sign_in("Firefox <b>", current=True)
    other = users.rights.add_sign_in("curl/8")

    page = await browser.get("/account/sessions")
    assert "Firefox &lt;b&gt;" in page.text
    assert "this one" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    path = f"/account/sessions/{other['id']}/end"
    done = await browser.fill("/account/sessions", action=path)

    assert done.status_code == 303
    assert [one["user_agent"] for one in users.rights.sign_ins] == ["Firefox <b>"]
    again = await browser.send(
        "POST", path, data=form_values((await browser.get("/account")).text, "/account")
    )
    assert again.status_code == 303
    assert "had ended already" in words((await browser.get("/account/sessions")).text)


async def test_a_person_signs_out_everywhere_else(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("carl@example.org")
    users.rights.add_sign_in("Firefox", current=True)
    users.rights.add_sign_in("curl/8")

    done = await browser.fill("/account/sessions", action="/account/sessions/end-others")

    assert done.status_code == 303
    assert len(users.rights.sign_ins) == 1


async def test_rule_41_a_token_is_shown_when_it_is_made_and_never_again(
    browser: Browser, users: FakeUsers
) -> None:
    browser.cookies[SESSION] = users.add("carl@example.org", "catalog:write", "users:read")

    made = await browser.fill(
        "/account/tokens", {"name": "nightly", "scopes": ["catalog:write"], "days": "7"}
    )

    assert made.status_code == 200
    assert SECRET in made.text
    assert 'value="nightly"' not in made.text, "the form is ready for another"
    assert made.headers["Cache-Control"] == "no-store"
    body = body_of(users.last("POST", "/me/tokens"))
    assert body == {"name": "nightly", "scopes": ["catalog:write"], "expires_in_days": 7}
    listed = await browser.get("/account/tokens")
    assert "nightly" in listed.text
    assert words(listed.text).count("To catalog:write catalog:write") == 2, "of the token, and to choose"
    assert SECRET not in listed.text
    done = await browser.fill("/account/tokens", action=f"/account/tokens/{made_id('nightly')}/withdraw")
    assert done.status_code == 303
    assert users.rights.tokens == []


async def test_a_token_that_is_refused_says_why(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("carl@example.org", "catalog:write")

    for values, text in (
        ({"name": "too wide", "scopes": ["catalog:write"]}, "You may not do this yourself."),
        ({"name": "", "scopes": []}, "Give it a name."),
        ({"name": "x", "scopes": ["users:roles"]}, "valid choice"),
        ({"name": "x", "days": "9999"}, "Not a valid choice"),
    ):
        page = await browser.fill("/account/tokens", values)
        assert page.status_code == 422, values
        assert text in words(page.text), values


async def test_an_invitation_is_taken_up(browser: Browser, users: FakeUsers) -> None:
    users.rights.invitations["the-secret"] = "ina@example.org"
    path = "/invitation/the-secret"
    values = {"name": "Ina", "password": "a long enough password", "repeated": "a long enough password"}

    shown = await browser.get(path)
    weak = await browser.fill(path, values | dict.fromkeys(("password", "repeated"), "a weak long password"))
    other = await browser.fill(path, values | {"repeated": "another long password"})
    done = await browser.fill(path, values)

    assert "ina@example.org" in shown.text
    assert users.rights.invitations == {}
    assert weak.status_code == other.status_code == 422
    assert "This is a common password." in words(weak.text)
    assert done.status_code == 303
    assert done.headers["Location"].startswith("/sign-in")
    assert SESSION not in browser.cookies
    assert (await browser.get(path)).status_code == 410


async def test_an_unknown_invitation_is_gone(browser: Browser) -> None:
    page = await browser.get("/invitation/unknown")

    assert page.status_code == 410
    assert "worth nothing" in words(page.text)
