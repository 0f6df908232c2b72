"""What every test of ops shares: a short temporary directory, so that sockets fit and nothing is left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def short_temporary_directory() -> Iterator[None]:
    """Run directories of stacks with long paths are made here, and removed with it."""
    before = tempfile.tempdir
    folder = Path(tempfile.mkdtemp(prefix="vo-"))
    folder.chmod(0o755)  # PostgreSQL's account must pass, where root runs the tests
    tempfile.tempdir = str(folder)
    yield
    tempfile.tempdir = before
    shutil.rmtree(folder)
