"""SCIM as its own checker sees it: every check of scim2-tester, over HTTP, against the running service."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from bridge_serving import serve
from pydantic import Field
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Required, ScimProvider, Uniqueness
from scim2_tester import Status, check_server
from scim_world import provisioner
from users_world import World, living
from vitrine_kit.asgi import Bridge
from vitrine_kit.testing import Keys, ServiceDatabase, service_environment
from vitrine_users.scim import resources
from vitrine_users.scim.wire import PREFIX


class User(resources.User):
    """The service's users, with names the checker can use: a schema cannot say that userName is an address."""

    user_name: Annotated[str | None, Required.true, Uniqueness.server] = Field(
        None, examples=[f"{secrets.token_hex(8)}-{number}@example.com" for number in range(2000)]
    )


@pytest_asyncio.fixture
async def empty_world(
    make_database: Callable[[], AbstractAsyncContextManager[ServiceDatabase]], keys: Keys
) -> AsyncIterator[World]:
    """A service without anybody else: what the checker made has to be on the first page of all there is."""
    async with make_database() as database:
        connection = await asyncpg.connect(database.admin_url)
        try:
            async with living(service_environment("users", keys, database), connection, keys) as found:
                yield found
        finally:
            await connection.close()


async def test_every_check_passes(empty_world: World) -> None:
    world = empty_world
    headers = (await provisioner(world)).headers
    async with serve(Bridge(world.app), lifespan="off") as served:

        def check() -> list[tuple[str, str, str]]:
            base = f"http://{served.host}:{served.port}{PREFIX}"
            with httpx2.Client(base_url=base, headers=headers, timeout=30) as client:
                provider = ScimProvider(
                    models=[User, resources.Group],
                    resource_types=resources.RESOURCE_TYPES,
                    config=resources.CONFIG,
                )
                found = check_server(SyncSCIMClient(client, provider=provider))
            return [(one.status.name, one.title or "", one.reason or "") for one in found]

        results = await asyncio.to_thread(check)

    failed = [result for result in results if result[0] != Status.SUCCESS.name]
    assert failed == []
    assert len(results) > 60
    by_title = {title: len(list(group)) for title, group in itertools.groupby(sorted(r[1] for r in results))}
    assert {"object_creation", "object_deletion", "search_with_attributes"} <= by_title.keys()


async def test_what_it_says_of_itself_describes_what_it_serves(world: World) -> None:
    """The checker's other way in: everything it knows comes from the discovery endpoints."""
    headers = (await provisioner(world)).headers
    async with serve(Bridge(world.app), lifespan="off") as served:

        def check() -> list[tuple[str, str, str]]:
            base = f"http://{served.host}:{served.port}{PREFIX}"
            with httpx2.Client(base_url=base, headers=headers, timeout=30) as client:
                found = check_server(SyncSCIMClient(client), include_tags={"discovery"})
            return [(one.status.name, one.title or "", one.reason or "") for one in found]

        results = await asyncio.to_thread(check)

    wrong = [one for one in results if one[0] not in {Status.SUCCESS.name, Status.SKIPPED.name}]
    assert wrong == []


@pytest.mark.parametrize("path", ["", "/ServiceProviderConfig", "/Users", "/nothing-here"])
async def test_nobody_in_particular_learns_nothing(world: World, path: str) -> None:
    answer = await world.client.get(PREFIX + path)

    assert answer.status_code in {401, 404}
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json()["status"] == str(answer.status_code)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/Me", "/Bulk"])
async def test_what_it_does_not_have_of_scim_it_says_in_scims_own_words(
    world: World, path: str, method: str
) -> None:
    """RFC 7644, section 3.11: a service without `/Me` answers 501. Bulk is not supported as its config says."""
    directory = await provisioner(world)

    answer = await directory.ask(method, path, {"schemas": []} if method != "GET" else None)

    assert answer.status_code == 501
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer.json()["status"] == "501"
    assert path in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/Mexico", "/Bulky", "/me", "/Users/Me", "/"])
async def test_other_paths_that_lead_nowhere_are_404_there_too(world: World, path: str) -> None:
    directory = await provisioner(world)

    answer = await directory.ask("GET", path)

    assert (answer.status_code, answer.json()["status"]) == (404, "404")
    assert answer.headers["Content-Type"] == "application/scim+json"
