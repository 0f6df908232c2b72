"""What the SCIM service says of itself (RFC 7644, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response
from scim2_models import Context, ListResponse, Resource

from vitrine_users.scim.errors import NoSuchResource
from vitrine_users.scim.protocol import R, base_address, json_answer, operation
from vitrine_users.scim.resources import CONFIG, RESOURCE_TYPES, SCHEMAS
from vitrine_users.scim.wire import PREFIX


@operation("GET", "/ServiceProviderConfig", "What the service can do")
async def get_config() -> Response:
    """Which parts of SCIM there are."""
    return _described(CONFIG, "ServiceProviderConfig")


@operation("GET", "/ResourceTypes", "The kinds of resources")
async def list_resource_types() -> Response:
    """Users and groups."""
    return _described_list(RESOURCE_TYPES, "ResourceTypes")


@operation("GET", "/ResourceTypes/<name>", "A kind of resource")
async def get_resource_type(name: str) -> Response:
    """One of them."""
    return _described(_one_of(RESOURCE_TYPES, name), f"ResourceTypes/{name}")


@operation("GET", "/Schemas", "The attributes of all kinds")
async def list_schemas() -> Response:
    """What can be said of users, groups, and the service itself."""
    return _described_list(SCHEMAS, "Schemas")


@operation("GET", "/Schemas/<name>", "The attributes of a kind")
async def get_schema(name: str) -> Response:
    """One of them, by its URN."""
    return _described(_one_of(SCHEMAS, name), f"Schemas/{name}")


def _one_of(resources: Sequence[R], name: str) -> R:
    for found in resources:
        if (found.id or "").lower() == name.lower():
            return found
    raise NoSuchResource


def _described(resource: Resource[Any], path: str) -> Response:
    return json_answer({**resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE), "meta": _meta(path)})


def _described_list(resources: Sequence[Resource[Any]], path: str) -> Response:
    shown = [
        {**one.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE), "meta": _meta(f"{path}/{one.id}")}
        for one in resources
    ]
    return json_answer(
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": len(shown),
            "startIndex": 1,
            "itemsPerPage": len(shown),
            "Resources": shown,
        }
    )


def _meta(path: str) -> dict[str, str]:
    kind = path.partition("/")[0]
    kind = kind if kind == "ServiceProviderConfig" else kind.removesuffix("s")
    return {"resourceType": kind, "location": f"{base_address()}{PREFIX}/{path}"}
