"""A person's picture on the account page and in the header."""

from __future__ import annotations

from fake_service import made_id
from gateway_browser import SESSION, Browser, words
from shop_neighbours import FakeUsers
from vitrine_gateway.account.picture import MAX_BYTES

PNG = b"\x89PNG and so on"


async def test_a_picture_is_saved_shown_and_removed(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("carl@example.org")
    source = f'src="/api/users/v1/pictures/{made_id("picture")}"'
    assert "/pictures/" not in (await browser.get("/account")).text

    done = await browser.fill(
        "/account", action="/account/picture", files={"file": ("me.png", PNG, "image/png")}
    )

    assert done.status_code == 303
    sent = users.last("PUT", "/me/picture")
    assert sent.content == PNG
    assert sent.headers["Content-Type"] == "image/png"
    page = await browser.get("/account")
    assert "Your picture is saved." in words(page.text)
    assert page.text.count(source) == 2, "in the header and on the page"
    assert (await browser.fill("/account", action="/account/picture/remove")).status_code == 303
    assert source not in (await browser.get("/account")).text


async def test_what_is_no_picture_is_told(browser: Browser, users: FakeUsers) -> None:
    browser.cookies[SESSION] = users.add("carl@example.org")

    for name, data, text in (
        ("me.txt", b"words", "This is no picture."),
        ("me.png", b"\0" * (MAX_BYTES + 1), "at most 8 MiB"),
        ("", b"", "Choose a file first."),
    ):
        files = {"file": (name, data, "application/octet-stream")}
        done = await browser.fill("/account", action="/account/picture", files=files)
        assert done.status_code == 303, name
        assert text in words((await browser.get("/account")).text), name
