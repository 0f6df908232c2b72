"""What a verifier remembers, to the second, when it asks for keys again, and what it says and logs when it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import OKPKey
from key_source import Clock, Keyring
from vitrine_kit import auth
from vitrine_kit.auth.jwt import SKEW_S, encode
from vitrine_kit.problems import Unauthenticated, Unavailable

ISSUER = "https://shop.example"
USER = UUID("01890000-0000-7000-8000-000000000001")
KEY = auth.new_signing_key("first")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(KEY)


@pytest.fixture
def verifier(keyring: Keyring, clock: Clock) -> auth.TokenVerifier:
    return auth.TokenVerifier(keyring, ISSUER, clock=clock)


def signed(clock: Clock, key: OKPKey = KEY, **changes: Any) -> str:
    wanted: dict[str, Any] = {"issuer": ISSUER, "user_id": USER, "roles": [], "permissions": []}
    return auth.sign_access_token(key, **{**wanted, "now_s": clock.now, **changes})


def claiming(clock: Clock, **changes: Any) -> str:
    """A token of the users service with other claims; one set to None is left out."""
    claims = {
        "iss": ISSUER, "aud": "vitrine", "sub": str(USER), "jti": "t", "iat": clock.now, "exp": clock.now + 600,
    }  # fmt: skip
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return encode(KEY, typ="at+jwt", claims=claims)


async def settled(keyring: Keyring, asked: int) -> None:
    """Waits until the keys have been asked for so many times, and a moment more."""
    async with asyncio.timeout(5):
        while keyring.asked < asked:
            await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_every_claim_reaches_the_principal(verifier: auth.TokenVerifier, clock: Clock) -> None:
    token = signed(
        clock,
        roles=["viewer", "editor"],
        permissions=["catalog:write"],
        name="Ada",
        session_id="s1",
        authenticated_s=1_799_999_000,
        assurance=2,
    )

    principal = await verifier.verify(token)

    assert principal == auth.Principal(
        user_id=USER,
        roles=("editor", "viewer"),
        permissions=frozenset({"catalog:write"}),
        token_id=principal.token_id,
        name="Ada",
        session_id="s1",
        authenticated_s=1_799_999_000,
        assurance=2,
    )
    assert UUID(principal.token_id).version == 7


async def test_what_a_token_does_not_say_is_the_least(verifier: auth.TokenVerifier, clock: Clock) -> None:
    bare = await verifier.verify(claiming(clock))

    assert bare == auth.Principal(USER, (), frozenset(), "t", "", None, None, 1)
    plain = await verifier.verify(signed(clock))
    assert (plain.name, plain.session_id, plain.authenticated_s, plain.assurance) == ("", None, None, 1)
    assert (await verifier.verify(claiming(clock, aal=3, jti="u"))).assurance == 1
    with pytest.raises(Unauthenticated):
        await verifier.verify(claiming(clock, auth_time="today"))


def test_a_token_may_live_a_second(clock: Clock) -> None:
    assert signed(clock, lifetime_s=1)


def test_signing_keys_are_private_named_and_for_nothing_else() -> None:
    first, second = auth.new_signing_key(), auth.new_signing_key()

    assert first.is_private
    assert first.curve_name == "Ed25519"
    assert UUID(first.kid) != UUID(second.kid)
    assert first.as_dict(private=False) == {
        "kty": "OKP", "crv": "Ed25519", "kid": first.kid, "use": "sig", "alg": "Ed25519",
        "x": first.as_dict(private=False)["x"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": "ada"}, "badly formed hexadecimal UUID string"),
        ({"roles": "owner"}, "roles and perms are lists of names"),
        ({"perms": [1]}, "roles and perms are lists of names"),
        ({"sid": 7}, "sid is a text and auth_time a number"),
        ({"auth_time": "today"}, "sid is a text and auth_time a number"),
        ({"iss": "https://elsewhere.example"}, "another issuer"),
    ],
)
async def test_a_refusal_is_the_same_for_all_and_its_reason_is_logged(
    verifier: auth.TokenVerifier, clock: Clock, logged: Callable[[str], list[Any]], changes: Any, reason: str
) -> None:
    await verifier.verify(signed(clock))
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(claiming(clock, **changes))

    assert caught.value.detail == "The access token is not valid (any more)."
    assert [line["reason"] for line in logged("token_refused")] == [reason]


async def test_the_first_token_of_all_is_refused_for_the_same_reasons(
    keyring: Keyring, clock: Clock, logged: Callable[[str], list[Any]]
) -> None:
    for token in (claiming(clock, aud="another"), signed(clock, auth.new_signing_key("unknown"))):
        with pytest.raises(Unauthenticated):
            await auth.TokenVerifier(keyring, ISSUER, clock=clock).verify(token)

    assert [line["reason"] for line in logged("token_refused")] == ["another audience", "no key 'unknown'"]


async def test_keys_that_cannot_be_fetched_are_logged_and_said(
    verifier: auth.TokenVerifier, keyring: Keyring, clock: Clock, logged: Callable[[str], list[Any]]
) -> None:
    keyring.away = True
    with pytest.raises(Unavailable) as caught:
        await verifier.verify(signed(clock))

    assert caught.value.detail == "The token cannot be checked right now."
    assert caught.value.headers["Retry-After"] == "10"
    [line] = logged("jwks_not_fetched")
    assert (line["reason"], line["keys"], line["level"]) == ("away", 0, "warning")


async def test_without_keys_they_are_asked_for_once_a_second(
    verifier: auth.TokenVerifier, keyring: Keyring, clock: Clock
) -> None:
    keyring.away = True
    for seconds, asked in ((0, 1), (0.5, 1), (0.5, 2)):
        clock.now += seconds
        with pytest.raises(Unavailable):
            await verifier.verify(signed(clock))
        assert keyring.asked == asked


async def test_with_keys_they_are_asked_for_every_ten_seconds(
    verifier: auth.TokenVerifier, keyring: Keyring, clock: Clock
) -> None:
    await verifier.verify(signed(clock))
    for seconds, asked in ((9.5, 1), (0.5, 2)):
        clock.now += seconds
        with pytest.raises(Unauthenticated):
            await verifier.verify(signed(clock, auth.new_signing_key("invented")))
        assert keyring.asked == asked


async def test_a_verdict_is_remembered_as_long_as_its_token_is_good(
    verifier: auth.TokenVerifier, keyring: Keyring, clock: Clock
) -> None:
    token = signed(clock, lifetime_s=30)
    first = await verifier.verify(token)
    clock.now += 60
    assert verifier.peek(token) is first
    clock.now += 0.5
    assert verifier.peek(token) is None, "the keys are too old for an answer without a look at them"
    assert await verifier.verify(token) is first, "and are fetched behind the request"
    await settled(keyring, 2)
    clock.now += 30 + SKEW_S - 60.5
    assert verifier.peek(token) is first
    clock.now += 0.5
    assert verifier.peek(token) is None


async def test_old_keys_serve_a_remembered_verdict_to_its_last_moment(
    verifier: auth.TokenVerifier, clock: Clock
) -> None:
    token = signed(clock, lifetime_s=30)
    first = await verifier.verify(token)
    clock.now += 30 + SKEW_S

    assert await verifier.verify(token) is first


async def test_keys_are_fetched_again_once_they_are_older_than_a_minute_and_not_before(
    verifier: auth.TokenVerifier, keyring: Keyring, clock: Clock
) -> None:
    await verifier.verify(signed(clock))
    for seconds, asked in ((10, 1), (50, 1), (0.5, 2)):
        clock.now += seconds
        await verifier.verify(signed(clock))
        await settled(keyring, asked)
        assert keyring.asked == asked


async def test_fetching_ahead_waits_twice_as_long_each_time_up_to_ten_seconds(
    verifier: auth.TokenVerifier, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    at_once = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            waits.append(seconds)
        keyring.away = len(waits) < 6
        await at_once(0)

    keyring.away = True
    monkeypatch.setattr(asyncio, "sleep", sleep)
    async with asyncio.timeout(5):
        await verifier.fetch_ahead()

    assert waits == [1, 2, 4, 8, 10, 10]
    assert keyring.asked == 7
