"""The rules about applications: what is asked of a person before they are signed in to one, and what ends that."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.db import Database
from vitrine_kit.ids import new_id
from vitrine_kit.logs import get_logger

from vitrine_users.applications import queries
from vitrine_users.applications.addresses import require_address, with_parameters
from vitrine_users.applications.errors import NoSuchApplication, ProtocolError
from vitrine_users.applications.requests import SCOPES, AuthorizationRequest, read_request
from vitrine_users.audit.log import record
from vitrine_users.factors.requirement import must_have_factor
from vitrine_users.secrets import digest_of, new_opaque
from vitrine_users.settings import UsersSettings

log = get_logger(__name__)

CODE_LIFE_S = 60
Outcome = Literal["page", "redirect", "sign-in", "confirm", "factor", "consent"]


@dataclass(frozen=True, slots=True)
class Step:
    """What the browser does next.

    `page` shows `message`, for the application is not who it says, or its address not its own; `redirect` goes to
    `url`; `sign-in`, `confirm` and `factor` come back with the same request; `consent` asks for `scopes`.
    """

    outcome: Outcome
    url: str | None = None
    message: str = ""
    application: str = ""
    scopes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who has the browser: the row of their session, None without one; and since when they were asked to prove it."""

    session: Mapping[Any, Any] | None
    asked_at_s: float | None
    decision: Literal["allow", "deny"] | None
    address: str


async def authorize(db: Database, settings: UsersSettings, query: Mapping[str, str], asker: Asker) -> Step:
    """The next step of a request to sign somebody in to an application."""
    application = await find_client(db, query.get("client_id"))
    if application is None:
        return Step("page", message="No application of this shop has this client_id.")
    redirect_uri = query.get("redirect_uri", "")
    # Compared character by character (RFC 9700, section 2.1): to another address nothing is told, not even an error.
    if redirect_uri not in application["redirect_uris"]:
        return Step(
            "page", message=f"{application['name']} has not registered the address it wants you sent to."
        )
    try:
        request = read_request(query)
        step = await _next_step(db, settings, application, request, asker)
        if step is not None:
            return step
        assert asker.session is not None, "somebody is signed in"
        code = await _make_code(db, application, request, redirect_uri, asker)
        answer: dict[str, str | None] = {"code": code}
    except ProtocolError as error:
        answer = {"error": error.error, "error_description": error.description}
    answer |= {"state": query.get("state"), "iss": settings.public_url}
    return Step("redirect", url=with_parameters(redirect_uri, answer))


async def _next_step(
    db: Database,
    settings: UsersSettings,
    application: RowMapping,
    request: AuthorizationRequest,
    asker: Asker,
) -> Step | None:
    """What has to come before the code; None where nothing has.

    Raises:
        ProtocolError: the application wants no page shown, or the person says no.
    """
    quiet, account = "none" in request.prompt, asker.session
    if account is None or account["impersonated_by"] is not None:
        if quiet:
            raise ProtocolError("login_required", "Nobody is signed in.")
        return (
            Step("sign-in") if account is None else Step("page", message="You see the shop as somebody else.")
        )
    if must_have_factor(account, settings) and account["assurance"] < 2:
        if quiet:
            raise ProtocolError("interaction_required", "A second proof is needed.")
        return Step("factor")
    if _too_long_ago(request, account["authenticated_at"].timestamp(), asker.asked_at_s):
        if quiet:
            raise ProtocolError("login_required", "The last proof is too long ago.")
        return Step("confirm")
    if asker.decision == "deny":
        raise ProtocolError("access_denied", "The person said no.")
    agreed = await queries.find_consent(db, application["id"], account["id"])
    ask_again = "consent" in request.prompt
    if asker.decision != "allow" and (ask_again or not request.scopes <= frozenset(agreed)):
        if quiet:
            raise ProtocolError("consent_required", "The person has not agreed to this yet.")
        wanted = tuple((name, SCOPES[name]) for name in SCOPES if name in request.scopes)
        return Step("consent", application=application["name"], scopes=wanted)
    return None


def _too_long_ago(request: AuthorizationRequest, proved_s: float, asked_at_s: float | None) -> bool:
    if asked_at_s is not None and proved_s >= asked_at_s:
        return False
    if request.asks_to_prove_again:
        return True
    return request.max_age_s is not None and time.time() - proved_s > request.max_age_s


async def _make_code(
    db: Database, application: RowMapping, request: AuthorizationRequest, redirect_uri: str, asker: Asker
) -> str:
    assert asker.session is not None, "somebody is signed in"
    account, code = asker.session, new_opaque()
    details = {"application_id": application["id"], "scopes": sorted(request.scopes)}
    before = await queries.find_consent(db, application["id"], account["id"])
    async with db.transaction() as session:
        if asker.decision == "allow":
            await queries.put_consent(session, application["id"], account["id"], {*before, *request.scopes})
            await note(session, "application.allowed", account["id"], details, asker.address)
        await queries.add_code(
            session,
            id=new_id(),
            digest=digest_of(code),
            application_id=application["id"],
            account_id=account["id"],
            redirect_uri=redirect_uri,
            scopes=sorted(request.scopes),
            nonce=request.nonce,
            code_challenge=request.code_challenge,
            authenticated_at=account["authenticated_at"],
            assurance=account["assurance"],
            ttl_s=CODE_LIFE_S,
        )
        await note(session, "application.signed_in", account["id"], details, asker.address)
    log.info("signed_in_to_application", account_id=account["id"], application_id=application["id"])
    return code


async def find_client(db: Database, client_id: str | None) -> RowMapping | None:
    """The application with this `client_id`, None where there is none."""
    try:
        application_id = UUID(client_id or "")
    except ValueError:
        return None
    # One spelling: "urn:uuid:…" and braces are no ids that we have handed out.
    return await queries.find_application(db, application_id) if str(application_id) == client_id else None


async def register(
    session: AsyncSession, *, actor_id: UUID | None, address: str, confidential: bool, **values: Any
) -> tuple[RowMapping, str | None]:
    """A new application, and its secret where it can keep one; that is shown this once.

    Raises:
        BadAddress: a browser may not be sent to one of its addresses.
    """
    _require_addresses(values)
    secret = new_opaque() if confidential else None
    digest = None if secret is None else digest_of(secret)
    row = await queries.add_application(session, id=new_id(), secret_digest=digest, **values)
    await note(session, "application.registered", actor_id, {"application_id": row["id"]}, address)
    log.info("application_registered", application_id=row["id"], confidential=confidential)
    return row, secret


async def change(
    session: AsyncSession, application_id: UUID, values: Mapping[str, Any], *, actor_id: UUID, address: str
) -> RowMapping:
    """Gives an application another name or other addresses.

    Raises:
        BadAddress: a browser may not be sent to one of them.
        NoSuchApplication: there is none.
    """
    _require_addresses(values)
    row = await queries.change_application(session, application_id, values)
    if row is None:
        raise NoSuchApplication
    details = {"application_id": application_id, "changed": sorted(values)}
    await note(session, "application.changed", actor_id, details, address)
    return row


async def renew_secret(
    session: AsyncSession, application: RowMapping, *, actor_id: UUID, address: str
) -> str:
    """Another secret for a confidential application; the old one is worth nothing from now on."""
    secret = new_opaque()
    await queries.change_application(session, application["id"], {"secret_digest": digest_of(secret)})
    details = {"application_id": application["id"]}
    await note(session, "application.secret_renewed", actor_id, details, address)
    return secret


async def remove(session: AsyncSession, application_id: UUID, *, actor_id: UUID, address: str) -> None:
    """Deletes an application: every sign-in to it ends.

    Raises:
        NoSuchApplication: there is none.
    """
    if not await queries.delete_application(session, application_id):
        raise NoSuchApplication
    await note(session, "application.deleted", actor_id, {"application_id": application_id}, address)
    log.info("application_deleted", application_id=application_id)


async def disallow(session: AsyncSession, account_id: UUID, application_id: UUID, *, address: str) -> None:
    """Takes back what a person has let an application know; its tokens about them are worth nothing from now on.

    Raises:
        NoSuchApplication: they have let it know nothing.
    """
    if not await queries.delete_consent(session, application_id, account_id):
        raise NoSuchApplication
    await note(session, "application.disallowed", account_id, {"application_id": application_id}, address)


async def note(
    session: AsyncSession,
    action: str,
    actor_id: UUID | None,
    details: Mapping[str, Any],
    address: str | None,
    *,
    refused: bool = False,
) -> None:
    """Writes an audit entry about somebody's own account."""
    await record(
        session,
        action=action,
        actor_id=None if refused else actor_id,
        subject_id=actor_id,
        outcome="refused" if refused else "success",
        details=details,
        address=address,
    )


def _require_addresses(values: Mapping[str, Any]) -> None:
    for field in ("redirect_uris", "logout_uris"):
        for number, url in enumerate(values.get(field, ())):
            require_address(url, f"{field}.{number}")
