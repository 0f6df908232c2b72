"""Signing in to the shop's other applications: what people are asked, and that nobody is sent elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_applications import BACK
from gateway_browser import SESSION, Browser, form_values, words
from shop_neighbours import ALL_PERMISSIONS, FakeUsers, body_of, made_id

EMAIL, PASSWORD = "carl@example.org", "a long enough password"
REQUEST = "client_id=wiki&state=s&scope=openid+email"


async def next_of(browser: Browser, location: str) -> str:
    """Follows the page after a sign-in back to the request."""
    target = parse_qs(urlsplit(location).query)["next"][0]
    assert target.startswith("/oauth2/resume?")
    page = await browser.get(target)
    assert page.status_code == 200, "a form's answer may not lead to another site"
    following = form_values_of_refresh(page.text)
    assert following.startswith("/oauth2/authorize?")
    return following


def form_values_of_refresh(page: str) -> str:
    from html import unescape

    return unescape(page.partition('content="0;url=')[2].partition('"')[0])


async def test_somebody_signs_in_agrees_and_goes_on(browser: Browser, users: FakeUsers) -> None:
    users.add(EMAIL)
    left = await browser.get(f"/oauth2/authorize?{REQUEST}")
    assert left.status_code == 303
    assert left.headers["Location"].startswith("/sign-in?next=")

    done = await browser.fill(
        left.headers["Location"], {"email": EMAIL, "password": PASSWORD}, action="/sign-in"
    )
    assert done.headers["Location"].startswith("/oauth2/resume?")
    asked = await browser.get(await next_of(browser, left.headers["Location"]))
    assert asked.status_code == 200
    assert "Wiki &lt;b&gt;" in asked.text
    assert "know your e-mail address" in words(asked.text)
    assert asked.headers["Cache-Control"] == "no-store"
    values = form_values(asked.text, "/oauth2/consent")
    agreed = await browser.send("POST", "/oauth2/consent", data={**values, "decision": "allow"})

    assert agreed.status_code == 200
    assert form_values_of_refresh(agreed.text) == f"{BACK}?code=c&state=s"
    assert agreed.headers["Referrer-Policy"] == "no-referrer"
    again = await browser.get(f"/oauth2/authorize?{REQUEST}")
    assert again.status_code == 303
    assert again.headers["Location"] == f"{BACK}?code=c&state=s"


async def test_somebody_says_no(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add(EMAIL)
    page = await browser.get(f"/oauth2/authorize?{REQUEST}")
    for decision in ({"decision": "deny"}, {}):
        said = await browser.send(
            "POST", "/oauth2/consent", data={**form_values(page.text, "/oauth2/consent"), **decision}
        )
        assert form_values_of_refresh(said.text) == f"{BACK}?error=access_denied"


async def test_prompt_login_asks_once_and_takes_the_proof_of_no_other_request(
    browser: Browser, users: FakeUsers
) -> None:
    browser.cookies[SESSION] = users.add(EMAIL)
    request = f"{REQUEST}&prompt=login"
    asked = await browser.get(f"/oauth2/authorize?{request}")
    assert asked.headers["Location"].startswith("/account/confirm?next=")
    back = await next_of(browser, asked.headers["Location"])

    assert (await browser.get(back)).status_code == 200, "the question"
    assert body_of(users.last("POST", "/authorizations"))["asked_at"] is not None
    signed = parse_qs(urlsplit(back).query)["vitrine_asked"][0]
    for other in (f"{request}&nonce=n&vitrine_asked={signed}", f"{request}&vitrine_asked={signed}x"):
        refused = await browser.get(f"/oauth2/authorize?{other}")
        assert refused.headers["Location"].startswith("/account/confirm")
    assert "vitrine_asked" not in body_of(users.last("POST", "/authorizations"))["query"]


@pytest.mark.parametrize(
    ("step", "status", "location"), [("page", 400, None), ("factor", 303, "/account/security")]
)
async def test_other_steps(
    browser: Browser, users: FakeUsers, step: str, status: int, location: str | None
) -> None:
    browser.cookies[SESSION] = users.add(EMAIL)
    users.applications.step = step

    found = await browser.get(f"/oauth2/authorize?{REQUEST}")

    assert found.status_code == status
    assert found.headers.get("Location") == location


@pytest.mark.parametrize(
    "query",
    [
        "client_id=wiki&client_id=other",
        "client_id=" + "x" * 4001,
        "&".join(f"p{n}=1" for n in range(31)),
        "client_id=%00",
        "client_id=nobody",
        "",
    ],
    ids=["twice", "long", "many", "NUL", "unknown", "empty"],
)
async def test_rule_43_what_cannot_be_answered_is_a_page(
    browser: Browser, users: FakeUsers, query: str
) -> None:
    page = await browser.get(f"/oauth2/authorize?{query}")

    assert page.status_code == 400
    assert "Location" not in page.headers


async def test_rule_32_agreeing_needs_the_form(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add(EMAIL)

    answer = await browser.send("POST", "/oauth2/consent", data={"query": REQUEST, "decision": "allow"})

    assert answer.status_code == 403
    assert users.applications.allowed == []


async def test_an_application_signs_somebody_out(browser: Browser, users: FakeUsers) -> None:
    bye = "post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye"
    browser.cookies[SESSION] = users.add(EMAIL)
    asked = await browser.get(f"/oauth2/logout?{bye}")
    assert asked.status_code == 200
    assert "Sign out?" in words(asked.text)
    assert SESSION in browser.cookies, "nobody is signed out by an address alone"

    done = await browser.send("POST", "/oauth2/sign-out", data=form_values(asked.text, "/oauth2/sign-out"))
    assert form_values_of_refresh(done.text) == "https://app.example/bye"
    assert SESSION not in browser.cookies
    browser.cookies[SESSION] = users.begin(EMAIL)
    users.applications.proved = True
    at_once = await browser.get(f"/oauth2/logout?{bye}&id_token_hint=x")
    assert at_once.headers["Location"] == "https://app.example/bye"
    assert SESSION not in browser.cookies
    assert (await browser.get("/oauth2/logout")).headers["Location"] == "/sign-in"


async def test_forms_of_other_sites_go_on_by_get_and_do_nothing_else(
    browser: Browser, users: FakeUsers
) -> None:
    session = browser.cookies[SESSION] = users.add(EMAIL)
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example"}
    for path in ("/oauth2/authorize", "/oauth2/logout"):
        sent = {"client_id": "wiki", "state": "a b&c"}
        answer = await browser.send("POST", path, data=sent, headers=elsewhere)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"{path}?client_id=wiki&state=a+b%26c"
        twice = await browser.send("POST", path, data={"client_id": ["wiki", "other"]}, headers=elsewhere)
        assert twice.status_code == 400
    for path in ("/oauth2/consent", "/oauth2/sign-out"):
        assert (await browser.send("POST", path, data={"query": ""}, headers=elsewhere)).status_code == 403
    assert session in users.sessions


async def test_rule_35_nobody_is_sent_elsewhere_after_signing_out(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add(EMAIL)

    refused = await browser.get("/oauth2/logout?post_logout_redirect_uri=https://evil.example/")

    assert refused.status_code == 400
    assert SESSION in browser.cookies


async def test_a_person_sees_and_shuts_out_applications(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add(EMAIL)
    assert "None so far" in words((await browser.get("/account/applications")).text)
    users.applications.allowed.append(EMAIL)
    path = f"/account/applications/{made_id('Wiki')}/shut-out"

    assert (await browser.fill("/account/applications", action=path)).status_code == 303

    page = words((await browser.get("/account/applications")).text)
    assert "It is shut out" in page
    token = form_values((await browser.get("/account")).text, "/account")
    await browser.send("POST", path, data=token)
    assert "no application" in words((await browser.get("/account/applications")).text)


async def test_an_owner_registers_an_application_and_sees_its_secret_once(
    browser: Browser, users: FakeUsers
) -> None:
    browser.cookies[SESSION] = users.add("olive@example.org", *ALL_PERMISSIONS)
    fields: dict[str, Any] = {"name": "Wiki", "redirect_uris": f"{BACK}\n https://app.example/two"}

    made = await browser.fill("/studio/applications", fields)

    assert made.status_code == 200
    assert "the-secret" in made.text
    assert made_id("Wiki") in made.text
    assert body_of(users.last("POST", "/applications"))["redirect_uris"] == [BACK, "https://app.example/two"]
    assert body_of(users.last("POST", "/applications"))["signature"] == "EdDSA"
    listed = await browser.get("/studio/applications")
    assert "Wiki" in listed.text
    assert "the-secret" not in listed.text
    wrong = await browser.fill("/studio/applications", {"name": "X", "redirect_uris": "http://app.example/"})
    assert wrong.status_code == 422
    assert "Use https://" in words(wrong.text)
    path = f"/studio/applications/{made_id('Wiki')}"
    assert "another-secret" in (await browser.fill("/studio/applications", action=f"{path}/secret")).text
    token = form_values((await browser.get("/studio/applications")).text, f"{path}/delete")
    for said in ("is deleted", "None."):
        assert (await browser.send("POST", f"{path}/delete", data=token)).status_code == 303
        assert said in words((await browser.get("/studio/applications")).text)
    assert (await browser.send("POST", f"{path}/secret", data=token)).status_code == 303
    users.applications.stale = True
    stale = await browser.fill("/studio/applications", fields)
    assert stale.headers["Location"].startswith("/account/confirm?next=")
