"""How the other features write to the audit log: one call within the transaction of what is told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from vitrine_users.audit.chain import canonical_content, plain

Outcome = Literal["success", "refused"]

_PENDING = "vitrine_audit_pending"
MAX_ADDRESS_CHARS = 64

# One statement: whoever has updated the head's row knows the digest before its own, and holds off the others.
_APPEND = text(
    """
    WITH head AS (
        UPDATE users.audit_head AS h
           SET "position" = h."position" + 1,
               digest = sha256(h.digest || convert_to((h."position" + 1)::text || chr(10) || :content, 'UTF8'))
         WHERE h.id = 1
        RETURNING h."position", h.digest
    )
    INSERT INTO users.audit_log
           ("position", occurred_at, action, actor_id, subject_id, outcome, details, address, digest)
    SELECT head."position", :occurred_at, :action, CAST(:actor_id AS uuid), CAST(:subject_id AS uuid), :outcome,
           CAST(:details AS jsonb), :address, head.digest
      FROM head
    """
)


@dataclass(frozen=True, slots=True)
class _Pending:
    """An entry that waits for the commit, and the savepoints it was made within."""

    values: Mapping[str, Any]
    savepoints: tuple[SessionTransaction, ...]


async def record(
    session: AsyncSession,
    *,
    action: str,
    actor_id: UUID | None,
    subject_id: UUID | None,
    outcome: Outcome = "success",
    details: Mapping[str, Any],
    address: str | None,
) -> None:
    """Writes one entry when, and only when, the session's transaction commits.

    The chain makes entries take turns. So they are appended as the last thing before the commit: the lock is held
    for one statement and the commit, and nobody who holds it waits for another.

    Args:
        session: from `Database.transaction()`.
        action: what was done, as `feature.event`.
        actor_id: who did it; None for somebody unknown, and for the operator's command line.
        subject_id: whose account it concerns.
        outcome: whether it was done or refused. A refusal needs a transaction that commits all the same.
        details: what else there is to know: texts, whole numbers, truth values, ids, and lists and mappings of
            them. Never a secret, nor a person's name or address: entries are for ever.
        address: the network address it came from.

    Raises:
        TypeError: `details` holds a value of another kind.
    """
    occurred_at = datetime.now(UTC)
    kept = plain(dict(details))
    shown = None if address is None else plain(address)[:MAX_ADDRESS_CHARS]
    content = canonical_content(
        occurred_at=occurred_at,
        action=action,
        actor_id=actor_id,
        subject_id=subject_id,
        outcome=outcome,
        details=kept,
        address=shown,
    )
    values = {
        "content": content,
        "occurred_at": occurred_at,
        "action": action,
        "actor_id": actor_id,
        "subject_id": subject_id,
        "outcome": outcome,
        "details": orjson.dumps(kept).decode(),
        "address": shown,
    }
    sync = session.sync_session
    sync.info.setdefault(_PENDING, []).append(_Pending(values, _savepoints(sync)))


def _savepoints(session: Session) -> tuple[SessionTransaction, ...]:
    found: list[SessionTransaction] = []
    one = session.get_nested_transaction()
    while one is not None and one.nested:
        found.append(one)
        one = one.parent
    return tuple(found)


@event.listens_for(Session, "before_commit")
def _append(session: Session) -> None:
    pending: list[_Pending] = session.info.get(_PENDING, [])
    if session.in_nested_transaction():
        return
    while pending:
        session.execute(_APPEND, pending.pop(0).values)


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Session, ended: SessionTransaction) -> None:
    pending: list[_Pending] = session.info.get(_PENDING, [])
    pending[:] = [one for one in pending if ended.nested and ended not in one.savepoints]
