"""What a service needs to know of its migrations while it serves; Alembic itself is only imported by `flask db`."""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from flask.cli import AppGroup

from vitrine_kit.db import Database

if TYPE_CHECKING:
    from flask_migrate import Migrate


class SchemaVersion:
    """Tells whether the schema in the database is new enough for this release.

    Raises:
        ValueError: the revisions do not form one line with one end.
    """

    def __init__(self, directory: Path) -> None:
        found = [_revision(path) for path in sorted((directory / "versions").glob("*.py"))]
        self._known = {own for own, _ in found}
        heads = self._known - {before for _, earlier in found for before in earlier}
        if len(heads) != (1 if found else 0):
            raise ValueError(f"{directory} holds {len(heads)} newest revisions: {', '.join(sorted(heads))}")
        self.head = next(iter(heads), None)

    def accepts(self, applied: str | None) -> bool:
        """True at our head, and at a revision we do not know: that is a later release's, made to suit us too."""
        return applied == self.head or (applied is not None and applied not in self._known)


def _revision(path: Path) -> tuple[str, tuple[str, ...]]:
    """What a migration says above its functions: its own revision, and those it comes after."""
    said: dict[str, Any] = {}
    top = path.read_text(encoding="utf-8").partition("\ndef ")[0]
    for statement in ast.parse(top).body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        if isinstance(target, ast.Name) and target.id in {"revision", "down_revision"}:
            assert isinstance(statement, ast.Assign | ast.AnnAssign)
            assert statement.value is not None
            said[target.id] = ast.literal_eval(statement.value)
    if not isinstance(said.get("revision"), str):
        raise ValueError(f"{path} names no revision")
    earlier = said.get("down_revision") or ()
    return said["revision"], (earlier,) if isinstance(earlier, str) else tuple(earlier)


class MigrateLater:
    """What Flask-Migrate looks for in `app.extensions["migrate"]`, made when one of its commands does."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.db = database
        self.directory = str(directory)

    @cached_property
    def migrate(self) -> Migrate:
        """Flask-Migrate's own object."""
        from flask_migrate import Migrate

        return Migrate(db=self.db, directory=self.directory, include_schemas=True)


class LazyCommands(AppGroup):
    """An app's commands, among them Flask-Migrate's `db`, which takes a quarter of a second to import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), "db"})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "db" and cmd_name not in self.commands:
            from flask_migrate.cli import db

            self.add_command(db, cmd_name)
        return super().get_command(ctx, cmd_name)


def register(app: Flask, database: Database, directory: Path) -> SchemaVersion:
    """Gives the app its `flask db` commands; returns what tells its schema's version."""
    app.cli = LazyCommands(app.cli.name, commands=app.cli.commands)
    app.extensions["migrate"] = MigrateLater(database, directory)
    return SchemaVersion(directory)
