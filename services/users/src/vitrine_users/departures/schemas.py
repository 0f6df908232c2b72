"""Deletions as they cross the wire."""

from __future__ import annotations

from datetime import datetime

from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import GivenPassword


class MeDelete(Schema):
    """The proof that it is really you."""

    password: GivenPassword | None = None
    """May be left out only by an account that has no password yet."""


class Departure(Schema):
    """What becomes of an account that its owner deleted."""

    erase_after: datetime | None
    """Until then signing in takes the deletion back; null where the account is erased already."""
