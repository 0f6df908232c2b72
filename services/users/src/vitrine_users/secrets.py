"""Keys derived from the one secret of the installation, and opaque values handed out; stores nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OPAQUE_BYTES = 32
_NONCE_BYTES = 12


def derive_key(secret: str, purpose: str) -> bytes:
    """A 32-byte key for one purpose; keys of two purposes tell nothing of one another (HKDF, RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=f"vitrine.users.{purpose}".encode()).derive(
        secret.encode()
    )


def new_opaque() -> str:
    """A fresh value of 256 random bits, in URL-safe base64 without padding (43 characters)."""
    return encode_opaque(secrets.token_bytes(OPAQUE_BYTES))


def encode_opaque(raw: bytes) -> str:
    """Bytes in the form in which opaque values are handed out."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest_of(opaque: str) -> bytes:
    """What is stored in place of an opaque value; random as that is, one pass is enough."""
    return hashlib.sha256(opaque.encode()).digest()


def keyed_digest(key: bytes, text: str) -> bytes:
    """HMAC-SHA-256 of a text: a value that nobody without the key can compute."""
    return hmac.digest(key, text.encode(), "sha256")


def seal(key: bytes, plain: bytes, label: str) -> bytes:
    """Encrypts and authenticates; the label (a row's id, say) ties the result to its place."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, plain, label.encode())


def unseal(key: bytes, sealed: bytes, label: str) -> bytes:
    """The plain bytes of `seal`.

    Raises:
        cryptography.exceptions.InvalidTag: another key, another label, or a changed value.
    """
    return ChaCha20Poly1305(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label.encode())
