"""Assembles a service from its parts: the one place that knows which of the kit's pieces every service has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import click
from flask import Blueprint, Flask, Request, Response, current_app
from flask.sessions import SessionInterface, SessionMixin

from vitrine_kit import (
    asgi,
    auth,
    health,
    jobs,
    limits,
    logs,
    metrics,
    openapi,
    outbound,
    problems,
    revisions,
)
from vitrine_kit.db import Database
from vitrine_kit.outbound import Neighbour
from vitrine_kit.settings import ServiceSettings

Lifespan = Callable[[Flask], AbstractAsyncContextManager[None]]


class NoSession(SessionInterface):
    """No cookie session: an API's callers show a token, and none of them should get a cookie by accident."""

    def open_session(self, app: Flask, request: Request) -> None:
        return None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        raise AssertionError("an API has no session to save")


@dataclass
class ServiceState:
    """What a service's code finds at `app.extensions["vitrine"]`."""

    name: str
    version: str
    settings: ServiceSettings
    database: Database | None = None
    neighbours: dict[str, Neighbour] = field(default_factory=dict)


def current_state() -> ServiceState:
    """The state of the current Flask app."""
    state = current_app.extensions["vitrine"]
    assert isinstance(state, ServiceState), "this app was not made by create_service"
    return state


def create_service(
    name: str,
    settings: ServiceSettings,
    *,
    import_name: str,
    blueprints: Sequence[Blueprint] = (),
    database: Database | None = None,
    neighbours: Mapping[str, str] | None = None,
    lifespan: Sequence[Lifespan] = (),
    jwks: Any = None,
    render_problem: Callable[[problems.Problem], Any] | None = None,
    api: bool = True,
    flask_options: Mapping[str, Any] | None = None,
) -> Flask:
    """A Flask app with all that a Vitrine service has: problems, logs, limits, health, metrics, its API document.

    `neighbours` maps the names of the services it calls to their addresses. `jwks` overrides where the keys of access
    tokens come from (users reads its own table). The migrations, where there is a database, lie in `migrations/`
    beside the module `import_name`.
    """
    app = asgi.install(Flask(import_name, **(flask_options or {})))
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        DEBUG=settings.environment == "development",
        MAX_CONTENT_LENGTH=settings.max_json_bytes,
        PROPAGATE_EXCEPTIONS=False,
        PREFERRED_URL_SCHEME=settings.public_url.partition("://")[0],
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the order in which a schema declares its members
    if api:
        app.session_interface = NoSession()
    release = _version_of(import_name)
    logs.configure_logging(name, settings.instance, settings.log_level)
    state = ServiceState(name, release, settings, database)
    app.extensions["vitrine"] = state
    app.extensions["vitrine_lifespan"] = [_announce, *([_database] if database is not None else [])]

    identity = auth.ServiceIdentity.from_settings(settings)
    for neighbour, url in (neighbours or {}).items():
        state.neighbours[neighbour] = Neighbour(neighbour, url, settings, identity)

    logs.register(app)
    limits.register(app, settings)
    metrics.register(app, settings)
    problems.register(app, render=render_problem)
    auth.register(app, settings, name, jwks=jwks)
    keys_of_users = [auth.lifespan] if "users" in state.neighbours and jwks is None and api else []
    app.extensions["vitrine_lifespan"] += [outbound.lifespan, *keys_of_users, metrics.lifespan, *lifespan]

    schema = None
    if database is not None:
        asgi.warm_ups(app).append(database.connect_ahead)
        schema = revisions.register(app, database, Path(app.root_path) / "migrations")
        _add_worker_command(app)
    health.register(app, name=name, version=release, database=database, schema=schema)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    if api:
        openapi.register(app, name=name, version=release)
    return app


def _version_of(import_name: str) -> str:
    try:
        return installed_version(import_name.partition(".")[0].replace("_", "-"))
    except PackageNotFoundError:
        return "0"


def _add_worker_command(app: Flask) -> None:
    @app.cli.command("worker")
    def worker() -> None:
        """Runs the background worker (jobs, outbox relay) until SIGTERM."""
        raise SystemExit(asyncio.run(jobs.run_worker(app)))

    assert isinstance(worker, click.Command)


@asynccontextmanager
async def _announce(app: Flask) -> AsyncIterator[None]:
    log = logs.get_logger(__name__)
    state: ServiceState = app.extensions["vitrine"]
    log.info("started", version=state.version)
    yield
    log.info("stopped")


@asynccontextmanager
async def _database(app: Flask) -> AsyncIterator[None]:
    yield
    await app.extensions["vitrine"].database.dispose()
