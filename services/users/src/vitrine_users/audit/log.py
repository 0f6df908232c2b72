"""How the other features write to the audit log: one call within the transaction of what is told of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Insert,
    Table,
    Text,
    bindparam,
    event,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy import cast as cast_as
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from vitrine_users.audit.chain import canonical_content, plain
from vitrine_users.audit.models import AuditEntry, AuditHead

Outcome = Literal["success", "refused"]

_PENDING = "vitrine_audit_pending"
MAX_ADDRESS_CHARS = 64

_LOG, _HEAD = cast(Table, AuditEntry.__table__), cast(Table, AuditHead.__table__)
_GIVEN = ("occurred_at", "action", "actor_id", "subject_id", "outcome", "details", "address")


def appending(only_if: ColumnElement[bool] | None = None) -> Insert:
    """The statement that appends one entry, whose values are `entry_values`.

    One statement: whoever has updated the head's row knows the digest before its own, and holds off the others. So it
    is the last thing a transaction does.

    Args:
        only_if: nothing is appended where this does not hold. It is looked at before the head is held.
    """
    following = _HEAD.c.position + 1
    hashed = func.convert_to(
        cast_as(following, Text) + func.chr(10) + bindparam("entry_content", type_=Text), "UTF8"
    )
    head = (
        update(_HEAD)
        .where(_HEAD.c.id == 1, true() if only_if is None else only_if)
        .values(position=following, digest=func.sha256(_HEAD.c.digest.concat(hashed)))
        .returning(_HEAD.c.position, _HEAD.c.digest)
        .cte("head")
    )
    given = [bindparam(f"entry_{name}", type_=_LOG.c[name].type) for name in _GIVEN]
    return insert(_LOG).from_select(
        ["position", "digest", *_GIVEN], select(head.c.position, head.c.digest, *given)
    )


_APPEND = appending()


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
    values = entry_values(
        action=action,
        actor_id=actor_id,
        subject_id=subject_id,
        outcome=outcome,
        details=details,
        address=address,
    )
    sync = session.sync_session
    sync.info.setdefault(_PENDING, []).append(_Pending(values, _savepoints(sync)))


def entry_values(
    *,
    action: str,
    actor_id: UUID | None,
    subject_id: UUID | None,
    outcome: Outcome = "success",
    details: Mapping[str, Any],
    address: str | None,
) -> dict[str, Any]:
    """What `appending` needs to know of an entry of this moment; see `record`.

    Raises:
        TypeError: `details` holds a value of another kind.
    """
    entry = {
        "occurred_at": datetime.now(UTC),
        "action": action,
        "actor_id": actor_id,
        "subject_id": subject_id,
        "outcome": outcome,
        "details": plain(dict(details)),
        "address": None if address is None else plain(address)[:MAX_ADDRESS_CHARS],
    }
    return {"entry_content": canonical_content(**entry), **{f"entry_{name}": entry[name] for name in _GIVEN}}


def _savepoints(session: Session) -> tuple[SessionTransaction, ...]:
    found: list[SessionTransaction] = []
    one = session.get_nested_transaction()
    while one is not None and one.nested:
        found.append(one)
        one = one.parent
    return tuple(found)


@event.listens_for(Session, "before_commit")
def _append(session: Session) -> None:
    if session.in_nested_transaction():
        return
    pending: list[_Pending] = session.info.get(_PENDING, [])
    while pending:
        session.execute(_APPEND, pending.pop(0).values)


@event.listens_for(Session, "after_soft_rollback")
def _drop(session: Session, ended: SessionTransaction) -> None:
    pending: list[_Pending] = session.info.get(_PENDING, [])
    pending[:] = [one for one in pending if ended.nested and ended not in one.savepoints]
