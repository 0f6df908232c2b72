"""Registering, confirming, forgotten passwords, another address, and leaving: what goes by mail."""

from __future__ import annotations

import re

import pytest
from fake_service import body_of
from fake_users import FakeUsers
from gateway_browser import SESSION, Browser, form_values, words

PASSWORD = "a long enough password"
VALUES = {"name": "Nora", "email": "nora@example.org", "password": PASSWORD}


async def test_registering_sends_to_the_mailbox_and_signs_nobody_in(
    browser: Browser, users: FakeUsers
) -> None:
    done = await browser.fill("/register", VALUES)

    assert done.status_code == 303
    assert done.headers["Location"] == "/check-your-mail"
    asked = users.last("POST", "/registrations")
    assert asked.headers["Idempotency-Key"]
    assert asked.headers["X-Real-IP"]
    assert SESSION not in browser.cookies
    page = words((await browser.get("/check-your-mail")).text)
    assert "A mail is on its way to nora@example.org" in page
    assert "no mail server" not in page


async def test_rule_13_a_taken_address_gets_the_same_page(browser: Browser, users: FakeUsers) -> None:
    users.add("taken@example.org")

    done = await browser.fill("/register", {**VALUES, "email": "taken@example.org"})

    assert (done.status_code, done.headers["Location"]) == (303, "/check-your-mail")
    assert "on its way to taken@example.org" in words((await browser.get("/check-your-mail")).text)


async def test_who_sends_the_form_again_meanwhile_gets_the_first_one_s_answer(
    browser: Browser, users: FakeUsers
) -> None:
    users.still_running = 2

    done = await browser.fill("/register", VALUES)

    assert (done.status_code, done.headers["Location"]) == (303, "/check-your-mail")
    keys = [one.headers["Idempotency-Key"] for one in users.seen if one.url.path.endswith("/registrations")]
    assert (len(keys), len(set(keys))) == (3, 1)


async def test_without_a_mail_server_the_page_says_where_the_mail_is(
    browser: Browser, users: FakeUsers
) -> None:
    users.delivers = False
    await browser.fill("/register", VALUES)

    assert 'href="/studio/outbox"' in (await browser.get("/check-your-mail")).text


async def test_mails_come_in_the_language_of_the_browser(browser: Browser, users: FakeUsers) -> None:
    page = await browser.get("/register")
    values = {**form_values(page.text, "/register"), **VALUES}
    await browser.send("POST", "/register", data=values, headers={"Accept-Language": "de-CH, en;q=0.5"})

    assert body_of(users.last("POST", "/registrations"))["locale"] == "de"


async def test_registering_says_at_the_field_what_is_wrong(browser: Browser, users: FakeUsers) -> None:
    weak = await browser.fill("/register", {**VALUES, "password": "a" * 20})
    assert re.search(r'id="password-error">It repeats the same characters', weak.text)
    short = await browser.fill("/register", {**VALUES, "password": "short"})
    assert "Use at least 15 characters" in short.text
    assert "nora@example.org" not in users.accounts
    assert 'value="short"' not in short.text, "a password is never sent back"


async def test_a_closed_shop_says_so(browser: Browser, users: FakeUsers) -> None:
    users.closed = True

    assert "Registration is closed" in (await browser.fill("/register", VALUES)).text


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/register", VALUES),
        ("/check-your-mail", {"email": "n@example.org"}),
        ("/forgot-password", {"email": "n@example.org"}),
        ("/verify-email/x", {}),
        ("/change-address/x", {}),
        ("/keep-account/x", {}),
        ("/reset-password/x", {"new_password": PASSWORD, "repeated": PASSWORD}),
    ],
)
async def test_rule_12_who_tries_too_often_is_told_to_wait(
    browser: Browser, users: FakeUsers, path: str, values: dict[str, str]
) -> None:
    users.failing = 429

    assert "Too many tries. Wait a moment." in (await browser.fill(path, values)).text


async def test_the_mail_is_sent_again(browser: Browser, users: FakeUsers) -> None:
    done = await browser.fill("/check-your-mail", {"email": "nora@example.org"})
    assert done.status_code == 303
    assert body_of(users.last("POST", "/email-verifications")) == {"email": "nora@example.org"}
    wrong = await browser.fill("/check-your-mail", {"email": "not-an-address"})
    assert "That is no address" in wrong.text


LINKS = {
    "/verify-email/": ("/email-verifications/confirm", "Your address is confirmed"),
    "/change-address/": ("/address-changes/confirm", "Your new address is in use"),
    "/keep-account/": ("/deletions/cancel", "Your account stays"),
}


@pytest.mark.parametrize("path", LINKS)
async def test_rule_17_reading_a_link_uses_nothing_up_and_the_button_does(
    browser: Browser, users: FakeUsers, path: str
) -> None:
    endpoint, told = LINKS[path]
    users.links["secret-token"] = "nora@example.org"
    for method in ("GET", "HEAD", "GET"):
        page = await browser.send(method, f"{path}secret-token")
        assert page.status_code == 200
        assert page.headers["Referrer-Policy"] == "strict-origin"
        assert page.headers["Cache-Control"] == "no-store"
    assert users.asked(f"/api/users/v1{endpoint}") == 0

    done = await browser.fill(f"{path}secret-token")
    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in")
    assert told in (await browser.get("/sign-in")).text
    again = await browser.fill(f"{path}secret-token")
    assert again.status_code == 410
    assert "This link has been used" in again.text


async def test_who_is_signed_in_stays_so_after_a_link(customer: Browser, users: FakeUsers) -> None:
    users.links["t"] = "carl@example.org"

    done = await customer.fill("/verify-email/t")

    assert done.headers["Location"] == "/account"


async def test_an_address_taken_meanwhile_is_told(browser: Browser, users: FakeUsers) -> None:
    users.links["t"] = "taken@example.org"

    page = await browser.fill("/change-address/t")

    assert "There is an account with this e-mail address already" in page.text


async def test_a_forgotten_password_is_chosen_anew(browser: Browser, users: FakeUsers) -> None:
    users.add("nora@example.org", password="the old password here")
    assert "/forgot-password" in (await browser.get("/sign-in")).text
    asked = await browser.fill("/forgot-password", {"email": "nora@example.org"})
    assert asked.headers["Location"] == "/check-your-mail"
    assert "If nora@example.org has an account here" in words((await browser.get("/check-your-mail")).text)
    users.links["t"] = "nora@example.org"
    values = {"new_password": PASSWORD, "repeated": PASSWORD}

    differs = await browser.fill("/reset-password/t", {**values, "repeated": "another one, longer"})
    assert "not the same" in differs.text
    weak = await browser.fill("/reset-password/t", {"new_password": "a" * 20, "repeated": "a" * 20})
    assert "It repeats the same characters" in weak.text
    assert users.links, "a refusal uses nothing up"
    done = await browser.fill("/reset-password/t", values)

    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in")
    assert SESSION not in browser.cookies, "rule 18: a reset signs nobody in"
    assert users.accounts["nora@example.org"]["password"] == PASSWORD
    assert (await browser.fill("/reset-password/t", values)).status_code == 410


async def test_rule_30_another_address_needs_the_password(customer: Browser, users: FakeUsers) -> None:
    wrong = await customer.fill("/account/address", {"email": "new@example.org", "password": "wrong"})
    assert "not your present password" in wrong.text
    done = await customer.fill("/account/address", {"email": "new@example.org", "password": PASSWORD})
    assert done.headers["Location"] == "/check-your-mail"
    page = words((await customer.get("/check-your-mail")).text)
    assert "until then your old address stays in use" in page


async def test_an_unconfirmed_address_has_a_banner(customer: Browser, users: FakeUsers) -> None:
    users.accounts["carl@example.org"]["email_verified"] = False

    assert "Please confirm your e-mail address" in words((await customer.get("/account")).text)


async def test_language_and_time_zone_are_saved(customer: Browser, users: FakeUsers) -> None:
    values = {"name": "Carl", "locale": "fr", "time_zone": "Europe/Paris"}
    assert (await customer.fill("/account", values)).status_code == 303
    assert users.accounts["carl@example.org"]["time_zone"] == "Europe/Paris"
    refused = await customer.fill("/account", {**values, "time_zone": "Mars/Olympus"})
    assert refused.status_code == 422


async def test_the_data_come_as_a_file(customer: Browser, users: FakeUsers) -> None:
    got = await customer.fill("/account", {}, action="/account/export")
    assert got.content == b"PK-zip"
    assert got.headers["Content-Disposition"] == 'attachment; filename="my-account.zip"'
    assert got.headers["Cache-Control"] == "no-store"
    form = form_values((await customer.get("/account")).text, "/account/export")
    users.failing = 429
    often = await customer.send("POST", "/account/export", data=form)
    users.failing = None
    assert (often.status_code, often.headers["Location"]) == (303, "/account")
    assert "You had your data several times" in (await customer.get("/account")).text


async def test_leaving_signs_out_and_tells_until_when_one_can_come_back(
    customer: Browser, users: FakeUsers
) -> None:
    unsure = await customer.fill("/account/delete", {"password": PASSWORD})
    assert "Tick the box to confirm" in unsure.text
    wrong = await customer.fill("/account/delete", {"password": "wrong", "sure": "y"})
    assert "not your present password" in wrong.text
    often = await customer.fill("/account/delete", {"password": "too often", "sure": "y"})
    assert "Wait 5 seconds" in often.text
    assert "carl@example.org" in users.accounts

    done = await customer.fill("/account/delete", {"password": PASSWORD, "sure": "y"})

    assert done.status_code == 303
    assert SESSION not in customer.cookies
    page = words((await customer.get(done.headers["Location"])).text)
    assert "Your account will be erased" in page
    assert "2126" in page


async def test_without_a_time_of_grace_leaving_is_for_good(customer: Browser, users: FakeUsers) -> None:
    users.grace = False

    done = await customer.fill("/account/delete", {"password": PASSWORD, "sure": "y"})

    assert "carl@example.org" not in users.accounts
    assert "Your account is erased" in (await customer.get(done.headers["Location"])).text
