"""E-mail addresses: syntax, and the key by which they are one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vitrine_users.accounts.addresses import NotAnAddress, key_of, parse_address


@pytest.mark.parametrize(
    ("written", "text", "key"),
    [
        ("Ann@Example.COM", "Ann@example.com", "ann@example.com"),
        ("owner@localhost.localdomain", "owner@localhost.localdomain", "owner@localhost.localdomain"),
        ("ü@Exämple.com", "ü@exämple.com", "ü@xn--exmple-cua.com"),
        ("jose\u0301@example.com", "josé@example.com", "josé@example.com"),
    ],
)
def test_an_address_keeps_its_spelling_and_gets_one_key(written: str, text: str, key: str) -> None:
    found = parse_address(written)

    assert (found.text, found.key) == (text, key)


@pytest.mark.parametrize(
    "text",
    ["", "ann", "ann@", "@example.com", "a b@example.com", "ann@example", "ann@example.test", "a\r\n@example.com",
     "ann@example.com\u0000", "ann@[127.0.0.1]", "Ann <ann@example.com>", "a" * 65 + "@example.com",
     "ann@" + "a" * 250 + ".com", "\ud800@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(NotAnAddress, match=r"\w"):
        parse_address(text)
    assert key_of(text) is None


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_refused_never_an_accident(text: str) -> None:
    key = key_of(text)

    assert key is None or "@" in key


@given(st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,20}(\.[a-zA-Z0-9]{1,10})?", fullmatch=True), st.booleans())
def test_case_and_composition_never_make_a_second_account(local: str, upper: bool) -> None:
    written = f"{local}é@Example.org"
    other = unicodedata.normalize("NFD", written)

    assert key_of(written) == key_of(other.upper() if upper else other.lower())
