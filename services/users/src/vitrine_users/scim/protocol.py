"""How SCIM's requests are read and its answers written; the routes themselves are declared elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import orjson
from flask import Response, request
from scim2_models import (
    Context,
    ListResponse,
    PatchOp,
    Resource,
    ResponseParameters,
    ScimFilter,
    SearchRequest,
)
from sqlalchemy import true
from vitrine_kit.offload import run_blocking
from vitrine_kit.openapi import ApiBlueprint, not_modified, read_json
from vitrine_kit.problems import BadRequest

from vitrine_users.scim.errors import MEDIA_TYPE, as_problems
from vitrine_users.scim.filters import Columns, Condition, condition_of, order_of
from vitrine_users.scim.resources import DEFAULT_COUNT, MAX_COUNT, POLICY, User
from vitrine_users.scim.schemas import BODY, ListQuery, ResourceQuery, ScimDocument, ScimErrorDocument
from vitrine_users.scim.wire import PREFIX, chosen
from vitrine_users.state import current_users

bp = ApiBlueprint("scim", __name__, url_prefix=PREFIX)

PERMISSION = "users:scim"
MEDIA_TYPES = (MEDIA_TYPE, "application/json")
CONDITIONAL = ("If-Match",)
DEEPEST = 32
"""How many brackets of a filter may stand in one another."""

_EMAILS = re.compile(rf"(?:{re.escape(str(User.__schema__))}:)?emails\b", re.IGNORECASE)

Document = Mapping[str, Any]

View = TypeVar("View", bound=Callable[..., Any])
R = TypeVar("R", bound=Resource[Any])


def operation(
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"], rule: str, summary: str, **options: Any
) -> Callable[[View], View]:
    """A route of the API that takes and gives SCIM's media type, and tells its errors in SCIM's form."""
    options.setdefault("returns", {200: ScimDocument})
    options.setdefault("permission", PERMISSION)
    if method in {"POST", "PUT", "PATCH"}:
        options |= {"body_schema": BODY, "body_media": MEDIA_TYPE}
    return bp.operation(
        method,
        rule,
        summary=summary,
        returns_media=MEDIA_TYPE,
        problems_media=MEDIA_TYPE,
        problems_as=ScimErrorDocument,
        **options,
    )


def base_address() -> str:
    """The public address of the shop, without a trailing slash."""
    return current_users().settings.public_url


async def changed(model: type[R], document: Document, change: Callable[[R], R]) -> tuple[R, R]:
    """A resource before and after a change; worked out in a thread, for groups may have thousands of members.

    The body must have been read.
    """

    def work() -> tuple[R, R]:
        before = model.model_validate(document)
        return before, change(before.model_copy(deep=True))

    return await run_blocking(work)


def read_resource(model: type[R], defaults: Mapping[str, Any], context: Context) -> R:
    """The body as a resource; `defaults` stand for members that are left out."""
    body = read_json(MEDIA_TYPES)
    if isinstance(body, dict):
        given = {name.lower() for name in body}
        body = {**{name: value for name, value in defaults.items() if name.lower() not in given}, **body}
    with as_problems():
        return model.model_validate(body, scim_ctx=context, scim_policy=POLICY)


def patched(resource: R, model: type[R]) -> R:
    """The resource as the body's operations make it; all of them, or none.

    Raises:
        Problem: one of them cannot be done.
    """
    body = _without_emails(read_json(MEDIA_TYPES))
    with as_problems():
        patch: Any = PatchOp.__class_getitem__(model)
        found = patch.model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)
        found.patch(resource, scim_policy=POLICY)
    return resource


def _without_emails(body: Any) -> Any:
    """A PATCH without what it says of `emails`: directories send them as a matter of course, and userName counts."""
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list):
        return body
    kept = []
    for one in operations:
        if isinstance(one, dict):
            path, value = one.get("path"), one.get("value")
            if isinstance(path, str) and _EMAILS.match(path):
                continue
            if path is None and isinstance(value, dict) and any(_EMAILS.match(name) for name in value):
                one = {**one, "value": {k: v for k, v in value.items() if not _EMAILS.match(k)}}
        kept.append(one)
    # Where nothing is left, nothing is changed: an empty list would be refused.
    nothing = [{"op": "add", "value": {}}] if operations and not kept else []
    return {**body, "Operations": kept or nothing}


def parameters_of(query: ResourceQuery, model: type[R]) -> ResponseParameters[R]:
    """Which attributes to show.

    Raises:
        BadRequest: both kinds of choice at once, or no path.
    """
    given = query.model_dump(include={"attributes", "excludedAttributes"}, exclude_none=True)
    with as_problems():
        return ResponseParameters[model].model_validate(given)  # type: ignore[valid-type]  # a model chosen at run time


def search_of(query: ListQuery, model: type[R]) -> SearchRequest[R]:
    """What the query string looks for.

    Raises:
        BadRequest: a filter, an order or a path that cannot be understood.
    """
    _require_shallow(query.filter)
    with as_problems():
        return SearchRequest[model].model_validate(  # type: ignore[valid-type]  # a model chosen at run time
            query.model_dump(exclude_none=True), scim_policy=POLICY
        )


def search_from_body(model: Any) -> SearchRequest[Any]:
    """What the body looks for in resources of this model, or of a union of models.

    Raises:
        BadRequest: a filter, an order or a path that cannot be understood.
    """
    body = read_json(MEDIA_TYPES)
    if isinstance(body, dict) and isinstance(body.get("filter"), str):
        _require_shallow(body["filter"])
    with as_problems():
        return SearchRequest[model].model_validate(body, scim_ctx=Context.SEARCH_REQUEST, scim_policy=POLICY)


def _require_shallow(text: str | None) -> None:
    if text is not None and (len(text) > 1000 or max(text.count("("), text.count("[")) > DEEPEST):
        raise BadRequest("The filter is too long, or nested too deeply.", scimType="invalidFilter")


def window_of(sought: SearchRequest[Any]) -> tuple[int, int]:
    """How many resources to leave out, and how many to show at the most."""
    count = DEFAULT_COUNT if sought.count is None else min(sought.count, MAX_COUNT)
    return sought.start_index_0 or 0, count


def selection_of(
    sought: SearchRequest[Any], model: type[Resource[Any]], columns: Columns, tie: Any
) -> tuple[Any, list[Any]]:
    """The condition and the order of a search, in SQL, for resources of this model.

    Raises:
        BadRequest: a comparison that its attribute cannot take.
    """
    with as_problems():
        condition: Condition = true()
        if sought.filter is not None:
            bound = ScimFilter[model](str(sought.filter))  # type: ignore[valid-type]  # a model chosen at run time
            condition = condition_of(bound, columns)
        descending = sought.sort_order == SearchRequest.SortOrder.descending
        return condition, order_of(sought.sort_binding(model), columns, descending=descending, tie=tie)


def listed(sought: SearchRequest[Any], total: int, found: Sequence[Document]) -> Response:
    """A page of resources, with the attributes that were chosen."""
    return json_answer(
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": total,
            "startIndex": (sought.start_index_0 or 0) + 1,
            "itemsPerPage": len(found),
            "Resources": [chosen(one, sought) for one in found],
        }
    )


def answer(document: Document, parameters: ResponseParameters[Any], status: int = 200) -> Response:
    """A resource, with the attributes that were chosen; 304 where a reader has it already."""
    meta = document["meta"]
    headers = {"ETag": meta["version"], "Content-Location": meta["location"]}
    if status == 201:
        headers["Location"] = meta["location"]
    elif request.method == "GET" and not_modified(meta["version"]):
        return Response(status=304, headers={"ETag": meta["version"]})
    return json_answer(chosen(document, parameters), status, headers)


def json_answer(
    body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A body in SCIM's media type; no shared cache may keep it."""
    response = Response(orjson.dumps(body, default=str), status=status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers.update(headers or {})
    return response
