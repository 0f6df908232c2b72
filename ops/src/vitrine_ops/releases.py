"""Builds each service's release: its wheel and its locked packages in an environment of its own, named by content."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vitrine_ops.bootstrap import OPTIONAL
from vitrine_ops.catalogue import BY_NAME
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.indexes import pip_settings, uv_environment, without

FORMAT = 1
KEPT = 3
GENTLY = ["/usr/bin/env", "nice", "-n", "10"]
"""Before a command: whatever serves at the same time goes first."""
OPS = "ops"
CONFIGURATION = ("nginx", "postgres")
"""Folders of the checkout that the ops release carries along."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Release:
    """One service's code, installed."""

    service: str
    version: str
    digest: str
    path: Path

    @property
    def label(self) -> str:
        """`0.1.0+a1b2c3d4e5f6`, what `status` shows."""
        return f"{self.version}+{self.digest}"

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def site(self) -> Path:
        """The folder the packages are installed in."""
        return next((self.path / "lib").glob("python3.*/site-packages"))

    def document(self) -> dict[str, str]:
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def parse(cls, found: Mapping[str, str]) -> Release:
        return cls(found["service"], found["version"], found["digest"], Path(found["path"]))


class Builder:
    """Makes releases from a checkout; what is there already is used as it is.

    Args:
        python: the interpreter the releases run on.
        say: takes one line for the person at each longer step.
    """

    def __init__(
        self, checkout: Path, releases: Path, *, python: str, environ: Mapping[str, str], say: Say
    ) -> None:
        self.checkout = checkout
        self.releases = releases
        self.python = python
        self.say = say
        self._environ = {**environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self._uv_environ: dict[str, str] | None = None
        self.uv = Path(sys.executable).with_name("uv")
        self.gently = False
        """Let whatever serves at the same time go first."""

    def digest(self, name: str) -> str:
        """Names the content: sources, lock, interpreter. The same digest is the same release."""
        found = hashlib.sha256(f"{FORMAT}:{self.python}:{sys.platform}:{os.uname().machine}".encode())
        roots = [self._folder(name)] if name == OPS else [self.checkout / "shared", self._folder(name)]
        for root in roots:
            for path in [
                root / "pyproject.toml",
                root / "requirements.lock",
                *sorted((root / "src").rglob("*")),
            ]:
                if path.is_file() and "__pycache__" not in path.parts:
                    found.update(f"{path.relative_to(self.checkout)}\0".encode())
                    found.update(hashlib.sha256(path.read_bytes()).digest())
        if name == OPS:
            for path in sorted(
                found_path for name in CONFIGURATION for found_path in (self.checkout / name).rglob("*")
            ):
                if path.is_file():
                    found.update(f"{path.relative_to(self.checkout)}\0".encode() + path.read_bytes())
        return found.hexdigest()[:12]

    def wanted(self, name: str) -> Release:
        """The release of the checkout as it is now, built or not."""
        version = version_of(self._folder(name))
        digest = self.digest(name)
        return Release(name, version, digest, self.releases / name / f"{version}+{digest}")

    def build(self, names: list[str]) -> dict[str, Release]:
        """The releases of the named distributions, built where they are missing.

        Raises:
            Failure: a package cannot be installed, or the disk is full.
        """
        self.releases.mkdir(mode=0o755, parents=True, exist_ok=True)
        with self._alone():
            found = {name: self.wanted(name) for name in names}
            missing = [release for release in found.values() if not is_complete(release)]
            if missing:
                self._uv_environ = uv_environment(pip_settings(sys.executable, self._environ), self._environ)
                self._build_all(missing)
            for release in found.values():
                os.utime(release.path / "release.json")
        return found

    def _build_all(self, missing: list[Release]) -> None:
        """Builds on two cores; the first service goes ahead, since the others' environments begin as copies of its."""
        services = [release for release in missing if release.service in BY_NAME]
        rest = [release for release in missing if release.service not in BY_NAME]
        first = services[:1] if not self._find_similar() else []
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(self._build_one, [*first, *rest]))
            list(pool.map(self._build_one, services[len(first) :]))

    def _find_similar(self, name: str | None = None) -> Path | None:
        """The newest complete service environment on the same interpreter; one of the same service is preferred."""
        found = []
        for service in BY_NAME:
            for marker in (self.releases / service).glob("*/release.json"):
                try:
                    built = json.loads(marker.read_text(encoding="utf-8"))
                except ValueError:
                    continue
                if built.get("python") == self.python:
                    found.append((service == name, marker.stat().st_mtime, marker.parent))
        return max(found)[2] if found else None

    def _build_one(self, release: Release) -> None:
        self.say(f"building the release {release.service} {release.label}")
        if release.path.exists():
            shutil.rmtree(release.path)
        release.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            self._make_environment(release)
            if release.service == OPS:
                for name in CONFIGURATION:
                    shutil.copytree(self.checkout / name, release.path / name)
        except Failure:
            shutil.rmtree(release.path, ignore_errors=True)
            raise
        marker = {**release.document(), "built_at": time.time(), "python": self.python}
        (release.path / "release.json").write_text(json.dumps(marker, indent=1), encoding="utf-8")

    def _make_environment(self, release: Release) -> None:
        wheels = release.path.with_name(f"{release.path.name}.wheels")
        shutil.rmtree(wheels, ignore_errors=True)
        wheels.mkdir(parents=True)
        try:
            sources = [self._folder(release.service)]
            if release.service in BY_NAME:
                sources.append(self.checkout / "shared")
            for source in sources:
                self._uv("build", "--wheel", "--no-create-gitignore", "--out-dir", str(wheels), str(source))
            similar = self._find_similar(release.service) if release.service in BY_NAME else None
            if similar is not None:
                # Hard links cost neither time nor room, and what is compiled already is not compiled again.
                no_marker = shutil.ignore_patterns("release.json")
                shutil.copytree(similar, release.path, symlinks=True, copy_function=_link, ignore=no_marker)
            else:
                self._uv("venv", "--no-project", "--python", self.python, str(release.path))
            self._install_locked(release)
            built = [str(path) for path in sorted(wheels.glob("*.whl"))]
            self._uv(
                "pip",
                "install",
                "--no-deps",
                "--no-index",
                "--compile-bytecode",
                "--python",
                str(release.python),
                *built,
            )
        finally:
            shutil.rmtree(wheels, ignore_errors=True)

    def _install_locked(self, release: Release) -> None:
        lock = self._folder(release.service) / "requirements.lock"
        if not lock.is_file():
            raise Failure(
                Exit.UNAVAILABLE, f"{lock} is missing.", hint="./vitrine lock makes the lock files."
            )
        if release.service == OPS:
            missing = {name for name in OPTIONAL if not _installed(name)}
            if missing:
                lock = release.path / "requirements.lock"
                original = self._folder(release.service) / "requirements.lock"
                lock.write_text(without(original.read_text(encoding="utf-8"), missing), encoding="utf-8")
        options = ["--require-hashes", "--python", str(release.python)]
        try:
            self._uv("pip", "sync", "--compile-bytecode", *options, str(lock))
        except Failure as by_uv:
            if by_uv.code is Exit.DISK_FULL:
                raise
            self.say("uv could not install the packages; trying pip")
            pip = [
                sys.executable,
                "-m",
                "pip",
                "--quiet",
                "--python",
                str(release.python),
                "install",
                "--no-deps",
            ]
            done = subprocess.run(
                [*pip, "--require-hashes", "-r", str(lock)],
                env=self._environ,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise Failure(
                    Exit.UNAVAILABLE,
                    f"{by_uv.message}\npip said: {done.stderr.strip()}",
                    hint="Is the package index reachable? pip's and uv's settings and SSL_CERT_FILE are respected.",
                ) from by_uv

    def _uv(self, *arguments: str) -> None:
        done = subprocess.run(
            [*(GENTLY if self.gently else []), str(self.uv), "--quiet", "--no-progress", *arguments],
            env={**self._environ, **(self._uv_environ or {})},
            cwd=self.releases,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise _failure(f"uv {' '.join(arguments[:2])}", done.stderr or done.stdout)

    def _folder(self, name: str) -> Path:
        return self.checkout / OPS if name == OPS else BY_NAME[name].source(self.checkout)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        descriptor = os.open(self.releases / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def prune(self, in_use: set[Path]) -> list[Path]:
        """Removes all but the newest releases of each service, never one that runs; returns what went."""
        removed = []
        with self._alone():
            for folder in sorted(path for path in self.releases.iterdir() if path.is_dir()):
                found = sorted(
                    folder.glob("*/release.json"), key=lambda path: path.stat().st_mtime, reverse=True
                )
                for marker in found[KEPT:]:
                    if marker.parent not in in_use:
                        shutil.rmtree(marker.parent, ignore_errors=True)
                        removed.append(marker.parent)
        return removed


def is_complete(release: Release) -> bool:
    """Whether the release was built to its end, and its interpreter is still there."""
    return (release.path / "release.json").is_file() and release.python.exists()


def version_of(folder: Path) -> str:
    """The version a distribution's pyproject.toml states."""
    with (folder / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def _link(source: str, target: str, *, follow_symlinks: bool = True) -> None:
    try:
        os.link(source, target, follow_symlinks=follow_symlinks)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=follow_symlinks)


def _installed(distribution: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _failure(what: str, said: str) -> Failure:
    if "No space left on device" in said or "os error 28" in said:
        return Failure(Exit.DISK_FULL, f"the disk is full: {what} could not finish.")
    return Failure(Exit.UNAVAILABLE, f"{what} failed: {said.strip()}")
