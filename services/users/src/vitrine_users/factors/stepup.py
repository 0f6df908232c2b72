"""Asking somebody who is signed in to prove again who they are, before what would hand the account over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from vitrine_kit.asgi import await_
from vitrine_kit.auth import Principal
from vitrine_kit.db import current_database

from vitrine_users.factors import queries
from vitrine_users.factors.errors import StepUpRequired

RECENT_S = 300
"""How long a proof is good for (rules/security, 30)."""


def methods_of(held: Mapping[Any, Any] | None) -> list[str]:
    """How the owner of these may prove again who they are."""
    if held is None:
        return []
    offered = {
        "passkey": bool(held["passkeys"]),
        "totp": held["totp_works"],
        "password": held["has_password"],
        "recovery_code": held["recovery_codes"] > 0,
        "provider": held["connections"] > 0,
    }
    return [name for name, there in offered.items() if there]


def require_recent(principal: Principal) -> None:
    """Holds that the person behind the request proved who they are within the last five minutes.

    The guard in `sessions` has put the sign-in's own time into the principal: a new proof counts at once, without
    a new token. Somebody who came by a sign-in link and has nothing yet to prove themselves with passes: they
    could choose a password as well.

    Raises:
        StepUpRequired: says by which methods they can.
    """
    proved_s = principal.authenticated_s
    if proved_s is not None and time.time() - proved_s <= RECENT_S:
        return
    methods = methods_of(await_(_held(principal.user_id)))
    if methods or proved_s is None:
        raise StepUpRequired(methods)


async def require_recent_sign_in(account_id: UUID, authenticated_at: datetime) -> None:
    """The same for a browser's session, by when it was last proved.

    Raises:
        StepUpRequired: says by which methods it can be.
    """
    if datetime.now(UTC) - authenticated_at <= timedelta(seconds=RECENT_S):
        return
    if methods := methods_of(await _held(account_id)):
        raise StepUpRequired(methods)


async def _held(account_id: UUID) -> Mapping[Any, Any] | None:
    return await queries.overview(current_database(), account_id)
