"""The second step of a sign-in, passkeys and re-authentication for the gateway, over HTTP."""

from __future__ import annotations

from typing import cast

from pydantic import Field
from vitrine_kit import auth
from vitrine_kit.auth import INTERNAL
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint, Schema

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.routes import me_out
from vitrine_users.factors import notices, signin
from vitrine_users.factors.proofs import assurance_after, method_after
from vitrine_users.factors.requirement import as_proved
from vitrine_users.factors.routes import given_in, prover
from vitrine_users.factors.schemas import ChallengeIn, Credential, Opaque, OptionsOut, ProofIn, SecondProofIn
from vitrine_users.passkeys import service as passkeys
from vitrine_users.secrets import digest_of
from vitrine_users.sessions import queries as session_queries
from vitrine_users.sessions import service as sessions
from vitrine_users.sessions.errors import NotWhileImpersonating, SessionEnded
from vitrine_users.sessions.routes import GATEWAY, Created, begin_for, wait_for
from vitrine_users.sessions.schemas import Browser, PendingOut, SessionOut, SessionRef
from vitrine_users.sessions.service import Method
from vitrine_users.state import current_users

internal = ApiBlueprint("internal_factors", __name__, url_prefix="/internal")


class SecondStepIn(SecondProofIn, Browser):
    """The second proof of a browser's sign-in."""

    trust: bool = False
    """Whether this browser shall be asked for the password only, for 30 days."""


class VisitorAddress(Schema):
    """Whose tries are counted."""

    address: str = Field("unknown", min_length=1, max_length=64)


class PasskeySessionIn(Browser):
    """A passkey's answer, as the first and often only proof."""

    credential: Credential


class ConfirmIn(ProofIn, VisitorAddress):
    """Another proof by somebody who is signed in."""

    session: Opaque


@internal.operation(
    "POST",
    "/sessions/second-step",
    summary="Finish a sign-in with a second proof",
    permission=INTERNAL,
    body=SecondStepIn,
    returns={201: SessionOut},
    problems=(401, 410),
)
async def second_step(body: SecondStepIn) -> Created:
    """Begins the session that POST /sessions put off."""
    auth.require_service(GATEWAY)
    second = await signin.prove_second(
        prover(), body.challenge, "browser", given_in(body, body.address), device=body.device
    )
    async with current_database().transaction() as session:
        return await begin_for(
            session,
            await second.use(session),
            cast("Method", second.waiting.proved),
            body,
            assurance=second.assurance,
            trust=body.trust and second.assurance == 2,
        )


@internal.operation(
    "POST",
    "/sessions/second-step/passkey",
    summary="Begin the second step by passkey",
    permission=INTERNAL,
    body=ChallengeIn,
    returns={200: OptionsOut},
    problems=(410,),
)
async def second_step_options(body: ChallengeIn) -> OptionsOut:
    """What a passkey of the account has to sign."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    waiting = await signin.find_waiting(db, body.challenge, "browser")
    found = await passkeys.authentication_options(db, users.relying_party, "second-step", waiting.account_id)
    return OptionsOut(public_key=found)


@internal.operation(
    "POST",
    "/sessions/passkey/options",
    summary="Begin to sign in by passkey",
    permission=INTERNAL,
    body=VisitorAddress,
    returns={200: OptionsOut},
)
async def passkey_options(body: VisitorAddress) -> OptionsOut:
    """What any passkey of the shop has to sign; the person picks the account."""
    auth.require_service(GATEWAY)
    users = current_users()
    await users.guesses.from_address(body.address)
    found = await passkeys.authentication_options(current_database(), users.relying_party, "sign-in")
    return OptionsOut(public_key=found)


@internal.operation(
    "POST",
    "/sessions/passkey",
    summary="Sign in by passkey",
    permission=INTERNAL,
    body=PasskeySessionIn,
    returns={201: SessionOut, 202: PendingOut},
)
async def begin_by_passkey(body: PasskeySessionIn) -> Created:
    """Begins a session. A device that did not verify its owner is one factor: the password is the other."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    used = await passkeys.verify(db, users.relying_party, body.credential, "sign-in")
    async with db.transaction() as session:
        await used.use(session)
        if not used.signed.user_verified and used.has_password:
            return await wait_for(session, used.account_id, "passkey", ["password"])
        account = await accounts.note_proved_sign_in(session, used.account_id)
        return await begin_for(session, account, "passkey", body, assurance=signin.proved_by_passkey(used))


@internal.operation(
    "POST",
    "/sessions/confirm",
    summary="Prove again who one is",
    permission=INTERNAL,
    body=ConfirmIn,
    returns={201: SessionOut},
    problems=(401,),
)
async def confirm(body: ConfirmIn) -> tuple[SessionOut, int]:
    """Gives the session a new secret; the old one is worth nothing from then on (ASVS 7.2.4)."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    found = await session_queries.find_account_by_session(db, digest_of(body.session))
    if found is None:
        raise SessionEnded
    if found["impersonated_by"] is not None:
        raise NotWhileImpersonating
    proof = await prover().prove(found["id"], given_in(body, body.address), purpose="confirm")
    assurance = assurance_after(
        found["method"], found["assurance"], proof.method, user_verified=proof.user_verified
    )
    async with db.transaction() as session:
        await proof.use(session)
        begun = await sessions.renew(
            session,
            body.session,
            method=method_after(found["method"], proof.method),
            assurance=assurance,
            restart=proof.user_verified or found["assurance"] < assurance,
        )
        await notices.note(
            session,
            found["id"],
            action="session.confirmed",
            address=body.address,
            details={"method": proof.method},
        )
        account = await accounts.get_account_in(session, found["id"])
    user = me_out(as_proved(account, assurance, users.settings))
    return SessionOut(session=begun.secret, expires_at=begun.expires_at, user=user), 201


@internal.operation(
    "POST",
    "/sessions/confirm/passkey",
    summary="Begin to prove again by passkey",
    permission=INTERNAL,
    body=SessionRef,
    returns={200: OptionsOut},
    problems=(401,),
)
async def confirm_options(body: SessionRef) -> OptionsOut:
    """What a passkey of the session's account has to sign."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    found = await session_queries.find_account_by_session(db, digest_of(body.session))
    if found is None:
        raise SessionEnded
    options = await passkeys.authentication_options(db, users.relying_party, "confirm", found["id"])
    return OptionsOut(public_key=options)


@internal.operation(
    "POST",
    "/sessions/renew",
    summary="A new secret for a session",
    permission=INTERNAL,
    body=SessionRef,
    returns={201: SessionOut},
    problems=(401,),
)
async def renew(body: SessionRef) -> tuple[SessionOut, int]:
    """For a session whose rights have just grown: whoever knew its old secret holds nothing."""
    auth.require_service(GATEWAY)
    users, db = current_users(), current_database()
    found = await session_queries.find_account_by_session(db, digest_of(body.session))
    if found is None:
        raise SessionEnded
    async with db.transaction() as session:
        begun = await sessions.renew(
            session,
            body.session,
            method=found["method"],
            assurance=found["assurance"],
            proved_now=False,
        )
        account = await accounts.get_account_in(session, found["id"])
    user = me_out(as_proved(account, found["assurance"], users.settings))
    return SessionOut(session=begun.secret, expires_at=begun.expires_at, user=user), 201
