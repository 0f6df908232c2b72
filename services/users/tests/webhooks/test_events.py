"""The catalogue of events: what it makes of the audit log's entries, and that the reference tells of each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vitrine_users.webhooks import events
from vitrine_users.webhooks.events import EVENT_TYPES, NAMES, event_of

REFERENCE = Path(__file__).parents[4] / "docs" / "reference" / "webhook-events.md"
AT = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)


def entry(action: str, **changes: Any) -> dict[str, Any]:
    return {
        "position": 7,
        "occurred_at": AT,
        "action": action,
        "actor_id": None,
        "subject_id": uuid4(),
        "outcome": "success",
        "details": {},
        **changes,
    }


@pytest.mark.parametrize("action", events._BY_ACTION)
def test_every_action_makes_an_event_of_the_catalogue_with_its_facts(action: str) -> None:
    found = event_of(entry(action))

    assert found is not None
    (kind,) = [one for one in EVENT_TYPES if one.name == found.name]
    assert found.payload["data"].keys() == {"user_id", "actor_id", "sequence", *kind.facts}
    assert found.payload["timestamp"] == "2026-05-12T09:30:00.000+00:00"


def test_every_event_of_the_catalogue_is_made_by_something() -> None:
    made = {event.name for action in events._BY_ACTION if (event := event_of(entry(action)))}

    assert made == set(NAMES)


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "role.created"},
        {"outcome": "refused"},
        {"subject_id": None},
        {"action": "session.refreshed"},
    ],
)
def test_what_nobody_is_told_of(changes: dict[str, Any]) -> None:
    assert event_of(entry("session.begun") | changes) is None


def test_nothing_of_an_entry_is_told_that_was_not_chosen() -> None:
    details = {"session_id": "s", "by": "password", "assurance": 2, "reason": "private", "device": "x"}

    found = event_of(entry("session.begun", details=details, address="192.0.2.1"))

    assert found is not None
    assert found.payload["data"].keys() == {"user_id", "actor_id", "sequence", "session_id", "method"}


def test_the_reference_tells_of_each_event_and_each_fact() -> None:
    text = REFERENCE.read_text(encoding="utf-8")

    for kind in EVENT_TYPES:
        assert f"| `{kind.name}` | {kind.summary} |" in text
        for name, meaning in kind.facts.items():
            assert f"`{name}`: {meaning}" in text
