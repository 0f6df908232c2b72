"""Identifiers: UUID version 7, made in Python so that any PostgreSQL will do."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh identifier: time-ordered, so that indexes grow at their end (RFC 9562, section 5.7)."""
    return uuid_utils.compat.uuid7()
