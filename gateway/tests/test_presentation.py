"""How money, dates and texts read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from vitrine_gateway.clients.catalog_types import Money, Picture, PriceRange
from vitrine_gateway.presentation import (
    Presentation,
    amount_text,
    initial,
    minor_units,
    paragraphs,
    picture_src,
    plain,
    tint,
)

ENGLISH = Presentation("en_US")


def test_money_follows_the_currency_and_the_locale() -> None:
    assert ENGLISH.money(Money(123450, "USD")) == "$1,234.50"
    assert ENGLISH.money(Money(1200, "JPY")) == "¥1,200"
    assert ENGLISH.money(Money(1500, "KWD")).endswith("1.500")
    assert Presentation("de_DE").money(Money(123450, "EUR")) == "1.234,50\u00a0€"
    assert ENGLISH.money(None) == ""


def test_a_range_of_one_price_is_one_price() -> None:
    assert ENGLISH.price_range(PriceRange(500, 500, "USD")) == "$5.00"
    assert ENGLISH.price_range(PriceRange(500, 900, "USD")) == "$5.00 – $9.00"
    assert ENGLISH.price_range(None) == ""


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("24", "USD", 2400),
        ("24.5", "USD", 2450),
        ("24,50", "EUR", 2450),
        ("1,234.50", "USD", 123450),
        ("1.234,50", "EUR", 123450),
        ("1 234,50", "EUR", 123450),
        ("1,234", "USD", 123400),
        ("1,234,567", "USD", 123456700),
        ("1200", "JPY", 1200),
        ("1.5", "KWD", 1500),
        ("10.", "USD", 1000),
    ],
)
def test_amounts_are_read_as_people_type_them(typed: str, currency: str, minor: int) -> None:
    assert minor_units(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("", "USD"),
        ("n/a", "USD"),
        ("-5", "USD"),
        ("1.005", "USD"),
        ("1.5", "JPY"),
        ("1e5", "USD"),
        ("9" * 20, "USD"),
    ],
)
def test_what_is_no_amount_is_refused(typed: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals"):
        minor_units(typed, currency)


def test_an_amount_survives_the_form() -> None:
    for value in (Money(2450, "USD"), Money(7, "KWD"), Money(1200, "JPY")):
        assert minor_units(amount_text(value), value.currency) == value.amount_minor
    assert amount_text(None) == ""


def test_moments_are_exact_for_machines_and_readable_for_people() -> None:
    moment = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
    assert 'datetime="2026-05-12T09:30:00+00:00"' in ENGLISH.moment(moment)
    assert "May 12, 2026" in ENGLISH.moment(moment)
    assert ENGLISH.date(moment) == "May 12, 2026"
    assert ">2 hours ago<" in ENGLISH.ago(datetime.now(UTC) - timedelta(hours=2))
    assert ENGLISH.moment(None) == ENGLISH.ago(None) == ENGLISH.date(None) == ""


def test_numbers_are_grouped() -> None:
    assert ENGLISH.number(12345) == "12,345"
    assert ENGLISH.number(None) == ""


def test_pictures_come_over_https_or_from_here_and_from_nowhere_else() -> None:
    assert picture_src(Picture("http://a.example/x.jpg")) == "https://a.example/x.jpg"
    assert picture_src(Picture("https://a.example/x.jpg")) == "https://a.example/x.jpg"
    assert picture_src(Picture("/media/x.webp")) == "/media/x.webp"
    for address in ("//evil.example/x", "javascript:alert(1)", "data:image/png;base64,x", ""):
        assert picture_src(Picture(address)) == ""


def test_the_place_of_a_missing_picture_is_always_the_same() -> None:
    assert tint("a product") == tint("a product")
    assert 0 <= tint("\ud800") < 8
    assert initial("“Fjord”") == "F"
    assert initial("***") == "·"


def test_a_description_becomes_one_line_of_text() -> None:
    assert plain("<p>Thrown &amp; fired.</p>\n<ul><li>Twice</li></ul>") == "Thrown & fired. Twice"
    assert plain("word " * 100, 20) == "word word word word…"
    assert plain(None) == ""


def test_plain_text_becomes_paragraphs() -> None:
    assert paragraphs("One <b>\n\nTwo") == "<p>One &lt;b&gt;</p><p>Two</p>"
    assert paragraphs(None) == ""
