"""The keys access tokens are signed with: made on first use, kept encrypted, shared by all workers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from joserfc.jwk import OKPKey
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
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

TOKEN_LIFE_S = auth.ACCESS_TOKEN_LIFETIME_S + SKEW_S
"""How long after its last signature a key is published."""

ANNOUNCED_S = 90.0
"""How long a key is published before it signs: verifiers look at the keys once a minute."""


class RotationUnderWay(Exception):
    """A new key is published already and signs from `signs_from` on."""

    def __init__(self, signs_from: datetime) -> None:
        super().__init__(f"a new key signs from {signs_from.isoformat()} on")
        self.signs_from = signs_from


@dataclass(frozen=True, slots=True)
class Rotation:
    """The new key, from when it signs, and the keys whose place it takes."""

    kid: UUID
    signs_from: datetime
    retired: tuple[UUID, ...]


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
        authenticated_at: datetime | None = None,
        assurance: int = 1,
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
            authenticated_s=None if authenticated_at is None else int(authenticated_at.timestamp()),
            assurance=assurance,
            lifetime_s=self._settings.access_token_ttl_s if ttl_s is None else ttl_s,
        )

    async def current_kid(self) -> str:
        """The `kid` of the key that signs now."""
        return str((await self._signing_key()).kid)

    async def jwks(self) -> dict[str, Any]:
        """The public keys of every token that may still be good (RFC 7517)."""
        keys = await queries.published_keys(self._database, token_life_s=TOKEN_LIFE_S)
        if not keys:
            await self._signing_key()
            keys = await queries.published_keys(self._database, token_life_s=TOKEN_LIFE_S)
        return {"keys": list(keys)}

    async def rotate(self, session: AsyncSession, *, at_once: bool = False) -> Rotation:
        """Puts a new key in the place of the one that signs now, without a request failing.

        The new key is published `ANNOUNCED_S` before it signs, which is longer than verifiers go without a look at
        the keys. Each worker finds it by itself, at most `REREAD_AFTER_S` later; until then the old one signs, and
        it is published until its last token has ended. Where none signs yet, the new key does so from now on.

        `at_once` is for a key that somebody else may have: from the commit on it is not published any more, and
        what it has signed is refused as soon as verifiers look again, a minute at most.

        Raises:
            RotationUnderWay: a new key is published already and waits for its time.
        """
        present = await queries.lock_signing_keys(session)
        if not at_once and (pending := await queries.find_pending_key(session)) is not None:
            raise RotationUnderWay(pending)
        announced_s = 0.0 if at_once or present is None else ANNOUNCED_S
        key, signs_from = await self._store_new_key(session, announced_s=announced_s)
        kid = UUID(key.kid)
        after_s = -float(TOKEN_LIFE_S) if at_once else announced_s + REREAD_AFTER_S
        retired = await queries.retire_other_keys(session, kid, after_s=after_s)
        log.info("signing_key_added", kid=kid, signs_from=signs_from, at_once=at_once)
        return Rotation(kid, signs_from, tuple(retired))

    async def signing_key(self) -> OKPKey:
        """The private key that signs now, for tokens of other kinds than access tokens."""
        return await self._signing_key()

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
            key, _signs_from = await self._store_new_key(session, announced_s=0)
            log.info("signing_key_added", kid=key.kid)
            return key

    async def _store_new_key(self, session: AsyncSession, *, announced_s: float) -> tuple[OKPKey, datetime]:
        kid = new_id()
        key = auth.new_signing_key(str(kid))
        sealed = seal(self._sealing_key, orjson.dumps(key.as_dict(private=True)), str(kid))
        public = dict(key.as_dict(private=False))
        return key, await queries.add_signing_key(session, kid, public, sealed, announced_s=announced_s)
