"""The account of whoever the request acts for, as it is now; put here by the guard in `sessions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g
from vitrine_kit.problems import Unauthenticated


def set_current_account(account: Mapping[Any, Any]) -> None:
    """Keeps the row for the rest of the request."""
    g.vitrine_account = account


def current_account() -> Mapping[Any, Any]:
    """The row of `accounts.queries.SHOWN` of the signed-in person, with what the sign-in was proved by.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    found: Mapping[Any, Any] | None = g.get("vitrine_account")
    if found is None:
        raise Unauthenticated("This needs an access token.")
    return found
