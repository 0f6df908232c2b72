"""The shop's people in the studio, and the shop as one of them sees it."""

from __future__ import annotations

from typing import Any

from fake_service import made_id
from gateway_browser import SESSION, Browser, form_values, words
from shop_neighbours import FakeUsers, body_of

OWN = "__Host-vitrine_own"
RIGHTS = (
    "catalog:read_drafts",
    "users:read",
    "users:roles",
    "users:write",
    "users:impersonate",
    "users:audit",
)


def sign_in(browser: Browser, users: FakeUsers) -> None:
    users.add("ann@example.org", name="Ann <b>")
    browser.cookies[SESSION] = users.add("owner@example.org", *RIGHTS)


async def press(browser: Browser, page: str, action: str, **values: str) -> Any:
    return await browser.fill(page, values, action=action)


async def test_people_are_listed_barred_and_let_in_again(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    action = f"/studio/people/{made_id('ann@example.org')}"

    listed = await browser.get("/studio/people?q=ann")
    assert "Ann &lt;b&gt;" in listed.text
    assert users.last("GET", "/api/users/v1/users").url.params["q"] == "ann"
    assert f'action="/studio/people/{made_id("owner@example.org")}"' not in listed.text, "not oneself"
    for deed, text in (("suspend", "Suspended"), ("unsuspend", "Let in again"), ("sign-out", "Signed out")):
        done = await press(browser, "/studio/people", action, deed=deed)
        assert done.status_code == 303
        assert text in words((await browser.get("/studio/people")).text)
    assert (await press(browser, "/studio/people", action, deed="shout")).status_code == 400


async def test_a_refusal_is_told(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    users.add("last@example.org")

    await press(browser, "/studio/people", f"/studio/people/{made_id('last@example.org')}", deed="suspend")

    assert "last owner" in words((await browser.get("/studio/people")).text)


async def test_somebody_is_invited(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)

    offered = (await browser.get("/studio/people")).text
    done = await browser.fill("/studio/people", {"email": "new@example.org", "role": "editor"})
    taken = await browser.fill("/studio/people", {"email": "ann@example.org", "role": "editor"})

    assert done.status_code == 303
    assert users.rights.invitations == {"secret-of-new@example.org": "new@example.org"}
    assert '<option value="editor">' in offered
    assert '<option value="owner">' not in offered, "it lets people do more than the inviter may"
    assert taken.status_code == 422
    assert "There is an account with this address." in words(taken.text)


async def test_an_owner_sees_the_shop_as_somebody_else_and_comes_back(
    browser: Browser, users: FakeUsers
) -> None:
    sign_in(browser, users)
    own = browser.cookies[SESSION]

    begun = await press(browser, "/studio/people", f"/studio/people/{made_id('ann@example.org')}/see-as")

    assert begun.status_code == 303
    assert body_of(users.last("POST", "/internal/impersonations"))["session"] == own
    assert browser.cookies[SESSION] != own
    assert browser.cookies[OWN] == own
    page = await browser.get("/account")
    assert "You see the shop as" in words(page.text)
    assert "Ann &lt;b&gt;" in page.text
    seen = browser.cookies[SESSION]
    back = await press(browser, "/account", "/studio/people/see-as/end")
    assert back.status_code == 303
    assert browser.cookies[SESSION] == own
    assert OWN not in browser.cookies
    assert seen not in users.sessions
    assert "You see the shop as" not in words((await browser.get("/account")).text)


async def test_nobody_comes_back_who_was_not_away(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("ann@example.org")
    browser.cookies[OWN] = users.add("owner@example.org", *RIGHTS)
    token = form_values((await browser.get("/account")).text, "/account")["csrf_token"]

    done = await browser.send("POST", "/studio/people/see-as/end", data={"csrf_token": token})

    assert done.status_code == 404
    assert browser.cookies[SESSION] != browser.cookies[OWN]


async def test_who_may_not_sees_none_of_it(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("editor@example.org", "catalog:read_drafts", "catalog:write")

    for path in ("/studio/people", "/studio/audit"):
        assert (await browser.get(path)).status_code == 403
        assert path not in (await browser.get("/studio")).text
