"""Accounts as they cross the wire."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

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


@cache
def time_zones() -> frozenset[str]:
    """The names of the IANA database; read from the disk once."""
    return frozenset(available_timezones())


def _known_time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError("There is no such time zone.")
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
LocaleName = Literal["en", "de", "fr", "es"]
TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_known_time_zone)]
RoleName = Annotated[str, Field(min_length=1, max_length=64)]


class UserOut(Schema):
    """An account."""

    id: UUID
    email: str
    name: str
    roles: list[str]
    has_password: bool
    email_verified: bool
    """Whether the person has shown that the address is theirs."""
    suspended_at: datetime | None
    """Since when staff has barred the account."""
    picture_id: UUID | None
    """The picture's id, for `/pictures/{picture_id}`."""
    version: int
    created_at: datetime
    updated_at: datetime


class MeOut(UserOut):
    """The account of whoever asks, with all that it may do."""

    permissions: list[str]
    """What the person may do, as far as the sign-in was proved."""
    scopes: list[str] | None
    """What the personal access token that asks may do of that; null where the person asks."""
    locale: str
    """The language of mails: en, de, fr or es."""
    time_zone: str
    erase_after: datetime | None
    """When the account will be erased, where that was asked for."""


class MePatch(Schema):
    """What people change about themselves; a member that is left out stays as it is."""

    name: Name = Field(default="", json_schema_extra=without_default)
    locale: LocaleName = Field(default="en", json_schema_extra=without_default)
    """The language of mails to you."""
    time_zone: TimeZone = Field(default="UTC", json_schema_extra=without_default)
    """As the IANA database names it, such as Europe/Berlin."""


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
