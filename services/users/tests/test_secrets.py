"""Derived keys, opaque values and sealing."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st
from vitrine_users.secrets import derive_key, digest_of, encode_opaque, keyed_digest, new_opaque, seal, unseal

SECRET = "a secret of the installation, long enough"


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {derive_key(secret, purpose) for secret in (SECRET, SECRET + "!") for purpose in ("a", "b")}

    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert derive_key(SECRET, "a") == derive_key(SECRET, "a")


def test_opaque_values_have_256_bits_and_are_never_the_same() -> None:
    values = {new_opaque() for _ in range(1000)}

    assert len(values) == 1000
    assert {len(value) for value in values} == {43}
    assert len(digest_of(values.pop())) == 32


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_opens_only_with_its_key_at_its_place_unchanged(plain: bytes, label: str) -> None:
    key = derive_key(SECRET, "a")
    sealed = seal(key, plain, label)

    assert unseal(key, sealed, label) == plain
    assert seal(key, plain, label) != sealed
    for other in (
        (derive_key(SECRET, "b"), sealed, label),
        (key, sealed, label + "x"),
        (key, sealed[:-1] + bytes([sealed[-1] ^ 1]), label),
    ):
        with pytest.raises(InvalidTag):
            unseal(*other)


def test_what_an_earlier_release_derived_is_derived_again() -> None:
    # Written out by RFC 5869 and not called: sealed rows and handed-out tokens must outlive every release.
    extracted = hmac.digest(b"\0" * 32, SECRET.encode(), "sha256")
    expanded = hmac.digest(extracted, b"vitrine.users.a" + b"\1", "sha256")

    assert derive_key(SECRET, "a") == expanded
    assert digest_of("opaque") == hashlib.sha256(b"opaque").digest()
    assert keyed_digest(expanded, "ä") == hmac.digest(expanded, "ä".encode(), "sha256")


def test_bytes_are_handed_out_without_padding() -> None:
    assert encode_opaque(b"\xfb\xff\xfe\xfd") == "-__-_Q"
    assert encode_opaque(b"\0\0\x17") == "AAAX"


@given(st.binary(max_size=40))
def test_a_sealed_value_is_its_nonce_its_bytes_and_its_tag(plain: bytes) -> None:
    key = derive_key(SECRET, "a")
    sealed = seal(key, plain, "row")

    assert len(sealed) == 12 + len(plain) + 16
    assert ChaCha20Poly1305(key).decrypt(sealed[:12], sealed[12:], b"row") == plain
