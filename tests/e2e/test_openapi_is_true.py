"""Schemathesis asks both services what their OpenAPI documents promise, in every way it can think of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.stack

EXAMPLES = os.environ.get("VITRINE_FUZZ_EXAMPLES", "5")
SECONDS = os.environ.get("VITRINE_FUZZ_SECONDS", "15")
"""For each run; set both higher for a long hunt."""
LEFT_OUT = "positive_data_acceptance"
"""A check that asks for what a schema cannot say: a cursor must be one of ours, a category must exist, a password must
be the present one, If-Match must name the version that is there (all 4xx, rightly)."""
ENDING = ("DELETE /api/users/v1/me", "DELETE /api/users/v1/me/sessions")
"""What ends the sign-in that asks: everything after it would only be told to sign in."""


Record = Callable[[str, object], None]


def fuzz(stack: Any, folder: Path, record: Record, service: str, *options: str) -> None:
    """Runs Schemathesis over a service's document; fails with its report, and says how many cases there were."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{stack.url}/api/{service}/openapi.json"]
    command += ["--max-examples", EXAMPLES, "--max-time", SECONDS, "--seed", "7", "--no-color"]
    command += ["--request-timeout", "20", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=540, check=False, cwd=folder)
    sent = re.search(r"(\d+) generated", done.stdout)
    who = "somebody signed in" if "--header" in options else "anonymous"
    record(
        "generated", f"{sent[1] if sent else 'no'} cases of Schemathesis over {service}, by Nginx, as {who}"
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def signed_in(token: str) -> list[str]:
    """The options of a run that acts for somebody."""
    return ["--header", f"Authorization: Bearer {token}", "--exclude-checks", LEFT_OUT]


def token_of_somebody_new(stack: Any) -> str:
    """The access token of a customer whom nobody else needs."""
    person = {"email": f"{uuid4().hex}@example.org", "password": "quiet harbour lantern seven"}
    with httpx.Client(base_url=f"{stack.url}/api/users/v1", timeout=20) as client:
        assert client.post("/registrations", json={**person, "name": "Ada"}).status_code == 202
        return str(client.post("/tokens", json=person).json()["access_token"])


@pytest.mark.parametrize("service", ["users", "catalog"])
def test_a_service_keeps_its_word(stack: Any, tmp_path: Path, record_property: Record, service: str) -> None:
    others = [option for name in ENDING for option in ("--exclude-name", name)]
    fuzz(stack, tmp_path, record_property, service, *signed_in(stack.token()), *others)


def test_what_ends_a_sign_in_keeps_its_word(stack: Any, tmp_path: Path, record_property: Record) -> None:
    options = [option for name in ENDING for option in ("--include-name", name)]
    token = token_of_somebody_new(stack)
    fuzz(stack, tmp_path, record_property, "users", *signed_in(token), *options, "--phases", "coverage")


@pytest.mark.parametrize("service", ["users", "catalog"])
def test_nothing_a_stranger_sends_breaks_a_service(
    stack: Any, tmp_path: Path, record_property: Record, service: str
) -> None:
    fuzz(stack, tmp_path, record_property, service, "--checks", "not_a_server_error", "--phases", "coverage")
