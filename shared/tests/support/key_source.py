"""A clock that tests move, and the users service's keys as a verifier fetches them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import OKPKey
from vitrine_kit import auth
from vitrine_kit.problems import Unavailable


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Keyring:
    """The users service as a verifier sees it: a JWK set, or silence."""

    def __init__(self, *keys: OKPKey) -> None:
        self.keys = list(keys)
        self.away = False
        self.asked = 0

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("away")
        return auth.public_jwks(self.keys)
