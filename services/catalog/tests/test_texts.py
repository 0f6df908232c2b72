"""Texts as the catalogue keeps them: HTML that cannot run, currencies that exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_catalog.money import CURRENCY_CODES, DEFAULT_CURRENCY, is_currency, minor_unit_digits
from vitrine_catalog.texts import sanitised, sanitised_off_loop

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>'>x</a>",
    "<svg onload=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<p style='background:url(javascript:1)'>x</p>",
    "<form action=x><input></form>",
    "<math><mi xlink:href='javascript:1'>",
    "<<script>script>alert(1)</script>",
    "<style>@import 'x'</style>",
    "<base href='https://evil.example'>",
]


@pytest.mark.parametrize("html", ATTACKS)
def test_nothing_that_could_run_survives(html):
    found = sanitised(html).lower()
    for evil in (
        "script",
        "onerror",
        "onload",
        "javascript:",
        "data:",
        "<iframe",
        "<form",
        "<input",
        "style=",
        "<base",
    ):
        assert evil not in found.replace("script&gt;", ""), found


@given(st.text(max_size=400))
def test_cleaning_twice_changes_nothing(text):
    once = sanitised(text)
    assert sanitised(once) == once


def test_what_shops_write_is_kept():
    html = '<h2>Care</h2><table><tbody><tr><td colspan="2">x</td></tr></tbody></table><ul><li><b>30°</b></li></ul>'
    assert sanitised(html) == html
    assert 'rel="noopener noreferrer"' in sanitised('<a href="https://example.org/">x</a>')


async def test_a_large_text_is_cleaned_the_same_off_the_loop():
    html = "<p onclick=x>word</p>" * 1000
    assert await sanitised_off_loop(html) == sanitised(html)


def test_currencies_and_their_minor_units():
    assert {code: minor_unit_digits(code) for code in ("EUR", "JPY", "KWD")} == {"EUR": 2, "JPY": 0, "KWD": 3}
    assert is_currency(DEFAULT_CURRENCY)
    assert not any(is_currency(code) for code in ("XAU", "XXX", "eur", "", "EURO"))
    assert len(CURRENCY_CODES) > 150
