"""The status page says of each service whether it is up."""

from __future__ import annotations

import pytest
from gateway_browser import Browser, words
from shop_neighbours import FakeCatalog, FakeUsers


async def test_with_everything_up_it_says_so(browser: Browser) -> None:
    page = await browser.get("/status")
    text = words(page.text)
    assert page.status_code == 200
    assert "Everything is up" in text
    assert text.count("version 1.2.3") == 2
    assert page.text.count("is-up") == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"stopped": True}, "It does not answer."),
        ({"failing": 503}, "It is up but not ready."),
        ({"failing": 500}, "It does not answer."),
        ({"garbled": True}, "It does not answer as it should."),
        ({"failing": 404}, "It is up but not ready."),
    ],
)
async def test_a_service_in_trouble_is_named_with_the_reason(
    browser: Browser, users: FakeUsers, catalog: FakeCatalog, fault: dict[str, object], reason: str
) -> None:
    for name, value in fault.items():
        setattr(catalog, name, value)
    page = await browser.get("/status")
    text = words(page.text)
    assert page.status_code == 200
    assert "Something is away" in text
    assert reason in text
    assert page.text.count("is-down") == 1
