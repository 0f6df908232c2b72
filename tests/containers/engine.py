"""A container engine for tests: the one that runs already, else a dockerd of their own, gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

SWITCH = "VITRINE_TEST_CONTAINERS"
KEPT = "VITRINE_TEST_CONTAINERS_DIR"
"""A folder in which the engine's images are kept from one run to the next; without it all is made anew and removed."""

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Engine:
    """The command line of an engine.

    Attributes:
        owned: whether the engine is the tests' own, so that base images may be stood in for.
    """

    def __init__(self, environ: Mapping[str, str], *, owned: bool) -> None:
        self.environ = dict(environ)
        self.owned = owned
        self._compose = compose_command()

    def docker(
        self, *arguments: str, check: bool = True, timeout_s: float = 900, stdin: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs `docker …`.

        Raises:
            AssertionError: it failed, and `check` was wanted; holds what it printed.
        """
        return run(["docker", *arguments], self.environ, check=check, timeout_s=timeout_s, stdin=stdin)

    def compose(
        self, *arguments: str, environ: Mapping[str, str], check: bool = True, timeout_s: float = 900
    ) -> subprocess.CompletedProcess[str]:
        """Runs `docker compose …`, or `docker-compose …` where that is what there is."""
        return run(
            [*self._compose, *arguments], {**self.environ, **environ}, check=check, timeout_s=timeout_s
        )

    def inspect(self, *names: str) -> list[dict[str, Any]]:
        """What the engine knows of containers, images, volumes or networks."""
        return list(json.loads(self.docker("inspect", *names).stdout)) if names else []

    def has_image(self, name: str) -> bool:
        """Whether the engine has an image of that name."""
        return self.docker("image", "inspect", name, check=False).returncode == 0


def run(
    command: list[str],
    environ: Mapping[str, str],
    *,
    check: bool,
    timeout_s: float,
    stdin: IO[bytes] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end.

    Raises:
        AssertionError: it failed, and `check` was wanted; holds what it printed.
    """
    done = subprocess.run(
        command,
        env=dict(environ),
        stdin=stdin or subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if check and done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        )
    return done


def compose_command() -> list[str]:
    """The current Compose where it is installed, else docker-compose."""
    current = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    return ["docker", "compose"] if current else ["docker-compose"]


def reason_to_skip() -> str | None:
    """Why the containers cannot be tried here, in a sentence; None where they can."""
    if os.environ.get(SWITCH) != "1":
        return f"containers are tried where {SWITCH}=1 is set and a container engine is installed"
    if not sys.platform.startswith("linux"):
        return "the tests' own container engine needs Linux"
    if shutil.which("docker") is None or not (
        shutil.which("docker-compose") or compose_command()[0] == "docker"
    ):
        return "docker or its compose is not installed"
    if _answers(os.environ):
        return None
    if os.geteuid() != 0:
        return "no container engine runs, and starting one needs root"
    missing = [
        program
        for program in ("dockerd", "iptables-save", "iptables-restore", "ip")
        if shutil.which(program) is None
    ]
    if missing:
        return f"no container engine runs, and to start one these are missing: {', '.join(missing)}"
    return None


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """An engine that answers; one of the tests' own lives in the folder and ends with the context.

    Raises:
        RuntimeError: it does not start.
    """
    if _answers(os.environ):
        yield Engine(os.environ, owned=False)
        return
    with _network_left_as_found(), _daemon(folder) as address:
        # Where the engine is a socket of ours, another context a user configured must not win.
        environ = {name: value for name, value in os.environ.items() if name != "DOCKER_CONTEXT"}
        yield Engine({**environ, "DOCKER_HOST": address}, owned=True)


def _answers(environ: Mapping[str, str]) -> bool:
    try:
        return (
            subprocess.run(
                ["docker", "info"], env=dict(environ), capture_output=True, check=False, timeout=20
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _daemon(folder: Path) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    address = f"unix://{folder}/docker.sock"
    with (folder / "dockerd.log").open("w", encoding="utf-8") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "run"),
             "--pidfile", str(folder / "dockerd.pid"), "--host", address],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not _answers({**os.environ, "DOCKER_HOST": address}):
                if daemon.poll() is not None or time.monotonic() > deadline:
                    said = (folder / "dockerd.log").read_text(encoding="utf-8")[-3000:]
                    raise RuntimeError(f"dockerd did not start:\n{said}")
                time.sleep(0.2)
            yield address
        finally:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(60)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


@contextmanager
def _network_left_as_found() -> Iterator[None]:
    """Puts back what dockerd changes for good: packet rules, forwarding, its bridge."""
    had_bridge = Path("/sys/class/net/docker0").exists()
    forwarding = FORWARDING.read_text(encoding="ascii")
    saved = subprocess.run(["iptables-save"], capture_output=True, check=True).stdout
    try:
        yield
    finally:
        # A table that was empty is not in what was saved: its rules go first.
        for table in ("filter", "nat"):
            if f"*{table}".encode() not in saved:
                saved += f"*{table}\n".encode() + _empty_chains(table) + b"COMMIT\n"
        subprocess.run(["iptables-restore"], input=saved, check=True)
        FORWARDING.write_text(forwarding, encoding="ascii")
        if not had_bridge and Path("/sys/class/net/docker0").exists():
            subprocess.run(["ip", "link", "delete", "docker0"], check=True, capture_output=True)


def _empty_chains(table: str) -> bytes:
    chains = {
        "filter": ("INPUT", "FORWARD", "OUTPUT"),
        "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    }[table]
    return "".join(f":{chain} ACCEPT [0:0]\n" for chain in chains).encode()
