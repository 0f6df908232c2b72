"""Two scripted providers, and the service that offers them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest_asyncio
from connections_world import Visitor, offering
from scripted_provider import ScriptedProvider, scripted_provider
from users_world import World


@pytest_asyncio.fixture
async def here() -> AsyncIterator[ScriptedProvider]:
    async with scripted_provider() as found:
        yield found


@pytest_asyncio.fixture
async def there() -> AsyncIterator[ScriptedProvider]:
    async with scripted_provider() as found:
        yield found


@pytest_asyncio.fixture
async def shop(
    make_world: Callable[..., AbstractAsyncContextManager[World]],
    here: ScriptedProvider,
    there: ScriptedProvider,
) -> AsyncIterator[World]:
    """The service with the providers `here` and `there`."""
    async with make_world(oidc_providers=offering(here=here.issuer, there=there.issuer)) as found:
        yield found


@pytest_asyncio.fixture
async def visitor(shop: World) -> Visitor:
    return Visitor(shop)
