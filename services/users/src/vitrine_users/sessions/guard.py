"""The check of each signed-in request that its sign-in is alive, and of what the person may still do."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from flask import Flask, current_app, request
from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL
from vitrine_kit.db import current_database

from vitrine_users.accounts.current import set_current_account
from vitrine_users.sessions import queries
from vitrine_users.sessions.errors import SessionEnded


def register(app: Flask) -> None:
    """Guards every route of the app that takes access tokens.

    Other services trust a token until it ends, ten minutes at most. Here, where it costs one look at our own
    table, signing out, erasing an account or taking a role away counts at the next request (ASVS 7.4.1).
    """
    app.before_request(require_living_sign_in)


async def require_living_sign_in() -> None:
    """Narrows the request's principal to what its account may do now.

    Raises:
        SessionEnded: the sign-in that the token came from, or the account, is gone.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    operation = getattr(view, "__vitrine_operation__", None)
    if operation is None or operation.permission == INTERNAL:
        return
    principal = await auth.authenticate()
    if principal is None:
        return
    try:
        session_id = UUID(principal.session_id or "")
    except ValueError:
        raise SessionEnded from None
    account = await queries.find_account_if_alive(current_database(), principal.user_id, session_id)
    if account is None:
        raise SessionEnded
    auth.set_principal(
        replace(principal, permissions=principal.permissions & frozenset(account["permissions"]))
    )
    set_current_account(account)
