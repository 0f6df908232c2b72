"""The users service: registers its features, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flask import Flask
from vitrine_kit import events, jobs
from vitrine_kit.db import Database
from vitrine_kit.service import ServiceState, create_service

from vitrine_users.accounts.routes import bp as accounts
from vitrine_users.accounts.service import PERSON_DELETED
from vitrine_users.people.routes import internal as internal_people
from vitrine_users.roles.routes import bp as roles
from vitrine_users.sessions import cli, guard
from vitrine_users.sessions.routes import bp as passwords
from vitrine_users.sessions.routes import internal as internal_sessions
from vitrine_users.settings import UsersSettings
from vitrine_users.state import EXTENSION, UsersState
from vitrine_users.tables import metadata
from vitrine_users.tokens.routes import bp as tokens
from vitrine_users.tokens.routes import internal as internal_tokens


def create_app(settings: UsersSettings | None = None) -> Flask:
    """The Flask app; settings come from the environment unless they are given.

    Raises:
        pydantic.ValidationError: a setting is missing or malformed.
    """
    settings = settings or UsersSettings()
    database = Database(settings, metadata)
    state = UsersState.build(settings, database)
    app = create_service(
        "users",
        settings,
        import_name="vitrine_users",
        blueprints=[accounts, passwords, tokens, roles, internal_tokens, internal_sessions, internal_people],
        database=database,
        neighbours={"catalog": settings.catalog_url},
        lifespan=[_state],
        jwks=state.keyring.jwks,
    )
    app.extensions[EXTENSION] = state
    guard.register(app)
    cli.register(app)
    jobs.add_background(app, _relay_events)
    return app


@asynccontextmanager
async def _state(app: Flask) -> AsyncIterator[None]:
    yield
    state: UsersState = app.extensions[EXTENSION]
    state.hasher.close()


async def _relay_events(app: Flask, stop: asyncio.Event) -> None:
    service: ServiceState = app.extensions["vitrine"]
    assert service.database is not None, "users has a database"
    await events.relay_outbox(service.database, service.neighbours, {PERSON_DELETED: ["catalog"]}, stop)
