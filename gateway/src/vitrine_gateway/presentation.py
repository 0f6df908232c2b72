"""How values read on a page: money, dates, numbers and picture addresses, as filters for the templates."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from html import unescape

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, get_currency_precision
from flask import Flask
from markupsafe import Markup, escape

from vitrine_gateway import browsers
from vitrine_gateway.clients.catalog_types import Money, Picture, PriceRange

TINTS = 8
_TAGS = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"\s+")


class Presentation:
    """Formats for one locale."""

    def __init__(self, locale: str) -> None:
        self.locale = Locale.parse(locale)

    def money(self, value: Money | None) -> str:
        """`Money(7800, "USD")` as `$78.00`; nothing where there is no price."""
        return "" if value is None else self._amount(value.amount_minor, value.currency)

    def price_range(self, value: PriceRange | None) -> str:
        """`$78.00`, or `$78.00 – $120.00` where variants differ."""
        if value is None:
            return ""
        low = self._amount(value.min_minor, value.currency)
        if value.min_minor == value.max_minor:
            return low
        return f"{low} – {self._amount(value.max_minor, value.currency)}"

    def _amount(self, amount_minor: int, currency: str) -> str:
        try:
            return format_currency(major_units(amount_minor, currency), currency, locale=self.locale)
        except UnknownLocaleError:  # pragma: no cover - the settings refuse unknown locales
            return f"{major_units(amount_minor, currency)} {currency}"

    def date(self, value: datetime | None) -> str:
        """`12 May 2026`, in the locale's order."""
        return "" if value is None else format_date(value.astimezone(UTC), "medium", locale=self.locale)

    def moment(self, value: datetime | None) -> Markup:
        """A `time` element: the date and time in words, the exact instant for machines."""
        if value is None:
            return Markup("")
        exact = value.astimezone(UTC)
        words = format_datetime(exact, "medium", locale=self.locale)
        return Markup('<time datetime="{}">{} UTC</time>').format(exact.isoformat(timespec="seconds"), words)

    def ago(self, value: datetime | None) -> Markup:
        """A `time` element that says how long ago it was; the exact instant on hovering."""
        if value is None:
            return Markup("")
        exact = value.astimezone(UTC)
        words = format_timedelta(exact - datetime.now(UTC), add_direction=True, locale=self.locale)
        title = f"{format_datetime(exact, 'medium', locale=self.locale)} UTC"
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            exact.isoformat(timespec="seconds"), title, words
        )

    def number(self, value: int | None) -> str:
        """A whole number with the locale's grouping."""
        return "" if value is None else format_decimal(value, locale=self.locale)


def precision(currency: str) -> int:
    """How many decimals a currency has: 2 for EUR, 0 for JPY, 3 for KWD."""
    found: int = get_currency_precision(currency)
    return found


def major_units(amount_minor: int, currency: str) -> Decimal:
    """Minor units as the decimal people write."""
    return Decimal(amount_minor).scaleb(-precision(currency))


def minor_units(text: str, currency: str) -> int:
    """What a person typed (`1234.5`, `1 234,50`, `1,234.50`) as minor units.

    Raises:
        ValueError: it is no amount, or has more decimals than the currency; says so for the person.
    """
    digits = re.sub(r"[\s\u00a0\u202f'’]", "", text)
    if "," in digits and "." in digits:
        thousands = "," if digits.rindex(".") > digits.rindex(",") else "."
        digits = digits.replace(thousands, "").replace(",", ".")
    elif digits.count(",") == 1 and len(digits.partition(",")[2]) != 3:
        digits = digits.replace(",", ".")
    else:
        digits = digits.replace(",", "")
    if not re.fullmatch(r"\d{1,12}(\.\d*)?", digits):
        raise ValueError("Enter an amount, such as 24.50.")
    try:
        scaled = Decimal(digits).scaleb(precision(currency))
    except InvalidOperation as error:  # pragma: no cover - the pattern above admits only decimals
        raise ValueError("Enter an amount, such as 24.50.") from error
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{currency} has {precision(currency)} decimals.")
    return int(scaled)


def amount_text(value: Money | None) -> str:
    """An amount as a form shows it for editing: plain decimals."""
    return "" if value is None else f"{major_units(value.amount_minor, value.currency):f}"


def picture_src(picture: Picture) -> str:
    """A picture's address; what an old export links over http is asked for over https, as our policy demands."""
    url = picture.url
    if url.startswith("http://"):
        return "https://" + url.removeprefix("http://")
    if url.startswith("https://") or (url.startswith("/") and not url.startswith("//")):
        return url
    return ""


def tint(text: str) -> int:
    """The number of the colour that stands in for a missing picture; the same for the same text."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) % TINTS


def initial(text: str) -> str:
    """The first letter or digit of a title, for the place of a missing picture."""
    return next((char.upper() for char in text if char.isalnum()), "·")


def plain(html: str | None, length: int = 160) -> str:
    """The text of a description, cut at a word near `length`, for `meta` elements."""
    text = unescape(_TAGS.sub(" ", html or ""))
    text = _SPACES.sub(" ", text).strip()
    if len(text) <= length:
        return text
    return text[:length].rsplit(" ", 1)[0].rstrip(",;:.") + "…"


def paragraphs(text: str | None) -> Markup:
    """Plain text as paragraphs."""
    parts = [part.strip() for part in (text or "").split("\n\n") if part.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(escape(part)) for part in parts)


def register_filters(app: Flask, locale: str) -> None:
    """Makes the formats known to the templates."""
    formats = Presentation(locale)
    app.jinja_env.filters.update(
        money=formats.money,
        price_range=formats.price_range,
        date=formats.date,
        moment=formats.moment,
        ago=formats.ago,
        number=formats.number,
        picture_src=picture_src,
        tint=tint,
        initial=initial,
        plain=plain,
        paragraphs=paragraphs,
        amount_text=amount_text,
        browser=browsers.name_of,
    )
