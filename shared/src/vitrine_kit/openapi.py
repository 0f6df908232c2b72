"""The one way to declare an API route: it validates what comes in, guards it, and documents itself as OpenAPI 3.1."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from vitrine_kit import auth, idempotency
from vitrine_kit.auth import INTERNAL, PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.problems import (
    MEDIA_TYPE,
    BadRequest,
    FieldError,
    PayloadTooLarge,
    PreconditionFailed,
    Problem,
    Unprocessable,
    UnsupportedMediaType,
)

JSON_TYPES = ("application/json", "application/merge-patch+json")
_REF = "#/components/schemas/{model}"

View = TypeVar("View", bound=Callable[..., Awaitable[Any]])


class Schema(BaseModel):
    """A JSON body, in or out: unknown members are refused and types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class Query(BaseModel):
    """The query string of a route: unknown parameters are refused, texts are read as the declared types."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(extra="allow", title="Problem")
    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldErrorDocument] | None = None
    request_id: str | None = None


class FieldErrorDocument(BaseModel):
    """What is wrong with one field of the input."""

    model_config = ConfigDict(title="FieldError")
    field: str
    message: str
    line: int | None = None


ProblemDocument.model_rebuild()


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route takes, gives and asks of its caller."""

    summary: str
    permission: str
    query: type[Query] | None = None
    body: type[Schema] | None = None
    body_media: str = "application/json"
    body_schema: Mapping[str, Any] | None = None
    other_bodies: Mapping[str, type[Schema]] = field(default_factory=dict)
    """Bodies of further media types, which the view reads itself."""
    returns: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    returns_media: str = "application/json"
    problems: Sequence[int] = ()
    problems_media: str = MEDIA_TYPE
    problems_as: type[BaseModel] = ProblemDocument
    """What a problem looks like, where a protocol has a form of its own (`problems.render_below`)."""
    idempotent: bool = False
    tags: Sequence[str] = ()
    headers: Sequence[str] = ()
    description: str = ""


class ApiBlueprint(Blueprint):
    """A Flask blueprint whose routes are declared with `operation`."""

    def operation(
        self,
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"],
        rule: str,
        *,
        summary: str,
        permission: str,
        **options: Any,
    ) -> Callable[[View], View]:
        """Routes `method rule` to an async view.

        `query` and `body` (subclasses of Query and Schema) reach the view as keyword arguments of those names.
        `permission` is PUBLIC, SIGNED_IN, INTERNAL or a permission's name. With `idempotent=True` the route honours
        Idempotency-Key. What the view returns (model, dict, list, None, Response, or a tuple as in Flask) becomes JSON.
        """
        options.setdefault("tags", (self.name,))
        operation = Operation(summary=summary, permission=permission, **options)

        def declare(view: View) -> View:
            doc = inspect.getdoc(view) or ""
            declared = operation if operation.description or not doc else replace(operation, description=doc)
            self.add_url_rule(rule, view.__name__, _guarded(view, declared), methods=[method])
            return view

        return declare


def _guarded(view: Callable[..., Awaitable[Any]], operation: Operation) -> Callable[..., Awaitable[Response]]:
    query_type, body_type, permission = operation.query, operation.body, operation.permission

    @wraps(view)
    async def guarded(**kwargs: Any) -> Response:
        await auth.authorize(permission)
        if query_type is not None:
            kwargs["query"] = read_query(query_type)
        elif request.query_string and request.args:
            name = next(iter(request.args))
            raise Unprocessable(
                f"Unknown query parameter: {name}", errors=[FieldError(name, "Unknown parameter.")]
            )
        if body_type is not None:
            kwargs["body"] = read_body(body_type)
        if not operation.idempotent or idempotency.HEADER not in request.headers or body_type is None:
            return make_response(await view(**kwargs))
        async with idempotency.guard(current_database(), body=request.get_data(cache=True)) as guard:
            if guard.replay is not None:
                return guard.replay
            response = make_response(await view(**kwargs))
            guard.store(response)
            return response

    guarded.__vitrine_operation__ = operation  # type: ignore[attr-defined]  # read by document()
    return guarded


def make_response(value: Any) -> Response:
    """What a view returned as a JSON response."""
    status: int = 200
    headers: Mapping[str, str] = {}
    if isinstance(value, tuple):
        value, status, *rest = value
        headers = rest[0] if rest else {}
    if isinstance(value, Response):
        response = value
    elif value is None:
        response = Response(status=204 if status == 200 else status)
    else:
        is_model = isinstance(value, BaseModel)
        data = value.model_dump_json().encode() if is_model else orjson.dumps(value, default=_jsonable)
        response = current_app.response_class(data, status, mimetype="application/json")
    if headers:
        response.headers.update(headers)
    return response


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return str(value)


def read_query(kind: type[Query]) -> Any:
    """The query string as this model.

    Raises:
        Unprocessable: a parameter is unknown, repeated, or of the wrong type; names it.
    """
    values: dict[str, Any] = {}
    for name in request.args:
        found = request.args.getlist(name)
        if any("\0" in value for value in found):
            raise _unprocessable([FieldError(name, "NUL characters are not allowed.")])
        declared = kind.model_fields.get(name)
        if declared is not None and _takes_many(declared.annotation):
            values[name] = found
        elif len(found) > 1:
            raise _unprocessable([FieldError(name, "Give this parameter once.")])
        else:
            values[name] = found[0]
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _unprocessable(field_errors(error)) from None


def _takes_many(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(part) is list for part in get_args(annotation))


def read_body(kind: type[Schema]) -> Any:
    """The JSON body as this model.

    Raises:
        UnsupportedMediaType: the content type is not JSON.
        PayloadTooLarge: it is larger than `max_json_bytes`.
        BadRequest: it is not JSON; says where.
        Unprocessable: a member is unknown, missing or of the wrong type; names each.
    """
    raw = _read_raw(JSON_TYPES)
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        if found and found[0]["type"] == "json_invalid":
            raise BadRequest(found[0]["msg"]) from None
        raise _unprocessable(field_errors(error)) from None
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON we can read: {type(error).__name__}.") from None


def read_json(media_types: Sequence[str] = JSON_TYPES) -> Any:
    """The JSON body as it came, for a view that reads its members itself.

    Raises:
        UnsupportedMediaType: the content type is none of these.
        PayloadTooLarge: it is larger than `max_json_bytes`.
        BadRequest: it is not JSON; says where.
        Unprocessable: a text holds a NUL character; names it.
    """
    raw = _read_raw(media_types)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"Invalid JSON: {error.msg} at line {error.lineno} column {error.colno}") from None


def _read_raw(media_types: Sequence[str]) -> bytes:
    if request.mimetype not in media_types:
        raise UnsupportedMediaType(f"Send {media_types[0]}, not {request.mimetype or 'nothing'!r}.")
    limit = current_app.extensions["vitrine"].settings.max_json_bytes
    request.max_content_length = limit
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge(f"A JSON body may have at most {limit} bytes.")
    raw = request.get_data(cache=True)
    if b"\\u0000" in raw or b"\0" in raw:
        _refuse_nul(raw)
    return raw


def _refuse_nul(raw: bytes) -> None:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"Invalid JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    path = _find_nul(value, ())
    if path is not None:
        raise _unprocessable([FieldError(".".join(path) or "body", "NUL characters are not allowed.")])


def _find_nul(value: Any, path: tuple[str, ...]) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return path if "\0" in value else None
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        if any("\0" in key for key in value):
            return (*path, "(name)")
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for key, child in children:
        if (found := _find_nul(child, (*path, str(key)))) is not None:
            return found
    return None


def field_errors(error: ValidationError) -> list[FieldError]:
    """Pydantic's findings as field errors, without echoing the input."""
    found = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        path = ".".join(str(part) for part in item["loc"]) or "body"
        message = "This field is not known." if item["type"] == "extra_forbidden" else item["msg"]
        found.append(FieldError(path, message.removeprefix("Value error, ")))
    return found[:50]


def _unprocessable(errors: list[FieldError]) -> Unprocessable:
    first = errors[0]
    return Unprocessable(f"{first.field}: {first.message}", errors=errors)


def etag_of(*parts: Any) -> str:
    """A strong entity tag made of these parts (a row's id and version, say)."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).hexdigest()
    return f'"{digest}"'


def require_match(etag: str, *, current: Mapping[str, Any] | None = None) -> None:
    """Compares If-Match, where it was sent, with the entity tag of what is there (RFC 9110, section 13.1.1).

    A weak tag is taken as its strong one: Nginx weakens the tag of an answer that it compresses, and ours stand for
    a version, not for bytes.

    Raises:
        PreconditionFailed: it is another version; `current` tells the client what is there now.
    """
    if "If-Match" not in request.headers:
        return
    given = request.if_match
    if given.star_tag or given.contains_weak(etag.strip('"')):
        return
    raise PreconditionFailed("It was changed since you read it.", current=current, headers={"ETag": etag})


def not_modified(etag: str) -> bool:
    """Whether If-None-Match says that the client has this version already (RFC 9110, section 13.1.2)."""
    given = request.if_none_match
    return bool(given) and (given.star_tag or given.contains_weak(etag.removeprefix("W/").strip('"')))


_CONVERTERS: Mapping[str, dict[str, Any]] = {
    "UUIDConverter": {"type": "string", "format": "uuid"},
    "IntegerConverter": {"type": "integer", "minimum": 0},
    "UnicodeConverter": {"type": "string", "minLength": 1},
}


class _Document:
    """Collects the paths of an app's public operations."""

    always: ClassVar[tuple[int, ...]] = (429, 503, 504)
    """Answers that any operation may give: too many requests of one caller, no room for this one (too many running,
    every database connection in use), and no time left of what the caller gave it."""

    def __init__(self, app: Flask, prefix: str) -> None:
        self.app = app
        self.rules = [
            (rule, op) for rule in app.url_map.iter_rules() if (op := _operation_of(app, rule, prefix))
        ]
        self.models: set[tuple[type[BaseModel], Literal["validation", "serialization"]]] = {
            (ProblemDocument, "serialization")
        }
        for _rule, op in self.rules:
            self.models |= {(kind, "serialization") for kind in op.returns.values() if kind is not None}
            self.models.add((op.problems_as, "serialization"))
            self.models |= {
                (kind, "validation") for kind in (op.body, *op.other_bodies.values()) if kind is not None
            }
        ordered = sorted(
            self.models, key=lambda entry: (entry[0].__module__, entry[0].__qualname__, entry[1])
        )
        self.references, self.definitions = models_json_schema(ordered, ref_template=_REF)

    def paths(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for rule, op in sorted(self.rules, key=lambda entry: entry[0].rule):
            path = "".join(part if not dynamic else "{" + part + "}" for dynamic, part in rule._trace).split(
                "|", 1
            )[-1]
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            for method in sorted(methods):
                found.setdefault(path, {})[method.lower()] = self.operation(rule, op)
        return found

    def operation(self, rule: Rule, op: Operation) -> dict[str, Any]:
        found: dict[str, Any] = {
            "operationId": rule.endpoint.replace(".", "_"),
            "summary": op.summary,
            "tags": list(op.tags),
            "parameters": self.parameters(rule, op),
            "responses": self.responses(rule, op),
            "security": [] if op.permission == PUBLIC else [{"bearer": []}],
        }
        if op.description:
            found["description"] = op.description
        if op.permission not in {PUBLIC, SIGNED_IN}:
            found["x-permission"] = op.permission
        content: dict[str, Any] = {}
        if op.body is not None:
            content[op.body_media] = {"schema": self.references[(op.body, "validation")]}
        elif op.body_schema is not None:
            content[op.body_media] = {"schema": dict(op.body_schema)}
        for media, kind in op.other_bodies.items():
            content[media] = {"schema": self.references[(kind, "validation")]}
        if content:
            found["requestBody"] = {"required": True, "content": content}
        return found

    def parameters(self, rule: Rule, op: Operation) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name, converter in rule._converters.items():
            schema = _CONVERTERS.get(type(converter).__name__, {"type": "string"})
            found.append({"name": name, "in": "path", "required": True, "schema": schema})
        if op.query is not None:
            shape = op.query.model_json_schema(ref_template=_REF)
            self.definitions.setdefault("$defs", {}).update(shape.pop("$defs", {}))
            for name, schema in shape.get("properties", {}).items():
                entry = {
                    "name": name,
                    "in": "query",
                    "required": name in shape.get("required", ()),
                    "schema": schema,
                }
                if "description" in schema:
                    entry["description"] = schema["description"]
                found.append(entry)
        names = [*op.headers, *(["Idempotency-Key"] if op.idempotent else [])]
        for name in names:
            limits = {"minLength": 1, "maxLength": 255} if name == "Idempotency-Key" else {}
            found.append(
                {"name": name, "in": "header", "required": False, "schema": {"type": "string", **limits}}
            )
        return found

    def responses(self, rule: Rule, op: Operation) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for status, kind in op.returns.items():
            entry: dict[str, Any] = {"description": HTTPStatus(status).phrase}
            if kind is not None:
                entry["content"] = {op.returns_media: {"schema": self.references[(kind, "serialization")]}}
            elif op.returns_media != "application/json" and status == HTTPStatus.OK:
                entry["content"] = {op.returns_media: {"schema": {"type": "string", "format": "binary"}}}
            found[str(status)] = entry
        codes = {*self.always, *op.problems}
        codes |= {400, 413, 415, 422} if op.body or op.body_schema else set()
        codes |= {400, 401}
        # Whoever shows a token is judged by it, where there is something to change on a public route too.
        codes |= set() if op.permission == PUBLIC and "GET" in (rule.methods or ()) else {403}
        codes |= {422}
        codes |= {404} if rule._converters else set()
        codes |= {409} if op.idempotent else set()
        problem = {op.problems_media: {"schema": self.references[(op.problems_as, "serialization")]}}
        for status in sorted(codes - set(op.returns)):
            found[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
        return found


def _operation_of(app: Flask, rule: Rule, prefix: str) -> Operation | None:
    found: Operation | None = getattr(app.view_functions[rule.endpoint], "__vitrine_operation__", None)
    return (
        found if found is not None and rule.rule.startswith(prefix) and found.permission != INTERNAL else None
    )


def document(app: Flask, *, name: str, version: str, prefix: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the app's public operations under `prefix`."""
    collected = _Document(app, prefix)
    paths = collected.paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Vitrine {name}", "version": version},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": collected.definitions.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def register(app: Flask, *, name: str, version: str) -> None:
    """Serves the document at `/api/<name>/openapi.json`; it is made once, at the first request."""
    cached: list[bytes] = []

    def openapi() -> Response:
        if not cached:
            cached.append(orjson.dumps(document(app, name=name, version=version, prefix=f"/api/{name}/")))
        headers = {"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
        return Response(cached[0], content_type="application/json", headers=headers)

    app.add_url_rule(f"/api/{name}/openapi.json", "openapi", openapi, methods=["GET"])


__all__ = [
    "INTERNAL",
    "PUBLIC",
    "SIGNED_IN",
    "ApiBlueprint",
    "Operation",
    "Problem",
    "Query",
    "Schema",
    "document",
    "etag_of",
    "field_errors",
    "make_response",
    "not_modified",
    "read_body",
    "read_json",
    "read_query",
    "register",
    "require_match",
]
