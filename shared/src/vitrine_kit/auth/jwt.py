"""The one form of JSON Web Token that Vitrine takes: Ed25519, an expected `typ`, nothing else in the header."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OKPKey
from joserfc.jws import JWSRegistry

ALGORITHM = "Ed25519"
"""The fully specified name of RFC 9864; the older "EdDSA" would admit Ed448 as well."""

SKEW_S = 60
"""How far the clocks of two machines may be apart (RFC 7519, section 4.1.4)."""

MAX_TOKEN_CHARS = 8192
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])


class InvalidToken(ValueError):
    """The token is not acceptable; the text says why, for the log and not for the client."""


class UnknownKey(InvalidToken):
    """The token names a key that is not known here; newer keys may have it."""


def encode(key: OKPKey, *, typ: str, claims: Mapping[str, Any]) -> str:
    """A signed token; `key` is a private Ed25519 key with a `kid`."""
    header = {"alg": ALGORITHM, "typ": typ, "kid": key.kid}
    return jwt.encode(header, dict(claims), key, registry=_REGISTRY)


def decode(
    token: str,
    find_key: Callable[[str], OKPKey | None],
    *,
    typ: str,
    issuer: str | None,
    audience: str,
    now_s: float,
    max_lifetime_s: float,
) -> dict[str, Any]:
    """The claims of a token whose signature, type, issuer, audience and times are right.

    Args:
        token: the compact serialisation.
        find_key: the public key of a `kid`, or None.
        typ: the `typ` the header must have, which keeps one kind of token from passing for another.
        issuer: the `iss` wanted; None where the issuer is the `kid` (service credentials).
        audience: the `aud` wanted.
        now_s: seconds since 1970.
        max_lifetime_s: the longest `exp - iat` taken.

    Raises:
        UnknownKey: `find_key` does not know the key.
        InvalidToken: anything else is wrong (RFC 8725, sections 3.1 and 3.8 to 3.12).
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise InvalidToken("too long")

    def find(signature: GuestProtocol) -> OKPKey:
        kid = _key_id(signature.headers(), typ)
        key = find_key(kid)
        if key is None:
            raise UnknownKey(f"no key {kid!r}")
        return key

    try:
        found = jwt.decode(token, find, registry=_REGISTRY)
    except InvalidToken:
        raise
    except (JoseError, ValueError) as error:
        raise InvalidToken(f"bad header, signature or payload: {type(error).__name__}") from error
    claims = found.claims
    _check_claims(
        claims,
        issuer=found.header["kid"] if issuer is None else issuer,
        audience=audience,
        now_s=now_s,
        max_lifetime_s=max_lifetime_s,
    )
    return claims


def import_keys(jwks: Mapping[str, Any]) -> dict[str, OKPKey]:
    """The Ed25519 keys of a JWK set by `kid`; keys of other kinds are left out.

    Raises:
        ValueError: it is no JWK set.
    """
    found: dict[str, OKPKey] = {}
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        raise ValueError("a JWK set has a list named keys")
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
            continue
        kid = entry.get("kid")
        if isinstance(kid, str) and entry.get("use", "sig") == "sig":
            try:
                found[kid] = OKPKey.import_key(entry)
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ValueError(f"key {kid!r} is malformed") from error
    return found


def _key_id(header: Mapping[str, Any], typ: str) -> str:
    """The `kid` of an acceptable header: whatever could redirect the choice of key is refused."""
    if not header.keys() <= _HEADER_MEMBERS:
        raise InvalidToken("header holds members that are not taken")
    if header.get("alg") != ALGORITHM:
        raise InvalidToken("algorithm is not taken")
    if header.get("typ") != typ:
        raise InvalidToken("not this kind of token")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise InvalidToken("no key id")
    return kid


def _check_claims(
    claims: Mapping[str, Any], *, issuer: str, audience: str, now_s: float, max_lifetime_s: float
) -> None:
    if claims.get("iss") != issuer:
        raise InvalidToken("another issuer")
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise InvalidToken("another audience")
    expires, issued = _seconds(claims, "exp"), _seconds(claims, "iat")
    if expires + SKEW_S < now_s:
        raise InvalidToken("expired")
    if issued - SKEW_S > now_s:
        raise InvalidToken("issued in the future")
    if expires - issued > max_lifetime_s:
        raise InvalidToken("lives too long")
    if "nbf" in claims and _seconds(claims, "nbf") - SKEW_S > now_s:
        raise InvalidToken("not valid yet")
    for name in ("sub", "jti"):
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise InvalidToken(f"no {name}")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # bool is an int in Python, and NaN compares false with everything: neither is a time.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise InvalidToken(f"{name} is no time")
    return value
