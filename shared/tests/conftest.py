"""The notes service, migrated and running, for the kit's tests."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import notes_service
import pytest
import pytest_asyncio
import structlog
from flask import Flask
from vitrine_kit.logs import configure_logging
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import (
    Keys,
    ServiceDatabase,
    create_service_database,
    drop_service_database,
    migrate,
    service_environment,
    serving,
)

SUPPORT = Path(notes_service.__file__).parent.parent


def settings_of(environment: dict[str, str], **changes: Any) -> ServiceSettings:
    """The settings an environment like this would give."""
    values = {name.removeprefix("VITRINE_").lower(): value for name, value in environment.items()}
    return ServiceSettings(**{**values, **changes})


@pytest_asyncio.fixture(scope="session")
async def notes_database(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    database = await create_service_database(postgres_url, "notes")
    yield database
    await drop_service_database(postgres_url, database)


@pytest.fixture(scope="session")
def notes_environment(notes_database: ServiceDatabase, keys: Keys) -> dict[str, str]:
    return {**service_environment("catalog", keys, notes_database), "PYTHONPATH": str(SUPPORT)}


@pytest.fixture(scope="session")
def notes_settings(notes_environment: dict[str, str]) -> ServiceSettings:
    migrate("notes_service", notes_environment)
    return settings_of(
        {name: value for name, value in notes_environment.items() if name.startswith("VITRINE_")}
    )


@pytest.fixture(scope="session")
def notes_app(notes_settings: ServiceSettings, keys: Keys) -> Flask:
    async def jwks() -> dict[str, Any]:
        return keys.jwks()

    return notes_service.create_app(notes_settings, jwks=jwks)


@pytest_asyncio.fixture(scope="session")
async def client(notes_app: Flask) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(notes_app) as found:
        yield found


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[dict[str, Any]]]:
    """The events of that name so far, each with what it says."""
    if not structlog.is_configured():
        configure_logging("tests", "one", "DEBUG")
    caplog.set_level(logging.DEBUG)

    def of(event: str) -> list[dict[str, Any]]:
        found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        return [message for message in found if message["event"] == event]

    return of
