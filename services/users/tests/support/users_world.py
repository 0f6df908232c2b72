"""The users service as a test meets it: people who register and sign in, and what time and neighbours do."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from flask import Flask
from vitrine_kit.testing import (
    PUBLIC_URL,
    Keys,
    ServiceDatabase,
    copy_service_database,
    create_service_database,
    drop_service_database,
    service_environment,
    serving,
)
from vitrine_users import create_app
from vitrine_users.mail.outbox import unseal_letter
from vitrine_users.settings import UsersSettings
from vitrine_users.state import EXTENSION

API = "/api/users/v1"
GOOD_PASSWORD = "quilt harbour nine lamps"
PATIENT = {
    "registration_burst": 100_000,
    "mail_burst": 100_000,
    "require_factor": False,
    "deletion_grace_days": 0,
    "pool_wait_s": 5,
    "challenge_after_network": 0,
    "challenge_after_all": 0,
}
"""What has tests of its own, and would only be in the way elsewhere."""
CHEAP_HASHING = {"argon2_memory_kib": 8, "argon2_passes": 1}
"""Hashing at its real cost has tests of its own; elsewhere it would only make the suite slow."""


def settings_of(environment: dict[str, str], **changes: Any) -> UsersSettings:
    """The settings an environment like this would give, with cheap hashing."""
    values = {name.removeprefix("VITRINE_").lower(): value for name, value in environment.items()}
    return UsersSettings(**{**values, **CHEAP_HASHING, **PATIENT, **changes})


@dataclass
class Person:
    """Somebody with an account, signed in by API."""

    id: UUID
    email: str
    name: str
    password: str
    tokens: dict[str, Any]
    address: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}", "X-Real-IP": self.address}


@dataclass
class World:
    """The running service, as a test meets it."""

    app: Flask
    client: httpx.AsyncClient
    sql: asyncpg.Connection
    keys: Keys
    _made: int = field(default=0)

    def some_address(self) -> str:
        """A network address nobody has come from yet."""
        return ".".join(str(byte) for byte in secrets.token_bytes(4))

    def some_email(self) -> str:
        self._made += 1
        return f"person-{self._made}-{secrets.token_hex(4)}@example.com"

    def neighbour(self, name: str = "gateway", target: str = "users") -> dict[str, str]:
        return self.keys.service_header(name, target)

    async def register(self, **changes: Any) -> httpx.Response:
        body = {"email": self.some_email(), "password": GOOD_PASSWORD, "name": "Ann Example", **changes}
        headers = {"X-Real-IP": self.some_address()}
        return await self.client.post(f"{API}/registrations", json=body, headers=headers)

    async def registered(self, **changes: Any) -> tuple[UUID, str]:
        """A new account whose address nobody has confirmed: its id and its address."""
        email = changes.pop("email", None) or self.some_email()
        answer = await self.register(email=email, **changes)
        assert answer.status_code == 202, answer.text
        return await self.id_of(email), email

    async def id_of(self, email: str) -> UUID:
        found: UUID = await self.sql.fetchval(
            "SELECT id FROM users.accounts WHERE email_key = $1", email.lower()
        )
        return found

    async def mails_to(self, email: str) -> list[dict[str, Any]]:
        """The mails that wait for this address, oldest first, with their texts."""
        rows = await self.sql.fetch(
            "SELECT * FROM users.mail_outbox WHERE lower(recipient) = $1 ORDER BY id", email.lower()
        )
        settings = self.app.extensions[EXTENSION].settings
        letters = [unseal_letter(settings, row["id"], row["sealed_body"]) for row in rows]
        return [
            {**row, "text": letter.text, "html": letter.html}
            for row, letter in zip(rows, letters, strict=True)
        ]

    async def link_to(self, email: str, page: str) -> str:
        """The secret of the latest link to this page that was mailed to the address."""
        for mail in reversed(await self.mails_to(email)):
            if found := re.search(rf"{PUBLIC_URL}/{page}/([A-Za-z0-9_-]+)", mail["text"]):
                return found[1]
        raise AssertionError(f"no mail to {email} holds a link to {page}")

    async def sign_in(
        self, email: str, password: str = GOOD_PASSWORD, *, address: str | None = None
    ) -> httpx.Response:
        body = {"email": email, "password": password}
        headers = {"X-Real-IP": address or self.some_address()}
        return await self.client.post(f"{API}/tokens", json=body, headers=headers)

    async def begin_session(self, email: str, password: str = GOOD_PASSWORD) -> dict[str, Any]:
        body = {"email": email, "password": password, "user_agent": "tests", "address": self.some_address()}
        answer = await self.client.post("/internal/sessions", json=body, headers=self.neighbour())
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def exchange(self, session: str) -> httpx.Response:
        return await self.client.post(
            "/internal/sessions/exchange", json={"session": session}, headers=self.neighbour()
        )

    async def refresh(self, token: str) -> httpx.Response:
        return await self.client.post(f"{API}/tokens/refresh", json={"refresh_token": token})

    async def give(self, account_id: UUID | str, *roles: str) -> None:
        """Gives roles behind the service's back: how a first owner comes to be is tested elsewhere."""
        await self.sql.execute("DELETE FROM users.account_roles WHERE account_id = $1", UUID(str(account_id)))
        await self.sql.execute(
            "INSERT INTO users.account_roles (account_id, role_id)"
            " SELECT $1, id FROM users.roles WHERE name = ANY($2::text[])",
            UUID(str(account_id)),
            list(roles),
        )

    async def person(self, *roles: str, name: str = "Ann Example", **changes: Any) -> Person:
        """A new person with these roles (customer by default), signed in."""
        account_id, email = await self.registered(name=name, **changes)
        await self.sql.execute(
            "UPDATE users.accounts SET email_verified_at = now() WHERE id = $1", account_id
        )
        if roles:
            await self.give(account_id, *roles)
        password = changes.get("password", GOOD_PASSWORD)
        address = self.some_address()
        tokens = await self.sign_in(email, password, address=address)
        assert tokens.status_code == 201, tokens.text
        return Person(account_id, email, name, password, tokens.json(), address)

    async def get(self, person: Person, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(
            f"{API}{path}", headers=person.headers | options.pop("headers", {}), **options
        )

    async def send(self, person: Person, method: str, path: str, **options: Any) -> httpx.Response:
        headers = person.headers | options.pop("headers", {})
        return await self.client.request(method, f"{API}{path}", headers=headers, **options)


async def migrate_here(environment: dict[str, str], *arguments: str) -> None:
    """Runs `flask db` with these arguments within this process, which has imported all it needs already.

    Raises:
        AssertionError: it failed; holds what it printed.
    """

    def invoke() -> None:
        app = create_app(settings_of(environment))
        done = app.test_cli_runner().invoke(args=["db", *arguments])
        assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"

    await asyncio.to_thread(invoke)


@asynccontextmanager
async def migrated_database(postgres_url: str, keys: Keys) -> AsyncIterator[ServiceDatabase]:
    """A database with the service's tables and nobody in them, made by the migrations."""
    database = await create_service_database(postgres_url, "users")
    await migrate_here(service_environment("users", keys, database), "upgrade")
    yield database
    await drop_service_database(postgres_url, database)


@asynccontextmanager
async def copied_database(postgres_url: str, original: ServiceDatabase) -> AsyncIterator[ServiceDatabase]:
    """The same, copied: migrations run once in a session."""
    database = await copy_service_database(postgres_url, original)
    try:
        yield database
    finally:
        await drop_service_database(postgres_url, database)


@asynccontextmanager
async def living(
    environment: dict[str, str], sql: asyncpg.Connection, keys: Keys, **changes: Any
) -> AsyncIterator[World]:
    """An instance of the service, with these of its settings changed."""
    app = create_app(settings_of(environment, **changes))
    async with serving(app) as client:
        yield World(app, client, sql, keys)
