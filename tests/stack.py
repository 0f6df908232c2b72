"""The `stack` fixture: the whole of Vitrine, started once for the session by `./vitrine up`, stopped at its end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from certified import CLIENT_ID, CLIENT_SECRET

CHECKOUT = Path(__file__).resolve().parents[1]


class RunningStack:
    """A stack on a data directory of its own, and the command line to it.

    Attributes:
        url: its public address, without a trailing slash.
        data: its data directory.
        started: what `up --json` printed.
    """

    def __init__(self, data: Path, port: int, environ: dict[str, str] | None = None) -> None:
        self.data = data
        self.port = port
        self.url = f"http://localhost:{port}"
        self.environ = environ or {}
        self.started: dict[str, object] = {}
        self._tokens: dict[str, str] = {}

    def cli(
        self, *arguments: str, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs `./vitrine …` on this stack's data directory and port."""
        done = subprocess.run(
            [str(CHECKOUT / "vitrine"), *arguments],
            env=self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"./vitrine {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def environment(self) -> dict[str, str]:
        """The environment its commands run in."""
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VITRINE_", "PYTHON", "DATABASE_URL"))
        }
        kept = {
            name: os.environ[name] for name in ("VITRINE_VENV", "VITRINE_RELEASE_STORE") if name in os.environ
        }
        return {**own, **kept, "VITRINE_DATA": str(self.data), "VITRINE_PORT": str(self.port), **self.environ}

    def up(self, *arguments: str, timeout: float = 300) -> dict[str, object]:
        """Starts it, detached; returns what `up --json` printed."""
        self.started = json.loads(self.cli("up", "-d", "--json", *arguments, timeout=timeout).stdout)
        return self.started

    def down(self) -> None:
        """Stops it; nothing happens where it does not run."""
        self.cli("down", check=False)

    def status(self) -> dict[str, object]:
        """What `status --json` prints."""
        return dict(json.loads(self.cli("status", "--json", check=False).stdout))

    def stop(self, service: str) -> None:
        """Stops one service's processes."""
        self.cli("stop", service)

    def start(self, service: str) -> None:
        """Starts a stopped service and waits until it is ready."""
        self.cli("start", service)

    def token(self, role: str = "owner") -> str:
        """A short-lived access token with the role's permissions; each takes seconds, so the last one while it is good.

        What the tests do to the owner's sign-ins may end it, so the stack is asked.
        """
        known = self._tokens.get(role)
        if known is None or not self._accepts(known):
            known = str(json.loads(self.cli("token", "--role", role, "--json").stdout)["access_token"])
            self._tokens[role] = known
        return known

    def _accepts(self, token: str) -> bool:
        """Whether the token is good for some minutes yet."""
        payload = token.split(".")[1]
        ends_s = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
        if ends_s - time.time() < 240:
            return False
        headers = {"Authorization": f"Bearer {token}"}
        try:
            return httpx.get(f"{self.url}/api/users/v1/me", headers=headers, timeout=20).status_code == 200
        except httpx.TransportError:
            return False


def until(condition: Callable[[], object], what: str, *, seconds: float = 20) -> None:
    """Asks again until it holds.

    Raises:
        AssertionError: it did not within the time; says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def free_port() -> int:
    """A port nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def data_directory(suffix: str = "") -> Iterator[Path]:
    """An empty directory that the account which runs a stack in root's place can reach; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="vitrine-test-"))
    folder.chmod(0o755)
    try:
        yield folder / f"data{suffix}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def release_store() -> Iterator[str]:
    """A place where every stack of this session finds the releases that another has built."""
    if "VITRINE_RELEASE_STORE" in os.environ:
        yield os.environ["VITRINE_RELEASE_STORE"]
        return
    with data_directory() as folder:
        folder.mkdir()
        yield str(folder)


def offered_provider(port: int) -> str:
    """The setting for the one provider that the stack lets people sign in with; a test starts it on this port."""
    provider = {
        "slug": "certified",
        "name": "Certified",
        "issuer": f"http://127.0.0.1:{port}",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    return json.dumps([provider])


@pytest.fixture(scope="session")
def stack(release_store: str) -> Iterator[RunningStack]:
    """The session's stack. VITRINE_TEST_STACK_DATA names a running one to use instead, with VITRINE_TEST_STACK_PORT."""
    given = os.environ.get("VITRINE_TEST_STACK_DATA")
    if given:
        known = {name: os.environ[name] for name in ("VITRINE_OIDC_PROVIDERS",) if name in os.environ}
        yield RunningStack(Path(given), int(os.environ["VITRINE_TEST_STACK_PORT"]), known)
        return
    with data_directory() as data:
        # A test machine may be slow: a request that waits for a database connection is slow too, not refused. A release
        # is accepted with the services' own wait: VITRINE_POOL_WAIT_S=0.3 VITRINE_TEST_DEPLOYS=3.
        waits = os.environ.get("VITRINE_POOL_WAIT_S", "3")
        environ = {"VITRINE_RELEASE_STORE": release_store, "VITRINE_POOL_WAIT_S": waits}
        # As in a shop that others can reach; what only this machine reaches asks for less (ops/tests/test_options.py).
        environ["VITRINE_REQUIRE_FACTOR"] = "true"
        # All tests come from one address: its failures together would look like an attack.
        environ["VITRINE_CHALLENGE_AFTER_NETWORK"] = "0"
        # Receivers of webhooks, and the provider, stand on this machine.
        environ["VITRINE_WEBHOOK_PRIVATE_ADDRESSES"] = "true"
        environ["VITRINE_OIDC_PROVIDERS"] = offered_provider(free_port())
        found = RunningStack(data, free_port(), environ)
        try:
            found.up("--no-seed")
            yield found
        finally:
            found.down()
