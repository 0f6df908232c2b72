"""The bench's own virtual environment: the compared frameworks, from a hash-pinned lock file, kept in a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from vitrine_ops.exits import Exit, Failure
from vitrine_ops.indexes import pip_settings, uv_environment

LOCK = Path(__file__).with_name("requirements.lock")


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where the environment is kept: VITRINE_BENCH_CACHE, else the user's cache directory."""
    given = environ.get("VITRINE_BENCH_CACHE")
    if given:
        return Path(given)
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "vitrine" / "bench"


def prepare(environ: Mapping[str, str], lock_file: Path = LOCK) -> Path:
    """The environment's Python, which has everything of the lock file; made on the first call, then reused.

    Raises:
        Failure: the packages could not be installed.
    """
    mark = hashlib.sha256(
        lock_file.read_bytes() + sys.version.encode() + sys.executable.encode()
    ).hexdigest()[:12]
    folder = cache_directory(environ)
    folder.mkdir(parents=True, exist_ok=True)
    venv = folder / mark
    python = venv / "bin" / "python"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (venv / "complete").is_file():
            return python
        shutil.rmtree(venv, ignore_errors=True)
        env = {**environ, **uv_environment(pip_settings(sys.executable, environ), environ)}
        _uv(env, "venv", "--no-project", "--python", sys.executable, str(venv))
        _uv(
            env,
            "pip",
            "sync",
            "--require-hashes",
            "--compile-bytecode",
            "--python",
            str(python),
            str(lock_file),
        )
        (venv / "complete").touch()
    return python


def _uv(env: Mapping[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", "--no-progress", *arguments]
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(
            Exit.UNAVAILABLE,
            f"the bench's packages could not be installed: {(done.stderr or done.stdout).strip()}",
            hint="Is the package index reachable? pip's and uv's settings are respected.",
        )


def checkout(environ: Mapping[str, str]) -> Path:
    """The checkout whose kit is measured.

    Raises:
        Failure: there is none.
    """
    found = Path(environ.get("VITRINE_CHECKOUT") or Path(__file__).resolve().parents[4])
    if not (found / "shared" / "src" / "vitrine_kit").is_dir():
        raise Failure(Exit.NO_INPUT, f"the bench measures a checkout, and {found} is none.")
    return found


def python_path(environ: Mapping[str, str]) -> str:
    """The import path of the measured processes: the checkout's kit and servers, beside the environment."""
    root = checkout(environ)
    return os.pathsep.join(str(root / part / "src") for part in ("ops", "shared"))
