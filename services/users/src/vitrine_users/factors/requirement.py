"""Who has to prove themselves with two factors, and what is left to them until they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitrine_users.roles.models import ADMIN, OWNER
from vitrine_users.settings import UsersSettings

ROLES = frozenset({OWNER, ADMIN})
"""The roles whose holders run the shop."""


def must_have_factor(account: Mapping[Any, Any], settings: UsersSettings) -> bool:
    """Whether the account's roles ask for a second factor."""
    return settings.require_factor and not ROLES.isdisjoint(account["roles"])


def as_proved(account: Mapping[Any, Any], assurance: int, settings: UsersSettings) -> Mapping[Any, Any]:
    """The account as a sign-in of this assurance may act for it.

    Who runs the shop and has given one proof only keeps the roles and loses every permission: what is left
    is one's own account, where a second factor can be added.
    """
    if assurance < 2 and must_have_factor(account, settings):
        return {**account, "permissions": []}
    return account
