"""SCIM and whatever anybody may send it: always a 4xx in its own form, never an error of ours."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
import pytest_asyncio
from scim_world import PATCH, Provisioner, provisioner
from users_world import World

PATHS: list[Any] = [
    None,
    "",
    " ",
    "userName",
    "name",
    "name.familyName",
    "name.familyName.deeper",
    "members",
    'members[value eq "x"]',
    'members[value eq "x"].value',
    'members[value eq "x" and (type pr or not (display sw "y"))]',
    "members[",
    "emails.value",
    "groups",
    "schemas",
    "meta.location",
    "id",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:User:active",
    "urn:nobody:knows:this:attribute",
    "$ref",
    "__class__",
    "displayName eq",
    "é" * 300,
    "(" * 300,
    "a." * 300,
    7,
    ["userName"],
]
VALUES: list[Any] = [
    None,
    True,
    7,
    -1.5e308,
    2**70,
    "",
    "text",
    "\u202e\u0000",
    "x" * 10_000,
    "' OR 1=1 --",
    [],
    [None],
    [{}],
    [[[[]]]],
    {},
    {"value": "x"},
    {"members": [{"value": {"a": 1}}]},
    {"userName": ["a"]},
    {"name.familyName": "x", "name": {"familyName": []}},
    {"urn:ietf:params:scim:schemas:core:2.0:User": {"active": "x"}},
    {"a" * 500: 1},
    {"__proto__": {"x": 1}, "self": None},
]


@pytest_asyncio.fixture(scope="module")
async def directory(world: World) -> Provisioner:
    return await provisioner(world)


@pytest.mark.parametrize("kind", ["Users", "Groups"])
async def test_no_operation_makes_a_500(directory: Provisioner, kind: str) -> None:
    made = await (directory.user() if kind == "Users" else directory.group())
    path = f"/{kind}/{made['id']}"
    every = list(itertools.product(("add", "replace", "remove"), PATHS, VALUES))
    for op, where, value in random.Random(7).sample(every, 250):
        operation = {"op": op, "value": value} | ({} if where is None else {"path": where})
        body = {"schemas": [PATCH], "Operations": [operation]}

        answer = await directory.ask("PATCH", path, body)

        assert answer.status_code < 500, (operation, answer.text)
        assert answer.headers["Content-Type"] == "application/scim+json"
        if answer.status_code >= 400:
            assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
            assert answer.json()["status"] == str(answer.status_code)
    left = (await directory.ask("GET", path)).json()
    assert left["id"] == made["id"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("kind", ["Users", "Groups"])
async def test_no_member_makes_a_500(directory: Provisioner, kind: str, value: Any) -> None:
    schema = f"urn:ietf:params:scim:schemas:core:2.0:{kind.removesuffix('s')}"
    for name in (
        "userName",
        "displayName",
        "members",
        "name",
        "active",
        "externalId",
        "schemas",
        "meta",
        "id",
    ):
        body = {"schemas": [schema], "userName": "not an address", name: value}

        answer = await directory.ask("POST", f"/{kind}", body)

        assert answer.status_code < 500, (name, answer.text)


@pytest.mark.parametrize("parameter", ["filter", "sortBy", "attributes", "excludedAttributes"])
async def test_no_parameter_makes_a_500(directory: Provisioner, parameter: str) -> None:
    for text in [one for one in PATHS if isinstance(one, str)]:
        for kind in ("Users", "Groups"):
            answer = await directory.ask("GET", f"/{kind}", params={parameter: text})
            assert answer.status_code < 500, (text, answer.text)
