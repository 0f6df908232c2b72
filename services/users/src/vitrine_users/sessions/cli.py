"""The operator's commands: a first sign-in for the owner, and access tokens for scripts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import NoReturn, TypeVar

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import RowMapping
from vitrine_kit.asgi import await_
from vitrine_kit.db import current_database

from vitrine_users.accounts import queries as account_queries
from vitrine_users.accounts import service as accounts
from vitrine_users.accounts.errors import AddressTaken, BadInput
from vitrine_users.roles import service as roles
from vitrine_users.roles.errors import UnknownRole
from vitrine_users.roles.models import OWNER
from vitrine_users.sessions import service
from vitrine_users.state import current_users

REFUSED = 3
"""The exit status of a command that understood, and will not."""

FIRST_OWNER = "owner@localhost.localdomain"
FIRST_OWNER_NAME = "Owner"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OwnerLink:
    """What `create-owner-link` reports."""

    link: str
    email: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """What `issue-token` reports."""

    access_token: str
    role: str
    subject: str
    expires_in: int


def register(app: Flask) -> None:
    """Adds the commands to `flask --app vitrine_users`."""
    app.cli.add_command(create_owner_link)
    app.cli.add_command(issue_token)


@click.command("create-owner-link")
@click.option("--email", help=f"The owner's address; {FIRST_OWNER} for a new owner without one.")
@click.option("--force", is_flag=True, help="Make a link though an owner can sign in with a password.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_appcontext
def create_owner_link(email: str | None, force: bool, as_json: bool) -> None:
    """Prints a link that signs the shop's owner in once; makes the owner the first time."""
    made = run(lambda: make_owner_link(email, force=force))
    click.echo(json.dumps(asdict(made)) if as_json else made.link)


@click.command("issue-token")
@click.option("--role", default=OWNER, show_default=True, help="What the token may do.")
@click.option(
    "--ttl", default=600, show_default=True, type=click.IntRange(1, 600), help="Seconds until it ends."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_appcontext
def issue_token(role: str, ttl: int, as_json: bool) -> None:
    """Prints an access token that speaks for the shop's owner, with the rights of one role."""
    issued = run(lambda: _issue_token(role, ttl))
    click.echo(json.dumps(asdict(issued)) if as_json else issued.access_token)


async def make_owner_link(email: str | None, *, force: bool) -> OwnerLink:
    """A link that signs an owner in once; makes the owner where there is none with this address."""
    users, db = current_users(), current_database()
    if not force and await account_queries.holder_can_sign_in(db, OWNER):
        refuse("An owner signs in with a password already. Use --force to make a link all the same.")
    owner = await _find_or_create_owner(email)
    async with db.transaction() as session:
        link = await service.make_link(session, owner["id"], ttl_s=users.settings.sign_in_link_ttl_s)
    # The address comes from the settings, never from a request: nobody can send the owner elsewhere.
    url = f"{users.settings.public_url}/sign-in/link/{link.secret}"
    return OwnerLink(link=url, email=owner["email"], expires_at=link.expires_at.isoformat())


async def _issue_token(role: str, ttl_s: int) -> IssuedToken:
    users, db = current_users(), current_database()
    owner = await _find_or_create_owner(None)
    async with db.transaction() as session:
        chosen = await roles.get_roles(session, [role])
        # It hangs on a session like any other token, so that it can be ended; nobody knows the secret. Whoever
        # may run this command rules the machine: no second factor would keep them out.
        begun = await service.begin(
            session,
            owner,
            method="operator",
            ttl_s=ttl_s,
            user_agent="issue-token",
            address="local",
            assurance=2,
        )
    access_token = await users.keyring.sign(
        account_id=owner["id"],
        session_id=begun.session_id,
        name=owner["name"],
        roles=[role],
        permissions=chosen[0]["permissions"],
        authenticated_at=datetime.now(UTC),
        assurance=2,
        ttl_s=ttl_s,
    )
    return IssuedToken(access_token=access_token, role=role, subject=str(owner["id"]), expires_in=ttl_s)


async def _find_or_create_owner(email: str | None) -> RowMapping:
    db = current_database()
    if email is None:
        found = await account_queries.find_oldest_holder(db, OWNER)
        if found is not None:
            return found
    address = accounts.read_address(email or FIRST_OWNER)
    try:
        async with db.transaction() as session:
            return await accounts.create_account(session, address, FIRST_OWNER_NAME, None, [OWNER])
    except AddressTaken:
        found = await account_queries.find_account_by_key(db, address.key)
    if found is None or OWNER not in found["roles"]:
        refuse(f"{address.text} has an account that is no owner's. An owner can give it the role.")
    return found


def refuse(reason: str) -> NoReturn:
    """Ends the command with what it has to say and the status 3: it understood, and will not."""
    click.echo(reason, err=True)
    raise SystemExit(REFUSED)


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Does a command's work, and closes the database's connections behind it."""

    async def within() -> T:
        try:
            return await work()
        finally:
            await current_database().dispose()

    try:
        return await_(within())
    except (BadInput, UnknownRole) as error:
        refuse(error.detail)
