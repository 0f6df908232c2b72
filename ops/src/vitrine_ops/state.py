"""What a running stack consists of, written down so that every later command, and the next start, knows it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vitrine_ops.exits import Exit, Failure
from vitrine_ops.programs import write_private
from vitrine_ops.releases import Release

FORMAT = 1
"""Raised when a newer Vitrine keeps its data so that this one must not touch it."""


@dataclass
class Running:
    """One service's generation that serves."""

    generation: int
    release: dict[str, str]
    instances: list[str]
    sockets: list[str]
    worker: str | None

    @property
    def groups(self) -> list[str]:
        found = [self.instances[0].rsplit("-", 1)[0]]
        return found + ([self.worker] if self.worker else [])


@dataclass
class StackState:
    """The content of state/stack.json."""

    run_id: str = ""
    address: str = ""
    port: int = 0
    started_at: float = 0.0
    foreground: dict[str, Any] | None = None
    """The `up` that a foreground stack belongs to: pid and start mark."""
    ops: dict[str, str] = field(default_factory=dict)
    services: dict[str, Running] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    """The highest generation ever used; a number is never used twice."""
    migrated: dict[str, dict[str, str]] = field(default_factory=dict)
    """By service: which migrations brought its schema to which revision."""
    seeded: bool = False
    owner_known: bool = False
    """An owner signs in with a password: no more sign-in links at each start."""
    own_postgres: bool = True

    @classmethod
    def load(cls, folder: Path) -> StackState:
        """The state as last written; a fresh one where there is none."""
        try:
            found = json.loads((folder / "stack.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return cls()
        known = {name: value for name, value in found.items() if name in cls.__dataclass_fields__}
        known["services"] = {name: Running(**value) for name, value in known.get("services", {}).items()}
        return cls(**known)

    def save(self, folder: Path) -> None:
        """Writes it in one step."""
        write_private(folder / "stack.json", json.dumps(asdict(self), indent=1))

    def next_generation(self, service: str) -> int:
        """A number no earlier generation of the service had."""
        self.generations[service] = self.generations.get(service, 0) + 1
        return self.generations[service]

    def release_of(self, service: str) -> Release | None:
        """The release that serves, or None."""
        running = self.services.get(service)
        return Release.parse(running.release) if running else None

    def releases_in_use(self) -> set[Path]:
        """Every release directory that a running process lives in."""
        found = {Path(running.release["path"]) for running in self.services.values()}
        return found | ({Path(self.ops["path"])} if self.ops else set())


def check_format(folder: Path, version: str) -> None:
    """Refuses a data directory that a newer Vitrine made; marks a new one as ours.

    Raises:
        Failure: its format is newer than this release knows.
    """
    path = folder / "format.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        write_private(path, json.dumps({"format": FORMAT, "version": version}))
        return
    except ValueError as error:
        raise Failure(
            Exit.DATA_VERSION, f"{path} cannot be read: is this a data directory of Vitrine?"
        ) from error
    if int(found.get("format", 0)) > FORMAT:
        raise Failure(
            Exit.DATA_VERSION,
            f"the data directory {folder.parent} belongs to Vitrine {found.get('version')}, which is newer than "
            f"this one ({version}).",
            hint="Update Vitrine, or use another data directory (--data).",
        )


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the data directory against every other command that changes the stack.

    Raises:
        Failure: another command holds it.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another command"
            raise Failure(Exit.BUSY, f"the data directory {folder.parent} is in use by {holder}.") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"vitrine, pid {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
