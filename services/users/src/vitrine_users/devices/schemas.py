"""Remembered devices as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from vitrine_kit.openapi import Schema


class DeviceOut(Schema):
    """A browser you have signed in with."""

    id: UUID
    trusted: bool
    """Whether it is asked for the password only."""
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class DevicesOut(Schema):
    """Your devices, last used first."""

    items: list[DeviceOut]
