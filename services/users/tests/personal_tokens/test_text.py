"""The form of personal access tokens."""

from __future__ import annotations

import secrets
import string
import zlib

import pytest
from vitrine_users.personal_tokens.text import LENGTH, PREFIX, is_token, new_token


def test_rule_41_a_token_is_prefixed_and_holds_256_random_bits() -> None:
    made = {new_token() for _ in range(200)}

    assert len(made) == 200
    assert all(token.startswith(PREFIX) and len(token) == LENGTH and is_token(token) for token in made)
    random = {token[len(PREFIX) : -6] for token in made}
    assert {len(secret) for secret in random} == {43}, "43 digits of base 62 hold 256 bits"


def test_a_slip_of_the_pen_is_no_token() -> None:
    token = new_token()
    at = len(PREFIX) + 7

    assert not is_token(token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :])
    assert not is_token(token + "x")


@pytest.mark.parametrize("text", ["", PREFIX, PREFIX + "a" * 49, "other_" + "a" * 55, "ä" * 61])
def test_other_texts_are_no_tokens(text: str) -> None:
    assert not is_token(text)


def test_a_token_is_its_random_bytes_in_base_62_and_their_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def few(count: int) -> bytes:
        asked.append(count)
        return bytes(count - 1) + b"\x3e"

    monkeypatch.setattr(secrets, "token_bytes", few)
    secret = "0" * 41 + "10"

    assert new_token() == PREFIX + secret + checksum(secret)
    assert asked == [32]


@pytest.mark.parametrize("length", [0, 42, 44])
def test_a_token_has_its_length_however_right_its_checksum(length: int) -> None:
    assert is_token(PREFIX + "a" * 43 + checksum("a" * 43))
    assert not is_token(PREFIX + "a" * length + checksum("a" * length))


def test_a_token_has_its_prefix_and_nothing_but_letters_and_digits() -> None:
    assert not is_token("vitrine_PAT_" + "a" * 43 + checksum("a" * 43))
    for secret in ("-" + "a" * 42, "é" + "a" * 42):
        assert not is_token(PREFIX + secret + checksum(secret))


def checksum(secret: str) -> str:
    """CRC-32 in six digits of base 62, written out."""
    rest, digits = zlib.crc32(secret.encode()), []
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits.append((string.digits + string.ascii_letters)[digit])
    return "".join(reversed(digits))
