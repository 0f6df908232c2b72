"""An application with a secret, one without, and somebody signed in."""

from __future__ import annotations

import pytest_asyncio
from applications_world import Program, registered, session_of
from users_world import Person, World


@pytest_asyncio.fixture
async def owner(world: World) -> Person:
    return await world.person("owner")


@pytest_asyncio.fixture
async def wiki(world: World, owner: Person) -> Program:
    return await registered(world, owner)


@pytest_asyncio.fixture
async def phone(world: World, owner: Person) -> Program:
    return await registered(world, owner, confidential=False)


@pytest_asyncio.fixture
async def ann(world: World) -> Person:
    return await world.person()


@pytest_asyncio.fixture
async def session(world: World, ann: Person) -> str:
    return await session_of(world, ann)
