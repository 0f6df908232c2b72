"""Routes declared with `operation`: what they refuse, what they give, and the document they make."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vitrine_kit.deadlines import DEADLINE_HEADER
from vitrine_kit.limits import shedder_of
from vitrine_kit.openapi import document
from vitrine_kit.testing import Keys

NOTES = "/api/notes/v1/notes"


async def post(client: httpx.AsyncClient, keys: Keys, raw: bytes, **headers: str) -> httpx.Response:
    given = {"Content-Type": "application/json", **keys.bearer("notes:write"), **headers}
    return await client.post(NOTES, content=raw, headers=given)


def fields_of(response: httpx.Response) -> list[str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return [error["field"] for error in response.json()["errors"]]


async def test_a_created_note_can_be_read_by_anybody(client: httpx.AsyncClient, keys: Keys) -> None:
    created = await post(client, keys, b'{"title": "Bonjour"}')
    assert created.status_code == 201
    found = await client.get(f"{NOTES}/{created.json()['id']}")
    assert found.json() == created.json()
    assert found.headers["Content-Type"] == "application/json"


async def test_an_unchanged_note_is_not_sent_again(client: httpx.AsyncClient, keys: Keys) -> None:
    created = (await post(client, keys, b'{"title": "Etag"}')).json()
    first = await client.get(f"{NOTES}/{created['id']}")
    again = await client.get(f"{NOTES}/{created['id']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    stale = await client.get(f"{NOTES}/{created['id']}", headers={"If-Match": '"other"'})
    assert stale.status_code == 412
    assert stale.json()["current"] == {"version": 1}
    assert stale.headers["ETag"] == first.headers["ETag"]
    for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}", "*"):
        matching = await client.get(f"{NOTES}/{created['id']}", headers={"If-Match": tag})
        assert matching.status_code == 200


@pytest.mark.parametrize(
    ("raw", "fields"),
    [
        (b'{"title": 5}', ["title"]),
        (b'{"title": ""}', ["title"]),
        (b'{"titel": "x", "title": "y"}', ["titel"]),
        (b"{}", ["title"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
        (b'{"title": "x", "stars": "3"}', ["stars"]),
        (b'{"title": "x", "stars": 6}', ["stars"]),
        (b'{"title": "x", "stars": true}', ["stars"]),
        (b'{"title": "x", "authors": [{"name": "a"}, {"name": 7}]}', ["authors.1.name"]),
        (b'{"title": "a\\u0000b"}', ["title"]),
        (b'{"title": "x", "authors": [{"name": "\\u0000"}]}', ["authors.0.name"]),
        (b'{"title": "x", "due": "yesterday"}', ["due"]),
    ],
)
async def test_wrong_input_is_refused_naming_the_field(
    client: httpx.AsyncClient, keys: Keys, raw: bytes, fields: list[str]
) -> None:
    response = await post(client, keys, raw)
    assert response.status_code == 422
    assert fields_of(response) == fields


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"title": "\xff"}', b'{"title": "\\ud800"}', b"[" * 100_000, b"\0"]
)
async def test_what_is_no_json_is_a_400_that_says_where(
    client: httpx.AsyncClient, keys: Keys, raw: bytes
) -> None:
    response = await post(client, keys, raw)
    assert response.status_code == 400
    assert "JSON" in response.json()["detail"]


async def test_an_escaped_backslash_before_u0000_is_no_nul(client: httpx.AsyncClient, keys: Keys) -> None:
    response = await post(client, keys, rb'{"title": "C:\\u0000"}')
    assert response.status_code == 201
    assert response.json()["title"] == r"C:\u0000"


async def test_another_content_type_is_refused(client: httpx.AsyncClient, keys: Keys) -> None:
    response = await post(client, keys, b"title=x", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status_code == 415


async def test_too_large_a_body_is_refused_declared_or_chunked(client: httpx.AsyncClient, keys: Keys) -> None:
    raw = json.dumps({"title": "x" * 1_100_000}).encode()
    assert (await post(client, keys, raw)).status_code == 413

    async def chunks():  # type: ignore[no-untyped-def]
        for start in range(0, len(raw), 65536):
            yield raw[start : start + 65536]

    headers = {"Content-Type": "application/json", **keys.bearer("notes:write")}
    assert (await client.post(NOTES, content=chunks(), headers=headers)).status_code == 413


async def test_permissions_decide(client: httpx.AsyncClient, keys: Keys) -> None:
    anonymous = await client.post(NOTES, json={"title": "x"})
    assert anonymous.status_code == 401
    assert anonymous.headers["WWW-Authenticate"].startswith("Bearer")
    forbidden = await client.post(NOTES, json={"title": "x"}, headers=keys.bearer("notes:read"))
    assert forbidden.status_code == 403
    assert (await client.get("/api/notes/v1/mine")).status_code == 401
    assert (await client.get("/api/notes/v1/mine", headers=keys.bearer())).status_code == 200


async def test_internal_routes_take_a_service_credential_only(client: httpx.AsyncClient, keys: Keys) -> None:
    assert (await client.get("/internal/ping")).status_code == 401
    assert (await client.get("/internal/ping", headers=keys.bearer("notes:write"))).status_code == 401
    assert (
        await client.get("/internal/ping", headers=keys.service_header("gateway", "users"))
    ).status_code == 401
    assert (await client.get("/internal/ping", headers=keys.service_header("gateway", "notes"))).json() == {
        "pong": True
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?colour=red", "colour"),
        ("?limit=ten", "limit"),
        ("?limit=0", "limit"),
        ("?word=a&word=b", "word"),
        ("?word=%00", "word"),
    ],
)
async def test_wrong_queries_are_refused(client: httpx.AsyncClient, query: str, field: str) -> None:
    response = await client.get(f"/api/notes/v1/search{query}")
    assert response.status_code == 422
    assert fields_of(response) == [field]


async def test_a_list_parameter_may_be_repeated(client: httpx.AsyncClient) -> None:
    found = await client.get("/api/notes/v1/search?tags=a&tags=b&word=é&limit=3")
    assert found.json() == {"word": "é", "tags": ["a", "b"], "limit": 3}


async def test_a_route_without_parameters_refuses_any(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{NOTES}/{uuid4()}?x=1")
    assert response.status_code == 422
    assert fields_of(response) == ["x"]


async def test_the_document_describes_each_public_route(client: httpx.AsyncClient, notes_app: Flask) -> None:
    found = (await client.get("/api/notes/openapi.json")).json()
    assert set(found["paths"]) == {
        "/api/notes/v1/notes",
        "/api/notes/v1/notes/{note_id}",
        "/api/notes/v1/search",
        "/api/notes/v1/mine",
        "/api/notes/v1/broken",
        "/api/notes/v1/slow-sql",
    }
    create = found["paths"]["/api/notes/v1/notes"]["post"]
    assert create["x-permission"] == "notes:write"
    assert create["description"] == "Stores the note."
    assert {"201", "400", "401", "403", "413", "415", "422", "429", "503"} <= set(create["responses"])
    assert create["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/NoteIn"
    }
    assert found["components"]["schemas"]["NoteIn"]["additionalProperties"] is False
    read = found["paths"]["/api/notes/v1/notes/{note_id}"]["get"]
    assert read["parameters"][0]["schema"] == {"type": "string", "format": "uuid"}
    assert "404" in read["responses"]
    names = [parameter["name"] for parameter in found["paths"]["/api/notes/v1/notes"]["get"]["parameters"]]
    assert names == ["limit", "after"]
    with notes_app.app_context():
        assert "/internal/ping" not in document(notes_app, name="notes", version="1", prefix="/")["paths"]


def operations(found: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and responses of all that a document tells of."""
    return [
        (path, method, operation["responses"])
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_operation_may_be_asked_too_often_find_no_room_and_run_out_of_time(
    client: httpx.AsyncClient,
) -> None:
    found = (await client.get("/api/notes/openapi.json")).json()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    for path, method, responses in operations(found):
        told = {status: responses.get(status, {}).get("content") for status in ("429", "503", "504")}
        assert told == dict.fromkeys(("429", "503", "504"), problem), f"{method} {path}"


async def test_whatever_has_no_time_left_answers_as_the_document_says(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/notes/openapi.json")).json()
    for path, method, responses in operations(found):
        path = path.replace("{note_id}", str(uuid4()))
        answer = await client.request(method, path, headers={DEADLINE_HEADER: "20"})
        assert answer.status_code == 504, f"{method} {path}"
        assert answer.headers["Content-Type"] in responses["504"]["content"]


async def test_whatever_finds_no_room_answers_as_the_document_says(
    client: httpx.AsyncClient, notes_app: Flask
) -> None:
    found = (await client.get("/api/notes/openapi.json")).json()
    shedder = shedder_of(notes_app)
    assert shedder is not None
    taken = [shedder.enter() for _ in range(shedder.running_limit + shedder.waiting_limit)]
    try:
        for path, method, responses in operations(found):
            answer = await client.request(method, path.replace("{note_id}", str(uuid4())))
            assert answer.status_code == 503, f"{method} {path}"
            assert answer.headers["Content-Type"] in responses["503"]["content"]
    finally:
        for place in taken:
            if place is None:
                shedder.leave()
            else:
                shedder.abandon(place)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=json_values | st.builds(lambda v: {"title": v}, json_values))
async def test_no_json_value_makes_a_500(client: httpx.AsyncClient, keys: Keys, value: object) -> None:
    raw = json.dumps(value).encode()
    response = await post(client, keys, raw)
    assert response.status_code in {201, 400, 422}
