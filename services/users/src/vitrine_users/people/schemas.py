"""Batches of people as they cross the wire."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema


class PeopleIn(Schema):
    """Whose names are wanted."""

    ids: list[UUID] = Field(max_length=500)


class PersonOut(Schema):
    """A person as other services show them."""

    id: UUID
    name: str


class PeopleOut(Schema):
    """Those of the people asked for that exist."""

    people: list[PersonOut]
