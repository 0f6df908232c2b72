"""How accounts and roles look to SCIM clients, and how a client's resource is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from scim2_models import ResponseParameters
from vitrine_kit.openapi import etag_of

from vitrine_users.accounts import schemas as accounts
from vitrine_users.scim.errors import InvalidValue
from vitrine_users.scim.resources import GROUP, USER, Group, Name, User

PREFIX = "/api/users/scim/v2"
MAX_CHARS = 250

_SAID = ("displayName", "name", "preferredLanguage", "timezone")
_ALWAYS = ("schemas", "id")

_NAME: TypeAdapter[str] = TypeAdapter(accounts.Name)


def location_of(base: str, kind: str, resource_id: UUID | str) -> str:
    """The address of a resource; `base` is the public address of the shop."""
    return f"{base}{PREFIX}/{kind}s/{resource_id}"


def name_of(user: User, email: str) -> str:
    """What the account is called: the name to be shown, or the whole name, or its parts, or the address.

    Raises:
        InvalidValue: it is too long, or cannot be shown.
    """
    name = user.name or Name()
    parts = " ".join(part for part in (name.given_name, name.family_name) if part)
    for found in (user.display_name, name.formatted, parts):
        if found and found.strip():
            try:
                return _NAME.validate_python(found)
            except ValidationError as error:
                raise InvalidValue("displayName", error.errors()[0]["msg"]) from None
    return email.partition("@")[0][: accounts.MAX_NAME_CHARS]


def attributes_of(user: User) -> dict[str, Any]:
    """What is kept of a client's user beside the account's own columns.

    Raises:
        InvalidValue: a text is too long.
    """
    given = {
        "displayName": user.display_name,
        "preferredLanguage": user.preferred_language,
        "timezone": user.timezone,
    }
    name = user.name
    names = (
        {"formatted": name.formatted, "familyName": name.family_name, "givenName": name.given_name}
        if name
        else {}
    )
    for key, value in (*given.items(), *names.items(), ("externalId", user.external_id)):
        if value is not None and len(value) > MAX_CHARS:
            raise InvalidValue(key, f"It may have {MAX_CHARS} characters.")
    kept: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    named = {key: value for key, value in names.items() if value is not None}
    return {**kept, **({"name": named} if named else {})}


def user_document(row: Mapping[Any, Any], base: str) -> dict[str, Any]:
    """An account as a SCIM user: what a client said of it, where the person has not changed it since."""
    kept = row["attributes"]
    if kept is None:
        said = {
            "displayName": row["name"],
            "name": {"formatted": row["name"]},
            "preferredLanguage": row["locale"],
            "timezone": row["time_zone"],
        }
    else:
        said = {name: kept[name] for name in _SAID if name in kept}
        if name_of(User.model_validate(said), row["email"]) != row["name"]:
            said["displayName"] = row["name"]
    groups = [
        {
            "value": group["value"],
            "$ref": location_of(base, GROUP, group["value"]),
            "display": group["display"],
        }
        for group in row["groups"]
    ]
    return {
        "schemas": [str(User.__schema__)],
        "id": str(row["id"]),
        **({"externalId": row["external_id"]} if row["external_id"] is not None else {}),
        "userName": row["email"],
        **said,
        "active": row["suspended_at"] is None,
        "emails": [{"value": row["email"], "type": "work", "primary": True}],
        **({"groups": groups} if groups else {}),
        "meta": {
            "resourceType": USER,
            "created": row["created_at"].isoformat(),
            "lastModified": row["updated_at"].isoformat(),
            "location": location_of(base, USER, row["id"]),
            "version": etag_of(row["id"], row["version"], row["external_id"]),
        },
    }


def group_document(row: Mapping[Any, Any], base: str) -> dict[str, Any]:
    """A role as a SCIM group."""
    members = [
        {"value": member, "$ref": location_of(base, USER, member), "type": USER} for member in row["members"]
    ]
    created = {"created": row["created_at"].isoformat()} if row["created_at"] is not None else {}
    return {
        "schemas": [str(Group.__schema__)],
        "id": str(row["id"]),
        **({"externalId": row["external_id"]} if row["external_id"] is not None else {}),
        "displayName": row["display_name"],
        **({"members": members} if members else {}),
        "meta": {
            "resourceType": GROUP,
            **created,
            "location": location_of(base, GROUP, row["id"]),
            "version": etag_of(row["id"], row["display_name"], row["external_id"], *row["members"]),
        },
    }


def chosen(document: Mapping[str, Any], parameters: ResponseParameters[Any]) -> dict[str, Any]:
    """The attributes of a resource that were asked for (RFC 7644, section 3.9); `id` and `schemas` always are.

    Written here and not left to the models, which take milliseconds for each resource of a page.
    """
    only = [_names_in(path) for path in parameters.attributes or ()]
    without = [_names_in(path) for path in parameters.excluded_attributes or ()]
    found = {}
    for name, value in document.items():
        wanted = [rest for first, rest in only if first == name.lower()]
        hidden = [rest for first, rest in without if first == name.lower()]
        if name in _ALWAYS or None in wanted or not (only or hidden):
            found[name] = value
        elif wanted:
            found[name] = _parts(value, wanted, keep=True)
        elif hidden and None not in hidden:
            found[name] = _parts(value, hidden, keep=False)
    return found


def _names_in(path: Any) -> tuple[str, str | None]:
    """An attribute and the part of it that a path names, in small letters."""
    text = str(path).lower()
    first, _, rest = (text.rpartition(":")[2] if text.startswith("urn:") else text).partition(".")
    return first, rest or None


def _parts(value: Any, names: Collection[str | None], *, keep: bool) -> Any:
    if isinstance(value, list):
        return [_parts(one, names, keep=keep) for one in value]
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if (name.lower() in names) is keep}
    return value
