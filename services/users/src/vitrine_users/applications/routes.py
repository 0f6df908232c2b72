"""Registering applications, and the applications one has let in, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from vitrine_kit import auth
from vitrine_kit.auth import SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.problems import Conflict

from vitrine_users.accounts.current import current_account
from vitrine_users.applications import queries, service
from vitrine_users.applications.errors import NoSuchApplication
from vitrine_users.applications.requests import SCOPES
from vitrine_users.applications.schemas import (
    AllowedOut,
    AllowedPage,
    ApplicationIn,
    ApplicationMade,
    ApplicationOut,
    ApplicationPatch,
    ApplicationsOut,
)
from vitrine_users.factors.stepup import require_recent

bp = ApiBlueprint("applications", __name__, url_prefix="/api/users/v1")

MANAGE = "users:applications"
NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "GET", "/applications", summary="List applications", permission=MANAGE, returns={200: ApplicationsOut}
)
async def list_applications() -> Any:
    """The shop's other sites and programs, oldest first, 200 at most."""
    rows = await queries.list_applications(current_database())
    return ApplicationsOut(items=[ApplicationOut(**row) for row in rows]), 200, NO_STORE


@bp.operation(
    "POST",
    "/applications",
    summary="Register an application",
    permission=MANAGE,
    body=ApplicationIn,
    returns={201: ApplicationMade},
)
async def register(body: ApplicationIn) -> Any:
    """Its secret is in the answer and nowhere else."""
    require_recent(auth.require(MANAGE))
    async with current_database().transaction() as session:
        row, secret = await service.register(session, **_actor(), **body.model_dump())
    return ApplicationMade(client_secret=secret, **row), 201, NO_STORE


@bp.operation(
    "PATCH",
    "/applications/<uuid:application_id>",
    summary="Change an application",
    permission=MANAGE,
    body=ApplicationPatch,
    returns={200: ApplicationOut},
)
async def change(application_id: UUID, body: ApplicationPatch) -> Any:
    """Changes what the body names."""
    require_recent(auth.require(MANAGE))
    values = body.model_dump(exclude_unset=True)
    if not values:
        return ApplicationOut(**_shown(await _get(application_id))), 200, NO_STORE
    async with current_database().transaction() as session:
        row = await service.change(session, application_id, values, **_actor())
    return ApplicationOut(**row), 200, NO_STORE


@bp.operation(
    "POST",
    "/applications/<uuid:application_id>/secret",
    summary="Renew an application's secret",
    permission=MANAGE,
    returns={201: ApplicationMade},
    problems=(409,),
)
async def renew_secret(application_id: UUID) -> Any:
    """The old one is worth nothing from now on."""
    require_recent(auth.require(MANAGE))
    application = await _get(application_id)
    if not application["confidential"]:
        raise Conflict("This application can keep no secret.")
    async with current_database().transaction() as session:
        secret = await service.renew_secret(session, application, **_actor())
    return ApplicationMade(client_secret=secret, **_shown(application)), 201, NO_STORE


@bp.operation(
    "DELETE",
    "/applications/<uuid:application_id>",
    summary="Delete an application",
    permission=MANAGE,
    returns={204: None},
)
async def delete(application_id: UUID) -> None:
    """Every sign-in to it ends."""
    require_recent(auth.require(MANAGE))
    async with current_database().transaction() as session:
        await service.remove(session, application_id, **_actor())


@bp.operation(
    "GET",
    "/me/applications",
    summary="Applications you have let in",
    permission=SIGNED_IN,
    returns={200: AllowedPage},
)
async def list_allowed() -> Any:
    """What each may know of you."""
    rows = await queries.list_consents(current_database(), current_account()["id"])
    items = [
        AllowedOut(**row, texts=[SCOPES[name] for name in SCOPES if name in row["scopes"]]) for row in rows
    ]
    return AllowedPage(items=items), 200, NO_STORE


@bp.operation(
    "DELETE",
    "/me/applications/<uuid:application_id>",
    summary="Shut an application out",
    permission=SIGNED_IN,
    returns={204: None},
)
async def disallow(application_id: UUID) -> None:
    """Its tokens about you are worth nothing from now on; the next sign-in asks you again."""
    account_id = current_account()["id"]
    async with current_database().transaction() as session:
        await service.disallow(session, account_id, application_id, address=client_address())


def _actor() -> dict[str, Any]:
    return {"actor_id": current_account()["id"], "address": client_address()}


async def _get(application_id: UUID) -> Any:
    row = await queries.find_application(current_database(), application_id)
    if row is None:
        raise NoSuchApplication
    return row


def _shown(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ApplicationOut.model_fields}
