"""What an audit entry's digest is made over, and where a changed chain breaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from vitrine_users.audit.chain import START, Break, Link, canonical_content, digest_after, follow, plain

WHEN = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
WHO = UUID("0192a000-0000-7000-8000-000000000001")


def entries(count: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    digest = START
    for position in range(1, count + 1):
        entry = {
            "occurred_at": WHEN,
            "action": "session.begun",
            "actor_id": WHO,
            "subject_id": None,
            "outcome": "success",
            "details": {"n": position},
            "address": "192.0.2.1",
        }
        digest = digest_after(digest, position, canonical_content(**entry))
        made.append({**entry, "position": position, "digest": digest})
    return made


def test_a_chain_as_it_was_written_is_followed_to_its_end() -> None:
    chain = entries(5)

    assert follow(Link(0, START), chain) == Link(5, chain[-1]["digest"])
    assert follow(Link(2, chain[1]["digest"]), chain[2:]) == Link(5, chain[-1]["digest"])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("occurred_at", WHEN + timedelta(microseconds=1)),
        ("action", "session.ended"),
        ("actor_id", None),
        ("subject_id", WHO),
        ("outcome", "refused"),
        ("details", {"n": 4}),
        ("address", None),
        ("digest", b"\0" * 32),
    ],
)
def test_each_member_counts(member: str, value: Any) -> None:
    chain = entries(5)
    chain[2][member] = value

    assert follow(Link(0, START), chain) == Break(3, "The entry is not what was written.")


def test_a_missing_entry_is_named() -> None:
    chain = entries(5)

    assert follow(Link(0, START), chain[:2] + chain[3:]) == Break(3, "The entry is missing.")


def test_two_entries_cannot_change_places() -> None:
    chain = entries(5)
    chain[1], chain[2] = {**chain[2], "position": 2}, {**chain[1], "position": 3}

    assert isinstance(follow(Link(0, START), chain), Break)


def test_the_zone_a_time_is_shown_in_changes_nothing() -> None:
    chain = entries(1)
    chain[0]["occurred_at"] = WHEN.astimezone(timezone(timedelta(hours=5)))

    assert follow(Link(0, START), chain) == Link(1, chain[0]["digest"])


def test_details_are_kept_as_the_database_gives_them_back() -> None:
    assert plain({"id": WHO, "names": {"b", "a"}, "text": "a\0b\ud800", "deep": [{"n": 1, "yes": True}]}) == {
        "id": str(WHO),
        "names": ["a", "b"],
        "text": "ab?",
        "deep": [{"n": 1, "yes": True}],
    }


@pytest.mark.parametrize("value", [1.5, object(), b"bytes"])
def test_what_would_come_back_changed_is_no_detail(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        plain({"value": value})
