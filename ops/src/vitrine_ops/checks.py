"""`test`: makes the test environment from its lock file, then runs every check, and tells in the end which failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vitrine_ops.bootstrap import install_locked
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.output import Output, table

DISTRIBUTIONS = ("shared", "services/users", "services/catalog", "gateway", "ops")
LEAST_COVERAGE = 95
COVERAGE = ".coverage.json"
"""Which lines the tests ran, counted over all of their processes; of what is said in pyproject.toml."""
ALONE = "tests/chaos"
"""Its tests put load on a stack: others beside them would take the processors the services need to answer it."""
MOST_WORKERS = 4
"""The tests that share a stack take longest and stay in one worker, so that more would end before it."""


@dataclass(frozen=True)
class Check:
    """One command of the suite."""

    name: str
    command: list[str]


def environment(checkout: Path, environ: Mapping[str, str]) -> Path:
    """Where the test environment lies."""
    return Path(environ.get("VITRINE_TEST_VENV") or checkout / ".venv-test")


def prepare(checkout: Path, environ: Mapping[str, str], out: Output) -> Path:
    """Brings the test environment up to tests/requirements.lock; returns its interpreter.

    Raises:
        Failure: a package cannot be installed.
    """
    venv = environment(checkout, environ)
    python = venv / "bin" / "python"
    lock = checkout / "tests" / "requirements.lock"
    stamp = venv / "vitrine-requirements.lock"
    sources = [checkout / folder for folder in DISTRIBUTIONS]
    wanted = (
        lock.read_bytes()
        + b"".join((source / "pyproject.toml").read_bytes() for source in sources)
        + str(checkout).encode()
    )
    if python.exists() and stamp.is_file() and stamp.read_bytes() == wanted:
        return python
    out.say(f"making the test environment ({venv.name})")
    if not python.exists():
        shutil.rmtree(venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(venv)], "making the test environment")
        _run(
            [
                str(python),
                "-m",
                "pip",
                "--quiet",
                "install",
                "--no-deps",
                "--require-hashes",
                "-r",
                str(checkout / "ops" / "bootstrap.lock"),
            ],
            "installing uv",
        )
    stamp.unlink(missing_ok=True)
    problem = install_locked(python, lock, dict(environ))
    if problem is not None:
        raise Failure(Exit.UNAVAILABLE, f"the packages of {lock} cannot be installed:\n{problem}")
    editable = [option for source in sources for option in ("-e", str(source))]
    _run(
        [
            str(python.with_name("uv")),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--python",
            str(python),
            *editable,
        ],
        "installing Vitrine",
    )
    stamp.write_bytes(wanted)
    return python


def suite(checkout: Path, python: Path, arguments: list[str]) -> list[Check]:
    """Every check in the order of their cost.

    Arguments for pytest run pytest alone, in one process, without the coverage demand. Otherwise several processes run
    the tests side by side, and those that need the machine for themselves follow.
    """
    tool = python.with_name
    pytest = [str(python), "-m", "pytest"]
    if arguments:
        return [Check("pytest", [*pytest, *arguments])]
    slipcover = [str(python), "-m", "slipcover", "--out", COVERAGE]
    side_by_side = [f"--ignore={ALONE}", "-n", str(workers())]
    return [
        Check("ruff", [str(tool("ruff")), "check", "."]),
        Check("ruff format", [str(tool("ruff")), "format", "--check", "."]),
        Check("import-linter", [str(tool("lint-imports")), "--no-cache"]),
        Check("mypy", [str(tool("mypy")), *(f"{folder}/src" for folder in DISTRIBUTIONS)]),
        Check("gixy", [str(python), "-m", "vitrine_ops.gixy_check", str(checkout)]),
        Check("pytest", [*slipcover, "--json", "-m", "pytest", *side_by_side]),
        Check("coverage", [*slipcover, "--fail-under", str(LEAST_COVERAGE), "--merge", COVERAGE]),
        Check(f"pytest {ALONE}", [*pytest, ALONE]),
    ]


def workers() -> int:
    """How many processes run tests: one more than there are processors, since the stack's tests mostly wait."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(usable + 1, MOST_WORKERS)


@contextmanager
def release_store(environ: Mapping[str, str]) -> Iterator[str]:
    """Where the tests' stacks find the releases that another has built: several processes of tests start one each."""
    if "VITRINE_RELEASE_STORE" in environ:
        yield environ["VITRINE_RELEASE_STORE"]
        return
    with tempfile.TemporaryDirectory(prefix="vitrine-releases-") as folder:
        Path(folder).chmod(0o755)  # the account that runs a stack in root's place must pass
        yield folder


def run(checkout: Path, python: Path, arguments: list[str], environ: Mapping[str, str], out: Output) -> Exit:
    """Runs all checks, whatever fails, and says in the end how each went."""
    env = {
        **environ,
        "VITRINE_CHECKOUT": str(checkout),
        "PATH": f"{python.parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
    }
    env.pop("PYTHONPATH", None)
    # pytest compiles what it and its plugins consist of in a way of its own: once, not in each process of each run.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with release_store(environ) as store:
        return run_all(
            suite(checkout, python, arguments), checkout, env | {"VITRINE_RELEASE_STORE": store}, out
        )


def run_all(checks: list[Check], checkout: Path, env: dict[str, str], out: Output) -> Exit:
    """Runs each check to its end, the next one after it; what they print is passed on as it comes."""
    rows, failed = [], []
    for check in checks:
        out.say(f"\n── {check.name} " + "─" * max(4, 70 - len(check.name)))
        started = time.monotonic()
        code = subprocess.run(check.command, cwd=checkout, env=env, check=False).returncode
        rows.append(
            [check.name, "passed" if code == 0 else f"FAILED ({code})", f"{time.monotonic() - started:.1f} s"]
        )
        if code != 0:
            failed.append(check.name)
    verdict = "all checks passed" if not failed else f"failed: {', '.join(failed)}"
    out.result(
        {"ok": not failed, "failed": failed}, f"\n{table(rows, ['check', 'outcome', 'time'])}\n\n{verdict}"
    )
    return Exit.FAILED if failed else Exit.OK


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(Exit.UNAVAILABLE, f"{what} failed: {(done.stderr or done.stdout).strip()}")
