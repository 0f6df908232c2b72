"""Turns the text of cells into values: amounts, numbers, flags, lists and the escapes of WooCommerce."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, NamedTuple

MAX_MINOR: Final = 99_999_999_999_999
"""The largest amount the catalogue holds; more is taken for a mistake."""

MAX_WHOLE: Final = 2**31 - 1

_GRAMS_PER: Final = {
    "g": Decimal(1),
    "kg": Decimal(1000),
    "lb": Decimal("453.59237"),
    "lbs": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}

_PLAIN: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_COMMA_THOUSANDS: Final = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_POINT_THOUSANDS: Final = re.compile(r"-?\d{1,3}(\.\d{3})+(,\d+)?", re.ASCII)
_COMMA_DECIMAL: Final = re.compile(r"-?\d+,\d+", re.ASCII)
_BARE_POINT: Final = re.compile(r"-?(\.\d+|\d+\.)", re.ASCII)

_TRUE: Final = frozenset({"true", "1", "yes", "y", "wahr", "vrai", "verdadero"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "falsch", "faux", "falso", "-1"})


class Amount(NamedTuple):
    """An amount of money in minor units; `exact` is False when the text had more decimals than there are."""

    minor: int
    exact: bool


class Whole(NamedTuple):
    """A whole number; `exact` is False when the text had a fraction."""

    number: int
    exact: bool


def parse_decimal(text: str, *, decimal_comma: bool) -> Decimal:
    """The number a cell holds; never by way of a float.

    With `decimal_comma` a lone comma is the decimal separator; without it, a comma is taken for one only
    where it cannot be a thousands separator.

    Raises:
        ValueError: saying why the text is no number.
    """
    text = text.strip().replace("\u00a0", "").replace("\u202f", "")
    if _PLAIN.fullmatch(text) or _BARE_POINT.fullmatch(text):
        normal = text
    elif decimal_comma and _COMMA_DECIMAL.fullmatch(text):
        normal = text.replace(",", ".")
    elif _COMMA_THOUSANDS.fullmatch(text):
        if text.count(",") == 1 and "." not in text:
            raise ValueError(f"“{clip(text)}” may mean thousands or decimals: write it with a decimal point")
        normal = text.replace(",", "")
    elif _POINT_THOUSANDS.fullmatch(text):
        normal = text.replace(".", "").replace(",", ".")
    elif _COMMA_DECIMAL.fullmatch(text):
        normal = text.replace(",", ".")
    else:
        raise ValueError(f"“{clip(text)}” is no number")
    try:
        return Decimal(normal)
    except InvalidOperation:
        raise ValueError(f"“{clip(text)}” is no number") from None


@lru_cache(maxsize=4096)
def parse_amount(text: str, exponent: int, decimal_comma: bool) -> Amount:
    """The amount of money a cell holds, in minor units, rounded half up.

    Raises:
        ValueError: no number, below zero, or absurdly large.
    """
    minor = parse_decimal(text, decimal_comma=decimal_comma).scaleb(exponent)
    if minor < 0:
        raise ValueError(f"“{clip(text)}” is below zero")
    if minor > MAX_MINOR:
        raise ValueError(f"“{clip(text)}” is too large")
    rounded = minor.quantize(Decimal(1), ROUND_HALF_UP)
    return Amount(int(rounded), rounded == minor)


@lru_cache(maxsize=4096)
def parse_whole(text: str, decimal_comma: bool = False) -> Whole:
    """The whole number a cell holds; a fraction is rounded half up and told of.

    Raises:
        ValueError: no number, or too large for a 32-bit integer.
    """
    number = parse_decimal(text, decimal_comma=decimal_comma)
    if abs(number) > MAX_WHOLE:
        raise ValueError(f"“{clip(text)}” is too large")
    rounded = number.quantize(Decimal(1), ROUND_HALF_UP)
    return Whole(int(rounded), rounded == number)


def parse_grams(text: str, unit: str, *, decimal_comma: bool = False) -> Whole:
    """A weight in the given unit (g, kg, lb, lbs, oz) as whole grams.

    Raises:
        ValueError: no number, below zero, too large, or an unknown unit.
    """
    factor = _GRAMS_PER.get(unit.casefold())
    if factor is None:
        raise ValueError(f"“{unit}” is no unit of weight")
    grams = parse_decimal(text, decimal_comma=decimal_comma) * factor
    if grams < 0:
        raise ValueError(f"“{clip(text)}” is below zero")
    if grams > MAX_WHOLE:
        raise ValueError(f"“{clip(text)}” is too large")
    rounded = grams.quantize(Decimal(1), ROUND_HALF_UP)
    return Whole(int(rounded), rounded == grams)


def parse_flag(text: str) -> bool:
    """A yes or no as spreadsheets and shops write them.

    Raises:
        ValueError: neither.
    """
    folded = text.strip().casefold()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise ValueError(f"“{clip(text)}” is neither true nor false")


def split_tags(text: str) -> list[str]:
    """Comma-separated tags, trimmed, each once, in their order."""
    return list(dict.fromkeys(tag for tag in (part.strip() for part in text.split(",")) if tag))


def split_path(text: str) -> tuple[str, ...]:
    """`A > B > C` as the names from the root."""
    return tuple(name for name in (part.strip() for part in text.split(">")) if name)


def split_woo_list(text: str) -> list[str]:
    r"""A WooCommerce list: parts joined by `, `, a comma within a part written `\,`."""
    parts: list[str] = []
    current: list[str] = []
    index = 0
    while index < len(text):
        if text.startswith("\\,", index):
            current.append(",")
            index += 2
        elif text[index] == ",":
            parts.append("".join(current).strip())
            current.clear()
            index += 1
        else:
            current.append(text[index])
            index += 1
    parts.append("".join(current).strip())
    return [part for part in parts if part]


def join_woo_list(parts: list[str]) -> str:
    """The inverse of `split_woo_list` for parts that are neither empty nor padded."""
    return ", ".join(part.replace(",", "\\,") for part in parts)


def strip_guard(text: str) -> str:
    """Take off the `'` that WooCommerce puts before cells a spreadsheet would run as a formula."""
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@":
        return text[1:]
    return text


def unescape_newlines(text: str) -> str:
    r"""Literal `\n` as a line break; a doubled backslash before the n keeps it as it is written."""
    return re.sub(r"(\\\\n)|\\n", lambda match: "\\n" if match.group(1) else "\n", text)


def clip(text: str, limit: int = 60) -> str:
    """Text short enough for a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
