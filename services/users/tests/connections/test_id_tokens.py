"""Rules 36, 38 and 42: which ID tokens are believed, and which are not."""

from __future__ import annotations

import time
import warnings
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from scripted_provider import signed_with_the_public_key, unsigned
from vitrine_users.connections.id_tokens import Expected, IdTokenRefused, KeyMissing, import_keys, verify

KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
OTHER = ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})
KEYS = import_keys({"keys": [KEY.as_dict(private=False)]})
ISSUER, CLIENT, NONCE = "https://issuer.example", "vitrine", "a nonce"


def expected(**changes: Any) -> Expected:
    values = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "nonce": NONCE,
        "algorithms": ("RS256", "ES256", "EdDSA"),
    }
    return Expected(**{**values, "now_s": time.time(), **changes})


def claims_with(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    found = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "ann",
        "iat": now,
        "exp": now + 60,
        "nonce": NONCE,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def token_with(*, header: dict[str, Any] | None = None, key: Any = KEY, **changes: Any) -> str:
    made = {"alg": "ES256", "kid": "one", **(header or {})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older name EdDSA is deprecated, and in use
        return jwt.encode(made, claims_with(**changes), key, algorithms=[made["alg"]])


def test_a_token_as_it_should_be_is_believed() -> None:
    assert verify(token_with(), KEYS, expected())["sub"] == "ann"
    assert verify(token_with(aud=[CLIENT], azp=CLIENT), KEYS, expected())["sub"] == "ann"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "r"}), "RS256"),
        (OKPKey.generate_key("Ed25519", {"kid": "o"}), "EdDSA"),
    ],
)
def test_keys_of_each_kind_verify(key: Any, algorithm: str) -> None:
    keys = import_keys({"keys": [key.as_dict(private=False)]})
    token = token_with(key=key, header={"alg": algorithm, "kid": key.kid})

    assert verify(token, keys, expected())["sub"] == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["vitrine", "other"]},
        {"aud": []},
        {"aud": None},
        {"azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"exp": 1},
        {"exp": None},
        {"exp": True},
        {"exp": "soon"},
        {"iat": None},
        {"iat": 10**11},
        {"iat": 1},
        {"nbf": 10**11},
    ],
    ids=str,
)
def test_rule_42_a_token_for_another_or_of_another_time_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenRefused):
        verify(token_with(**changes), KEYS, expected())


def test_rule_38_clocks_may_differ_by_a_minute_and_no_more() -> None:
    now = int(time.time())
    assert verify(token_with(exp=now - 55), KEYS, expected(now_s=now))
    assert verify(token_with(iat=now + 55), KEYS, expected(now_s=now))
    for changes in ({"exp": now - 61}, {"iat": now + 65}):
        with pytest.raises(IdTokenRefused):
            verify(token_with(**changes), KEYS, expected(now_s=now))


@pytest.mark.parametrize(
    "token",
    [
        unsigned({"kid": "one"}, claims_with()),
        signed_with_the_public_key(KEY)({"kid": "one"}, claims_with()),
        jwt.encode(
            {"alg": "HS256", "kid": "one"}, claims_with(), OctKey.import_key("x" * 40), algorithms=["HS256"]
        ),
        token_with(key=OTHER),
        token_with(header={"jwk": OTHER.as_dict(private=False)}, key=OTHER),
        token_with(header={"jku": "https://evil.example/jwks"}),
        token_with(header={"x5u": "https://evil.example/x5u"}),
        token_with(header={"typ": "at+jwt"}),
        token_with()[:-4] + "AAAA",
        "",
        "x",
        "a.b.c",
        "x" * 20_000,
    ],
    ids=["none", "HS256 with the public key", "HS256", "another key", "jwk", "jku", "x5u", "typ", "signature",
         "empty", "x", "dots", "long"],
)  # fmt: skip
def test_rule_36_a_token_signed_otherwise_is_refused(token: str) -> None:
    with pytest.raises(IdTokenRefused):
        verify(token, KEYS, expected())


def test_rule_36_unknown_critical_members_are_refused() -> None:
    made = {"alg": "ES256", "kid": "one"}
    token = jwt.encode(made, claims_with(), KEY, algorithms=["ES256"])
    import base64
    import json

    header = (
        base64.urlsafe_b64encode(json.dumps({**made, "crit": ["x"], "x": 1}).encode()).rstrip(b"=").decode()
    )
    with pytest.raises(IdTokenRefused, match="crit"):
        verify(".".join([header, *token.split(".")[1:]]), KEYS, expected())


def test_rule_36_an_algorithm_that_the_settings_do_not_name_is_refused() -> None:
    with pytest.raises(IdTokenRefused, match="not taken"):
        verify(token_with(), KEYS, expected(algorithms=("RS256",)))


def test_a_key_that_is_not_known_may_be_new() -> None:
    with pytest.raises(KeyMissing):
        verify(token_with(header={"kid": "two"}, key=OTHER), KEYS, expected())


def test_without_a_key_id_there_may_be_one_key_only() -> None:
    token = jwt.encode({"alg": "ES256"}, claims_with(), KEY, algorithms=["ES256"])
    both = import_keys({"keys": [KEY.as_dict(private=False), OTHER.as_dict(private=False)]})

    assert verify(token, KEYS, expected())
    with pytest.raises(IdTokenRefused, match="more than one"):
        verify(token, both, expected())


def test_short_keys_shared_secrets_and_keys_for_encryption_are_no_keys() -> None:
    secret = OctKey.import_key("x" * 40).as_dict()
    for_encryption = {**OTHER.as_dict(private=False), "use": "enc"}

    assert import_keys({"keys": [secret, for_encryption, {"kty": "RSA"}, 7, {"kty": "new"}]}) == ()
    with pytest.raises(ValueError, match="keys"):
        import_keys({"keys": {}})


def test_the_access_token_that_comes_with_it_is_the_one_it_names() -> None:
    with pytest.raises(IdTokenRefused, match="access token"):
        verify(token_with(at_hash="AAAA"), KEYS, expected(), access_token="one")
    with pytest.raises(IdTokenRefused, match="access token"):
        verify(token_with(at_hash=7), KEYS, expected(), access_token="one")


def test_rule_30_who_was_asked_again_has_proved_it_since() -> None:
    now = int(time.time())
    assert verify(token_with(auth_time=now), KEYS, expected(authenticated_after_s=now - 5))
    for changes in ({"auth_time": now - 120}, {}):
        with pytest.raises(IdTokenRefused):
            verify(token_with(**changes), KEYS, expected(authenticated_after_s=now - 5))
