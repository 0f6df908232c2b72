"""Accounts as they cross the wire."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field
from vitrine_kit.openapi import Schema
from vitrine_kit.pagination import PageQuery

from vitrine_users.accounts.passwords import MAX_CHARS, MIN_CHARS

MAX_NAME_CHARS = 120
MAX_RAW_PASSWORD_CHARS = 1024


def _readable_name(text: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise ValueError("Give a name.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in name):
        raise ValueError("The name holds a character that cannot be shown.")
    return name


def without_default(schema: dict[str, Any]) -> None:
    """Hides the default of a member whose absence means "leave as it is"."""
    schema.pop("default", None)


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS), AfterValidator(_readable_name)]
Email = Annotated[str, Field(min_length=3, max_length=320, json_schema_extra={"format": "email"})]
GivenPassword = Annotated[
    str, Field(min_length=1, max_length=MAX_RAW_PASSWORD_CHARS, json_schema_extra={"format": "password"})
]
NewPassword = Annotated[
    str,
    Field(
        max_length=MAX_RAW_PASSWORD_CHARS,
        json_schema_extra={"format": "password", "minLength": MIN_CHARS, "maxLength": MAX_CHARS},
    ),
]
RoleName = Annotated[str, Field(min_length=1, max_length=64)]


class Registration(Schema):
    """A new account."""

    email: Email
    password: NewPassword
    """15 to 128 characters of any kind; common ones are refused."""
    name: Name


class UserOut(Schema):
    """An account."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    has_password: bool
    version: int
    created_at: datetime
    updated_at: datetime


class MeOut(UserOut):
    """The account of whoever asks, with all that it may do."""

    permissions: list[str]


class MePatch(Schema):
    """What people change about themselves; a member that is left out stays as it is."""

    name: Name = Field(default="", json_schema_extra=without_default)


class MeDelete(Schema):
    """The proof that it is really you."""

    password: GivenPassword | None = None
    """May be left out only by an account that has no password yet."""


class UserPatch(Schema):
    """What staff changes about an account; a member that is left out stays as it is."""

    name: Name = Field(default="", json_schema_extra=without_default)
    roles: list[RoleName] = Field(default_factory=list, max_length=20)
    """All roles the account shall have; needs the permission users:roles."""


class UserPageQuery(PageQuery):
    """Which accounts to list."""

    role: str | None = Field(None, min_length=1, max_length=64, description="Only those who hold this role.")
    email: str | None = Field(
        None, min_length=1, max_length=320, description="Only the account of this address."
    )
    q: str | None = Field(
        None, min_length=1, max_length=120, description="Part of the name or of the address."
    )


class UserPage(Schema):
    """A page of accounts, newest first."""

    items: list[UserOut]
    next: str | None
