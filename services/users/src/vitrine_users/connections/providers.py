"""The providers of the settings: their discovery documents, keys and endpoints, and who they say somebody is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
from vitrine_kit.logs import get_logger

from vitrine_users.connections import id_tokens
from vitrine_users.connections.asking import Asking, NotAnswered
from vitrine_users.connections.errors import NoSuchProvider, ProviderRefused, ProviderUnavailable
from vitrine_users.connections.id_tokens import Expected, IdTokenRefused, KeyMissing, PublicKey
from vitrine_users.connections.settings import ConnectionSettings, ProviderSettings

log = get_logger(__name__)

T = TypeVar("T")

METADATA_LIFE_S = 3600.0
KEYS_LIFE_S = 600.0
KEPT_S = 86400.0
"""How long what was read is used further while the provider cannot be asked."""
REREAD_AFTER_S = 10.0
"""Keys are read again for an unknown one at most this often, so that invented key ids cannot flood a provider."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at an issuer: `issuer` and `subject`; the rest is what the issuer tells of them."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What we need of a discovery document."""

    authorization: str
    token: str
    jwks: str
    userinfo: str | None
    tells_issuer: bool
    """Whether each answer names its issuer (RFC 9207)."""


@dataclass(slots=True)
class _Known:
    """What was read of a provider, and when, on this process's monotonic clock."""

    endpoints: Endpoints | None = None
    endpoints_s: float = float("-inf")
    keys: tuple[PublicKey, ...] = ()
    keys_s: float = float("-inf")
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one visit to a provider goes by."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


class Provider:
    """One provider, as one worker knows it."""

    def __init__(
        self, settings: ProviderSettings, asking: Asking, timeout_s: float, clock: Callable[[], float]
    ) -> None:
        self.settings = settings
        self._asking = asking
        self._timeout_s = timeout_s
        self._clock = clock
        self._known = _Known()

    async def authorization_url(self, attempt: Attempt, *, ask_again: bool) -> str:
        """Where to send the browser; `ask_again` has the provider ask the person to prove who they are.

        Raises:
            ProviderUnavailable: its discovery document cannot be read.
        """
        endpoints = await self._within(self._endpoints())
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if ask_again else {}),
        }
        parts = urlsplit(endpoints.authorization)
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *asked.items()])
        return parts._replace(query=query, fragment="").geturl()

    async def identify(
        self, attempt: Attempt, code: str, *, answered_by: str | None, asked_at_s: float | None
    ) -> Identity:
        """Who a code stands for.

        Args:
            attempt: what the visit was begun with.
            code: as the provider gave it.
            answered_by: the `iss` that came with it (RFC 9207), None without one.
            asked_at_s: when the person was sent to prove anew who they are, in seconds since 1970; None where they
                were not.

        Raises:
            ProviderUnavailable: it does not answer, or with nonsense.
            ProviderRefused: it refuses the code, or what it says cannot be believed.
        """
        return await self._within(self._identify(attempt, code, answered_by, asked_at_s))

    async def _identify(
        self, attempt: Attempt, code: str, answered_by: str | None, asked_at_s: float | None
    ) -> Identity:
        endpoints = await self._endpoints()
        if answered_by != self.settings.issuer and (answered_by is not None or endpoints.tells_issuer):
            # Mix-up (RFC 9700, section 4.4): the code is another provider's, and must not be shown to this one.
            raise self._refusal("the answer is another issuer's")
        tokens = await self._exchange(endpoints, attempt, code)
        access_token, id_token = tokens.get("access_token"), tokens.get("id_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise self._refusal("no ID token")
        expected = Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            nonce=attempt.nonce,
            algorithms=self.settings.algorithms,
            now_s=time.time(),
            authenticated_after_s=asked_at_s,
        )
        claims = await self._verified(endpoints, id_token, expected, access_token)
        if "email" not in claims and endpoints.userinfo is not None:
            claims = {**await self._userinfo(endpoints.userinfo, access_token, claims["sub"]), **claims}
        return self._identity(claims)

    async def _exchange(self, endpoints: Endpoints, attempt: Attempt, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        auth, secret = None, self.settings.secret
        if secret is not None and self.settings.token_endpoint_auth_method == "client_secret_basic":  # noqa: S105 - a method
            # Both parts are form-encoded first (RFC 6749, section 2.3.1).
            auth = (quote(self.settings.client_id, safe=""), quote(secret, safe=""))
        else:
            form["client_id"] = self.settings.client_id
            if secret is not None:
                form["client_secret"] = secret
        status, found = await self._asking.post(endpoints.token, form, auth=auth)
        if status != 200:
            raise self._refusal(f"token endpoint: {status} {str(found.get('error'))[:60]!r}")
        return found

    async def _verified(
        self, endpoints: Endpoints, id_token: str, expected: Expected, access_token: str
    ) -> dict[str, Any]:
        try:
            try:
                return id_tokens.verify(
                    id_token, await self._keys(endpoints), expected, access_token=access_token
                )
            except KeyMissing:
                keys = await self._keys(endpoints, newer=True)
                return id_tokens.verify(id_token, keys, expected, access_token=access_token)
        except IdTokenRefused as error:
            raise self._refusal(f"ID token: {error}") from error

    async def _userinfo(self, url: str, access_token: str, subject: str) -> Mapping[str, Any]:
        try:
            found = await self._asking.get(url, bearer=access_token)
        except NotAnswered as error:
            log.info("userinfo_not_read", provider=self.settings.slug, reason=str(error))
            return {}
        if found.get("sub") != subject:
            # It may be somebody else's (OpenID Connect Core 1.0, section 5.3.2).
            raise self._refusal("userinfo tells of somebody else")
        return found

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        email = _text(claims.get("email"), 320)
        verified = claims.get("email_verified")
        return Identity(
            issuer=self.settings.issuer,
            subject=claims["sub"],
            email=email,
            # Some issuers write the truth value as a text.
            email_verified=email is not None
            and (
                verified is True
                or verified == "true"
                or (verified is None and self.settings.vouches_for_email)
            ),
            name=_text(claims.get("name") or claims.get("preferred_username"), 500),
            locale=_text(claims.get("locale"), 35),
        )

    async def _endpoints(self) -> Endpoints:
        known = self._known
        async with known.turn:
            age_s = self._clock() - known.endpoints_s
            if known.endpoints is None or age_s > METADATA_LIFE_S:
                try:
                    url = self.settings.issuer.removesuffix("/") + "/.well-known/openid-configuration"
                    known.endpoints = self._read(await self._asking.get(url))
                    known.endpoints_s = self._clock()
                except NotAnswered as error:
                    if known.endpoints is None or age_s > KEPT_S:
                        raise
                    log.warning("provider_not_reread", provider=self.settings.slug, reason=str(error))
            return known.endpoints

    async def _keys(self, endpoints: Endpoints, *, newer: bool = False) -> tuple[PublicKey, ...]:
        known = self._known
        async with known.turn:
            age_s = self._clock() - known.keys_s
            if age_s > (REREAD_AFTER_S if newer else KEYS_LIFE_S):
                try:
                    known.keys = id_tokens.import_keys(await self._asking.get(endpoints.jwks))
                    known.keys_s = self._clock()
                except ValueError as error:
                    raise NotAnswered(str(error)) from error
                except NotAnswered as error:
                    if not known.keys or age_s > KEPT_S:
                        raise
                    log.warning("provider_keys_not_reread", provider=self.settings.slug, reason=str(error))
            return known.keys

    def _read(self, document: Mapping[str, Any]) -> Endpoints:
        if document.get("issuer") != self.settings.issuer:
            raise NotAnswered("the discovery document is another issuer's")
        urls = {
            name: self._address(document.get(f"{name}_endpoint"), name) for name in ("authorization", "token")
        }
        userinfo = document.get("userinfo_endpoint")
        return Endpoints(
            **urls,
            jwks=self._address(document.get("jwks_uri"), "jwks"),
            userinfo=None if userinfo is None else self._address(userinfo, "userinfo"),
            tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, url: Any, name: str) -> str:
        """An endpoint's address: https, or as the issuer's own on this machine."""
        try:
            parsed = httpx.URL(url) if isinstance(url, str) else None
        except httpx.InvalidURL:
            parsed = None
        own = self.settings.issuer.partition(":")[0]
        if parsed is None or not parsed.host or parsed.scheme not in {"https", own} or parsed.userinfo:
            raise NotAnswered(f"the {name} endpoint's address cannot be used")
        return str(url)

    async def _within(self, asking: Coroutine[Any, Any, T]) -> T:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asking
        except (NotAnswered, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            log.warning("provider_unavailable", provider=self.settings.slug, reason=reason)
            raise ProviderUnavailable(self.settings.name, reason) from error

    def _refusal(self, reason: str) -> ProviderRefused:
        log.warning("provider_refused", provider=self.settings.slug, reason=reason)
        return ProviderRefused(self.settings.name, reason)


class Providers:
    """All providers of the settings, in their order."""

    def __init__(self, settings: ConnectionSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.asking = Asking(settings.oidc_timeout_s)
        self.all = {
            one.slug: Provider(one, self.asking, settings.oidc_timeout_s, clock)
            for one in settings.oidc_providers
        }

    @property
    def issuers(self) -> dict[str, ProviderSettings]:
        """The settings of each, by issuer."""
        return {one.settings.issuer: one.settings for one in self.all.values()}

    def get(self, slug: str) -> Provider:
        """The provider of this name.

        Raises:
            NoSuchProvider: there is none.
        """
        found = self.all.get(slug)
        if found is None:
            raise NoSuchProvider
        return found

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.asking.aclose()


def _text(value: Any, longest: int) -> str | None:
    """A text of the issuer's that can be stored, None where it is none."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest or "\0" in value:
        return None
    return value.strip()
