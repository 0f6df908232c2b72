"""Confirming and changing addresses over HTTP. Reading a link's page never comes here: only its button does."""

from __future__ import annotations

from vitrine_kit import auth
from vitrine_kit.auth import PUBLIC, SIGNED_IN
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import queries
from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.current import current_account
from vitrine_users.addresses import service
from vitrine_users.addresses.schemas import AddressChange, AddressRef, ConfirmedAddress, LinkRef
from vitrine_users.factors.stepup import require_recent
from vitrine_users.registrations.answers import Accepted, check_your_mail
from vitrine_users.registrations.schemas import CheckYourMail
from vitrine_users.state import current_users

bp = ApiBlueprint("addresses", __name__, url_prefix="/api/users/v1")

NO_STORE = {"Cache-Control": "no-store"}


@bp.operation(
    "POST",
    "/email-verifications",
    summary="Have the verification mail sent again",
    permission=PUBLIC,
    body=AddressRef,
    returns={202: CheckYourMail},
)
async def resend_verification(body: AddressRef) -> Accepted:
    """Mails a new link to an address that waits for one; the answer is the same for every other address."""
    address = accounts.read_address(body.email)
    await current_users().guesses.mail(address.key, client_address())
    async with current_database().transaction() as session:
        holder = await queries.find_holder(session, address.key)
        await service.send_verification(session, holder, address.text)
    return check_your_mail()


@bp.operation(
    "POST",
    "/email-verifications/confirm",
    summary="Confirm an e-mail address",
    permission=PUBLIC,
    body=LinkRef,
    returns={200: ConfirmedAddress},
    problems=(410,),
)
async def confirm_verification(body: LinkRef) -> tuple[ConfirmedAddress, int, dict[str, str]]:
    """Uses up the link of a verification mail; works once."""
    await current_users().guesses.from_address(client_address())
    async with current_database().transaction() as session:
        found = await service.verify(session, body.token, from_address=client_address())
    return ConfirmedAddress(email=found["email"]), 200, NO_STORE


@bp.operation(
    "POST",
    "/me/address",
    summary="Change your e-mail address",
    permission=SIGNED_IN,
    body=AddressChange,
    returns={202: CheckYourMail},
)
async def change_address(body: AddressChange) -> Accepted:
    """Mails a link to the new address. The old one works until that is used, and is told of it."""
    users, db, account = current_users(), current_database(), current_account()
    new = accounts.read_address(body.email)
    if not account["has_password"]:
        require_recent(auth.require(SIGNED_IN))
    await accounts.confirm_password(
        db,
        users.hasher,
        users.guesses,
        account_id=account["id"],
        password=body.password,
        field="password",
        address=client_address(),
    )
    await users.guesses.mail(new.key, client_address())
    async with db.transaction() as session:
        await service.request_change(session, account, new, from_address=client_address())
    return check_your_mail()


@bp.operation(
    "POST",
    "/address-changes/confirm",
    summary="Confirm a new e-mail address",
    permission=PUBLIC,
    body=LinkRef,
    returns={200: ConfirmedAddress},
    problems=(409, 410),
)
async def confirm_change(body: LinkRef) -> tuple[ConfirmedAddress, int, dict[str, str]]:
    """Makes the new address the account's; works once, and every older link of the account is dead."""
    await current_users().guesses.from_address(client_address())
    async with current_database().transaction() as session:
        email = await service.confirm_change(session, body.token, from_address=client_address())
    return ConfirmedAddress(email=email), 200, NO_STORE
