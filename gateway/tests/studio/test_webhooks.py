"""Webhooks in the studio: set up, changed, switched off, tested; every secret shown once."""

from __future__ import annotations

import re

from fake_service import made_id
from fake_webhooks import SECRET
from gateway_browser import SESSION, Browser, attributes, words
from shop_neighbours import FakeUsers, body_of

URL = "https://hooks.example.org/in"


def sign_in(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("owner@example.org", "catalog:read_drafts", "users:webhooks")


async def test_a_webhook_is_set_up_and_its_secret_shown_once(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    assert "Nobody is told of anything" in words((await browser.get("/studio/webhooks")).text)

    made = await browser.fill(
        "/studio/webhooks",
        {"url": URL, "description": "CRM <b>", "event_types": ["user.created", "user.deleted"]},
    )

    assert made.status_code == 200
    assert SECRET in made.text
    asked = body_of(users.last("POST", "/webhooks"))
    assert asked == {
        "url": URL,
        "description": "CRM <b>",
        "event_types": ["user.created", "user.deleted"],
        "include_email": False,
    }
    later = await browser.get("/studio/webhooks")
    assert SECRET not in later.text
    assert "CRM &lt;b&gt;" in later.text


async def test_a_browser_lets_somebody_choose_only_some_of_the_events(
    browser: Browser, users: FakeUsers
) -> None:
    sign_in(browser, users)
    page = (await browser.get("/studio/webhooks")).text

    boxes = [attributes(tag) for tag in re.findall(r'<input\b[^>]*type="checkbox"[^>]*>', page)]

    assert {"user.created", "user.deleted"} < {box["value"] for box in boxes}
    assert not any("required" in box for box in boxes)
    assert "What user.created means. user.created" in words(page)


async def test_refusals_stand_at_their_fields(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)

    refused = await browser.fill(
        "/studio/webhooks", {"url": "http://10.0.0.1/", "event_types": "user.created"}
    )
    nothing = await browser.fill("/studio/webhooks", {"url": URL})

    assert refused.status_code == nothing.status_code == 422
    assert "Give a public https:// address." in words(refused.text)
    assert "Choose one at least." in words(nothing.text)
    assert users.webhooks.endpoints == {}


async def test_it_is_changed_and_switched_off_and_on(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    page = f"/studio/webhooks/{users.webhooks.add(URL)['id']}"

    changed = await browser.fill(page, {"event_types": "user.deleted", "include_email": "y"})

    assert changed.status_code == 303
    endpoint = users.webhooks.endpoints[made_id(URL)]
    assert (endpoint["event_types"], endpoint["include_email"]) == (["user.deleted"], True)
    for deed, text in (("off", "It is switched off"), ("on", "Switched on.")):
        done = await browser.fill(page, {"deed": deed}, action=f"{page}/deeds")
        assert done.status_code == 303
        assert endpoint["enabled"] is (deed == "on")
        assert text in words((await browser.get(page)).text)
    assert (await browser.fill(page, {"deed": "shout"}, action=f"{page}/deeds")).status_code == 400


async def test_a_secret_is_made_anew_and_shown_once(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    page = f"/studio/webhooks/{users.webhooks.add(URL)['id']}"

    rotated = await browser.fill(page, {"overlap_s": "3600"}, action=f"{page}/secret")

    assert rotated.status_code == 200
    assert SECRET in rotated.text
    assert "signed under the former one as well" in words(rotated.text)
    assert body_of(users.last("POST", "/secret")) == {"overlap_s": 3600}
    assert SECRET not in (await browser.get(page)).text


async def test_a_test_event_is_sent_looked_at_and_sent_again(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    page = f"/studio/webhooks/{users.webhooks.add(URL)['id']}"

    sent = await browser.fill(page, {"deed": "test"}, action=f"{page}/deeds")

    assert sent.status_code == 303
    shown = words((await browser.get(page)).text)
    assert "webhook.test" in shown
    assert "500" in shown
    detail = f"{page}/deliveries/{made_id('delivery')}"
    text = (await browser.get(detail)).text
    assert "no answer in time" in text
    assert "<b>" not in text
    again = await browser.fill(detail, action=f"{detail}/again")
    assert again.status_code == 303
    assert "on its way again" in words((await browser.get(detail)).text)


async def test_a_test_event_for_one_that_is_off_is_refused_in_words(
    browser: Browser, users: FakeUsers
) -> None:
    sign_in(browser, users)
    page = f"/studio/webhooks/{users.webhooks.add(URL)['id']}"
    await browser.get(page)
    users.webhooks.endpoints[made_id(URL)]["enabled"] = False

    await browser.fill(page, {"deed": "test"}, action=f"{page}/deeds")

    assert "This webhook is switched off." in words((await browser.get(page)).text)


async def test_it_is_deleted(browser: Browser, users: FakeUsers) -> None:
    sign_in(browser, users)
    page = f"/studio/webhooks/{users.webhooks.add(URL)['id']}"

    done = await browser.fill(page, {"deed": "delete"}, action=f"{page}/deeds")

    assert done.headers["Location"] == "/studio/webhooks"
    assert users.webhooks.endpoints == {}
    assert (await browser.get(page)).status_code == 404


async def test_who_may_not_sees_none_of_it(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("editor@example.org", "catalog:read_drafts")

    assert (await browser.get("/studio/webhooks")).status_code == 403
    assert "/studio/webhooks" not in (await browser.get("/studio")).text
