"""The check of an ID token: signature, issuer, audience, times and nonce (OpenID Connect Core 1.0, section 3.1.3.7)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

PublicKey = RSAKey | ECKey | OKPKey

SKEW_S = 60
"""By how much a provider's clock may differ from ours."""
MAX_TOKEN_CHARS = 16_384
MAX_AGE_S = 600
"""How old an ID token may be that a code has just been exchanged for."""
MAX_SUBJECT_CHARS = 255
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192

_REDIRECTING = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"})
"""Header members that would have us take another key, or another form: none of them is believed."""
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class IdTokenRefused(ValueError):
    """The ID token cannot be believed; the text says why, for the log."""


class _Registry(jws.JWSRegistry):
    """The algorithms by name; the older name EdDSA stands for Ed25519 (RFC 9864), whose curve the key must have."""

    algorithms = {  # noqa: RUF012 - as the class it is of declares it
        **jws.JWSRegistry.algorithms,
        "EdDSA": jws.JWSRegistry.algorithms["Ed25519"],
    }


class KeyMissing(IdTokenRefused):
    """No key of the provider's fits; newer keys may."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say."""

    issuer: str
    client_id: str
    nonce: str
    algorithms: Collection[str]
    now_s: float
    authenticated_after_s: float | None = None
    """Since when the person must have proved who they are, where that was asked for; seconds since 1970."""


def import_keys(jwks: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The public signature keys of a JWK set (RFC 7517); those of unknown kinds are left out.

    Raises:
        ValueError: it is no JWK set.
    """
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        raise ValueError("a JWK set has a list named keys")
    found: list[PublicKey] = []
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
            continue
        try:
            key = JWKRegistry.import_key(entry)
        except (JoseError, ValueError, KeyError, TypeError):
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey) and not key.is_private:
            found.append(key)
    return tuple(found)


def verify(
    token: str, keys: Sequence[PublicKey], expected: Expected, *, access_token: str | None = None
) -> dict[str, Any]:
    """The claims of an ID token that is as expected.

    Raises:
        KeyMissing: none of the keys fits it.
        IdTokenRefused: anything else is wrong.
    """
    header = _header(token)
    algorithm = header["alg"]
    if algorithm not in expected.algorithms:
        raise IdTokenRefused(f"algorithm {str(algorithm)[:20]!r} is not taken")
    key = _key_for(header, keys)
    try:
        # The registry is told of this one algorithm: the header cannot choose another.
        registry = _Registry(algorithms=[algorithm], strict_check_header=False)
        claims = jwt.decode(token, key, algorithms=[algorithm], registry=registry).claims
    except (JoseError, ValueError, TypeError) as error:
        raise IdTokenRefused(f"bad signature or payload: {type(error).__name__}") from error
    _check_claims(claims, expected)
    _check_access_token(claims, algorithm, access_token)
    return claims


def _header(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_CHARS:
        raise IdTokenRefused("too long")
    encoded, dot, _rest = token.partition(".")
    try:
        found = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))) if dot else None
    except (binascii.Error, ValueError) as error:
        raise IdTokenRefused("header is not JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("alg"), str):
        raise IdTokenRefused("not a signed token")
    if redirecting := _REDIRECTING & found.keys():
        raise IdTokenRefused(f"header holds {', '.join(sorted(redirecting))}")
    if str(found.get("typ", "JWT")).upper() != "JWT":
        raise IdTokenRefused("not an ID token by its type")
    return found


def _key_for(header: Mapping[str, Any], keys: Sequence[PublicKey]) -> PublicKey:
    algorithm, kid = header["alg"], header.get("kid")
    fitting = [key for key in keys if _fits(key, algorithm)]
    if kid is not None:
        fitting = [key for key in fitting if key.kid == kid]
    if not fitting:
        raise KeyMissing("no key for this token")
    if len(fitting) > 1:
        raise IdTokenRefused("more than one key fits")
    return fitting[0]


def _fits(key: PublicKey, algorithm: str) -> bool:
    if isinstance(key, RSAKey):
        return algorithm[:2] in {"RS", "PS"} and MIN_RSA_BITS <= key.raw_value.key_size <= MAX_RSA_BITS
    return _CURVES.get(algorithm) == key.curve_name


def _check_claims(claims: Mapping[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise IdTokenRefused("another issuer")
    audience = claims.get("aud")
    if audience not in (expected.client_id, [expected.client_id]):
        raise IdTokenRefused("another audience")
    if "azp" in claims and claims["azp"] != expected.client_id:
        raise IdTokenRefused("authorised for another party")
    issued = _seconds(claims, "iat")
    if _seconds(claims, "exp") + SKEW_S <= expected.now_s:
        raise IdTokenRefused("expired")
    if issued - SKEW_S > expected.now_s:
        raise IdTokenRefused("issued in the future")
    if issued + MAX_AGE_S + SKEW_S < expected.now_s:
        raise IdTokenRefused("issued long ago")
    if "nbf" in claims and _seconds(claims, "nbf") - SKEW_S > expected.now_s:
        raise IdTokenRefused("not valid yet")
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise IdTokenRefused("another nonce")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS or "\0" in subject:
        raise IdTokenRefused("no subject")
    after_s = expected.authenticated_after_s
    if after_s is not None and _seconds(claims, "auth_time") + SKEW_S < after_s:
        raise IdTokenRefused("the person was not asked again")


def _check_access_token(claims: Mapping[str, Any], algorithm: str, access_token: str | None) -> None:
    """Compares `at_hash` (section 3.1.3.6), where there is one and its hash is defined by the algorithm's name."""
    given, hash_of = claims.get("at_hash"), _HASHES.get(algorithm[-3:])
    if given is None or access_token is None or hash_of is None:
        return
    digest = hash_of(access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), half):
        raise IdTokenRefused("another access token")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # bool is an int in Python, and NaN compares false with everything: neither is a time.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise IdTokenRefused(f"{name} is no time")
    return value
