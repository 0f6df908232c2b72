"""Access tokens signed a moment ago, handed out again while what they say still holds; signs nothing itself."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from vitrine_users.tokens.keyring import KeyRing

KEPT_TOKENS = 10_000


class Minted(NamedTuple):
    """An access token, and how many seconds it is good for."""

    token: str
    expires_in_s: int


class _Kept(NamedTuple):
    token: str
    ends_s: float


class Mint:
    """Signs one token where many requests of one sign-in come, which saves the signature and lets verifiers know it.

    Whether the sign-in is alive and what it may do is asked of the tables each time; only the signature is reused.
    """

    def __init__(self, keyring: KeyRing, ttl_s: int) -> None:
        self._keyring = keyring
        self._ttl_s = ttl_s
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    async def token(
        self,
        *,
        account_id: UUID,
        session_id: UUID,
        name: str,
        roles: Iterable[str],
        permissions: Iterable[str],
        authenticated_at: datetime | None = None,
        assurance: int = 1,
        left_s: float,
    ) -> Minted:
        """A token with these claims, good for at least half of what a fresh one would be.

        `left_s` is how long the sign-in itself has left: no token outlives it.
        """
        ttl_s = max(1, min(self._ttl_s, int(left_s)))
        kid = await self._keyring.current_kid()
        key = (kid, session_id, name, tuple(roles), tuple(permissions), authenticated_at, assurance)
        now = time.monotonic()
        known = self._kept.get(key)
        if known is not None and ttl_s / 2 <= known.ends_s - now <= ttl_s:
            return Minted(known.token, int(known.ends_s - now))
        token = await self._keyring.sign(
            account_id=account_id,
            session_id=session_id,
            name=name,
            roles=key[3],
            permissions=key[4],
            authenticated_at=authenticated_at,
            assurance=assurance,
            ttl_s=ttl_s,
        )
        self._kept[key] = _Kept(token, now + ttl_s)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_TOKENS:
            self._kept.popitem(last=False)
        return Minted(token, ttl_s)
