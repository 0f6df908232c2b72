"""Amounts, numbers, lists and escapes are read exactly, and back again."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_catalog.imports.reading.values import (
    MAX_MINOR,
    join_woo_list,
    parse_amount,
    parse_decimal,
    parse_flag,
    parse_grams,
    parse_whole,
    split_path,
    split_tags,
    split_woo_list,
    strip_guard,
    unescape_newlines,
)
from vitrine_catalog.products.models import MAX_PRICE_MINOR

names = st.text(
    st.characters(exclude_categories=("Cs", "Cc")).filter(lambda char: char != "\\"), min_size=1, max_size=20
).filter(lambda text: text == text.strip())


@pytest.mark.parametrize(
    ("text", "exponent", "comma", "minor"),
    [
        ("19.99", 2, False, 1999),
        ("19", 2, False, 1900),
        (".5", 2, False, 50),
        ("5.", 2, False, 500),
        ("0.10", 2, False, 10),
        ("1,234.50", 2, False, 123450),
        ("1.234,50", 2, False, 123450),
        ("1.234.567,5", 2, True, 123456750),
        ("12,5", 2, True, 1250),
        ("12,5", 2, False, 1250),
        ("1 234,50".replace(" ", "\u202f"), 2, True, 123450),
        ("1500", 0, False, 1500),
        ("1.234", 3, False, 1234),
        ("1,234", 3, True, 1234),
    ],
)
def test_amounts_are_read_without_a_float(text: str, exponent: int, comma: bool, minor: int) -> None:
    assert parse_amount(text, exponent, comma) == (minor, True)


@given(st.integers(0, MAX_MINOR), st.sampled_from([0, 2, 3]), st.booleans())
def test_every_amount_survives_being_written_and_read(minor: int, exponent: int, comma: bool) -> None:
    text = f"{Decimal(minor).scaleb(-exponent):f}"
    if comma:
        text = text.replace(".", ",")
    assert parse_amount(text, exponent, comma) == (minor, True)


def test_an_amount_with_more_decimals_is_rounded_and_says_so() -> None:
    assert parse_amount("19.995", 2, False) == (2000, False)
    assert parse_amount("19.990", 2, False) == (1999, True)


@pytest.mark.parametrize(
    "text", ["-1", "abc", "1.2.3", "$5", "1e5", "NaN", "Infinity", "1" * 30, "٣", "1,234"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_amount(text, 2, False)


def test_the_largest_amount_is_the_table_s() -> None:
    assert MAX_MINOR == MAX_PRICE_MINOR


@given(st.text(max_size=30), st.booleans())
def test_any_text_is_a_number_or_a_value_error(text: str, comma: bool) -> None:
    try:
        number = parse_decimal(text, decimal_comma=comma)
    except ValueError:
        return
    assert number.is_finite()


def test_whole_numbers() -> None:
    assert parse_whole("-3") == (-3, True)
    assert parse_whole("2.5") == (3, False)
    with pytest.raises(ValueError):
        parse_whole("3000000000")


def test_weights_become_grams() -> None:
    assert parse_grams("1.5", "kg") == (1500, True)
    assert parse_grams(".5", "lbs") == (227, False)
    assert parse_grams("1,5", "kg", decimal_comma=True) == (1500, True)
    for text, unit in [("1", "stone"), ("-1", "g"), ("9999999", "kg")]:
        with pytest.raises(ValueError):
            parse_grams(text, unit)


def test_flags() -> None:
    assert parse_flag("TRUE")
    assert not parse_flag(" 0 ")
    with pytest.raises(ValueError):
        parse_flag("maybe")


def test_tags_are_trimmed_and_each_is_there_once() -> None:
    assert split_tags(" red, blue ,, red,Blue") == ["red", "blue", "Blue"]


def test_a_category_path_is_split_at_its_arrows() -> None:
    assert split_path("Clothing > T-shirts >") == ("Clothing", "T-shirts")


@given(st.lists(names, max_size=6))
def test_a_woo_list_survives_being_joined_and_split(parts: list[str]) -> None:
    assert split_woo_list(join_woo_list(parts)) == parts


def test_a_woo_list_keeps_escaped_commas() -> None:
    assert split_woo_list("Large\\, wide, Small ,") == ["Large, wide", "Small"]


def test_the_guard_before_formulas_is_taken_off_and_nothing_else() -> None:
    assert strip_guard("'=SUM(A1)") == "=SUM(A1)"
    assert strip_guard("'-20%") == "-20%"
    assert strip_guard("'quoted'") == "'quoted'"
    assert strip_guard("'") == "'"


def test_literal_line_breaks_become_real_ones() -> None:
    assert unescape_newlines("one\\ntwo") == "one\ntwo"
    assert unescape_newlines("C:\\\\new") == "C:\\new"
