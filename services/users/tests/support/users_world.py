"""The users service as a test meets it: people who register and sign in, and what time and neighbours do."""

from __future__ import annotations

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
    Keys,
    ServiceDatabase,
    create_service_database,
    drop_service_database,
    migrate,
    service_environment,
    serving,
)
from vitrine_users import create_app
from vitrine_users.settings import UsersSettings

API = "/api/users/v1"
GOOD_PASSWORD = "quilt harbour nine lamps"
CHEAP_HASHING = {"argon2_memory_kib": 8, "argon2_passes": 1}
"""Hashing at its real cost has tests of its own; elsewhere it would only make the suite slow."""


def settings_of(environment: dict[str, str], **changes: Any) -> UsersSettings:
    """The settings an environment like this would give, with cheap hashing."""
    values = {name.removeprefix("VITRINE_").lower(): value for name, value in environment.items()}
    return UsersSettings(
        **{**values, **CHEAP_HASHING, "registration_burst": 100_000, "pool_wait_s": 5, **changes}
    )


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
        answer = await self.register(name=name, **changes)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        if roles:
            await self.give(made["id"], *roles)
        password = changes.get("password", GOOD_PASSWORD)
        address = self.some_address()
        tokens = await self.sign_in(made["email"], password, address=address)
        assert tokens.status_code == 201, tokens.text
        return Person(UUID(made["id"]), made["email"], name, password, tokens.json(), address)

    async def get(self, person: Person, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(
            f"{API}{path}", headers=person.headers | options.pop("headers", {}), **options
        )

    async def send(self, person: Person, method: str, path: str, **options: Any) -> httpx.Response:
        headers = person.headers | options.pop("headers", {})
        return await self.client.request(method, f"{API}{path}", headers=headers, **options)


@asynccontextmanager
async def migrated_database(postgres_url: str, keys: Keys) -> AsyncIterator[ServiceDatabase]:
    """A database with the service's tables and nobody in them."""
    database = await create_service_database(postgres_url, "users")
    migrate("vitrine_users", service_environment("users", keys, database))
    yield database
    await drop_service_database(postgres_url, database)


@asynccontextmanager
async def living(
    environment: dict[str, str], sql: asyncpg.Connection, keys: Keys, **changes: Any
) -> AsyncIterator[World]:
    """An instance of the service, with these of its settings changed."""
    app = create_app(settings_of(environment, **changes))
    async with serving(app) as client:
        yield World(app, client, sql, keys)
