"""Authorization and sign-out requests of applications for the gateway, which has the browser, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.applications import service
from vitrine_users.applications.addresses import with_parameters
from vitrine_users.applications.schemas import AuthorizeIn, AuthorizeOut, LogoutIn, LogoutOut, ScopeOut
from vitrine_users.applications.service import Asker, find_client
from vitrine_users.secrets import digest_of
from vitrine_users.sessions import queries as session_queries
from vitrine_users.sessions.routes import GATEWAY
from vitrine_users.state import current_users

internal = ApiBlueprint("internal_applications", __name__, url_prefix="/internal")


@internal.operation(
    "POST",
    "/authorizations",
    summary="An application's request",
    permission=INTERNAL,
    body=AuthorizeIn,
    returns={200: AuthorizeOut},
)
async def authorize(body: AuthorizeIn) -> AuthorizeOut:
    """What the browser does next; with a code where nothing has to be asked."""
    auth.require_service(GATEWAY)
    asker = Asker(await _session(body.session), body.asked_at, body.decision, body.address)
    step = await service.authorize(current_database(), current_users().settings, body.query, asker)
    return AuthorizeOut(
        outcome=step.outcome,
        url=step.url,
        message=step.message,
        application=step.application,
        scopes=[ScopeOut(name=name, text=text) for name, text in step.scopes],
    )


@internal.operation(
    "POST",
    "/logouts",
    summary="An application's wish to sign somebody out",
    permission=INTERNAL,
    body=LogoutIn,
    returns={200: LogoutOut},
)
async def log_out(body: LogoutIn) -> LogoutOut:
    """Where the browser goes afterwards, and whether the person has to be asked first."""
    auth.require_service(GATEWAY)
    query, signed_in = body.query, await _session(body.session)
    claims: dict[str, Any] | None = None
    if "id_token_hint" in query:
        claims = await current_users().application_tokens.read_hint(query["id_token_hint"])
        if claims is None:
            return _refused("The id_token_hint is none of ours.")
    client_id = query.get("client_id", None if claims is None else claims.get("aud"))
    if claims is not None and claims.get("aud") != client_id:
        return _refused("The id_token_hint is another application's.")
    application = await find_client(current_database(), client_id)
    url, name = query.get("post_logout_redirect_uri"), None if application is None else application["name"]
    if url is not None:
        if application is None or url not in application["logout_uris"]:
            return _refused("The application has not registered the address it wants you sent to.")
        url = with_parameters(url, {"state": query.get("state")})
    proved = claims is not None and signed_in is not None and claims.get("sub") == str(signed_in["id"])
    return LogoutOut(url=url, application=name, proved=proved, refused=None)


def _refused(message: str) -> LogoutOut:
    return LogoutOut(url=None, application=None, proved=False, refused=message)


async def _session(secret: str | None) -> Mapping[Any, Any] | None:
    if secret is None:
        return None
    return await session_queries.find_account_by_session(current_database(), digest_of(secret))
