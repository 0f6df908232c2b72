"""A stack's life through `./vitrine`: started twice, killed, stopped, beside another, on a server of the user's own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest

from tests.stack import CHECKOUT, RunningStack, data_directory, free_port, until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def other(release_store: str) -> Iterator[RunningStack]:
    """A second stack, not started yet, in a path with spaces."""
    with data_directory(" with spaces") as data:
        found = RunningStack(data, free_port(), {"VITRINE_RELEASE_STORE": release_store})
        try:
            yield found
        finally:
            found.down()


def processes_of(data: Path) -> list[str]:
    """Every process of a stack: what it runs, or its environment, names the data directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            runs = (entry / "cmdline").read_bytes()
            about = (entry / "environ").read_bytes() + b"\0" + runs
            working = str((entry / "cwd").readlink())
        except OSError:
            continue
        spec = f"VITRINE_DATA={data}".encode()
        if str(data) in working or (str(data).encode() in about and spec not in about):
            found.append(runs.replace(b"\0", b" ").decode()[:150])
    return found


def supervisord_of(stack: RunningStack) -> int:
    """The pid of the stack's supervisord, from the records beside its socket."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
                working = (process / "cwd").readlink()
            except OSError:
                continue
            if b"supervisor.supervisord" in line:
                spec = json.loads((working / "supervisor.json").read_text(encoding="utf-8"))
                if spec["log"].startswith(str(stack.data)):
                    return int(process.name)
    raise AssertionError("no supervisord runs")


def healthy(stack: RunningStack) -> bool:
    try:
        return httpx.get(f"{stack.url}/api/catalog/v1/products").status_code == 200
    except httpx.HTTPError:
        return False


def refused(stack: RunningStack, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = stack.cli(*arguments, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_second_start_on_the_same_data_is_refused(stack: RunningStack) -> None:
    code, said = refused(stack, "up", "-d", "--port", str(free_port()))
    assert (code, said["error"]) == (75, "busy")
    assert stack.url in said["message"]


def test_a_taken_port_is_refused(stack: RunningStack, other: RunningStack) -> None:
    code, said = refused(other, "up", "-d", "--port", str(stack.port))
    assert (code, said["error"], said["port"]) == (76, "port_taken", stack.port)


def test_status_tells_every_process(stack: RunningStack) -> None:
    found: Any = stack.status()
    assert found["state"] == "running"
    kinds = {(one["service"], one["kind"]) for one in found["processes"]}
    assert kinds >= {
        ("users", "web"),
        ("users", "worker"),
        ("catalog", "web"),
        ("catalog", "worker"),
        ("gateway", "web"),
    }
    for one in found["processes"]:
        assert one["ready"] is True
        assert one["version"]
        assert one["memory_bytes"] > 1_000_000
        assert one["uptime_s"] >= 0
    assert found["database"]["pool_connections"] <= found["database"]["pool_limit"]
    assert found["services"]["users"]["instances"] == found["services"]["users"]["ready"] == 1


def test_doctor_finds_nothing_wrong(stack: RunningStack) -> None:
    found = json.loads(stack.cli("doctor", "--json").stdout)
    assert [finding for finding in found["findings"] if not finding["ok"]] == []
    names = {finding["name"] for finding in found["findings"]}
    assert names >= {
        "python",
        "clock",
        "disk",
        "nginx",
        "postgres",
        "database",
        "schema users",
        "schema catalog",
        "secrets",
    }


def test_logs_are_one_document(stack: RunningStack) -> None:
    found = json.loads(stack.cli("logs", "users", "-n", "5", "--json").stdout)
    assert 0 < len(found["lines"]) <= 5
    assert all(line["service"] == "users" for line in found["lines"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands over to another account")
def test_nothing_runs_as_root(stack: RunningStack) -> None:
    found: Any = stack.status()
    for one in found["processes"]:
        assert Path(f"/proc/{one['pid']}").stat().st_uid != 0, one["name"]


def test_secrets_are_closed_to_others(stack: RunningStack) -> None:
    for path in [*(stack.data / "secrets").iterdir(), *(stack.data / "state").glob("*.json")]:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the kernel ties processes on Linux only")
def test_nothing_outlives_a_killed_supervisord_and_the_next_start_is_free(
    stack: RunningStack, other: RunningStack
) -> None:
    other.up("--no-seed")
    assert healthy(other)
    assert healthy(stack)  # two stacks side by side
    os.kill(supervisord_of(other), signal.SIGKILL)
    until(lambda: not processes_of(other.data), "its processes end", seconds=60)
    assert refused(other, "status")[0] == 3
    other.up("--no-seed")
    assert healthy(other)
    other.cli("down")
    assert processes_of(other.data) == []
    assert healthy(stack)


def foreground(stack: RunningStack) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [str(CHECKOUT / "vitrine"), "up", "--no-seed"],
        env=stack.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C stops it" in line:
            return process
    raise AssertionError("it ended before it was ready")


def test_a_killed_foreground_start_leaves_nothing_and_locks_nothing(other: RunningStack) -> None:
    process = foreground(other)
    assert healthy(other)
    process.kill()
    process.communicate()
    until(lambda: not processes_of(other.data), "its processes end", seconds=60)
    second = foreground(other)
    assert healthy(other)
    second.send_signal(signal.SIGINT)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 0
    assert "stopping" in said
    assert processes_of(other.data) == []


async def test_a_server_of_the_users_own_is_used_instead(postgres_url: str, release_store: str) -> None:
    name = f"own_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(postgres_url)
    taken = await admin.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'users\\_%' OR rolname LIKE 'catalog\\_%'"
    )
    if taken:
        await admin.close()
        pytest.skip("this server has the services' roles already, and their passwords would change")
    await admin.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    with data_directory() as data:
        own = RunningStack(data, free_port(), {"VITRINE_RELEASE_STORE": release_store, "DATABASE_URL": url})
        try:
            own.up("--no-seed")
            found: Any = own.status()
            assert healthy(own)
            assert "postgres" not in {one["name"] for one in found["processes"]}
            assert found["database"]["own"] is False
            assert not (data / "postgres" / "cluster").exists()
        finally:
            own.down()
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            for role in ("users_app", "users_owner", "catalog_app", "catalog_owner"):
                await admin.execute(f"DROP ROLE IF EXISTS {role}")
            await admin.close()
