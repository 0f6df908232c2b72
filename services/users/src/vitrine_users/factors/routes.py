"""One's own factors over HTTP: the authenticator app and recovery codes; changes ask for a recent proof."""

from __future__ import annotations

from uuid import UUID

from flask import request
from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.offload import run_blocking
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.factors import notices, queries, service, signin, totp
from vitrine_users.factors.errors import ConfirmInBrowser
from vitrine_users.factors.proofs import Given, Prover, assurance_after, method_after
from vitrine_users.factors.requirement import must_have_factor
from vitrine_users.factors.schemas import (
    ChallengeIn,
    CodesOut,
    FactorsOut,
    OptionsOut,
    PasskeyOut,
    ProofIn,
    SecondProofIn,
    TotpBegun,
    TotpConfirm,
    TotpState,
)
from vitrine_users.factors.stepup import require_recent
from vitrine_users.passkeys import queries as passkey_queries
from vitrine_users.passkeys import service as passkeys
from vitrine_users.sessions import queries as sessions
from vitrine_users.sessions import service as session_service
from vitrine_users.state import current_users
from vitrine_users.tokens import queries as tokens
from vitrine_users.tokens import service as families
from vitrine_users.tokens.routes import MAX_USER_AGENT_CHARS, NO_STORE, Answer, answer_tokens
from vitrine_users.tokens.schemas import TokensOut

bp = ApiBlueprint("factors", __name__, url_prefix="/api/users/v1")


@bp.operation("GET", "/me/factors", summary="Your factors", permission=SIGNED_IN, returns={200: FactorsOut})
async def get_factors() -> tuple[FactorsOut, int, dict[str, str]]:
    """How you can prove who you are."""
    users, db, account = current_users(), current_database(), current_account()
    held = await queries.overview(db, account["id"])
    app = await queries.find_totp(db, account["id"])
    keys = await passkey_queries.list_passkeys(db, account["id"])
    state = None
    if app is not None and app["confirmed_at"] is not None:
        works = app["disabled_at"] is None
        state = TotpState(added_at=app["confirmed_at"], last_used_at=app["last_used_at"], works=works)
    out = FactorsOut(
        has_password=account["has_password"],
        totp=state,
        passkeys=[PasskeyOut(**{name: key[name] for name in PasskeyOut.model_fields}) for key in keys],
        recovery_codes=held["recovery_codes"] if held is not None else 0,
        required=must_have_factor(account, users.settings),
        passkeys_work=users.relying_party.works,
    )
    return out, 200, NO_STORE


@bp.operation(
    "POST",
    "/me/totp",
    summary="Add an authenticator app",
    permission=SIGNED_IN,
    returns={201: TotpBegun},
    problems=(403, 409),
)
async def begin_totp() -> tuple[TotpBegun, int, dict[str, str]]:
    """Brings a seed for the app; it is good once its first code has come."""
    users, account = current_users(), current_account()
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        seed = await service.begin_totp(session, users.factor_keys, account["id"])
    uri = totp.address_of(seed, shop=users.settings.shop_name, email=account["email"])
    picture = await run_blocking(totp.picture_of, uri)
    return TotpBegun(secret=totp.text_of(seed), uri=uri, qr_svg=picture), 201, NO_STORE


@bp.operation(
    "POST",
    "/me/totp/confirm",
    summary="Confirm the authenticator app",
    permission=SIGNED_IN,
    body=TotpConfirm,
    returns={204: None},
    problems=(403, 404),
)
async def confirm_totp(body: TotpConfirm) -> None:
    """The first code makes the app good; the sign-in that adds it has now been proved twice."""
    account = current_account()
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        await service.confirm_totp(
            session, current_users().factor_keys, account["id"], body.code, address=client_address()
        )
        assurance = assurance_after(account["method"], account["assurance"], "totp", user_verified=False)
        await sessions.raise_assurance(session, _sign_in_id(), assurance=assurance)
        if body.end_other_sessions:
            await session_service.end_others(session, account["id"], _sign_in_id())


@bp.operation(
    "DELETE",
    "/me/totp",
    summary="Remove the authenticator app",
    permission=SIGNED_IN,
    returns={204: None},
    problems=(403, 404),
)
async def remove_totp() -> None:
    """Signing in asks for it no more; recovery codes that would stand in for nothing go with it."""
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        await service.remove_totp(session, current_account()["id"], address=client_address())


@bp.operation(
    "POST",
    "/me/recovery-codes",
    summary="Make recovery codes",
    permission=SIGNED_IN,
    returns={201: CodesOut},
    problems=(403, 409),
)
async def issue_codes() -> tuple[CodesOut, int, dict[str, str]]:
    """Ten codes, shown this once, each good once; the ones of before are worth nothing from now on."""
    require_recent(auth.require(SIGNED_IN))
    async with current_database().transaction() as session:
        codes = await service.issue_codes(
            session, current_users().factor_keys, current_account()["id"], address=client_address()
        )
    return CodesOut(codes=codes), 201, NO_STORE


@bp.operation(
    "POST",
    "/me/confirmations/passkey",
    summary="Begin to confirm by passkey",
    permission=SIGNED_IN,
    returns={200: OptionsOut},
)
async def confirmation_options() -> tuple[OptionsOut, int, dict[str, str]]:
    """What a passkey of yours has to sign, once, within five minutes."""
    found = await passkeys.authentication_options(
        current_database(), current_users().relying_party, "confirm", current_account()["id"]
    )
    return OptionsOut(public_key=found), 200, NO_STORE


@bp.operation(
    "POST",
    "/me/confirmations",
    summary="Confirm that it is you",
    permission=SIGNED_IN,
    body=ProofIn,
    returns={201: TokensOut},
    problems=(404, 409),
)
async def confirm(body: ProofIn) -> Answer:
    """Proves again who you are: brings new tokens, and ends the ones of before (ASVS 7.2.4)."""
    users, db, account, address = current_users(), current_database(), current_account(), client_address()
    if account["by_browser"]:
        raise ConfirmInBrowser
    proof = await prover().prove(account["id"], given_in(body, address), purpose="confirm")
    assurance = assurance_after(
        account["method"], account["assurance"], proof.method, user_verified=proof.user_verified
    )
    async with db.transaction() as session:
        await proof.use(session)
        ended = await tokens.delete_family(session, _sign_in_id())
        row = await accounts.get_account_in(session, account["id"])
        started = await families.start_family(
            session,
            users.refresh,
            row,
            method=method_after(account["method"], proof.method),
            assurance=assurance,
            ttl_s=users.settings.refresh_token_ttl_s,
            user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARS],
            address=address,
        )
        assert ended is not None, "the guard has just seen it alive"
        await notices.note(
            session,
            account["id"],
            action="session.confirmed",
            address=address,
            details={"method": proof.method},
        )
    return await answer_tokens(row, started)


@bp.operation(
    "POST",
    "/tokens/factors/passkey",
    summary="Begin the second step by passkey",
    permission=PUBLIC,
    body=ChallengeIn,
    returns={200: OptionsOut},
    problems=(410,),
)
async def second_step_options(body: ChallengeIn) -> tuple[OptionsOut, int, dict[str, str]]:
    """What a passkey of the account has to sign, once, within five minutes."""
    users, db = current_users(), current_database()
    await users.guesses.from_address(client_address())
    waiting = await signin.find_waiting(db, body.challenge, "api")
    found = await passkeys.authentication_options(db, users.relying_party, "second-step", waiting.account_id)
    return OptionsOut(public_key=found), 200, NO_STORE


@bp.operation(
    "POST",
    "/tokens/factors",
    summary="Sign in, second step",
    permission=PUBLIC,
    body=SecondProofIn,
    returns={201: TokensOut},
    problems=(401, 403, 404, 410),
)
async def second_step(body: SecondProofIn) -> Answer:
    """Finishes a sign-in that POST /tokens answered with `factor-required`; the challenge is good for ten minutes."""
    users, db, address = current_users(), current_database(), client_address()
    second = await signin.prove_second(prover(), body.challenge, "api", given_in(body, address))
    async with db.transaction() as session:
        account = await second.use(session)
        started = await families.start_family(
            session,
            users.refresh,
            account,
            method=second.waiting.proved,
            assurance=second.assurance,
            ttl_s=users.settings.refresh_token_ttl_s,
            user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARS],
            address=address,
        )
    return await answer_tokens(account, started)


def prover() -> Prover:
    """Checks proofs with what the current app has."""
    users = current_users()
    return Prover(current_database(), users.hasher, users.guesses, users.factor_keys, users.relying_party)


def given_in(body: ProofIn, address: str) -> Given:
    """The proof of a body, and where it came from."""
    return Given(
        method=body.method,
        password=body.password,
        code=body.code,
        credential=body.credential,
        address=address,
    )


def _sign_in_id() -> UUID:
    return UUID(auth.require(SIGNED_IN).session_id)
