"""Access tokens, both sides: how the users service signs them and how every service verifies them locally."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from joserfc.jwk import OKPKey

from vitrine_kit.auth.jwt import ALGORITHM, SKEW_S, InvalidToken, UnknownKey, decode, encode, import_keys
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger
from vitrine_kit.problems import Problem, Unauthenticated, Unavailable

__all__ = [
    "ACCESS_TOKEN_LIFETIME_S",
    "ALGORITHM",
    "AUDIENCE",
    "Principal",
    "TokenSigner",
    "TokenVerifier",
    "new_signing_key",
    "public_jwks",
    "sign_access_token",
]

log = get_logger(__name__)

AUDIENCE = "vitrine"
TYPE = "at+jwt"
ACCESS_TOKEN_LIFETIME_S = 600
"""Ten minutes: how long a token outlives the sign-out of its owner at most."""

REFRESH_INTERVAL_S = 10.0
"""Keys are fetched at most this often, so that tokens with invented key ids cannot flood the users service."""

KEYS_MAX_AGE_S = 60.0
"""Keys older than this are fetched again behind the request, so that a withdrawn key stops working."""

MAX_VERDICTS = 4096

JwksSource = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Principal:
    """The person a request acts for, as their access token says."""

    user_id: UUID
    roles: tuple[str, ...]
    permissions: frozenset[str]
    token_id: str
    name: str = ""
    session_id: str | None = None
    authenticated_s: int | None = None
    """When the person last proved who they are, in seconds since 1970; None where the token does not say."""
    assurance: int = 1
    """1 after one proof, 2 after two of different kinds (NIST SP 800-63B: AAL1, AAL2)."""

    def may(self, permission: str) -> bool:
        """Whether the person's roles give them the permission, such as "catalog:write"."""
        return permission in self.permissions


def new_signing_key(kid: str | None = None) -> OKPKey:
    """A new private Ed25519 key; `kid` defaults to a new id."""
    return OKPKey.generate_key(
        "Ed25519", {"kid": kid or str(new_id()), "use": "sig", "alg": ALGORITHM}, private=True, auto_kid=False
    )


def public_jwks(keys: Iterable[OKPKey]) -> dict[str, Any]:
    """The JWK set of the public halves (RFC 7517), as `/jwks.json` shows it."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def sign_access_token(
    key: OKPKey,
    *,
    issuer: str,
    user_id: UUID,
    roles: Iterable[str],
    permissions: Iterable[str],
    name: str = "",
    session_id: str | None = None,
    authenticated_s: int | None = None,
    assurance: int = 1,
    lifetime_s: int = ACCESS_TOKEN_LIFETIME_S,
    now_s: float | None = None,
) -> str:
    """An access token (RFC 9068) signed with a private Ed25519 key.

    Args:
        key: the private key; its `kid` tells verifiers which public key to take.
        issuer: the public address of this Vitrine, as verifiers have it in their settings.
        user_id: whom the token speaks for.
        roles: names of the person's roles.
        permissions: names of the permissions those roles give.
        name: how the person is shown.
        session_id: the session the token was made for.
        authenticated_s: when the person last proved who they are, in seconds since 1970 (`auth_time`).
        assurance: 1 after one proof, 2 after two of different kinds (`aal`).
        lifetime_s: seconds until it ends, at most 600.
        now_s: seconds since 1970; the clock's by default.

    Raises:
        ValueError: the lifetime is longer than verifiers take.
    """
    if not 0 < lifetime_s <= ACCESS_TOKEN_LIFETIME_S:
        raise ValueError(f"an access token lives at most {ACCESS_TOKEN_LIFETIME_S} s")
    issued = int(time.time() if now_s is None else now_s)
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "iat": issued,
        "exp": issued + lifetime_s,
        "jti": str(new_id()),
        "roles": sorted(roles),
        "perms": sorted(permissions),
        "name": name,
        "aal": assurance,
    }
    if session_id is not None:
        claims["sid"] = session_id
    if authenticated_s is not None:
        claims["auth_time"] = authenticated_s
    return encode(key, typ=TYPE, claims=claims)


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs access tokens with one key for one issuer."""

    key: OKPKey
    issuer: str

    def sign(self, **claims: Any) -> str:
        """See `sign_access_token`, whose other arguments it takes."""
        return sign_access_token(self.key, issuer=self.issuer, **claims)


class TokenVerifier:
    """Verifies access tokens with keys fetched from the users service, which it survives being away.

    Keys are fetched when a token names one that is not known, at most every 10 s, and kept when fetching fails.
    Verdicts of tokens seen before are remembered until the token ends, so that a signature is checked once.
    """

    def __init__(
        self,
        source: JwksSource,
        issuer: str,
        audience: str = AUDIENCE,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._keys: dict[str, OKPKey] = {}
        self._verdicts: dict[str, tuple[Principal, float]] = {}
        self._tried_at = float("-inf")
        self._fetched_at = float("-inf")
        self._reachable = False
        self._fetching: asyncio.Task[None] | None = None

    def peek(self, token: str) -> Principal | None:
        """The principal of a token verified before and not yet ended, without waiting for anything."""
        verdict = self._verdicts.get(token)
        now = self._clock()
        if verdict is None or verdict[1] + SKEW_S < now or self._fetched_at + KEYS_MAX_AGE_S < now:
            return None
        return verdict[0]

    async def fetch_ahead(self) -> None:
        """Fetches the keys before anybody shows a token; ends once there are some.

        A worker that has them goes on verifying while users is away.
        """
        wait_s = 1.0
        while not self._keys:
            await asyncio.shield(self._start_fetching())
            if not self._keys:
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, REFRESH_INTERVAL_S)

    async def verify(self, token: str) -> Principal:
        """The principal a token speaks for.

        Raises:
            Unauthenticated: the token is not acceptable, for whatever reason.
            Unavailable: its key is not known here and the users service cannot be asked.
        """
        if (known := self.peek(token)) is not None:
            return known
        now = self._clock()
        if self._keys and self._fetched_at + KEYS_MAX_AGE_S < now and self._may_fetch(now):
            self._start_fetching()
        verdict = self._verdicts.get(token)
        if verdict is not None and verdict[1] + SKEW_S >= now:
            return verdict[0]
        try:
            claims = self._decode(token)
        except UnknownKey:
            await self._refresh()
            try:
                claims = self._decode(token)
            except UnknownKey as error:
                if not self._reachable:
                    raise Unavailable(
                        "The token cannot be checked right now.", retry_after_s=REFRESH_INTERVAL_S
                    ) from error
                raise _refusal(error) from error
            except InvalidToken as error:
                raise _refusal(error) from error
        except InvalidToken as error:
            raise _refusal(error) from error
        principal = _principal_of(claims)
        self._remember(token, principal, claims["exp"])
        return principal

    def _decode(self, token: str) -> dict[str, Any]:
        return decode(
            token,
            self._keys.get,
            typ=TYPE,
            issuer=self._issuer,
            audience=self._audience,
            now_s=self._clock(),
            max_lifetime_s=ACCESS_TOKEN_LIFETIME_S,
        )

    def _remember(self, token: str, principal: Principal, expires_s: float) -> None:
        while len(self._verdicts) >= MAX_VERDICTS:
            # Oldest first: dictionaries keep the order of insertion, and tokens live about equally long.
            del self._verdicts[next(iter(self._verdicts))]
        self._verdicts[token] = (principal, expires_s)

    def _may_fetch(self, now: float) -> bool:
        # Without any key nothing can be verified, so a service started before users asks more often.
        return now - self._tried_at >= (REFRESH_INTERVAL_S if self._keys else 1.0)

    def _start_fetching(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._tried_at = self._clock()
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        return self._fetching

    async def _refresh(self) -> None:
        fetching = self._fetching
        if fetching is None or fetching.done():
            if not self._may_fetch(self._clock()):
                return
            fetching = self._start_fetching()
        # Shielded, for one client's disconnect must not fail the fetch that others wait for.
        await asyncio.shield(fetching)

    async def _fetch(self) -> None:
        try:
            keys = import_keys(await self._source())
        except (Problem, ValueError, OSError) as error:
            self._reachable = False
            log.warning("jwks_not_fetched", reason=str(error), keys=len(self._keys))
            return
        self._reachable = True
        self._fetched_at = self._clock()
        if _thumbprints(keys) != _thumbprints(self._keys):
            # A withdrawn key must take its verdicts along.
            self._verdicts.clear()
        self._keys = keys


def _thumbprints(keys: Mapping[str, OKPKey]) -> dict[str, str]:
    return {kid: key.thumbprint() for kid, key in keys.items()}


def _principal_of(claims: Mapping[str, Any]) -> Principal:
    try:
        user_id = UUID(claims["sub"])
    except ValueError as error:
        raise _refusal(error) from error
    roles, permissions = claims.get("roles", []), claims.get("perms", [])
    for names in (roles, permissions):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _refusal(InvalidToken("roles and perms are lists of names"))
    session_id, authenticated_s = claims.get("sid"), claims.get("auth_time")
    if not isinstance(session_id, str | None) or not isinstance(authenticated_s, int | None):
        raise _refusal(InvalidToken("sid is a text and auth_time a number"))
    return Principal(
        user_id=user_id,
        roles=tuple(roles),
        permissions=frozenset(permissions),
        token_id=claims["jti"],
        name=str(claims.get("name", "")),
        session_id=session_id,
        authenticated_s=authenticated_s,
        assurance=2 if claims.get("aal") == 2 else 1,
    )


def _refusal(reason: Exception) -> Unauthenticated:
    log.info("token_refused", reason=str(reason))
    return Unauthenticated(
        "The access token is not valid (any more).",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
