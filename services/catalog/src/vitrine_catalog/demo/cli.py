"""The command `flask --app vitrine_catalog seed-demo`."""

from __future__ import annotations

import asyncio

import click
from flask import Flask
from vitrine_kit.db import Database


def register(app: Flask) -> None:
    """Add the command to the app."""

    @app.cli.command("seed-demo")
    @click.option("--force", is_flag=True, help="Add what is missing though there are products already.")
    def seed(force: bool) -> None:
        """Bring in the demo shop; does nothing where there are products already."""
        added = asyncio.run(_seed(app.extensions["vitrine"].database, force))
        click.echo(f"{added} products added." if added else "There are products already: nothing was added.")


async def _seed(database: Database, force: bool) -> int:
    # Here and not above: every start of the service would pay for what is used once.
    from vitrine_catalog.demo.seed import seed_demo

    try:
        return await seed_demo(database, force=force)
    finally:
        await database.dispose()
