"""The mail that waits, as the shop's owner sees it, and nobody else."""

from __future__ import annotations

from fake_service import NOW, made_id
from fake_users import FakeUsers
from gateway_browser import SESSION, Browser, words

MAIL = {
    "id": made_id("mail"),
    "recipient": "nora@example.org",
    "subject": "Confirm <your> address",
    "template": "verify",
    "locale": "en",
    "created_at": NOW,
    "attempts": 2,
    "last_error": "SMTPConnectError",
    "failed_at": None,
    "text": "Hello <b>\nhttp://localhost:8080/verify-email/secret\n",
}


async def test_the_owner_finishes_a_flow_from_here(browser: Browser, users: FakeUsers) -> None:
    users.delivers, users.mails = False, [MAIL]
    browser.cookies[SESSION] = users.add("owner@example.org", "catalog:read_drafts", "users:mail")

    listed = await browser.get("/studio/outbox")
    assert "Confirm &lt;your&gt; address" in listed.text
    assert "secret" not in listed.text
    assert "No mail server is set" in words(listed.text)
    shown = await browser.get(f"/studio/outbox/{MAIL['id']}")

    assert 'href="http://localhost:8080/verify-email/secret"' in shown.text
    assert "Hello &lt;b&gt;" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"


async def test_with_a_mail_server_the_text_is_for_its_recipient(browser: Browser, users: FakeUsers) -> None:
    users.mails = [MAIL]
    browser.cookies[SESSION] = users.add("owner@example.org", "catalog:read_drafts", "users:mail")

    shown = await browser.get(f"/studio/outbox/{MAIL['id']}")

    assert "secret" not in shown.text
    assert "SMTPConnectError" in shown.text


async def test_an_editor_sees_no_mail(browser: Browser, users: FakeUsers) -> None:
    users.mails = [MAIL]
    browser.cookies[SESSION] = users.add("editor@example.org", "catalog:read_drafts", "catalog:write")

    for path in ("/studio/outbox", f"/studio/outbox/{MAIL['id']}"):
        assert (await browser.get(path)).status_code == 403
    assert "/studio/outbox" not in (await browser.get("/studio")).text


async def test_an_empty_outbox_and_an_unknown_mail(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("owner@example.org", "catalog:read_drafts", "users:mail")

    assert "No mail waits" in (await browser.get("/studio/outbox")).text
    assert (await browser.get(f"/studio/outbox/{MAIL['id']}")).status_code == 404
