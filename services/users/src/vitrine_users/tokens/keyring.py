"""The keys access tokens are signed with: made on first use, kept encrypted, shared by all workers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from joserfc.jwk import OKPKey
from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.secrets import derive_key, seal, unseal
from vitrine_users.settings import UsersSettings
from vitrine_users.tokens import queries

log = get_logger(__name__)

REREAD_AFTER_S = 30.0
"""How long a worker goes on signing with a key before it looks whether another has taken its place."""

SKEW_S = 60
"""By how much a verifier's clock may be slow: a retired key is published that much longer."""


class KeyRing:
    """Signs access tokens and publishes the keys to verify them with."""

    def __init__(self, database: Database, settings: UsersSettings) -> None:
        self._database = database
        self._settings = settings
        self._sealing_key = derive_key(settings.secret_key.get_secret_value(), "signing-keys")
        self._key: OKPKey | None = None
        self._reread_at = 0.0

    async def sign(
        self,
        *,
        account_id: UUID,
        session_id: UUID,
        name: str,
        roles: Iterable[str],
        permissions: Iterable[str],
        ttl_s: int | None = None,
    ) -> str:
        """An access token for this person and sign-in, good for `ttl_s` seconds (the setting's, if None)."""
        return auth.sign_access_token(
            await self._signing_key(),
            issuer=self._settings.public_url,
            user_id=account_id,
            roles=roles,
            permissions=permissions,
            name=name,
            session_id=str(session_id),
            lifetime_s=self._settings.access_token_ttl_s if ttl_s is None else ttl_s,
        )

    async def jwks(self) -> dict[str, Any]:
        """The public keys of every token that may still be good (RFC 7517)."""
        token_life_s = auth.ACCESS_TOKEN_LIFETIME_S + SKEW_S
        keys = await queries.published_keys(self._database, token_life_s=token_life_s)
        if not keys:
            await self._signing_key()
            keys = await queries.published_keys(self._database, token_life_s=token_life_s)
        return {"keys": list(keys)}

    async def _signing_key(self) -> OKPKey:
        now = time.monotonic()
        if self._key is None or now >= self._reread_at:
            found = await queries.find_signing_key(self._database)
            self._key = self._opened(found) or await self._add_key()
            self._reread_at = now + REREAD_AFTER_S
        return self._key

    def _opened(self, row: RowMapping | None) -> OKPKey | None:
        if row is None:
            return None
        try:
            return OKPKey.import_key(
                orjson.loads(unseal(self._sealing_key, row["sealed_key"], str(row["id"])))
            )
        except InvalidTag:
            log.warning(
                "signing_key_unreadable", kid=row["id"], reason="the secret key has changed since it was made"
            )
            return None

    async def _add_key(self) -> OKPKey:
        async with self._database.transaction() as session:
            present = await queries.lock_signing_keys(session)
            if (opened := self._opened(present)) is not None:
                return opened
            if present is not None:
                await queries.retire_signing_key(session, present["id"])
            kid = new_id()
            key = auth.new_signing_key(str(kid))
            sealed = seal(self._sealing_key, orjson.dumps(key.as_dict(private=True)), str(kid))
            await queries.add_signing_key(session, kid, dict(key.as_dict(private=False)), sealed)
            log.info("signing_key_added", kid=kid)
            return key
