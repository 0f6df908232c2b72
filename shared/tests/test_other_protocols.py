"""A protocol with its own media type and its own form of errors beside the API's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from flask import Flask, Response
from pydantic import BaseModel
from vitrine_kit import asgi, openapi, problems
from vitrine_kit.openapi import PUBLIC, ApiBlueprint, document, read_json
from vitrine_kit.problems import Problem
from vitrine_kit.service import ServiceState
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import serving

MEDIA = "application/other+json"


class Failure(BaseModel):
    """How the protocol tells a problem."""

    code: int


def told(problem: Problem) -> Response:
    return Response(Failure(code=problem.status).model_dump_json(), status=problem.status, content_type=MEDIA)


@pytest.fixture
def app() -> Flask:
    made = asgi.install(Flask(__name__))
    settings = ServiceSettings(secret_key="a test's own secret, long enough for all", max_json_bytes=1024)
    made.extensions["vitrine"] = ServiceState("other", "0", settings)
    bp = ApiBlueprint("other", __name__, url_prefix="/api/other")

    @bp.operation(
        "POST",
        "/echo",
        summary="Echo",
        permission=PUBLIC,
        returns={200: None},
        returns_media=MEDIA,
        problems_media=MEDIA,
        problems_as=Failure,
    )
    async def echo() -> object:
        return {"said": read_json((MEDIA, "application/json"))}

    made.register_blueprint(bp)
    problems.register(made)
    problems.render_below(made, "/api/other", told)
    return made


@pytest_asyncio.fixture
async def client(app: Flask) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as found:
        yield found


async def test_bodies_of_the_protocols_type_are_read(client: httpx.AsyncClient) -> None:
    for media in (MEDIA, "application/json"):
        answer = await client.post("/api/other/echo", content=b"[1]", headers={"Content-Type": media})
        assert answer.json() == {"said": [1]}


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"[1]", "text/plain", 415),
        (b"[", MEDIA, 400),
        (b"\xff", MEDIA, 400),
        (b'["' + b"x" * 2000 + b'"]', MEDIA, 413),
        (b'["\\u0000"]', MEDIA, 422),
    ],
)
async def test_what_cannot_be_read_is_told_in_the_protocols_form(
    client: httpx.AsyncClient, content: bytes, media: str, status: int
) -> None:
    answer = await client.post("/api/other/echo", content=content, headers={"Content-Type": media})

    assert (answer.status_code, answer.json()) == (status, {"code": status})
    assert answer.headers["Content-Type"] == MEDIA


async def test_paths_below_that_lead_nowhere_are_told_so_too_and_no_others(client: httpx.AsyncClient) -> None:
    below = await client.get("/api/other/nothing")
    method = await client.get("/api/other/echo")
    elsewhere = await client.get("/api/nothing")

    assert (below.json(), method.json()) == ({"code": 404}, {"code": 405})
    assert elsewhere.headers["Content-Type"] == "application/problem+json"


def test_the_document_shows_the_protocols_form(app: Flask) -> None:
    made = document(app, name="other", version="0", prefix="/api/other")

    responses = made["paths"]["/api/other/echo"]["post"]["responses"]
    assert all(list(responses[status]["content"]) == [MEDIA] for status in ("422", "429", "503", "504"))
    assert openapi.JSON_TYPES == ("application/json", "application/merge-patch+json")
