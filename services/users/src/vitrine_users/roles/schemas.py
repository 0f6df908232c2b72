"""Roles as they cross the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import without_default

PermissionName = Annotated[str, Field(min_length=1, max_length=64)]
Description = Annotated[str, Field(max_length=200)]


class RoleOut(Schema):
    """A role and what it lets people do."""

    name: str
    description: str
    permissions: list[str]
    built_in: bool
    """Whether every shop has it; it can be neither changed nor deleted."""
    holders: int
    """How many accounts hold it; no more than 1,000 are counted."""


class RolesOut(Schema):
    """All roles, the most powerful first."""

    items: list[RoleOut]


class RoleIn(Schema):
    """A role of the shop's own."""

    name: str = Field(min_length=2, max_length=40, pattern=r"^[a-z][a-z0-9-]*$")
    description: Description
    permissions: list[PermissionName] = Field(max_length=100)


class RolePatch(Schema):
    """What changes about a role; a member that is left out stays as it is."""

    description: Description = Field(default="", json_schema_extra=without_default)
    permissions: list[PermissionName] = Field(
        default_factory=list, max_length=100, json_schema_extra=without_default
    )


class PermissionOut(Schema):
    """Something a role can let people do."""

    name: str
    description: str


class PermissionsOut(Schema):
    """All permissions, in order of the alphabet."""

    items: list[PermissionOut]
