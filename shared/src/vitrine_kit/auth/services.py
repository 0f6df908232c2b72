"""Service credentials: 60-second tokens that say which service calls, signed with its own key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from vitrine_kit.auth.jwt import SKEW_S, InvalidToken, decode, encode, import_keys
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger
from vitrine_kit.problems import Unauthenticated
from vitrine_kit.settings import ServiceSettings

log = get_logger(__name__)

SERVICE_HEADER = "X-Vitrine-Service"
TYPE = "svc+jwt"
LIFETIME_S = 60
REUSED_WHILE_S = 15
"""A credential is handed out again while at least this much of its life remains."""

MAX_VERDICTS = 512


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """The neighbour that sent a request."""

    name: str
    token_id: str


class ServiceIdentity:
    """This service towards its neighbours: it signs the credential each of them asks for."""

    def __init__(self, name: str, key: OKPKey, *, clock: Callable[[], float] = time.time) -> None:
        if key.kid != name:
            raise ValueError(f"the key of the service {name} needs that name as its kid, not {key.kid!r}")
        self.name = name
        self._key = key
        self._clock = clock
        self._credentials: dict[str, tuple[str, float]] = {}

    @classmethod
    def from_settings(cls, settings: ServiceSettings) -> ServiceIdentity | None:
        """The identity of `VITRINE_SERVICE_KEY`, or None where none is set.

        Raises:
            ValueError: the key is no private Ed25519 JWK.
        """
        if settings.service_key is None:
            return None
        try:
            key = OKPKey.import_key(json.loads(settings.service_key.get_secret_value()))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ValueError("VITRINE_SERVICE_KEY is not a JWK") from error
        if key.curve_name != "Ed25519" or not key.is_private:
            raise ValueError("VITRINE_SERVICE_KEY is not a private Ed25519 key")
        if not key.kid:
            raise ValueError("VITRINE_SERVICE_KEY has no kid: the service's name")
        return cls(key.kid, key)

    def credential_for(self, target: str) -> str:
        """A credential for the neighbour of that name, good for 15 to 60 s."""
        now = self._clock()
        known = self._credentials.get(target)
        if known is not None and known[1] - now >= REUSED_WHILE_S:
            return known[0]
        issued = int(now)
        claims = {
            "iss": self.name,
            "sub": self.name,
            "aud": target,
            "iat": issued,
            "exp": issued + LIFETIME_S,
            "jti": str(new_id()),
        }
        credential = encode(self._key, typ=TYPE, claims=claims)
        self._credentials[target] = (credential, issued + LIFETIME_S)
        return credential


class ServiceVerifier:
    """Verifies the credentials neighbours send, with the public keys in `VITRINE_NEIGHBOUR_KEYS`."""

    def __init__(
        self, jwks: Mapping[str, Any], audience: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = import_keys(jwks)
        self._audience = audience
        self._clock = clock
        self._verdicts: dict[str, tuple[ServicePrincipal, float]] = {}

    @classmethod
    def from_settings(cls, settings: ServiceSettings, audience: str) -> ServiceVerifier:
        """The verifier of the service named `audience`.

        Raises:
            ValueError: the setting is no JWK set.
        """
        return cls(json.loads(settings.neighbour_keys), audience)

    def verify(self, credential: str) -> ServicePrincipal:
        """The neighbour a credential speaks for.

        Raises:
            Unauthenticated: the credential is not acceptable.
        """
        now = self._clock()
        known = self._verdicts.get(credential)
        if known is not None and known[1] + SKEW_S >= now:
            return known[0]
        try:
            claims = decode(
                credential,
                self._keys.get,
                typ=TYPE,
                issuer=None,
                audience=self._audience,
                now_s=now,
                max_lifetime_s=LIFETIME_S,
            )
        except InvalidToken as error:
            log.warning("service_credential_refused", reason=str(error))
            raise Unauthenticated("The service credential is not valid.") from error
        principal = ServicePrincipal(name=claims["iss"], token_id=claims["jti"])
        while len(self._verdicts) >= MAX_VERDICTS:
            del self._verdicts[next(iter(self._verdicts))]
        self._verdicts[credential] = (principal, claims["exp"])
        return principal
