"""What an entry's digest is made of, and how a chain of entries is checked; knows no database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

START = b""
"""The digest before the first entry."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain stands after an entry: its position and its digest."""

    position: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry that does not fit, and why."""

    position: int
    reason: str


def canonical_content(
    *,
    occurred_at: datetime,
    action: str,
    actor_id: UUID | None,
    subject_id: UUID | None,
    outcome: str,
    details: Mapping[str, Any],
    address: str | None,
) -> str:
    """An entry as the one text its digest is made over: JSON with sorted keys, the time in UTC to the microsecond."""
    content = {
        "occurred_at": occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "action": action,
        "actor_id": None if actor_id is None else str(actor_id),
        "subject_id": None if subject_id is None else str(subject_id),
        "outcome": outcome,
        "details": details,
        "address": address,
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def plain(value: Any) -> Any:
    """A value as JSON keeps it in PostgreSQL and gives it back: texts without NUL, ids as text.

    Raises:
        TypeError: it would not come back the same (a float, or an object of another kind).
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, UUID | datetime):
        return str(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain(part) for part in ordered]
    raise TypeError(f"an audit entry cannot hold a {type(value).__name__}")


def digest_after(before: bytes, position: int, content: str) -> bytes:
    """The digest of the entry at this position, with this content, after the one with the digest `before`."""
    return hashlib.sha256(before + f"{position}\n{content}".encode()).digest()


def follow(before: Link, entries: Iterable[Mapping[str, Any]]) -> Link | Break:
    """Checks entries, in order, that come after `before`; says where the chain stands then, or first breaks."""
    position, digest = before.position, before.digest
    for entry in entries:
        position += 1
        if entry["position"] != position:
            return Break(position, "The entry is missing.")
        content = canonical_content(
            occurred_at=entry["occurred_at"],
            action=entry["action"],
            actor_id=entry["actor_id"],
            subject_id=entry["subject_id"],
            outcome=entry["outcome"],
            details=entry["details"],
            address=entry["address"],
        )
        digest = digest_after(digest, position, content)
        if digest != bytes(entry["digest"]):
            return Break(position, "The entry is not what was written.")
    return Link(position, digest)
