"""The form of recovery codes: how they are made, read back, and what is stored of them."""

from __future__ import annotations

import secrets
from uuid import UUID

from vitrine_users.secrets import keyed_digest

COUNT = 10
_CHARS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's alphabet: no letter that looks like a digit. Five bits each."""
_LENGTH = 16
_GROUP = 4
_LOOKALIKES = str.maketrans({"o": "0", "i": "1", "l": "1", "u": "v"})


def new_codes() -> list[str]:
    """Ten fresh codes of 80 random bits each, as `8f3k-x2m9-0pqr-7wzt`."""
    return [_grouped("".join(secrets.choice(_CHARS) for _ in range(_LENGTH))) for _ in range(COUNT)]


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def digest_of_code(key: bytes, account_id: UUID, code: str) -> bytes:
    """What is stored of a code; how it is written (case, hyphens, blanks, o for 0) does not matter."""
    bare = "".join(code.casefold().split()).replace("-", "").translate(_LOOKALIKES)
    return keyed_digest(key, f"{account_id}\n{bare}")
