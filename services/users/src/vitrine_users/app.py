"""The users service: registers its features, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flask import Flask
from vitrine_kit import events, jobs, problems
from vitrine_kit.db import Database
from vitrine_kit.service import ServiceState, create_service

from vitrine_users.accounts.routes import bp as accounts
from vitrine_users.accounts.service import PERSON_DELETED
from vitrine_users.addresses.routes import bp as addresses
from vitrine_users.applications import cli as application_cli
from vitrine_users.applications.internal import internal as internal_applications
from vitrine_users.applications.protocol import protocol
from vitrine_users.applications.routes import bp as applications
from vitrine_users.audit import cli as audit_cli
from vitrine_users.audit.routes import bp as audit
from vitrine_users.connections.internal import internal as internal_connections
from vitrine_users.connections.routes import bp as connections
from vitrine_users.departures.routes import bp as departures
from vitrine_users.devices.routes import bp as devices
from vitrine_users.edge.routes import edge
from vitrine_users.exports.routes import bp as exports
from vitrine_users.factors.internal import internal as internal_factors
from vitrine_users.factors.routes import bp as factors
from vitrine_users.housekeeping import keep_house
from vitrine_users.impersonations.routes import internal as internal_impersonations
from vitrine_users.invitations.routes import bp as invitations
from vitrine_users.mail.routes import bp as mail
from vitrine_users.operators import cli as operator_cli
from vitrine_users.passkeys.routes import bp as passkeys
from vitrine_users.people.routes import internal as internal_people
from vitrine_users.personal_tokens.routes import bp as personal_tokens
from vitrine_users.pictures.routes import bp as pictures
from vitrine_users.registrations.routes import bp as registrations
from vitrine_users.resets.routes import bp as resets
from vitrine_users.roles.routes import bp as roles
from vitrine_users.scim import errors as scim_errors
from vitrine_users.scim.routes import bp as scim
from vitrine_users.scim.wire import PREFIX as SCIM
from vitrine_users.sessions import cli, guard
from vitrine_users.sessions.routes import bp as passwords
from vitrine_users.sessions.routes import internal as internal_sessions
from vitrine_users.settings import UsersSettings
from vitrine_users.sign_ins.routes import bp as sign_ins
from vitrine_users.state import EXTENSION, UsersState
from vitrine_users.suspensions.routes import bp as suspensions
from vitrine_users.tables import metadata
from vitrine_users.tokens.routes import bp as tokens
from vitrine_users.tokens.routes import internal as internal_tokens
from vitrine_users.webhooks.courier import run_webhooks
from vitrine_users.webhooks.routes import bp as webhooks


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
        blueprints=[
            registrations,
            addresses,
            resets,
            departures,
            exports,
            pictures,
            mail,
            audit,
            edge,
            personal_tokens,
            sign_ins,
            invitations,
            suspensions,
            internal_impersonations,
            webhooks,
            scim,
            accounts,
            passwords,
            tokens,
            roles,
            factors,
            passkeys,
            devices,
            connections,
            internal_connections,
            applications,
            internal_applications,
            protocol,
            internal_factors,
            internal_tokens,
            internal_sessions,
            internal_people,
        ],
        database=database,
        neighbours={"catalog": settings.catalog_url},
        lifespan=[_state],
        jwks=state.keyring.jwks,
    )
    app.extensions[EXTENSION] = state
    problems.render_below(app, SCIM, scim_errors.render)
    guard.register(app)
    cli.register(app)
    audit_cli.register(app)
    operator_cli.register(app)
    application_cli.register(app)
    jobs.add_background(app, _relay_events)
    jobs.add_background(app, keep_house)
    jobs.add_background(app, run_webhooks)
    return app


@asynccontextmanager
async def _state(app: Flask) -> AsyncIterator[None]:
    yield
    state: UsersState = app.extensions[EXTENSION]
    state.hasher.close()
    await state.providers.aclose()


async def _relay_events(app: Flask, stop: asyncio.Event) -> None:
    service: ServiceState = app.extensions["vitrine"]
    assert service.database is not None, "users has a database"
    await events.relay_outbox(service.database, service.neighbours, {PERSON_DELETED: ["catalog"]}, stop)
