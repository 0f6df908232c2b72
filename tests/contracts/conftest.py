"""users and catalog, each in a process of its own on a free port, for the contract tests."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from vitrine_kit.auth import ServiceIdentity
from vitrine_kit.outbound import Neighbour, Policy
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import (
    Keys,
    create_service_database,
    drop_service_database,
    free_port,
    migrate,
    service_environment,
)

PATIENT = Policy(connect_timeout_s=20, attempt_timeout_s=20, total_timeout_s=60)
"""A contract says what is answered, not how soon: on a busy machine a second attempt would find the first at work."""


@dataclass(frozen=True)
class Providers:
    """The two services with an API, as their consumers reach them."""

    users_url: str
    catalog_url: str
    keys: Keys
    owner_token: str

    def neighbour(self, consumer: str, provider: str) -> Neighbour:
        """What `consumer` calls `provider` with."""
        url = self.users_url if provider == "users" else self.catalog_url
        settings = ServiceSettings(secret_key="a test's own secret, long enough for all")  # type: ignore[arg-type]
        identity = ServiceIdentity(consumer, self.keys.services[consumer])
        return Neighbour(provider, url, settings, identity, policy=PATIENT)


@contextmanager
def running(package: str, port: int, environment: dict[str, str]) -> Iterator[str]:
    """The service on a port of the loopback, ready; stopped at the end."""
    command = [sys.executable, "-m", "uvicorn", "--factory", f"{package}:create_asgi", "--port", str(port)]
    command += ["--log-level", "warning", "--reset-contextvars"]
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 60
            while not is_ready(url):
                assert process.poll() is None, f"{package} ended with {process.returncode}"
                assert time.monotonic() < deadline, f"{package} is not ready after 60 s"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def is_ready(url: str) -> bool:
    """Whether the service answers that it is."""
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest_asyncio.fixture(scope="session")
async def providers(
    postgres_url: str, keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Providers]:
    """Both services, migrated and running, knowing one another."""
    databases = {name: await create_service_database(postgres_url, name) for name in ("users", "catalog")}
    ports = {name: free_port() for name in databases}
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    files: Path = tmp_path_factory.mktemp("files")
    environments = {
        name: {
            **service_environment(name, keys, database),
            # All tests come from one address: it takes more than they fail to look like an attack.
            "VITRINE_CHALLENGE_AFTER_NETWORK": "50",
            "VITRINE_USERS_URL": urls["users"],
            "VITRINE_CATALOG_URL": urls["catalog"],
            "VITRINE_MEDIA_ROOT": str(files),
            "VITRINE_SPOOL_ROOT": str(files),
            "VITRINE_POOL_READ_SIZE": "4",
        }
        for name, database in databases.items()
    }
    for name, environment in environments.items():
        await asyncio.to_thread(migrate, f"vitrine_{name}", environment)
    with ExitStack() as stack:
        for name, environment in environments.items():
            stack.enter_context(running(f"vitrine_{name}", ports[name], environment))
        yield Providers(urls["users"], urls["catalog"], keys, issue_owner_token(environments["users"]))
    for database in databases.values():
        await drop_service_database(postgres_url, database)


def issue_owner_token(environment: dict[str, str]) -> str:
    """An owner's access token from users' own command."""
    command = [sys.executable, "-m", "flask", "--app", "vitrine_users", "issue-token", "--role", "owner"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]
