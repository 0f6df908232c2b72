"""The operator's command about the audit log: `flask --app vitrine_users audit verify`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask import Flask
from flask.cli import AppGroup
from vitrine_kit.asgi import await_
from vitrine_kit.db import current_database

from vitrine_users.audit import service
from vitrine_users.audit.service import Verdict

BROKEN = 4
"""The exit status of a check that has found the chain broken."""

audit = AppGroup("audit", help="The log of security events.")


def register(app: Flask) -> None:
    """Adds the commands to `flask --app vitrine_users audit`."""
    app.cli.add_command(audit)


class Head(click.ParamType[tuple[int, bytes]]):
    """A position and a digest, as `verify` prints them: `1200:9f86d081…`."""

    name = "position:digest"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, bytes]:
        position, _, digest = value.partition(":")
        try:
            return int(position), bytes.fromhex(digest)
        except ValueError:
            self.fail(f"{value!r} is no position:digest", param, ctx)


@audit.command("verify")
@click.option("--expect", type=Head(), help="Position and digest that an earlier check has printed.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def verify(expect: tuple[int, bytes] | None, as_json: bool) -> None:
    """Checks every entry's digest; exits with status 4 and names the first entry that was changed."""
    found = await_(_verify(expect))
    if as_json:
        click.echo(json.dumps(asdict(found)))
    elif found.intact:
        click.echo(f"{found.checked} entries are as they were written. {found.position}:{found.digest}")
    else:
        click.echo(f"Broken at entry {found.broken_at}: {found.reason}", err=True)
    if not found.intact:
        raise SystemExit(BROKEN)


async def _verify(expected: tuple[int, bytes] | None) -> Verdict:
    try:
        return await service.verify(current_database(), expected=expected)
    finally:
        await current_database().dispose()
