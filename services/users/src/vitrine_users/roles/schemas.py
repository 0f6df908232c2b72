"""Roles as they cross the wire."""

from __future__ import annotations

from vitrine_kit.openapi import Schema


class RoleOut(Schema):
    """A role and what it lets people do."""

    name: str
    description: str
    permissions: list[str]


class RolesOut(Schema):
    """All roles, the most powerful first."""

    items: list[RoleOut]
