"""What authenticators answer, garbled in every way: refused, never an error of our own."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soft_authenticator import ORIGIN, SoftAuthenticator, decoded, encoded
from vitrine_users.passkeys.ceremony import BadAnswer, RelyingParty, challenge_in, names_another

PARTY = RelyingParty.of(ORIGIN, "Shop")
PERSON = UUID("0192a000-0000-7000-8000-000000000001")
CHALLENGE = secrets.token_bytes(32)
CREATION = PARTY.registration_options(CHALLENGE, user_id=PERSON, email="a@example.com", name="A", known=[])
REQUEST = PARTY.authentication_options(CHALLENGE)
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def test_what_is_made_is_told() -> None:
    made = await PARTY.registered(SoftAuthenticator(verifies=False).create(CREATION), CHALLENGE)

    assert made.sign_count == 1
    assert made.user_verified is False
    assert made.backed_up is False
    assert made.transports == ["internal"], "what is no transport is left out"


async def test_another_challenge_is_refused() -> None:
    device = SoftAuthenticator()
    made = await PARTY.registered(device.create(CREATION), CHALLENGE)

    with pytest.raises(BadAnswer):
        await PARTY.registered(SoftAuthenticator().create(CREATION), secrets.token_bytes(32))
    with pytest.raises(BadAnswer):
        await PARTY.signed(
            device.get(REQUEST), secrets.token_bytes(32), public_key=made.public_key, sign_count=0
        )


@SLOW
@given(data=st.data())
async def test_a_registration_with_other_bytes_is_refused_or_read(data: Any) -> None:
    credential = SoftAuthenticator().create(CREATION)
    raw = bytearray(decoded(credential["response"]["attestationObject"]))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, 10_000)) % len(raw)] = data.draw(st.integers(0, 255))
    credential["response"]["attestationObject"] = encoded(bytes(raw))

    try:
        made = await PARTY.registered(credential, CHALLENGE)
    except BadAnswer:
        return
    assert made.public_key


@SLOW
@given(data=st.data())
async def test_a_signature_over_other_bytes_is_refused(data: Any) -> None:
    device = SoftAuthenticator()
    made = await PARTY.registered(device.create(CREATION), CHALLENGE)
    credential = device.get(REQUEST)
    member = data.draw(st.sampled_from(["authenticatorData", "signature", "clientDataJSON"]))
    raw = bytearray(decoded(credential["response"][member]))
    # A signature's length differs from one to the next.
    place = data.draw(st.integers(0, 10_000)) % len(raw)
    raw[place] ^= data.draw(st.integers(1, 255))
    credential["response"][member] = encoded(bytes(raw))

    with pytest.raises(BadAnswer):
        await PARTY.signed(credential, CHALLENGE, public_key=made.public_key, sign_count=0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@SLOW
@given(response=JSON, raw_id=JSON)
async def test_any_json_is_refused(response: Any, raw_id: Any) -> None:
    credential = {"id": "x", "rawId": raw_id, "type": "public-key", "response": response}

    with pytest.raises(BadAnswer):
        challenge_in(credential)
    for answer in (
        PARTY.registered(credential, CHALLENGE),
        PARTY.signed(credential, CHALLENGE, public_key=b"", sign_count=0),
    ):
        with pytest.raises(BadAnswer):
            await answer


@pytest.mark.parametrize(
    ("response", "another"),
    [
        ({"userHandle": encoded(PERSON.bytes)}, False),
        ({"userHandle": encoded(PERSON.bytes) + "=="}, False),
        ({"userHandle": None}, False),
        ({"userHandle": ""}, False),
        ({}, False),
        (None, False),
        ({"userHandle": encoded(b"somebody else")}, True),
        ({"userHandle": 5}, True),
    ],
)
def test_a_key_that_names_another_account_is_found_out(response: Any, another: bool) -> None:
    assert names_another({"response": response}, PERSON) is another
