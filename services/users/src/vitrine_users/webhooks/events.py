"""The events webhooks tell of: their names, what each says, and which entries of the audit log they are made of.

The audit log is the outbox: what is in it happened, for an entry commits with what it tells of, and its positions
have no gaps. No event says a person's name, a network address or a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

CREATED: Final = "user.created"
TEST: Final = "webhook.test"
"""Sent when somebody asks for it; cannot be chosen."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event: what has happened, and the members of its `data` beside those that every event has."""

    name: str
    summary: str
    facts: Mapping[str, str] = field(default_factory=dict)


EVENT_TYPES: Final = (
    EventType(
        CREATED,
        "Somebody has an account.",
        {
            "by": "registration, provider, invitation or scim",
            "verified": "whether the address is known to be theirs",
        },
    ),
    EventType("user.verified", "Somebody has shown that their e-mail address is theirs."),
    EventType(
        "user.updated",
        "Something about an account has changed.",
        {"changed": "a list of: email, locale, name, time_zone"},
    ),
    EventType(
        "user.roles_changed", "Somebody has other roles.", {"roles": "the names of all roles they have now"}
    ),
    EventType("user.suspended", "An account is barred; its sign-ins are over."),
    EventType("user.unsuspended", "An account is let in again."),
    EventType(
        "user.deletion_scheduled",
        "Somebody has deleted their account. It can be had back for a while: by its link, or by signing in.",
    ),
    EventType("user.deletion_called_off", "Somebody has taken back the deletion of their account."),
    EventType("user.deleted", "An account is erased for good."),
    EventType(
        "session.created",
        "Somebody has signed in.",
        {"session_id": "the sign-in", "method": "how: password, passkey, link, oidc and so on"},
    ),
    EventType("session.ended", "A sign-in is over.", {"session_id": "the sign-in"}),
    EventType(
        "session.others_ended",
        "Every sign-in of somebody is over, but one perhaps.",
        {"kept": "the sign-in that goes on; null where none does"},
    ),
    EventType(
        "factor.added", "Somebody can prove who they are by one more thing.", {"kind": "passkey or totp"}
    ),
    EventType(
        "factor.removed",
        "Somebody cannot prove who they are by this any more.",
        {"kind": "passkey, totp, or all where the operator has taken them off"},
    ),
    EventType("password.changed", "Somebody has another password."),
    EventType(
        "token.created",
        "Somebody has made a personal access token.",
        {"token_id": "the token", "scopes": "what it may do"},
    ),
    EventType("token.revoked", "A personal access token was withdrawn.", {"token_id": "the token"}),
)
"""Every event that can be chosen."""

NAMES: Final = tuple(one.name for one in EVENT_TYPES)

Facts = dict[str, Any]


def _of(name: str, *members: str, **fixed: Any) -> Callable[[Mapping[str, Any]], tuple[str, Facts]]:
    """An event with these fixed facts and these members of an entry's details."""
    return lambda details: (name, {**fixed, **{one: details.get(one) for one in members}})


_BY_ACTION: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, Facts]]] = {
    "account.registered": lambda details: (
        "user.created",
        {"by": details.get("by") or "registration", "verified": details.get("by") == "provider"},
    ),
    "invitation.accepted": _of("user.created", by="invitation", verified=True),
    "account.provisioned": _of("user.created", "verified", by="scim"),
    "account.address_confirmed": _of("user.verified"),
    "account.address_changed": _of("user.updated", changed=["email"]),
    "account.changed": _of("user.updated", "changed"),
    "account.roles_changed": lambda details: ("user.roles_changed", {"roles": details.get("after")}),
    "account.suspended": _of("user.suspended"),
    "account.unsuspended": _of("user.unsuspended"),
    "account.deletion_scheduled": _of("user.deletion_scheduled"),
    "account.deletion_called_off": _of("user.deletion_called_off"),
    "account.erased": _of("user.deleted"),
    "session.begun": lambda details: (
        "session.created",
        {"session_id": details.get("session_id"), "method": details.get("by")},
    ),
    "session.ended": _of("session.ended", "session_id"),
    "session.others_ended": _of("session.others_ended", "kept"),
    "factor.added": _of("factor.added", "kind"),
    "factor.removed": _of("factor.removed", "kind"),
    "factor.reset": _of("factor.removed", kind="all"),
    "password.changed": _of("password.changed"),
    "password.reset": _of("password.changed"),
    "token.created": _of("token.created", "token_id", "scopes"),
    "token.revoked": _of("token.revoked", "token_id"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is sent, without the e-mail address, which is added for those who want it."""

    name: str
    payload: dict[str, Any]


def event_of(entry: Mapping[Any, Any]) -> Event | None:
    """The event that an entry of the audit log makes; None where it makes none."""
    make = _BY_ACTION.get(entry["action"])
    if make is None or entry["outcome"] != "success" or entry["subject_id"] is None:
        return None
    name, facts = make(entry["details"])
    actor_id = entry["actor_id"]
    data = {
        "user_id": str(entry["subject_id"]),
        "actor_id": None if actor_id is None else str(actor_id),
        "sequence": entry["position"],
        **facts,
    }
    return Event(
        name,
        {"type": name, "timestamp": entry["occurred_at"].isoformat(timespec="milliseconds"), "data": data},
    )
