"""The stack's own PostgreSQL: made once, checked before each start, listening on a UNIX socket only."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import asyncpg

from vitrine_ops.binaries import Postgres
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.places import Places
from vitrine_ops.programs import Program, write_private
from vitrine_ops.tether import start_mark

DATABASE = "vitrine"
SUPERUSER = "postgres"
NEEDED_BYTES = 300 * 1024 * 1024
PORT = 5432
"""Only names the socket file; nothing listens on TCP."""


def check_cluster_version(places: Places, binaries: Postgres) -> None:
    """Refuses a data directory made by another major version.

    Raises:
        Failure: the versions differ.
    """
    marker = places.postgres / "PG_VERSION"
    if not marker.is_file():
        return
    found = marker.read_text(encoding="ascii").strip()
    if found != str(binaries.major):
        raise Failure(
            Exit.DATA_VERSION,
            f"the data directory {places.data} was made by PostgreSQL {found}, and this is PostgreSQL "
            f"{binaries.version}.",
            hint="Use another data directory (--data), or carry the data over with that version's pg_dump.",
            data_version=found,
            server_version=binaries.version,
        )


def check_disk(path: Path, needed_bytes: int = NEEDED_BYTES) -> None:
    """Refuses to begin where the disk has too little room.

    Raises:
        Failure: fewer than `needed_bytes` are free.
    """
    place = next(parent for parent in (path, *path.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise Failure(
            Exit.DISK_FULL,
            f"the disk of {path} is full: {free // 2**20} MiB are free, and at least "
            f"{needed_bytes // 2**20} MiB are needed.",
            hint="Make room, or choose another disk with --data or VITRINE_DATA.",
            free_bytes=free,
            needed_bytes=needed_bytes,
        )


def make_cluster(places: Places, binaries: Postgres, password: str) -> bool:
    """Makes the cluster unless it is there; True when it was made. A half-made one of an interrupted start is redone.

    Raises:
        Failure: initdb failed, or the disk is full.
    """
    if (places.postgres / "PG_VERSION").is_file():
        return False
    part = places.postgres.with_name("cluster.part")
    for leftover in (part, places.postgres):
        shutil.rmtree(leftover, ignore_errors=True)
    password_file = places.tmp / "initdb-password"
    write_private(password_file, password)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
    try:
        for tried in (
            locale,
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
            ["--locale=C"],
        ):
            if tried[0] == locale[0] and binaries.major < 17:
                continue
            done = subprocess.run(
                [
                    str(binaries.bin / "initdb"), "--pgdata", str(part), "--encoding=UTF8", *tried,
                    "--username", SUPERUSER, "--pwfile", str(password_file), "--auth-local=scram-sha-256",
                    "--auth-host=scram-sha-256", "--data-checksums", "--no-instructions", "--no-sync",
                ],
                capture_output=True, text=True, check=False, env={"PATH": os.defpath, "LC_ALL": "C"}, cwd=places.tmp,
            )  # fmt: skip
            if done.returncode == 0:
                break
            shutil.rmtree(part, ignore_errors=True)
        else:
            if "No space left" in done.stderr:
                raise Failure(
                    Exit.DISK_FULL, f"the disk is full: PostgreSQL could not make its data in {places.data}."
                )
            raise Failure(Exit.SOFTWARE, f"initdb failed: {done.stderr.strip()}")
    finally:
        password_file.unlink(missing_ok=True)
    with (part / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\ninclude = 'vitrine.conf'\n")
    os.sync()
    part.rename(places.postgres)
    return True


def write_configuration(places: Places, *, max_connections: int) -> None:
    """Writes the settings of ours, which the cluster's postgresql.conf includes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    shared_mib = max(64, min(512, memory // 2**20 // 16))
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{places.run}"',
        "unix_socket_permissions": "0700",
        "max_connections": str(max_connections),
        "shared_buffers": f"{shared_mib}MB",
        "effective_cache_size": f"{max(128, memory // 2**20 // 2)}MB",
        "maintenance_work_mem": "64MB",
        "max_wal_size": "1GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        "random_page_cost": "1.1",
        "jit": "off",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_min_duration_statement": "500ms",
        "cluster_name": "vitrine",
    }
    text = "# Written at each start; change nothing here.\n"
    text += "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    write_private(places.postgres / "vitrine.conf", text)


def clear_stale_lock(places: Places) -> None:
    """Removes a postmaster.pid whose process is gone, though its number may be in use again by another program.

    PostgreSQL itself takes any live process of the same user with that number for a running server.
    """
    lock = places.postgres / "postmaster.pid"
    try:
        lines = lock.read_text(encoding="utf-8", errors="replace").splitlines()
        pid = abs(int(lines[0]))
    except (OSError, ValueError, IndexError):
        return
    if start_mark(pid) is None or not _is_server_of(pid, places.postgres):
        lock.unlink(missing_ok=True)
        return
    os.kill(pid, signal.SIGINT)


def _is_server_of(pid: int, cluster: Path) -> bool:
    import psutil

    try:
        return Path(psutil.Process(pid).cwd()) == cluster.resolve()
    except psutil.Error:
        return False


def program(places: Places, binaries: Postgres) -> Program:
    """The server as the supervisor runs it; SIGINT is PostgreSQL's fast shutdown."""
    return Program(
        name="postgres",
        group="postgres",
        argv=(str(binaries.bin / "postgres"), "-D", str(places.postgres)),
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        cwd=places.postgres,
        log=places.log / "postgres.log",
        stop_signal=signal.SIGINT,
        stop_wait_s=60,
        priority=100,
        facts={"service": "postgres", "version": binaries.version, "origin": binaries.origin},
    )


def address(places: Places, role: str, password: str, database: str = DATABASE) -> str:
    """A role's database address over the UNIX socket."""
    who = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{who}@/{database}?host={quote(str(places.run))}&port={PORT}"


async def wait_until_ready(url: str, *, timeout_s: float = 60.0) -> asyncpg.Connection:
    """Connects as soon as the server takes connections.

    Raises:
        Failure: it did not within the time.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            return await asyncpg.connect(url, timeout=5)
        except (
            OSError,
            asyncpg.CannotConnectNowError,
            asyncpg.ConnectionDoesNotExistError,
            TimeoutError,
        ) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise Failure(
                    Exit.SOFTWARE,
                    f"PostgreSQL did not become ready within {timeout_s:.0f} s ({error}).",
                    hint="./vitrine logs postgres shows what it says.",
                ) from error
        await asyncio.sleep(0.02)
