"""Keys by which products and variants are found again in the next file; they fit into the tables' columns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import orjson

MAX_KEY_BYTES: Final = 600


def bounded_key(text: str) -> str:
    """The text itself, or a digest of it where it is longer than a key may be."""
    raw = text.encode()
    if len(raw) <= MAX_KEY_BYTES:
        return text
    return f"blake2b:{hashlib.blake2b(raw, digest_size=24).hexdigest()}"


def variant_key(values: Sequence[str]) -> str:
    """What tells the variants of one product apart: their option values."""
    return bounded_key(orjson.dumps(list(values)).decode())


def title_key(title: str) -> str:
    """The handle a shop makes of a title where its file gives none: words joined by hyphens."""
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-")
