"""The form of refresh tokens: family, generation and a tag that nobody else can make; stores nothing."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from uuid import UUID

from vitrine_users.secrets import derive_key, encode_opaque

PREFIX = "vr_"
"""Lets a secret scanner tell what it has found."""

SECRET_BYTES = 32
_FAMILY_BYTES = 16
_GENERATION_BYTES = 4
_TAG_BYTES = 32
_RAW_BYTES = _FAMILY_BYTES + _GENERATION_BYTES + _TAG_BYTES
_MAX_GENERATION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class ReadToken:
    """What a refresh token says of itself; nothing of it is proved until the tag is checked."""

    family_id: UUID
    generation: int
    tag: bytes


def read_token(text: str) -> ReadToken | None:
    """The parts of a refresh token, or None where the text is none."""
    try:
        encoded = text.removeprefix(PREFIX).encode("ascii")
        raw = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    if not text.startswith(PREFIX) or len(raw) != _RAW_BYTES or PREFIX + encode_opaque(raw) != text:
        return None
    generation = int.from_bytes(raw[_FAMILY_BYTES : _FAMILY_BYTES + _GENERATION_BYTES])
    if generation > _MAX_GENERATION:
        return None
    return ReadToken(UUID(bytes=raw[:_FAMILY_BYTES]), generation, raw[-_TAG_BYTES:])


class RefreshTokens:
    """Makes and proves the tokens of a family."""

    def __init__(self, secret_key: str, purpose: str = "refresh-tokens") -> None:
        self._key = derive_key(secret_key, purpose)

    def token(self, family_id: UUID, secret: bytes, generation: int) -> str:
        """The family's token of this generation (0 is the first): the same whenever it is asked for."""
        return PREFIX + encode_opaque(
            self._body(family_id, generation) + self._tag(family_id, secret, generation)
        )

    def proves(self, token: ReadToken, secret: bytes) -> bool:
        """Whether the token was made here, for this family."""
        return hmac.compare_digest(token.tag, self._tag(token.family_id, secret, token.generation))

    def _body(self, family_id: UUID, generation: int) -> bytes:
        return family_id.bytes + generation.to_bytes(_GENERATION_BYTES)

    def _tag(self, family_id: UUID, secret: bytes, generation: int) -> bytes:
        return hmac.digest(self._key, secret + self._body(family_id, generation), "sha256")
