"""Schemathesis asks both services what their OpenAPI documents promise, in every way it can think of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.stack

EXAMPLES = os.environ.get("VITRINE_FUZZ_EXAMPLES", "5")
SECONDS = os.environ.get("VITRINE_FUZZ_SECONDS", "15")
"""For each run; set both higher for a long hunt."""
LEFT_OUT = "positive_data_acceptance"
"""A check that asks for what a schema cannot say: a cursor must be one of ours, a category must exist, a password must
be the present one, If-Match must name the version that is there (all 4xx, rightly)."""


def fuzz(stack: Any, folder: Path, service: str, *options: str) -> None:
    """Runs Schemathesis over a service's document; fails with its report."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url}/api/{service}/openapi.json"]
    command += ["--max-examples", EXAMPLES, "--max-time", SECONDS, "--seed", "7", "--no-color"]
    command += ["--request-timeout", "20", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False, cwd=folder)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("service", ["users", "catalog"])
def test_a_service_keeps_its_word(stack: Any, tmp_path: Path, service: str) -> None:
    authorization = f"Authorization: Bearer {stack.token()}"
    fuzz(stack, tmp_path, service, "--header", authorization, "--exclude-checks", LEFT_OUT)


@pytest.mark.parametrize("service", ["users", "catalog"])
def test_nothing_a_stranger_sends_breaks_a_service(stack: Any, tmp_path: Path, service: str) -> None:
    fuzz(stack, tmp_path, service, "--checks", "not_a_server_error", "--phases", "coverage")
