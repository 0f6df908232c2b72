"""A compose project as the tests see it: its command line, its containers, and its published port."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.containers.engine import Engine

CHECKOUT = Path(__file__).resolve().parents[2]
SERVICES = ("users", "catalog", "gateway")
BUILT = (*SERVICES, "nginx")
LASTING = (*BUILT, "postgres", "users-worker", "catalog-worker")
JOBS = ("database", "users-migrate", "catalog-migrate")


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Project:
    """One compose project: Vitrine on a port of this machine."""

    engine: Engine
    name: str
    port: int
    secrets: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def compose(self, *arguments: str, check: bool = True, timeout_s: float = 900) -> str:
        """Runs a compose command on the project; returns what it printed on its standard output."""
        options = compose_options(self.name, CHECKOUT)
        done = self.engine.compose(
            *options, *arguments, environ=self.environ, check=check, timeout_s=timeout_s
        )
        return done.stdout

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """What the engine knows of the project's containers, ended ones too."""
        labels = [f"com.docker.compose.project={self.name}"]
        if service is not None:
            labels.append(f"com.docker.compose.service={service}")
        filters = [part for label in labels for part in ("--filter", f"label={label}")]
        return self.engine.inspect(*self.engine.docker("ps", "--all", "--quiet", *filters).stdout.split())

    def container(self, service: str) -> str:
        """The id of a service's one container."""
        (found,) = self.containers(service)
        return str(found["Id"])

    def run_in(self, service: str, *command: str, check: bool = True) -> str:
        """Runs a command in a service's container; returns its standard output."""
        return self.engine.docker("exec", self.container(service), *command, check=check).stdout

    def fails_in(self, service: str, *command: str) -> bool:
        """Whether a command ends badly in a service's container."""
        return self.engine.docker("exec", self.container(service), *command, check=False).returncode != 0

    def token(self) -> str:
        """An access token with the owner's rights."""
        return self.run_in("users", "flask", "issue-token").strip()

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends a request to the published port."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        for name, value in {"Host": f"localhost:{self.port}", **(headers or {})}.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=15) as response:
                return Answer(response.status, dict(response.headers.items()), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers.items()), error.read())

    def send_json(
        self, path: str, value: object, *, method: str = "POST", token: str | None = None
    ) -> Answer:
        """Sends a JSON body."""
        headers = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        return self.ask(path, method=method, body=json.dumps(value).encode(), headers=headers)

    def wait_until_healthy(self, *services: str, timeout_s: float = 240) -> None:
        """Waits until every container of the services says that it is healthy.

        Raises:
            AssertionError: one did not within the time, or ended; holds its last words.
        """

        def all_healthy() -> bool:
            found = [container for service in services for container in self.containers(service)]
            return bool(found) and all(self._health(container) == "healthy" for container in found)

        try:
            wait_until(all_healthy, timeout_s=timeout_s)
        except AssertionError as error:
            said = self.compose("logs", "--no-color", "--tail", "40", *services, check=False)
            states = {
                found["Name"]: (found["State"]["Status"], self._health(found)) for found in self.containers()
            }
            raise AssertionError(f"{', '.join(services)}: {error}\n{states}\n{said}") from error

    @staticmethod
    def _health(container: Mapping[str, Any]) -> str:
        return str(container["State"].get("Health", {}).get("Status", container["State"]["Status"]))


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> None:
    """Asks again and again until the condition holds.

    Raises:
        AssertionError: it did not within the time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s"
        time.sleep(0.5)


def compose_options(name: str, checkout: Path) -> list[str]:
    """The options that name a project and the checkout it is made from."""
    return [
        "--project-name",
        name,
        "--project-directory",
        str(checkout),
        "--file",
        str(checkout / "compose.yaml"),
    ]
