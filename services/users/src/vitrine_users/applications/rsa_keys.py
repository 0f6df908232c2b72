"""RSA keys for ID tokens of applications whose libraries know no Ed25519: made on first use, kept encrypted."""

from __future__ import annotations

import time
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from joserfc.jwk import RSAKey
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger
from vitrine_kit.offload import run_blocking

from vitrine_users.applications import queries
from vitrine_users.secrets import derive_key, seal, unseal
from vitrine_users.settings import UsersSettings
from vitrine_users.tokens.keyring import REREAD_AFTER_S

log = get_logger(__name__)

BITS = 2048


class RsaKeys:
    """Applications read the keys again when a token names one they do not know: a new key signs at once."""

    def __init__(self, database: Database, settings: UsersSettings) -> None:
        self._database = database
        self._sealing_key = derive_key(settings.secret_key.get_secret_value(), "id-token-keys")
        self._key: RSAKey | None = None
        self._reread_at = 0.0

    async def signing_key(self) -> RSAKey:
        """The private key that signs now; the first time it is made, which takes a second of a thread."""
        now = time.monotonic()
        if self._key is None or now >= self._reread_at:
            self._key = self._opened(await queries.find_rsa_key(self._database)) or await self._add()
            self._reread_at = now + REREAD_AFTER_S
        return self._key

    async def published(self) -> list[dict[str, Any]]:
        """The public keys of every ID token that may still be good; none before the first is needed."""
        return list(await queries.published_rsa_keys(self._database))

    async def retire(self, session: AsyncSession, *, at_once: bool) -> None:
        """Has another key made when one is needed next; `at_once` withdraws the present ones too."""
        await queries.retire_rsa_keys(session, at_once=at_once)

    def _opened(self, row: RowMapping | None) -> RSAKey | None:
        if row is None:
            return None
        try:
            return RSAKey.import_key(
                orjson.loads(unseal(self._sealing_key, row["sealed_key"], str(row["id"])))
            )
        except InvalidTag:
            log.warning("id_token_key_unreadable", kid=row["id"], reason="the secret key has changed")
            return None

    async def _add(self) -> RSAKey:
        kid = new_id()
        made = await run_blocking(RSAKey.generate_key, BITS, {"kid": str(kid), "use": "sig"}, private=True)
        async with self._database.transaction() as session:
            present = self._opened(await queries.lock_rsa_keys(session))
            if present is not None:
                return present
            await queries.retire_rsa_keys(session, at_once=False)
            sealed = seal(self._sealing_key, orjson.dumps(made.as_dict(private=True)), str(kid))
            await queries.add_rsa_key(session, kid, dict(made.as_dict(private=False)), sealed)
        log.info("id_token_key_added", kid=kid)
        return made
