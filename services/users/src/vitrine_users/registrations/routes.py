"""Registration over HTTP."""

from __future__ import annotations

from flask import request
from vitrine_kit.auth import PUBLIC
from vitrine_kit.db import current_database
from vitrine_kit.limits import client_address
from vitrine_kit.openapi import ApiBlueprint

from vitrine_users.accounts import service as accounts
from vitrine_users.challenges.schemas import ChallengeProblem
from vitrine_users.challenges.service import HEADER
from vitrine_users.registrations import service
from vitrine_users.registrations.answers import Accepted, check_your_mail
from vitrine_users.registrations.schemas import CheckYourMail, Registration
from vitrine_users.state import current_users

bp = ApiBlueprint("registrations", __name__, url_prefix="/api/users/v1")


@bp.operation(
    "POST",
    "/registrations",
    summary="Register",
    permission=PUBLIC,
    body=Registration,
    returns={202: CheckYourMail},
    problems=(403, 429),
    problems_as=ChallengeProblem,
    headers=(HEADER,),
    idempotent=True,
)
async def register(body: Registration) -> Accepted:
    """Makes an account with the role of a customer, and mails a link that confirms its address.

    The answer is the same for an address that has an account; its owner gets a mail that says so. A password that is
    refused comes with the reason.
    """
    users = current_users()
    service.require_open(users.settings)
    address = accounts.read_address(body.email)
    accounts.accept_password(body.password, field="password", about=(address.text, body.name))
    await users.challenges.require("register", client_address(), request.headers.get(HEADER))
    await users.pressure.note(client_address())
    await users.guesses.registration(client_address())
    await users.guesses.mail(address.key, client_address())
    password_hash = await users.hasher.hash(body.password)
    async with current_database().transaction() as session:
        await service.register(
            session,
            address,
            name=body.name,
            locale=body.locale,
            password_hash=password_hash,
            from_address=client_address(),
        )
    return check_your_mail()
