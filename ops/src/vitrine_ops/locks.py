"""`lock`: writes every hash-pinned lock file anew from the distributions' own requirements."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from vitrine_ops.catalogue import SERVICES
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.indexes import pip_settings, uv_environment

OPTIONS = [
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
]


def lock_all(checkout: Path, environ: Mapping[str, str], *, upgrade: bool, say: object) -> list[Path]:
    """Compiles each lock file; `upgrade` takes newer versions, else only what changed moves.

    Raises:
        Failure: a requirement cannot be met.
    """
    assert callable(say)
    written = []
    for target, requirements in inputs(checkout).items():
        say(f"locking {target.relative_to(checkout)}")
        compile_lock(target, requirements, environ, upgrade=upgrade)
        written.append(target)
    pinned = (checkout / "ops" / "bootstrap.lock").read_bytes()
    for service in SERVICES:
        # The images build their wheels with the same uv; one file for each, so that a newer uv can reach them singly.
        target = service.source(checkout) / "build.lock"
        if target.is_file():
            target.write_bytes(pinned)
            written.append(target)
    return written


def inputs(checkout: Path) -> dict[Path, list[str]]:
    """Each lock file with the requirements it is made from; Vitrine's own come as wheels and are left out."""
    kit = requirements_of(checkout / "shared")
    found: dict[Path, list[str]] = {}
    everything: list[str] = list(kit)
    for service in SERVICES:
        own = requirements_of(service.source(checkout))
        found[service.lock(checkout)] = sorted({*kit, *own})
        everything += own
    ops = requirements_of(checkout / "ops")
    found[checkout / "ops" / "requirements.lock"] = ops
    found[checkout / "ops" / "bootstrap.lock"] = [name for name in ops if name.startswith("uv")]
    tests = checkout / "tests"
    found[tests / "requirements.lock"] = sorted(
        {*everything, *ops, *requirements_in(tests / "requirements.in")}
    )
    bench = checkout / "ops" / "src" / "vitrine_ops" / "bench"
    found[bench / "requirements.lock"] = requirements_in(bench / "requirements.in")
    return found


def requirements_in(file: Path) -> list[str]:
    """The requirements a text file names, one a line, without its comments; none where there is no file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [requirement for line in lines if (requirement := line.partition("#")[0].strip())]


def requirements_of(folder: Path) -> list[str]:
    """A distribution's requirements, without Vitrine's own."""
    with (folder / "pyproject.toml").open("rb") as file:
        found = tomllib.load(file)["project"].get("dependencies", [])
    return [requirement for requirement in found if not requirement.startswith("vitrine-")]


def compile_lock(target: Path, requirements: list[str], environ: Mapping[str, str], *, upgrade: bool) -> None:
    """Compiles one lock file in place.

    Raises:
        Failure: the requirements cannot be met.
    """
    uv = Path(sys.executable).with_name("uv")
    env = {**environ, **uv_environment(pip_settings(sys.executable, environ), environ)}
    command = [
        str(uv),
        "pip",
        "compile",
        "--quiet",
        *OPTIONS,
        *(["--upgrade"] if upgrade else []),
        "-o",
        str(target),
        "-",
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command,
        input="\n".join(requirements) + "\n",
        env=env,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if done.returncode != 0:
        raise Failure(Exit.SOFTWARE, f"{target} cannot be made: {done.stderr.strip()}")
