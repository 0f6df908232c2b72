"""Second steps, passkeys, confirming, and the page of one's factors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_factors import RIGHT_CODE, RIGHT_KEY
from gateway_browser import FORM, SESSION, Browser, form_values, words
from shop_neighbours import FakeUsers, body_of

PASSWORD = "a long enough password"
DEVICE = "__Host-vitrine_device"
EMAIL = "carl@example.org"


async def first_step(browser: Browser, users: FakeUsers, methods: list[str], target: str = "") -> Any:
    users.add(EMAIL, password=PASSWORD)
    users.factors.second_factor_of[EMAIL] = methods
    path = f"/sign-in?next={target}" if target else "/sign-in"
    return await browser.fill(path, {"email": EMAIL, "password": PASSWORD}, action="/sign-in")


async def csrf(browser: Browser, path: str = "/sign-in") -> str:
    return form_values((await browser.get(path)).text, path)["csrf_token"]


async def test_after_the_password_a_code_is_asked_for_and_goes_on_to_where_one_wanted(
    browser: Browser, users: FakeUsers
) -> None:
    done = await first_step(browser, users, ["passkey", "totp", "recovery_code"], "/account")
    assert done.headers["Location"] == "/sign-in/second-step"
    assert SESSION not in browser.cookies
    page = await browser.get("/sign-in/second-step")
    assert page.headers["Cache-Control"] == "no-store"
    assert "data-passkey" in page.text
    assert "challenge-0" not in page.text, "what stands for the half-done sign-in is in no page"

    wrong = await browser.fill("/sign-in/second-step", {"code": "654321"})
    right = await browser.fill("/sign-in/second-step", {"code": "123 456"})

    assert wrong.status_code == 422
    assert "That was not right" in words(wrong.text)
    assert right.status_code == 303
    assert right.headers["Location"] == "/account"
    assert SESSION in browser.cookies
    assert DEVICE not in browser.cookies
    assert body_of(users.last("POST", "/second-step"))["method"] == "totp"
    assert (await browser.get("/sign-in/second-step")).status_code == 410, "it is finished"


async def test_a_recovery_code_does_too_and_a_browser_can_be_trusted(
    browser: Browser, users: FakeUsers
) -> None:
    await first_step(browser, users, ["totp", "recovery_code"])

    done = await browser.fill("/sign-in/second-step", {"code": "good-code", "trust": "y"})

    assert done.headers["Location"] == "/account/arrive"
    cookie = next(c for c in done.headers.get_list("set-cookie") if c.startswith(DEVICE))
    for part in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="):
        assert part in cookie
    assert "Domain" not in cookie


async def test_a_device_that_is_known_is_told_to_users(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[DEVICE] = "trusted-device"

    done = await first_step(browser, users, ["totp"])

    assert done.headers["Location"] == "/account/arrive"
    browser.cookies[DEVICE] = "x" * 500
    users.begin(EMAIL)
    del browser.cookies[SESSION]
    await browser.fill("/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert body_of(users.last("POST", "/internal/sessions"))["device"] is None


async def test_a_second_step_that_took_too_long_begins_again(browser: Browser, users: FakeUsers) -> None:
    await first_step(browser, users, ["totp"])
    users.factors.pending.clear()

    done = await browser.fill("/sign-in/second-step", {"code": RIGHT_CODE})

    assert done.headers["Location"] == "/sign-in"
    assert "Please sign in again" in words((await browser.get("/sign-in")).text)


async def test_too_many_codes_are_told_how_long_to_wait(browser: Browser, users: FakeUsers) -> None:
    await first_step(browser, users, ["totp"])

    assert "Wait 60 seconds" in (await browser.fill("/sign-in/second-step", {"code": "000000"})).text


@pytest.mark.parametrize("methods", [[], ["passkey"]])
async def test_without_a_code_to_enter_the_page_says_what_helps(
    browser: Browser, users: FakeUsers, methods: list[str]
) -> None:
    await first_step(browser, users, methods)

    page = await browser.get("/sign-in/second-step")

    assert 'name="code"' not in page.text
    assert ("ask whoever runs the shop" in words(page.text)) is not bool(methods)


async def test_without_a_first_step_there_is_no_second(browser: Browser) -> None:
    page = await browser.get("/sign-in/second-step")
    assert page.status_code == 410
    assert "This sign-in is over" in page.text
    token = await csrf(browser)
    for path in ("/sign-in/second-step/passkey/options", "/sign-in/second-step/passkey"):
        answer = await browser.send("POST", path, data={"csrf_token": token})
        assert answer.status_code in {303, 404}


async def test_a_passkey_signs_in_without_a_password(browser: Browser, users: FakeUsers) -> None:
    users.add(EMAIL)
    users.factors.passkey_signs_in = EMAIL
    token = await csrf(browser)
    options = await browser.send("POST", "/sign-in/passkey/options", headers={"X-CSRFToken": token})
    assert options.json() == {"challenge": "AAAA"}

    data = {"csrf_token": token, "credential": json.dumps(RIGHT_KEY), "next": "/account"}
    done = await browser.send("POST", "/sign-in/passkey", data=data)

    assert done.headers["Location"] == "/account"
    assert SESSION in browser.cookies
    assert browser.cookies[DEVICE] == "new-device"


@pytest.mark.parametrize("credential", ['{"id": "wrong"}', "no json", "[]", "", "[" * 5000])
async def test_a_passkey_that_is_refused_leads_back(
    browser: Browser, users: FakeUsers, credential: str
) -> None:
    users.add(EMAIL)
    users.factors.passkey_signs_in = EMAIL
    data = {"csrf_token": await csrf(browser), "credential": credential, "next": "https://evil.example/"}

    done = await browser.send("POST", "/sign-in/passkey", data=data)

    assert done.headers["Location"] == "/sign-in"
    assert "could not be verified" in words((await browser.get("/sign-in")).text)
    assert SESSION not in browser.cookies


async def test_a_passkey_that_verified_nobody_is_followed_by_the_password(
    browser: Browser, users: FakeUsers
) -> None:
    users.add(EMAIL)
    users.factors.passkey_signs_in = EMAIL
    users.factors.second_factor_of[EMAIL] = ["password"]
    data = {"csrf_token": await csrf(browser), "credential": json.dumps(RIGHT_KEY)}
    assert (await browser.send("POST", "/sign-in/passkey", data=data)).headers["Location"] == (
        "/sign-in/second-step"
    )

    done = await browser.fill("/sign-in/second-step", {"password": PASSWORD})

    assert done.status_code == 303
    assert SESSION in browser.cookies


async def test_a_passkey_is_a_second_step(browser: Browser, users: FakeUsers) -> None:
    await first_step(browser, users, ["passkey"])
    token = await csrf(browser)
    options = await browser.send(
        "POST", "/sign-in/second-step/passkey/options", headers={"X-CSRFToken": token}
    )
    assert options.status_code == 200
    path, data = "/sign-in/second-step/passkey", {"csrf_token": token}

    wrong = await browser.send("POST", path, data={**data, "credential": '{"id": "wrong"}'})
    right = await browser.send("POST", path, data={**data, "credential": json.dumps(RIGHT_KEY)})

    assert wrong.headers["Location"] == "/sign-in/second-step"
    assert right.headers["Location"] == "/account/arrive"


@pytest.mark.parametrize("path", ["/sign-in/passkey/options", "/sign-in/passkey", "/account/security/codes"])
async def test_rule_32_without_the_form_token_nothing_happens(customer: Browser, path: str) -> None:
    assert (await customer.send("POST", path)).status_code == 403


async def test_the_sign_in_page_works_without_scripts(browser: Browser) -> None:
    page = (await browser.get("/sign-in")).text

    form = page[page.index("data-passkey") :]
    assert " hidden>" in form[:200], "the passkey's button shows itself by script only"
    assert "js/passkeys.js" in page


async def test_rule_25_confirming_gives_the_browser_another_session(
    customer: Browser, users: FakeUsers
) -> None:
    users.factors.has_app = True
    before = customer.cookies[SESSION]
    page = await customer.get("/account/confirm?next=/account/security")
    assert page.text.count("<form") >= 2

    wrong = await customer.fill("/account/confirm", {"p-password": "not it"})
    right = await customer.fill(
        "/account/confirm?next=/account", {"p-password": PASSWORD}, action="/account/confirm"
    )

    assert wrong.status_code == 422
    assert right.headers["Location"] == "/account"
    assert customer.cookies[SESSION] != before
    assert before not in users.sessions


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
async def test_rule_35_confirming_goes_on_to_our_own_pages_only(customer: Browser, target: str) -> None:
    done = await customer.fill("/account/confirm", {"p-password": PASSWORD, "next": target})

    assert done.headers["Location"] == "/account/security"


async def test_codes_and_passkeys_confirm_too(customer: Browser, users: FakeUsers) -> None:
    users.factors.has_app = True
    users.factors.passkeys = {"1": "Phone"}
    page = (await customer.get("/account/confirm")).text
    token = form_values(page, "/account/confirm/passkey")["csrf_token"]
    code = {"c-csrf_token": token, "next": "/account"}

    late = await customer.send("POST", "/account/confirm", data={**code, "c-code": "000000"})
    done = await customer.send("POST", "/account/confirm", data={**code, "c-code": RIGHT_CODE})
    token = form_values((await customer.get("/account/confirm")).text, "/account/confirm/passkey")[
        "csrf_token"
    ]
    options = await customer.send("POST", "/account/confirm/passkey/options", headers={"X-CSRFToken": token})
    data = {"csrf_token": token, "next": "/account"}
    wrong = await customer.send("POST", "/account/confirm/passkey", data={**data, "credential": "{}"})
    right = await customer.send(
        "POST", "/account/confirm/passkey", data={**data, "credential": json.dumps(RIGHT_KEY)}
    )

    assert "Wait 60 seconds" in late.text
    assert done.headers["Location"] == "/account"
    assert options.status_code == 200
    assert wrong.headers["Location"] == "/account/confirm?next=/account"
    assert right.headers["Location"] == "/account"


async def test_rule_30_a_change_that_needs_a_fresh_proof_leads_there_and_back(
    customer: Browser, users: FakeUsers
) -> None:
    users.factors.wants_step_up = True
    values = form_values((await customer.get("/account/security")).text, "/account/security/app")

    asked = await customer.send(
        "POST",
        "/account/security/app",
        data=values,
        headers={"Referer": "http://testserver/account/security"},
    )

    assert asked.status_code == 303
    assert asked.headers["Location"] == "/account/confirm?next=/account/security"


async def test_an_app_is_added_in_two_steps_and_removed(customer: Browser, users: FakeUsers) -> None:
    before = customer.cookies[SESSION]
    shown = await customer.fill("/account/security", action="/account/security/app")
    assert shown.status_code == 200
    assert 'src="data:image/svg+xml;base64,' in shown.text
    assert "SECRETSEED" in shown.text
    values = form_values(shown.text, "/account/security/app/confirm")

    wrong = await customer.send("POST", "/account/security/app/confirm", data={**values, "code": "654321"})
    gone = await customer.send("POST", "/account/security/app/confirm", data={**values, "code": "999999"})
    right = await customer.send("POST", "/account/security/app/confirm", data={**values, "code": "123 456"})

    assert wrong.status_code == 422
    assert gone.headers["Location"] == "/account/security"
    assert right.headers["Location"] == "/account/security"
    assert customer.cookies[SESSION] != before, "the session's rights have grown"
    assert "is added" in words((await customer.get("/account/security")).text)
    await customer.fill("/account/security", action="/account/security/app/remove")
    assert not users.factors.has_app


async def test_an_app_that_is_there_is_not_added_again(customer: Browser, users: FakeUsers) -> None:
    token = form_values((await customer.get("/account/security")).text, "/account/security/app")
    users.factors.has_app = True

    done = await customer.send("POST", "/account/security/app", data=token)

    assert done.status_code == 303
    assert "already" in words((await customer.get("/account/security")).text)


async def test_recovery_codes_are_shown_once(customer: Browser, users: FakeUsers) -> None:
    users.factors.has_app = True

    shown = await customer.fill("/account/security", action="/account/security/codes")

    assert shown.headers["Cache-Control"] == "no-store"
    assert "code-0" in shown.text
    assert "code-0" not in (await customer.get("/account/security")).text
    assert "10 of 10 left" in words((await customer.get("/account/security")).text)


async def test_passkeys_are_added_renamed_and_removed(customer: Browser, users: FakeUsers) -> None:
    page = (await customer.get("/account/security")).text
    values = form_values(page, "/account/security/passkeys")
    options = await customer.send(
        "POST", "/account/security/passkeys/options", headers={"X-CSRFToken": values["csrf_token"]}
    )
    assert options.status_code == 200
    values |= {"name": "Phone", "credential": json.dumps(RIGHT_KEY)}
    unnamed = await customer.send("POST", "/account/security/passkeys", data={**values, "name": ""})
    bad = await customer.send("POST", "/account/security/passkeys", data={**values, "credential": "{}"})
    assert not users.factors.passkeys
    done = await customer.send("POST", "/account/security/passkeys", data=values)
    assert {answer.headers["Location"] for answer in (unnamed, bad, done)} == {"/account/security"}
    (passkey_id,) = users.factors.passkeys
    path = f"/account/security/passkeys/{passkey_id}"

    await customer.fill("/account/security", {"name": "Old phone"}, action=f"{path}/name")
    assert users.factors.passkeys == {passkey_id: "Old phone"}
    await customer.fill("/account/security", {"name": ""}, action=f"{path}/name")
    assert users.factors.passkeys == {passkey_id: "Old phone"}
    token = form_values((await customer.get("/account/security")).text, f"{path}/remove")
    await customer.send("POST", f"{path}/remove", data=token)
    assert not users.factors.passkeys
    for action in ("name", "remove"):
        await customer.send("POST", f"{path}/{action}", data={**token, "name": "x"})
    assert "There is no such passkey" in words((await customer.get("/account/security")).text)


async def test_browsers_are_listed_and_forgotten(customer: Browser, users: FakeUsers) -> None:
    device_id = "0192a000-0000-7000-8000-000000000009"
    users.factors.devices = {device_id: True}
    page = (await customer.get("/account/security")).text
    assert "Lynx &lt;2&gt;" in page
    action = f"/account/security/devices/{device_id}/forget"
    token = form_values(page, action)

    for _ in range(2):
        done = await customer.send("POST", action, data=token)
        assert done.headers["Location"] == "/account/security"

    assert not users.factors.devices


async def test_who_needs_a_second_factor_is_led_to_it(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("owner@example.org", password=None)
    users.factor_missing = True

    arrived = await browser.get("/account/arrive")
    studio = await browser.get("/studio")

    assert arrived.headers["Location"] == "/account/security"
    assert studio.headers["Location"] == "/account/security"
    assert "Add a passkey or an authenticator app" in words((await browser.get("/account/security")).text)
    users.factors.has_app = True
    assert "Confirm with your second factor" in words((await browser.get("/account/security")).text)


async def test_the_form_cookie_of_before_dies_with_the_first_step(browser: Browser, users: FakeUsers) -> None:
    await browser.get("/sign-in")
    before = browser.cookies[FORM]

    await first_step(browser, users, ["totp"])

    assert browser.cookies[FORM] != before
