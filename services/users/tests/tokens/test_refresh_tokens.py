"""The form of refresh tokens: read back, or refused."""

from __future__ import annotations

import hmac
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st
from vitrine_users.secrets import derive_key, encode_opaque
from vitrine_users.tokens.refresh import PREFIX, RefreshTokens, read_token

SECRET = b"s" * 32
INSTALLATION = "a secret of the installation, long enough"
tokens = RefreshTokens(INSTALLATION)


@given(st.uuids(), st.integers(0, 2**31 - 1))
def test_a_token_says_its_family_and_generation_and_is_proved(family_id: UUID, generation: int) -> None:
    text = tokens.token(family_id, SECRET, generation)
    read = read_token(text)

    assert read is not None
    assert (read.family_id, read.generation) == (family_id, generation)
    assert tokens.proves(read, SECRET)
    assert not tokens.proves(read, b"t" * 32)
    assert text == tokens.token(family_id, SECRET, generation)


def test_another_installation_makes_other_tokens() -> None:
    family_id = uuid4()
    read = read_token(RefreshTokens("another secret of another installation").token(family_id, SECRET, 0))

    assert read is not None
    assert not tokens.proves(read, SECRET)


@settings(max_examples=40)
@given(st.text(max_size=120) | st.from_regex(r"vr_[A-Za-z0-9_\-]{60,80}", fullmatch=True))
def test_any_other_text_is_refused_or_unproved(text: str) -> None:
    read = read_token(text)

    assert read is None or not tokens.proves(read, SECRET)


def test_a_second_spelling_of_a_token_is_no_token() -> None:
    text = tokens.token(uuid4(), SECRET, 1)

    assert read_token(text + "=") is None
    assert read_token(" " + text) is None
    assert read_token(text.removeprefix(PREFIX)) is None
    assert read_token(PREFIX + text) is None


def test_a_generation_beyond_the_column_is_no_token() -> None:
    assert read_token(tokens.token(uuid4(), SECRET, 2**31)) is None


def test_a_token_of_an_earlier_release_is_good_still() -> None:
    family_id = UUID("01890000-0000-7000-8000-000000000001")
    body = family_id.bytes + b"\0\0\0\x07"
    plain, named = RefreshTokens(INSTALLATION), RefreshTokens(INSTALLATION, "other")
    for made, purpose in ((plain, "refresh-tokens"), (named, "other")):
        tag = hmac.digest(derive_key(INSTALLATION, purpose), SECRET + body, "sha256")
        assert made.token(family_id, SECRET, 7) == PREFIX + encode_opaque(body + tag)
