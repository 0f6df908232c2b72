"""`doctor`: looks at everything a stack needs, changes nothing, and says in a line each what is well."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vitrine_ops import environment, ports, postgres, probes, provisioning
from vitrine_ops.binaries import find_nginx, find_postgres
from vitrine_ops.catalogue import SERVICES, WITH_DATABASE
from vitrine_ops.credentials import SUPERUSER, Credentials
from vitrine_ops.exits import Failure
from vitrine_ops.options import Options
from vitrine_ops.places import SOCKET_PATH_LIMIT, Places, user_name
from vitrine_ops.stack import revision
from vitrine_ops.state import StackState
from vitrine_ops.supervision import Supervisor

EARLIEST_SANE_TIME = 1_735_689_600
"""2025-01-01: a clock before this is wrong, and every signed token with it."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


class Doctor:
    """Examines one data directory and the machine under it."""

    def __init__(self, places: Places, options: Options, checkout: Path, environ: Mapping[str, str]) -> None:
        self.places = places
        self.options = options
        self.checkout = checkout
        self.environ = environ
        self.state = StackState.load(places.state)
        self.supervisor = Supervisor(places)
        self.runs = self.supervisor.is_alive()

    def examine(self) -> list[Finding]:
        """Every finding, in the order of the layers: machine, programs, data, database, services."""
        checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
            ("python", self._python),
            ("clock", self._clock),
            ("certificates", self._certificates),
            ("disk", self._disk),
            ("programs", self._programs),
            ("data directory", self._data),
            ("sockets", self._sockets),
            ("port", self._port),
            ("database", self._database),
            ("services", self._services),
        ]
        found: list[Finding] = []
        for name, check in checks:
            try:
                found += list(check())
            except Failure as failure:
                found.append(Finding(name, False, failure.message, failure.hint or ""))
            except OSError as error:
                found.append(Finding(name, False, str(error)))
        return found

    def _python(self) -> Iterator[Finding]:
        version = ".".join(str(part) for part in sys.version_info[:3])
        yield Finding("python", sys.version_info >= (3, 11), f"Python {version} at {sys.executable}")
        uv = Path(sys.executable).with_name("uv")
        yield Finding(
            "uv",
            uv.exists(),
            str(uv) if uv.exists() else "uv is missing from the environment",
            "" if uv.exists() else "Remove .venv and start again.",
        )

    def _clock(self) -> Iterator[Finding]:
        now = time.time()
        yield Finding(
            "clock",
            now > EARLIEST_SANE_TIME,
            time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)),
            "Set the system's clock: tokens and certificates depend on it.",
        )

    def _certificates(self) -> Iterator[Finding]:
        paths = ssl.get_default_verify_paths()
        named = self.environ.get(paths.openssl_cafile_env) or paths.cafile
        folder = paths.capath
        ok = bool((named and Path(named).is_file()) or (folder and Path(folder).is_dir()))
        yield Finding(
            "certificates",
            ok,
            str(named or folder or "no certificate authorities found"),
            "Install ca-certificates, or set SSL_CERT_FILE: pictures from https addresses need it.",
        )

    def _disk(self) -> Iterator[Finding]:
        place = next(parent for parent in (self.places.data, *self.places.data.parents) if parent.exists())
        usage = shutil.disk_usage(place)
        ok = usage.free > postgres.NEEDED_BYTES
        yield Finding(
            "disk",
            ok,
            f"{usage.free // 2**20} MiB free of {usage.total // 2**20} MiB at {place}",
            "Make room, or choose another disk with --data.",
        )

    def _programs(self) -> Iterator[Finding]:
        nginx = find_nginx()
        yield Finding("nginx", True, f"{nginx.label} ({nginx.origin}: {nginx.program})")
        if self.options.database_url is None:
            server = find_postgres()
            yield Finding("postgres", True, f"{server.version} ({server.origin}: {server.bin})")
            postgres.check_cluster_version(self.places, server)

    def _data(self) -> Iterator[Finding]:
        if not self.places.exists():
            yield Finding("data directory", True, f"{self.places.data} will be made at the first start")
            return
        owner = self.places.state.stat().st_uid
        mine = owner in {os.geteuid(), 0} or os.geteuid() == 0
        yield Finding(
            "data directory",
            mine and os.access(self.places.state, os.W_OK),
            f"{self.places.data}, of {user_name(owner)}",
            "Run as its owner.",
        )
        loose = [path.name for path in self.places.secrets.glob("*") if path.stat().st_mode & 0o077]
        yield Finding(
            "secrets",
            not loose,
            "closed to others" if not loose else f"readable by others: {', '.join(loose)}",
            "chmod 600 them, then change what was readable.",
        )

    def _sockets(self) -> Iterator[Finding]:
        longest = len(os.fsencode(str(environment.internal_socket(self.places))))
        yield Finding("sockets", longest <= SOCKET_PATH_LIMIT, f"in {self.places.run}")

    def _port(self) -> Iterator[Finding]:
        if self.runs:
            answer = probes.ask_port("127.0.0.1", self.state.port or self.options.port)
            yield Finding(
                "port",
                answer.status == 200,
                f"Nginx answers at {self.state.address}" if answer.status == 200 else "Nginx does not answer",
            )
            return
        ports.check(self.options)
        yield Finding("port", True, f"{self.options.port} is free")
        try:
            found = socket.getaddrinfo("localhost", None)
        except OSError as error:
            yield Finding(
                "localhost",
                False,
                f"the name localhost cannot be resolved: {error}",
                "Add '127.0.0.1 localhost' to /etc/hosts.",
            )
        else:
            yield Finding("localhost", bool(found), ", ".join(sorted({str(entry[4][0]) for entry in found})))

    def _database(self) -> Iterator[Finding]:
        if self.options.database_url is not None:
            url = self.options.database_url
        elif self.runs:
            url = postgres.address(
                self.places, postgres.SUPERUSER, Credentials(self.places.secrets).read(SUPERUSER)
            )
        else:
            yield Finding("database", True, "its own PostgreSQL, which does not run now")
            return
        yield from asyncio.run(self._ask_database(url))

    async def _ask_database(self, url: str) -> list[Finding]:
        connection = await provisioning.connect_own(url)
        try:
            await provisioning.check_server(connection)
            facts = await provisioning.facts(connection)
            found = [
                Finding(
                    "database", True, f"PostgreSQL {facts.version} at {provisioning.without_password(url)}"
                )
            ]
            room = self.options.pool_connections <= facts.max_connections * 0.8
            found.append(
                Finding(
                    "connections",
                    room,
                    f"the services may hold {self.options.pool_connections} of {facts.max_connections}",
                    "Raise max_connections, or lower VITRINE_POOL_READ_SIZE.",
                )
            )
            for service in WITH_DATABASE:
                applied = await revision(connection, service)
                known = self.state.migrated.get(service.name, {}).get("revision")
                current = applied is not None and (known is None or applied == known)
                found.append(
                    Finding(
                        f"schema {service.name}",
                        current,
                        f"at {applied}" if applied else "not migrated yet",
                        f"./vitrine migrate {service.name}",
                    )
                )
            return found
        finally:
            await connection.close()

    def _services(self) -> Iterator[Finding]:
        if not self.runs:
            yield Finding("services", True, "not running")
            return
        for service in SERVICES:
            running = self.state.services.get(service.name)
            for path in running.sockets if running else []:
                answer = probes.ask_socket(Path(path))
                yield Finding(
                    f"{Path(path).stem}",
                    answer.status == 200,
                    "ready" if answer.status == 200 else answer.reason,
                    f"./vitrine logs {service.name}",
                )


def document(findings: list[Finding]) -> dict[str, Any]:
    """What `doctor --json` prints."""
    return {
        "ok": all(finding.ok for finding in findings),
        "findings": [asdict(finding) for finding in findings],
    }


def render(findings: list[Finding]) -> str:
    """The findings for people; hints only where something is wrong."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.name:<{width}}  {finding.detail}")
        if not finding.ok and finding.hint:
            lines.append(f"{'':9}{'':{width}}  → {finding.hint}")
    return "\n".join(lines)
