"""The operator's command that registers an application, for whoever sets a machine up without the studio."""

from __future__ import annotations

import json

import click
from flask import Flask
from flask.cli import with_appcontext
from pydantic import TypeAdapter, ValidationError
from vitrine_kit.db import current_database

from vitrine_users.accounts.errors import BadInput
from vitrine_users.accounts.schemas import Name
from vitrine_users.applications import service
from vitrine_users.operators.cli import JSON, operator
from vitrine_users.sessions.cli import run

MAX_NAME_CHARS = 60


def register(app: Flask) -> None:
    """Adds the command to `flask --app vitrine_users operator`, where that is."""
    assert operator.name in app.cli.commands, "the operator's commands come first"
    operator.add_command(register_application)


@click.command("register-application")
@click.argument("name")
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, required=True, help="Where browsers are sent back to."
)
@click.option("--logout-uri", "logout_uris", multiple=True, help="Where browsers may go after signing out.")
@click.option("--public", is_flag=True, help="It can keep no secret.")
@click.option("--rs256", is_flag=True, help="Its library knows no Ed25519.")
@JSON
@with_appcontext
def register_application(
    name: str,
    redirect_uris: tuple[str, ...],
    logout_uris: tuple[str, ...],
    public: bool,
    rs256: bool,
    as_json: bool,
) -> None:
    """Registers an application into which people sign in with their account; prints its id and secret this once."""

    async def made() -> dict[str, str | None]:
        async with current_database().transaction() as session:
            row, secret = await service.register(
                session,
                actor_id=None,
                address="local",
                confidential=not public,
                name=_read_name(name),
                redirect_uris=list(redirect_uris),
                logout_uris=list(logout_uris),
                signature="RS256" if rs256 else "EdDSA",
            )
        return {"client_id": str(row["id"]), "client_secret": secret}

    found = run(made)
    shown = "\n".join(f"{member}: {value}" for member, value in found.items() if value is not None)
    click.echo(json.dumps(found) if as_json else shown)


def _read_name(name: str) -> str:
    try:
        read: str = TypeAdapter(Name).validate_python(name)
    except ValidationError:
        read = ""
    if not 0 < len(read) <= MAX_NAME_CHARS:
        raise BadInput("name", f"A name has 1 to {MAX_NAME_CHARS} characters that can be shown.")
    return read
