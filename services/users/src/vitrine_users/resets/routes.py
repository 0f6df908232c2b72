"""Asking for another password, and setting it by a link, over HTTP."""

from __future__ import annotations

from flask import request
from vitrine_kit.auth import PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import queries
from vitrine_users.accounts import service as accounts
from vitrine_users.addresses.schemas import AddressRef
from vitrine_users.challenges.schemas import ChallengeProblem
from vitrine_users.challenges.service import HEADER
from vitrine_users.links import service as links
from vitrine_users.links.errors import LinkSpent
from vitrine_users.links.service import Purpose
from vitrine_users.registrations.answers import Accepted, check_your_mail
from vitrine_users.registrations.schemas import CheckYourMail
from vitrine_users.resets import service
from vitrine_users.resets.schemas import NewPasswordByLink
from vitrine_users.state import current_users

bp = ApiBlueprint("resets", __name__, url_prefix="/api/users/v1")


@bp.operation(
    "POST",
    "/password-resets",
    summary="Ask for another password",
    permission=PUBLIC,
    body=AddressRef,
    returns={202: CheckYourMail},
    problems=(429,),
    problems_as=ChallengeProblem,
    headers=(HEADER,),
)
async def request_reset(body: AddressRef) -> Accepted:
    """Mails a link to the address, where it has an account; the answer is the same for every address."""
    users = current_users()
    address = accounts.read_address(body.email)
    await users.challenges.require("reset", client_address(), request.headers.get(HEADER))
    await users.pressure.note(client_address())
    await users.guesses.mail(address.key, client_address())
    async with current_database().transaction() as session:
        await service.request_reset(session, address.key, address.text, from_address=client_address())
    return check_your_mail()


@bp.operation(
    "POST",
    "/password-resets/confirm",
    summary="Set another password by a link",
    permission=PUBLIC,
    body=NewPasswordByLink,
    returns={204: None},
    problems=(410,),
)
async def confirm_reset(body: NewPasswordByLink) -> None:
    """Sets the password and ends every sign-in. It signs nobody in, and replaces no second factor.

    A password that is refused leaves the link as it is.
    """
    users, db = current_users(), current_database()
    await users.guesses.from_address(client_address())
    # What is too weak for anybody is refused whatever the link is; what is so for its owner, once that is known.
    accounts.accept_password(body.new_password, field="new_password", about=())
    held = await links.look_up(db, Purpose.RESET, body.token)
    account = await queries.find_account(db, held.person_id) if held.person_id else None
    if account is None:
        raise LinkSpent
    accounts.accept_password(
        body.new_password, field="new_password", about=(account["email"], account["name"])
    )
    hashed = await users.hasher.hash(body.new_password)
    async with db.transaction() as session:
        await service.reset(session, body.token, held, hashed, from_address=client_address())
