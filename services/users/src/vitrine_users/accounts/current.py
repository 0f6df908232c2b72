"""The account of whoever the request acts for, as it is now; put here by the guard in `sessions`."""

from __future__ import annotations

from flask import g
from sqlalchemy import RowMapping
from vitrine_kit.problems import Unauthenticated


def set_current_account(account: RowMapping) -> None:
    """Keeps the row for the rest of the request."""
    g.vitrine_account = account


def current_account() -> RowMapping:
    """The row of `accounts.queries.SHOWN` of the signed-in person.

    Raises:
        Unauthenticated: nobody is signed in.
    """
    found: RowMapping | None = g.get("vitrine_account")
    if found is None:
        raise Unauthenticated("This needs an access token.")
    return found
