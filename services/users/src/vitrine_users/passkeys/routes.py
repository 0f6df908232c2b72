"""One's own passkeys over HTTP, and signing in with one by API."""

from __future__ import annotations

from uuid import UUID

from flask import request
from sqlalchemy import RowMapping
from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint, Schema

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.factors import signin
from vitrine_users.factors.errors import FactorRequired
from vitrine_users.factors.proofs import assurance_after
from vitrine_users.factors.schemas import Credential, OptionsOut, PasskeyIn, PasskeyOut, PasskeyPatch
from vitrine_users.factors.stepup import require_recent
from vitrine_users.passkeys import service
from vitrine_users.sessions import queries as sessions
from vitrine_users.sessions import service as session_service
from vitrine_users.state import current_users
from vitrine_users.tokens import service as families
from vitrine_users.tokens.routes import MAX_USER_AGENT_CHARS, NO_STORE, Answer, answer_tokens
from vitrine_users.tokens.schemas import TokensOut

bp = ApiBlueprint("passkeys", __name__, url_prefix="/api/users/v1")


class PasskeySignIn(Schema):
    """A passkey's answer."""

    credential: Credential


@bp.operation(
    "POST",
    "/me/passkeys/options",
    summary="Begin to add a passkey",
    permission=SIGNED_IN,
    returns={200: OptionsOut},
    problems=(403, 409),
)
async def registration_options() -> tuple[OptionsOut, int, dict[str, str]]:
    """What `navigator.credentials.create` is called with; its challenge is good once, for five minutes."""
    require_recent(auth.require(SIGNED_IN))
    found = await service.registration_options(
        current_database(), current_users().relying_party, current_account()
    )
    return OptionsOut(public_key=found), 200, NO_STORE


@bp.operation(
    "POST",
    "/me/passkeys",
    summary="Add a passkey",
    permission=SIGNED_IN,
    body=PasskeyIn,
    returns={201: PasskeyOut},
    problems=(403, 409),
)
async def add_passkey(body: PasskeyIn) -> tuple[PasskeyOut, int]:
    """Stores the passkey that the browser has made; the sign-in that adds it has now been proved twice."""
    db, account = current_database(), current_account()
    principal = auth.require(SIGNED_IN)
    require_recent(principal)
    made = await service.verify_new(db, current_users().relying_party, account["id"], body.credential)
    assurance = assurance_after(account["method"], account["assurance"], "passkey", user_verified=False)
    async with db.transaction() as session:
        row = await service.add(session, account["id"], made, body.name, address=client_address())
        await sessions.raise_assurance(session, UUID(principal.session_id), assurance=assurance)
        if body.end_other_sessions:
            await session_service.end_others(session, account["id"], UUID(principal.session_id))
    return _out(row), 201


@bp.operation(
    "PATCH",
    "/me/passkeys/<uuid:passkey_id>",
    summary="Rename a passkey",
    permission=SIGNED_IN,
    body=PasskeyPatch,
    returns={200: PasskeyOut},
)
async def rename_passkey(passkey_id: UUID, body: PasskeyPatch) -> PasskeyOut:
    """Gives a passkey a name you know it by."""
    async with current_database().transaction() as session:
        return _out(await service.rename(session, current_account()["id"], passkey_id, body.name))


@bp.operation(
    "DELETE",
    "/me/passkeys/<uuid:passkey_id>",
    summary="Remove a passkey",
    permission=SIGNED_IN,
    returns={204: None},
    problems=(403,),
)
async def remove_passkey(passkey_id: UUID) -> None:
    """It signs in no more. Its device may go on showing it until you remove it there too."""
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        await service.remove(session, current_account()["id"], passkey_id, address=client_address())


@bp.operation(
    "POST",
    "/tokens/passkeys/options",
    summary="Begin to sign in by passkey",
    permission=PUBLIC,
    returns={200: OptionsOut},
)
async def sign_in_options() -> tuple[OptionsOut, int, dict[str, str]]:
    """What a passkey of the shop has to sign, once, within five minutes; the person picks the account."""
    users = current_users()
    await users.guesses.from_address(client_address())
    found = await service.authentication_options(current_database(), users.relying_party, "sign-in")
    return OptionsOut(public_key=found), 200, NO_STORE


@bp.operation(
    "POST",
    "/tokens/passkeys",
    summary="Sign in by passkey",
    permission=PUBLIC,
    body=PasskeySignIn,
    returns={201: TokensOut},
    problems=(401, 403, 404),
)
async def sign_in(body: PasskeySignIn) -> Answer:
    """Signs in without a password. A device that did not verify its owner is one factor, and the password the other."""
    users, db, address = current_users(), current_database(), client_address()
    used = await service.verify(db, users.relying_party, body.credential, "sign-in")
    if not used.signed.user_verified and used.has_password:
        async with db.transaction() as session:
            await used.use(session)
            pending = await signin.begin_pending(
                session, used.account_id, channel="api", proved="passkey", methods=["password"]
            )
        raise FactorRequired(pending.challenge, pending.methods, pending.expires_in)
    async with db.transaction() as session:
        await used.use(session)
        account = await accounts.note_proved_sign_in(session, used.account_id)
        started = await families.start_family(
            session,
            users.refresh,
            account,
            method="passkey",
            assurance=signin.proved_by_passkey(used),
            ttl_s=users.settings.refresh_token_ttl_s,
            user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARS],
            address=address,
        )
    return await answer_tokens(account, started)


def _out(row: RowMapping) -> PasskeyOut:
    return PasskeyOut(**{name: row[name] for name in PasskeyOut.model_fields})
