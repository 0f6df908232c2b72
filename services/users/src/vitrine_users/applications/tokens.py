"""The tokens applications get: ID tokens about somebody, access tokens for `userinfo`, and their verification."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, OKPKey
from sqlalchemy import RowMapping
from vitrine_kit.auth.jwt import ALGORITHM, InvalidToken, decode, import_keys
from vitrine_kit.ids import new_id
from vitrine_kit.offload import run_blocking

from vitrine_users.applications.rsa_keys import RsaKeys
from vitrine_users.settings import UsersSettings
from vitrine_users.tokens.keyring import KeyRing

ACCESS_TYPE = "at+jwt"
ID_TOKEN_LIFE_S = 600
MAX_HINT_CHARS = 8192
ED25519 = ("EdDSA", "Ed25519")
"""Two names of one algorithm: the older, which most libraries know, and the newer (RFC 9864)."""
RSA = "RS256"
"""What every library knows (Core 1.0, section 15.1)."""
ALGORITHMS = (*ED25519, RSA)


class _Registry(jws.JWSRegistry):
    algorithms = {  # noqa: RUF012 - as the class it is of declares it
        **jws.JWSRegistry.algorithms,
        "EdDSA": jws.JWSRegistry.algorithms[ALGORITHM],
    }


class ApplicationTokens:
    """Signs with the keys of Vitrine's own access tokens, or with RSA; audience and type keep the kinds apart."""

    def __init__(self, keyring: KeyRing, rsa_keys: RsaKeys, settings: UsersSettings) -> None:
        self._keyring = keyring
        self._rsa_keys = rsa_keys
        self._settings = settings
        self.issuer = settings.public_url
        self.audience = f"{settings.public_url}/oauth2/userinfo"

    @property
    def access_ttl_s(self) -> int:
        """How long an access token is good."""
        return self._settings.access_token_ttl_s

    async def jwks(self) -> dict[str, Any]:
        """The public keys without their `alg`: a library that compares it would refuse the older name."""
        found = [*(await self._keyring.jwks())["keys"], *await self._rsa_keys.published()]
        return {"keys": [{name: key[name] for name in key if name != "alg"} for key in found]}

    async def access_token(
        self, *, grant_id: UUID, account_id: UUID, application_id: UUID, scopes: Iterable[str]
    ) -> str:
        """An access token (RFC 9068) that is good for `userinfo` alone: no API of Vitrine's is its audience."""
        claims = self._claims(str(account_id), self.audience, self.access_ttl_s)
        scope = " ".join(sorted(scopes))
        claims |= {
            "client_id": str(application_id),
            "scope": scope,
            "grant": str(grant_id),
            "jti": str(new_id()),
        }
        return await self._sign(ACCESS_TYPE, claims, ALGORITHM)

    async def id_token(
        self,
        account: Mapping[Any, Any],
        *,
        application: RowMapping,
        scopes: Iterable[str],
        authenticated_at: datetime,
        assurance: int,
        nonce: str | None = None,
    ) -> str:
        """What the application is told of who signed in (OpenID Connect Core 1.0, section 2)."""
        claims = self._claims(str(account["id"]), str(application["id"]), ID_TOKEN_LIFE_S)
        claims |= claims_about(account, scopes)
        claims |= {"auth_time": int(authenticated_at.timestamp()), "acr": f"aal{assurance}"}
        if nonce is not None:
            claims["nonce"] = nonce
        return await self._sign("JWT", claims, application["signature"])

    async def read_access_token(self, token: str) -> tuple[UUID, dict[str, Any]]:
        """The grant an access token of ours comes from, and its claims.

        Raises:
            InvalidToken: it is none, or has ended.
        """
        keys = import_keys(await self._keyring.jwks())
        claims = decode(
            token,
            keys.get,
            typ=ACCESS_TYPE,
            issuer=self.issuer,
            audience=self.audience,
            now_s=time.time(),
            max_lifetime_s=self.access_ttl_s,
        )
        try:
            return UUID(str(claims.get("grant"))), claims
        except ValueError as error:
            raise InvalidToken("no grant") from error

    async def read_hint(self, token: str) -> dict[str, Any] | None:
        """The claims of an ID token of ours, though it may have ended; None where it is none."""
        if len(token) > MAX_HINT_CHARS:
            return None
        for entry in (await self.jwks())["keys"]:
            algorithms = [RSA] if entry["kty"] == "RSA" else list(ED25519)
            registry = _Registry(algorithms=algorithms, strict_check_header=False)
            try:
                key = JWKRegistry.import_key(entry)
                found = jwt.decode(token, key, algorithms=algorithms, registry=registry)
            except (JoseError, ValueError, TypeError):
                continue
            ours = found.header.get("typ") == "JWT" and found.claims.get("iss") == self.issuer
            return dict(found.claims) if ours else None
        return None

    def _claims(self, subject: str, audience: str, life_s: int) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + life_s}

    async def _sign(self, typ: str, claims: dict[str, Any], algorithm: str) -> str:
        if algorithm == RSA:
            rsa = await self._rsa_keys.signing_key()
            header = {"alg": RSA, "typ": typ, "kid": rsa.kid}
            return await run_blocking(jwt.encode, header, claims, rsa, algorithms=[RSA])
        key = await self._keyring.signing_key()
        # The key's own `alg` names one of the two.
        bare = OKPKey.import_key({n: v for n, v in key.as_dict(private=True).items() if n != "alg"})
        header = {"alg": algorithm, "typ": typ, "kid": key.kid}
        registry = _Registry(algorithms=[algorithm])
        return jwt.encode(header, claims, bare, algorithms=[algorithm], registry=registry)


def claims_about(account: Mapping[Any, Any], scopes: Iterable[str]) -> dict[str, Any]:
    """What an application with these scopes may know of a person (section 5.4)."""
    asked, found = frozenset(scopes), dict[str, Any]()
    if "profile" in asked:
        found |= {
            "name": account["name"],
            "locale": account["locale"],
            "zoneinfo": account["time_zone"],
            "updated_at": int(account["updated_at"].timestamp()),
        }
    if "email" in asked:
        found |= {"email": account["email"], "email_verified": account["email_verified"]}
    if "roles" in asked:
        found["roles"] = sorted(account["roles"])
    return found
