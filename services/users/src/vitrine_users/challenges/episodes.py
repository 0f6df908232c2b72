"""Episodes: since when challenges are asked of a network, or of everybody; the audit log is told of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from vitrine_users.audit.log import record

EVERYWHERE = "everywhere"
"""The scope of an episode that is of no one network."""

_GO_ON = text(
    """
    INSERT INTO users.challenge_episodes AS e (scope, begun_at, ends_at, told)
    SELECT scope, clock_timestamp(), clock_timestamp() + make_interval(secs => :window_s), false
      FROM unnest(CAST(:scopes AS text[])) AS given (scope)
     ORDER BY scope
    ON CONFLICT (scope) DO UPDATE SET ends_at = excluded.ends_at
    """
)
_TELL_BEGUN = text("UPDATE users.challenge_episodes SET told = true WHERE NOT told RETURNING scope")
_END = text(
    """
    DELETE FROM users.challenge_episodes WHERE ends_at <= clock_timestamp()
    RETURNING scope, extract(epoch FROM ends_at - begun_at)::bigint AS lasted_s
    """
)


async def go_on(connection: AsyncConnection, scopes: Sequence[str], *, window_s: float) -> None:
    """Has episodes begin, or go on: each ends `window_s` after the last failure that found the pressure high."""
    await connection.execute(_GO_ON, {"scopes": list(scopes), "window_s": window_s})


async def tell(session: AsyncSession) -> None:
    """Tells the audit log of episodes that have begun or ended; of each once, whoever asks how often.

    A request could not do it: what it writes may be rolled back, and under attack it should not hold the log's lock.
    """
    for begun in (await session.execute(_TELL_BEGUN)).scalars().all():
        await _tell(session, "challenge.begun", _named(begun))
    for ended in (await session.execute(_END)).all():
        await _tell(session, "challenge.ended", {**_named(ended.scope), "lasted_s": ended.lasted_s})


async def _tell(session: AsyncSession, action: str, details: dict[str, Any]) -> None:
    await record(session, action=action, actor_id=None, subject_id=None, details=details, address=None)


def _named(scope: str) -> dict[str, Any]:
    return {"everywhere": True} if scope == EVERYWHERE else {"network": scope}
