"""An OpenAPI document as the page shows it: operations by tag, and schemas written out in one line a member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a body, or one parameter."""

    name: str
    kind: str
    required: bool = False
    place: str = ""
    text: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    access: str
    parameters: tuple[Member, ...]
    body_media: str
    body: tuple[Member, ...]
    answers: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one tag."""

    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One service's API."""

    service: str
    title: str
    version: str
    text: str
    sections: tuple[Section, ...]


def read_document(service: str, source: Json) -> Document:
    """The parts of an OpenAPI 3.1 document that the page shows; what is missing is left out."""
    info = source.get("info", {})
    by_tag: dict[str, list[Operation]] = {}
    for path, item in source.get("paths", {}).items():
        for method in METHODS:
            if isinstance(found := item.get(method), dict):
                tag = (found.get("tags") or ["other"])[0]
                by_tag.setdefault(tag, []).append(_operation(service, source, method, path, found))
    sections = tuple(Section(name, tuple(operations)) for name, operations in by_tag.items())
    return Document(
        service, info.get("title", service), info.get("version", ""), info.get("description", ""), sections
    )


def _operation(service: str, source: Json, method: str, path: str, found: Json) -> Operation:
    body = found.get("requestBody", {}).get("content", {})
    media = next(iter(body), "")
    schema = body.get(media, {}).get("schema", {})
    return Operation(
        id=f"{service}-{found.get('operationId') or method + path}",
        method=method.upper(),
        path=path,
        summary=found.get("summary", ""),
        text=found.get("description", ""),
        access=_access(found),
        parameters=tuple(_parameter(source, entry) for entry in found.get("parameters", ())),
        body_media=media,
        body=tuple(_members(source, schema, 0)),
        answers=tuple(_answers(source, found.get("responses", {}))),
    )


def _access(found: Json) -> str:
    if permission := found.get("x-permission"):
        return str(permission)
    return "signed in" if found.get("security") else "anybody"


def _parameter(source: Json, entry: Json) -> Member:
    entry = _resolved(source, entry)
    kind = kind_of(source, entry.get("schema", {}))
    text = str(entry.get("description", ""))
    return Member(
        str(entry.get("name", "")), kind, bool(entry.get("required")), str(entry.get("in", "")), text
    )


def _answers(source: Json, responses: Json) -> Iterator[tuple[str, str, str]]:
    for status, answer in responses.items():
        answer = _resolved(source, answer)
        media: list[Json] = list(answer.get("content", {}).values())
        schema = media[0].get("schema", {}) if media else {}
        yield status, str(answer.get("description", "")), kind_of(source, schema) if schema else ""


def _members(source: Json, schema: Json, depth: int) -> Iterator[Member]:
    schema = _resolved(source, schema)
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        text = str(member.get("description", "")) if isinstance(member, dict) else ""
        yield Member(name, kind_of(source, member), name in required, text=text, depth=depth)
        inner = _object_within(source, member)
        if inner is not None and depth + 1 < DEEPEST:
            yield from _members(source, inner, depth + 1)


def _object_within(source: Json, schema: Json) -> Json | None:
    """The object a member is, holds in a list, or may be beside null."""
    schema = _resolved(source, schema)
    if schema.get("properties"):
        return schema
    if isinstance(items := schema.get("items"), dict):
        return _object_within(source, items)
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if (found := _object_within(source, choice)) is not None:
            return found
    return None


def kind_of(source: Json, schema: Json, depth: int = 0) -> str:
    """A schema in a few words: `string (uuid)`, `list of Variant`, `integer or null`."""
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    if choices := [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
        return " or ".join(dict.fromkeys(kind_of(source, choice, depth + 1) for choice in choices))
    if "enum" in schema:
        values = [str(value) for value in schema["enum"]]
        shown = " | ".join(values[:8])
        return f"{shown} | …" if len(values) > 8 else shown
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type", "any")
    if kind == "array":
        items = schema.get("items")
        return (
            f"list of {kind_of(source, items, depth + 1)}"
            if isinstance(items, dict) and depth < 5
            else "list"
        )
    words = " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    return f"{words} ({schema['format']})" if "format" in schema else words


def _resolved(source: Json, schema: Json) -> Json:
    """The schema behind a `$ref` into this document."""
    for _ in range(8):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        found: Any = source
        for part in reference[2:].split("/"):
            found = (
                found.get(part.replace("~1", "/").replace("~0", "~"), {})
                if isinstance(found, Mapping)
                else {}
            )
        schema = found if isinstance(found, Mapping) else {}
    return {}
