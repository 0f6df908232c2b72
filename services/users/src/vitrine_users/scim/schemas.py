"""SCIM messages as the API's document shows them; what is in them, scim2-models knows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from vitrine_kit.openapi import Query

INT_MAX = 2**31 - 1


class ScimDocument(BaseModel):
    """A SCIM resource or message (RFC 7643, section 3)."""

    model_config = ConfigDict(extra="allow")

    schemas: list[str]


class ScimErrorDocument(BaseModel):
    """A SCIM error (RFC 7644, section 3.12)."""

    schemas: list[str]
    status: str
    detail: str
    scimType: str = ""  # noqa: N815 - the wire's name


class ResourceQuery(Query):
    """Which attributes to show (RFC 7644, section 3.9)."""

    attributes: str | None = Field(None, max_length=1000, description="Only these, with a comma between.")
    excludedAttributes: str | None = Field(None, max_length=1000, description="All but these.")  # noqa: N815


class ListQuery(ResourceQuery):
    """Which resources to show, and in which order (RFC 7644, section 3.4.2)."""

    filter: str | None = Field(None, max_length=1000, description='Such as userName eq "ann@example.org".')
    sortBy: str | None = Field(None, max_length=200)  # noqa: N815
    sortOrder: Literal["ascending", "descending"] | None = None  # noqa: N815
    startIndex: int | None = Field(None, ge=-INT_MAX, le=INT_MAX)  # noqa: N815
    count: int | None = Field(None, ge=-INT_MAX, le=INT_MAX, description="At most 200; 100 by default.")


BODY: dict[str, Any] = {
    "type": "object",
    "properties": {"schemas": {"type": "array", "items": {"type": "string"}}},
}
"""What every SCIM body has."""
