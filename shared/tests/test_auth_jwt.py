"""The one form of token: each thing that can be wrong is refused by its own check, which says so for the log."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from vitrine_kit import auth
from vitrine_kit.auth import jwt as jwt_module
from vitrine_kit.auth.jwt import (
    MAX_TOKEN_CHARS,
    SKEW_S,
    InvalidToken,
    UnknownKey,
    decode,
    encode,
    import_keys,
)

NOW_S = 1_800_000_000
CLAIMS = {"iss": "us", "aud": "them", "sub": "ada", "jti": "t", "iat": NOW_S, "exp": NOW_S + 60}
KEY = auth.new_signing_key("first")


def read(token: str) -> dict[str, Any]:
    return decode(
        token,
        {"first": KEY}.get,
        typ="test+jwt",
        issuer="us",
        audience="them",
        now_s=NOW_S,
        max_lifetime_s=60,
    )


def reason(token: str) -> str:
    with pytest.raises(InvalidToken) as caught:
        read(token)
    return str(caught.value)


def headed(**changes: Any) -> str:
    """A token with another header, rightly signed; a member set to None is left out."""
    head = {"alg": "Ed25519", "typ": "test+jwt", "kid": "first", **changes}
    head = {name: value for name, value in head.items() if value is not None}
    return jws.serialize_compact(head, json.dumps(CLAIMS), KEY, algorithms=["Ed25519"])


def test_what_was_encoded_is_read_back() -> None:
    assert read(encode(KEY, typ="test+jwt", claims=CLAIMS)) == CLAIMS


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "others"}, "another issuer"),
        ({"aud": "others"}, "another audience"),
        ({"aud": []}, "another audience"),
        ({"exp": NOW_S - SKEW_S - 1, "iat": NOW_S - 120}, "expired"),
        ({"iat": NOW_S + SKEW_S + 1, "exp": NOW_S + 90}, "issued in the future"),
        ({"exp": NOW_S + 61}, "lives too long"),
        ({"nbf": NOW_S + SKEW_S + 1}, "not valid yet"),
        ({"nbf": None}, "nbf is no time"),
        ({"exp": None}, "exp is no time"),
        ({"exp": True}, "exp is no time"),
        ({"iat": "now"}, "iat is no time"),
        ({"iat": float("nan")}, "iat is no time"),
        ({"sub": ""}, "no sub"),
        ({"sub": 7}, "no sub"),
        ({"jti": None}, "no jti"),
    ],
)
def test_each_claim_is_refused_for_a_reason_of_its_own(changes: dict[str, Any], why: str) -> None:
    assert reason(encode(KEY, typ="test+jwt", claims={**CLAIMS, **changes})) == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cty": "JWT"}, "header holds members that are not taken"),
        ({"typ": "at+jwt"}, "not this kind of token"),
        ({"typ": None}, "not this kind of token"),
        ({"kid": None}, "no key id"),
        ({"kid": ""}, "no key id"),
    ],
)
def test_each_header_is_refused_for_a_reason_of_its_own(changes: dict[str, Any], why: str) -> None:
    assert reason(headed(**changes)) == why


def test_the_algorithm_of_the_header_is_never_followed() -> None:
    with pytest.raises(InvalidToken, match=r"^algorithm is not taken$"):
        jwt_module._key_id({"alg": "none", "typ": "test+jwt", "kid": "first"}, "test+jwt")
    head = (
        base64.urlsafe_b64encode(b'{"alg": "none", "typ": "test+jwt", "kid": "first"}').decode().rstrip("=")
    )
    payload = headed().split(".")[1]
    assert reason(f"{head}.{payload}.") == "bad header, signature or payload: UnsupportedAlgorithmError"


def test_a_key_id_is_a_text() -> None:
    with pytest.raises(InvalidToken, match=r"^no key id$"):
        jwt_module._key_id({"alg": "Ed25519", "typ": "test+jwt", "kid": 7}, "test+jwt")


def test_a_key_that_is_not_known_may_be_known_to_newer_keys() -> None:
    with pytest.raises(UnknownKey, match=r"^no key 'second'$"):
        read(headed(kid="second"))


def test_a_bad_signature_is_told_from_a_bad_claim() -> None:
    token = encode(auth.new_signing_key("first"), typ="test+jwt", claims=CLAIMS)
    assert reason(token) == "bad header, signature or payload: BadSignatureError"


def test_a_token_is_taken_up_to_its_longest_and_not_a_character_more() -> None:
    def padded(characters: int) -> str:
        return encode(KEY, typ="test+jwt", claims={**CLAIMS, "x": "a" * characters})

    spare = MAX_TOKEN_CHARS - len(padded(0))
    longest = max((padded(n) for n in range(spare * 3 // 4 - 3, spare * 3 // 4 + 4)), key=_fits)
    assert len(longest) == MAX_TOKEN_CHARS
    assert read(longest)["sub"] == "ada"
    assert reason(longest + "a") == "too long"


def _fits(token: str) -> int:
    return len(token) if len(token) <= MAX_TOKEN_CHARS else 0


def test_times_at_the_edge_of_what_is_taken_are_taken() -> None:
    for changes in (
        {"exp": NOW_S - SKEW_S, "iat": NOW_S - 120},
        {"iat": NOW_S + SKEW_S, "exp": NOW_S + SKEW_S + 60},
        {"exp": NOW_S + 60},
        {"nbf": NOW_S + SKEW_S},
        {"aud": ["others", "them"]},
    ):
        read(encode(KEY, typ="test+jwt", claims={**CLAIMS, **changes}))


def test_the_issuer_may_be_the_name_of_the_key() -> None:
    def read_as_named(issuer: str) -> dict[str, Any]:
        token = encode(KEY, typ="test+jwt", claims={**CLAIMS, "iss": issuer})
        return decode(
            token,
            {"first": KEY}.get,
            typ="test+jwt",
            issuer=None,
            audience="them",
            now_s=NOW_S,
            max_lifetime_s=60,
        )

    assert read_as_named("first")["iss"] == "first"
    with pytest.raises(InvalidToken, match=r"^another issuer$"):
        read_as_named("second")


def test_a_set_of_keys_is_a_list() -> None:
    with pytest.raises(ValueError, match=r"^a JWK set has a list named keys$"):
        import_keys({"keys": {}})


def test_keys_that_are_left_out_hide_none_after_them_and_a_use_need_not_be_said() -> None:
    public = KEY.as_dict(private=False)
    x25519 = OKPKey.generate_key("X25519", {"kid": "x"}).as_dict(private=False)
    plain = {name: value for name, value in public.items() if name != "use"} | {"kid": "plain"}

    found = import_keys({"keys": ["text", x25519, {**public, "kid": "enc", "use": "enc"}, plain, public]})

    assert list(found) == ["plain", "first"]
    with pytest.raises(ValueError, match=r"^key 'bad' is malformed$"):
        import_keys({"keys": [{**public, "kid": "bad", "x": "!"}]})
