"""The OpenAPI document tells of every answer; what generated requests once found missing from it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest_asyncio
from factors_world import add_app
from scim_world import provisioner
from users_world import API, World
from vitrine_kit.deadlines import DEADLINE_HEADER
from vitrine_kit.ids import new_id

UNSAFE = ("post", "put", "patch", "delete")


@pytest_asyncio.fixture(scope="module")
async def document(world: World) -> Any:
    return (await world.client.get("/api/users/openapi.json")).json()


def assert_documented(document: dict[str, Any], method: str, path: str, answer: httpx.Response) -> None:
    """Fails where the document knows neither the status nor the shape of an answer."""
    import schemathesis  # takes seconds, and few processes run this

    assert str(answer.status_code) in document["paths"][path][method.lower()]["responses"], f"{method} {path}"
    schemathesis.openapi.from_dict(document)[path][method].validate_response(answer)


async def test_a_sign_in_that_needs_a_second_proof_is_documented(
    world: World, document: dict[str, Any]
) -> None:
    person = await world.person()
    await add_app(world, person)

    answer = await world.sign_in(person.email)

    assert answer.json()["type"] == "/problems/factor-required"
    assert_documented(document, "POST", f"{API}/tokens", answer)


async def test_a_personal_token_that_is_refused_on_a_public_route_is_documented(
    world: World, document: dict[str, Any]
) -> None:
    script = await provisioner(world)
    for path, methods in document["paths"].items():
        for method in set(methods) & set(UNSAFE):
            if not methods[method]["security"]:
                answer = await world.client.request(method, path, headers=script.headers, json={})
                assert answer.status_code == 403, path
                assert_documented(document, method.upper(), path, answer)


async def test_taking_away_a_picture_one_does_not_have_is_documented(
    world: World, document: dict[str, Any]
) -> None:
    answer = await world.send(await world.person(), "DELETE", "/me/picture")

    assert answer.status_code == 404
    assert_documented(document, "DELETE", f"{API}/me/picture", answer)


async def test_running_out_of_time_is_documented_wherever_it_may_happen(
    world: World, document: dict[str, Any]
) -> None:
    import schemathesis

    schema = schemathesis.openapi.from_dict(document)
    for path, methods in document["paths"].items():
        for method in methods:
            asked = re.sub(r"\{\w+\}", str(new_id()), path)
            answer = await world.client.request(method, asked, headers={DEADLINE_HEADER: "20"})
            assert answer.status_code == 504, path
            assert "504" in methods[method]["responses"], f"{method} {path}"
            schema[path][method.upper()].validate_response(answer)
