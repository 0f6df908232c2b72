"""Where a bench works: a folder for the run, and an account for what refuses to run as root."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vitrine_ops import accounts


@contextmanager
def workshop() -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder for the run, and how to start what refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="vitrine-bench-"))
    account: dict[str, Any] = {}
    if accounts.is_root():
        found = accounts.for_root(None, os.environ)
        account = {"user": found.uid, "group": found.gid, "extra_groups": []}
        os.chown(folder, found.uid, found.gid)
    try:
        yield folder, account
    finally:
        shutil.rmtree(folder, ignore_errors=True)
