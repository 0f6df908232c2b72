"""Derived keys, opaque values and sealing."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from vitrine_users.secrets import derive_key, digest_of, new_opaque, seal, unseal

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
