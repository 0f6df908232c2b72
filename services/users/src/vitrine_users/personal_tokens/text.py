"""The form of a personal access token: a prefix, 256 random bits and a checksum; stores nothing."""

from __future__ import annotations

import secrets
import string
import zlib

PREFIX = "vitrine_pat_"
"""Lets a secret scanner, and Nginx, tell what it has found."""

_DIGITS = string.digits + string.ascii_letters
_SECRET_BYTES = 32
_SECRET_CHARS = 43
_CHECK_CHARS = 6
LENGTH = len(PREFIX) + _SECRET_CHARS + _CHECK_CHARS


def new_token() -> str:
    """A fresh token's text."""
    secret = _base62(int.from_bytes(secrets.token_bytes(_SECRET_BYTES)), _SECRET_CHARS)
    return PREFIX + secret + _checksum(secret)


def is_token(text: str) -> bool:
    """Whether the text has the form of a token, checksum and all: what has not was never made here."""
    if len(text) != LENGTH or not text.startswith(PREFIX):
        return False
    secret, check = text[len(PREFIX) : -_CHECK_CHARS], text[-_CHECK_CHARS:]
    return secret.isascii() and secret.isalnum() and _checksum(secret) == check


def _checksum(secret: str) -> str:
    return _base62(zlib.crc32(secret.encode()), _CHECK_CHARS)


def _base62(number: int, width: int) -> str:
    found = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        found = _DIGITS[digit] + found
    return found.rjust(width, _DIGITS[0])
