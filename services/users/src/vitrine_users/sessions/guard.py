"""The check of each signed-in request that its sign-in is alive, and of what the person may still do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Flask, current_app, request
from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL, PUBLIC, SIGNED_IN, Principal
from vitrine_kit.deadlines import within_deadline

from vitrine_users.accounts.current import set_current_account
from vitrine_users.factors.requirement import as_proved
from vitrine_users.personal_tokens.errors import NotForTokens
from vitrine_users.sessions.errors import NotWhileImpersonating, SessionEnded
from vitrine_users.settings import UsersSettings
from vitrine_users.state import current_users

OPEN_TO_TOKENS = frozenset({"accounts.get_me"})
"""Routes without a permission of their own that a personal access token may use."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

READING = frozenset({"catalog:read_drafts", "users:read", "users:audit"})
"""The permissions an owner keeps who sees the shop as somebody else."""


def register(app: Flask) -> None:
    """Guards every route of the app that takes access tokens.

    Nginx asks the same of requests to other services (`edge`). So signing out, erasing or barring an account,
    or taking a role away counts at the next request, though a token itself lives for ten minutes (ASVS 7.4.1).
    """
    app.before_request(require_living_sign_in)


async def require_living_sign_in() -> None:
    """Narrows the request's principal to what its account may do now.

    Raises:
        SessionEnded: the sign-in that the token came from, or the account, is gone.
        NotForTokens: a personal access token is shown where only its owner may act.
        NotWhileImpersonating: an owner who sees the shop as somebody else tries to act as them.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    operation = getattr(view, "__vitrine_operation__", None)
    if operation is None or operation.permission == INTERNAL:
        return
    principal = await auth.authenticate()
    if principal is None:
        return
    account, narrowed = await judge(principal)
    safe = request.method in SAFE_METHODS
    if account["by_token"] and not _open_to_tokens(operation.permission, safe=safe):
        raise NotForTokens
    if account["impersonated_by"] is not None and not safe:
        raise NotWhileImpersonating
    auth.set_principal(narrowed)
    if account["by_token"]:
        # What is measured against the account's rights is measured against the token's, which are less.
        account = {
            **account,
            "permissions": sorted(narrowed.permissions),
            "owner_permissions": account["permissions"],
        }
    set_current_account(account)


def _open_to_tokens(permission: str, *, safe: bool) -> bool:
    """What asks for no permission concerns the account itself and its credentials: such a route is open to personal
    tokens by being named above, not by being forgotten."""
    if permission == PUBLIC:
        return safe
    return permission != SIGNED_IN or request.endpoint in OPEN_TO_TOKENS


async def judge(principal: Principal) -> tuple[Mapping[Any, Any], Principal]:
    """The account a token speaks for as it is now, and the principal without what was lost since it was signed.

    Raises:
        SessionEnded: the sign-in that the token came from, or the account, is gone.
    """
    try:
        session_id = UUID(principal.session_id or "")
    except ValueError:
        raise SessionEnded from None
    users = current_users()
    async with within_deadline():
        found = await users.living.load((principal.user_id, session_id))
    if found is None:
        raise SessionEnded
    account = as_it_may_act(found, users.settings)
    narrowed = replace(
        principal,
        permissions=principal.permissions & frozenset(account["permissions"]),
        authenticated_s=int(found["authenticated_at"].timestamp()),
        assurance=found["assurance"],
    )
    return account, narrowed


def as_it_may_act(account: Mapping[Any, Any], settings: UsersSettings) -> Mapping[Any, Any]:
    """The account with the permissions this kind of sign-in leaves it.

    A personal token's were bounded when its owner, proved as far as need be, made it. An impersonation only looks.
    """
    if account.get("by_token"):
        return account
    if account["impersonated_by"] is not None:
        return {**account, "permissions": [name for name in account["permissions"] if name in READING]}
    return as_proved(account, account["assurance"], settings)
