"""The operator's commands: `flask --app vitrine_users operator …`, which `./vitrine users …` runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import RowMapping
from vitrine_kit.db import current_database

from vitrine_users.accounts import queries as accounts
from vitrine_users.accounts import service as account_rules
from vitrine_users.audit.log import record
from vitrine_users.operators import service
from vitrine_users.sessions.cli import make_owner_link, refuse, run
from vitrine_users.state import current_users
from vitrine_users.tokens.keyring import RotationUnderWay

operator = AppGroup("operator", help="What the shop's operator does to accounts.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")


def register(app: Flask) -> None:
    """Adds the commands to `flask --app vitrine_users operator`."""
    app.cli.add_command(operator)


@operator.command("create-owner")
@click.argument("email")
@JSON
def create_owner(email: str, as_json: bool) -> None:
    """Makes an owner of the shop with this address, and prints the link that signs them in once."""
    made = run(lambda: make_owner_link(email, force=True))
    _say(asdict(made), made.link, as_json)


@operator.command("reset-mfa")
@click.argument("email")
@JSON
def reset_mfa(email: str, as_json: bool) -> None:
    """Takes passkeys, authenticator app, recovery codes and remembered devices off an account; ends its sign-ins."""
    found = run(lambda: _reset_mfa(email))
    text = f"{email} signs in with the password alone now; every sign-in has ended."
    _say(asdict(found), text, as_json)


@operator.command("rotate-keys")
@click.option(
    "--at-once", is_flag=True, help="Withdraw the present keys now: for a key that somebody else may have."
)
@JSON
def rotate_keys(at_once: bool, as_json: bool) -> None:
    """Puts a new signing key in the place of the present one; no request fails by it."""
    found = run(lambda: _rotate_keys(at_once=at_once))
    text = f"Key {found['kid']} signs from {found['signs_from']} on."
    _say(found, text, as_json)


@operator.command("unlock")
@click.argument("email")
@JSON
def unlock(email: str, as_json: bool) -> None:
    """Forgets the failed tries at an account, so that nobody has to wait."""
    addresses = run(lambda: _unlock(email))
    _say({"email": email, "addresses": addresses}, f"The failed tries at {email} are forgotten.", as_json)


@operator.command("list")
@click.option("--role", help="Only those who hold this role.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at the most."
)
@JSON
def list_people(role: str | None, limit: int, as_json: bool) -> None:
    """Lists accounts, the oldest first."""
    people = [
        dict(row) for row in run(lambda: service.list_people(current_database(), role=role, limit=limit))
    ]
    lines = [
        f"{person['email']}\t{', '.join(person['roles'])}\t{'suspended' if person['suspended_at'] else 'active'}"
        for person in people
    ]
    _say({"items": people}, "\n".join(lines) or "There is nobody.", as_json)


async def _reset_mfa(email: str) -> service.Reset:
    async with current_database().transaction() as session:
        return await service.reset_factors(session, await _account_of(email))


async def _rotate_keys(*, at_once: bool) -> dict[str, Any]:
    try:
        async with current_database().transaction() as session:
            made = await current_users().keyring.rotate(session, at_once=at_once)
            await current_users().rsa_keys.retire(session, at_once=at_once)
            details = {"kid": made.kid, "signs_from": made.signs_from, "at_once": at_once}
            await record(
                session,
                action="keys.rotated",
                actor_id=None,
                subject_id=None,
                details={**details, "retired": list(made.retired)},
                address=None,
            )
    except RotationUnderWay as error:
        refuse(f"A rotation is under way: {error}. Use --at-once if a key is in wrong hands.")
    return {**asdict(made), "signs_from": made.signs_from.isoformat()}


async def _unlock(email: str) -> int:
    account = await _account_of(email)
    key = account_rules.read_address(email).key
    return await service.unlock(current_database(), current_users().guesses, account, key)


async def _account_of(email: str) -> RowMapping:
    found = await accounts.find_account_by_key(current_database(), account_rules.read_address(email).key)
    if found is None:
        refuse(f"There is no account with the address {email}.")
    return found


def _say(document: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(document, default=str) if as_json else text)
