"""Roles in the studio: the shop's own made, changed and deleted, and given to somebody."""

from __future__ import annotations

from fake_service import made_id
from gateway_browser import SESSION, Browser, words
from shop_neighbours import FakeUsers

RIGHTS = ("catalog:read_drafts", "users:read", "users:roles", "users:write")


def sign_in(browser: Browser, users: FakeUsers) -> None:
    users.add("ann@example.org", name="Ann <b>")
    browser.cookies[SESSION] = users.add("owner@example.org", *RIGHTS)


async def test_a_role_is_made_changed_and_deleted(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    roles = users.rights.roles.roles

    made = await browser.fill(
        "/studio/roles",
        {"name": "packer", "description": "Packs <b>", "permissions": ["catalog:read_drafts", "users:read"]},
    )
    assert made.status_code == 303
    assert roles["packer"]["permissions"] == ["catalog:read_drafts", "users:read"]
    listed = await browser.get("/studio/roles")
    assert "There is a role “packer” now." in words(listed.text)
    assert "Packs &lt;b&gt;" in listed.text
    assert "/studio/roles/owner" not in listed.text, "what every shop has cannot be changed"

    changed = await browser.fill("/studio/roles/packer", {"permissions": ["users:read"]})
    assert changed.status_code == 303
    assert roles["packer"]["permissions"] == ["users:read"]
    assert roles["packer"]["description"] == "Packs <b>"

    done = await browser.fill("/studio/roles/packer/delete")
    assert done.status_code == 303
    assert "packer" not in roles
    assert (await browser.get("/studio/roles/packer")).status_code == 404


async def test_nobody_is_offered_more_than_they_may_do(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    users.rights.roles.roles["above"] = {
        "name": "above",
        "description": "",
        "permissions": ["users:mail"],
        "built_in": False,
    }

    page = await browser.get("/studio/roles")
    assert 'value="users:read"' in page.text
    assert 'value="users:mail"' not in page.text
    assert "/studio/roles/above" not in page.text
    forged = await browser.fill("/studio/roles", {"name": "mine", "permissions": ["users:mail"]})
    assert forged.status_code == 422
    for path in ("/studio/roles/above", "/studio/roles/owner", "/studio/roles/above/delete"):
        assert (await browser.get(path)).status_code == 403


async def test_a_role_that_is_held_stays(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    await browser.fill("/studio/roles", {"name": "packer"})
    question = await browser.fill("/studio/roles", {"name": "packer"})
    assert question.status_code == 422
    assert "There is a role with this name already." in words(question.text)
    asked = await browser.get("/studio/roles/packer/delete")
    assert "Nobody holds it." in words(asked.text)
    users.rights.roles.held[made_id("ann@example.org")] = ["packer"]

    page = await browser.get("/studio/roles/packer/delete")
    assert "1 person holds this role" in words(page.text)
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    refused = await browser.send("POST", "/studio/roles/packer/delete", data={"csrf_token": token})
    assert refused.status_code == 303
    assert "Somebody holds this role" in words((await browser.get("/studio/roles")).text)
    assert "packer" in users.rights.roles.roles


async def test_somebody_is_given_roles(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    path = f"/studio/people/{made_id('ann@example.org')}/roles"

    assert path in (await browser.get("/studio/people")).text
    page = await browser.get(path)
    assert "Ann &lt;b&gt;" in page.text
    assert "beyond what you may give" in words(page.text)
    done = await browser.fill(path, {"roles": ["customer", "editor"]})
    assert done.status_code == 303
    assert users.rights.roles.held_by(made_id("ann@example.org")) == ["customer", "editor"]
    stale = await browser.fill(path, {"roles": ["customer"], "version": '"1"'})
    assert stale.status_code == 422
    assert "Somebody changed this account meanwhile." in words(stale.text)


async def test_who_may_only_read_changes_nothing(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("clerk@example.org", "catalog:read_drafts", "users:read")

    page = await browser.get("/studio/roles")
    assert page.status_code == 200
    assert "Make a role" not in page.text
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    posted = await browser.send("POST", "/studio/roles", data={"csrf_token": token, "name": "mine"})
    assert posted.status_code == 403
    for path in ("/studio/roles/editor", f"/studio/people/{made_id('clerk@example.org')}/roles"):
        assert (await browser.get(path)).status_code == 403
