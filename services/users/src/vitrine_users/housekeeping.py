"""What the worker does once a minute, unasked: mail, what has ended, and accounts whose time of grace is over."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from flask import Flask
from vitrine_kit.db import Database
from vitrine_kit.service import ServiceState

from vitrine_users.accounts import queries as accounts
from vitrine_users.applications import queries as applications
from vitrine_users.challenges import episodes
from vitrine_users.challenges import queries as challenges
from vitrine_users.connections import queries as connections
from vitrine_users.departures import service as departures
from vitrine_users.devices import queries as devices
from vitrine_users.factors import queries as factors
from vitrine_users.invitations import queries as invitations
from vitrine_users.links import queries as links
from vitrine_users.mail import delivery
from vitrine_users.passkeys import queries as passkeys
from vitrine_users.personal_tokens import queries as personal_tokens
from vitrine_users.sign_ins import queries as sign_ins
from vitrine_users.tokens import queries as tokens
from vitrine_users.tokens.keyring import TOKEN_LIFE_S
from vitrine_users.webhooks import service as webhooks

ROUND_S = 60.0


async def keep_house(app: Flask, stop: asyncio.Event) -> None:
    """Goes round until `stop` is set."""
    service: ServiceState = app.extensions["vitrine"]
    while not stop.is_set():
        assert service.database is not None, "users has a database"
        await go_round(service.database)
        with suppress(TimeoutError):
            async with asyncio.timeout(ROUND_S):
                await stop.wait()


async def go_round(database: Database) -> None:
    """One round; safe to repeat, and beside another worker's."""
    await delivery.keep_mail(database)
    async with database.transaction() as session:
        await links.purge_links(session)
        await sign_ins.purge_sessions(session)
        await tokens.purge_families(session)
        await tokens.purge_keys(session, token_life_s=TOKEN_LIFE_S)
        await personal_tokens.purge_tokens(session)
        await invitations.purge_invitations(session)
        await factors.purge_pending(session)
        await passkeys.purge_challenges(session)
        await connections.purge_visits(session)
        await applications.purge(session)
        await devices.purge_devices(session)
        await accounts.purge_failed_tries(session)
        await challenges.purge_spent(session)
        await episodes.tell(session)
        await webhooks.purge(session)
    while await departures.erase_one_due(database):
        pass
