"""Deploying one service under load loses no request, touches no other service, and a bad release does no harm."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import CHECKOUT, RunningStack

pytestmark = pytest.mark.stack

CONNECTIONS = 32
LONGEST_S = 120
TIMES = int(os.environ.get("VITRINE_TEST_DEPLOYS", "1"))
"""How often each service is deployed under load; a release is accepted with 3."""


@contextmanager
def load_on(stack: RunningStack, folder: Path) -> Iterator[dict[str, Any]]:
    """Runs the load in a process of its own around the block; the dict is filled at the end."""
    token = folder / "token"
    token.write_text(stack.token(), encoding="utf-8")
    load = Path(__file__).with_name("load.py")
    command = [sys.executable, str(load), stack.url, str(token), str(LONGEST_S), str(CONNECTIONS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = {}
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "under way\n"
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=30)
    found.update(json.loads(printed))


def pids(stack: RunningStack) -> dict[str, int]:
    processes = stack.status()["processes"]
    assert isinstance(processes, list)
    return {one["name"]: one["pid"] for one in processes}


@pytest.mark.parametrize("service", ["users", "catalog", "gateway"])
def test_deploying_under_load_fails_no_request(stack: RunningStack, tmp_path: Path, service: str) -> None:
    for _time in range(TIMES):
        before = pids(stack)
        with load_on(stack, tmp_path) as load:
            deployed = json.loads(stack.cli("deploy", service, "--json", timeout=LONGEST_S).stdout)
            time.sleep(1)  # what the switch broke may show only afterwards
        assert load["failed"] == 0, load["failures"]
        assert load["requests"] > 200
        after = pids(stack)
        others = {name: pid for name, pid in before.items() if not name.startswith(f"{service}-")}
        assert {name: after.get(name) for name in others} == others
        assert all(instance in after for instance in deployed["instances"])
        assert not any(name in after for name in before if name.startswith(f"{service}-"))


def test_a_release_that_does_not_start_leaves_the_old_one_serving(
    stack: RunningStack, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".venv*", ".vitrine", "__pycache__", "*_cache")
    shutil.copytree(CHECKOUT, checkout, ignore=ignored)
    app = checkout / "gateway" / "src" / "vitrine_gateway" / "__init__.py"
    app.write_text(
        app.read_text(encoding="utf-8") + '\nraise RuntimeError("this release is broken")\n', encoding="utf-8"
    )
    before = pids(stack)
    environ = stack.environment() | {"VITRINE_VENV": os.environ.get("VITRINE_VENV", str(CHECKOUT / ".venv"))}
    failed = subprocess.run(
        [str(checkout / "vitrine"), "deploy", "gateway", "--json"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    said = json.loads(failed.stdout)
    assert failed.returncode == said["exit_code"] == 70
    assert "this release is broken" in said["message"]
    assert pids(stack) == before
    assert httpx.get(f"{stack.url}/").status_code == 200
