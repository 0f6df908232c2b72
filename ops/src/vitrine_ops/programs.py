"""Programs the stack consists of: what each is started with, and the records by which strays are found and ended."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitrine_ops import tether


@dataclass(frozen=True)
class Program:
    """One process the supervisor keeps: `name` is unique among the running ones."""

    name: str
    group: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait_s: int = 30
    priority: int = 500
    umask: int = 0o077
    unlink: tuple[str, ...] = ()
    """Files of a killed predecessor that would keep it from starting."""
    clear_wait_s: float = 5.0
    clear_kill: bool = True
    """How a killed predecessor's children are ended before a new start (tether.clear)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What `status` tells of it: service, generation, release, socket."""

    def write_spec(self, run_dir: Path, run_id: str) -> Path:
        """Writes what the tether reads; the environment may hold secrets, so nobody else may read it."""
        path = spec_path(run_dir, self.name)
        spec = {
            "program": self.name,
            "argv": list(self.argv),
            "env": dict(self.env),
            "cwd": str(self.cwd),
            "log": str(self.log),
            "umask": self.umask,
            "unlink": list(self.unlink),
            "clear_wait_s": self.clear_wait_s,
            "clear_kill": self.clear_kill,
            "death_signal": int(self.stop_signal),
            "record": str(record_path(run_dir, self.name)),
            "run": run_id,
            "facts": dict(self.facts),
        }
        write_private(path, json.dumps(spec, indent=1))
        return path


def spec_path(run_dir: Path, name: str) -> Path:
    """Where a program's specification lies."""
    return run_dir / "programs" / f"{name}.json"


def record_path(run_dir: Path, name: str) -> Path:
    """Where a program's pid and start mark are recorded."""
    return run_dir / "pids" / f"{name}.json"


def read_facts(run_dir: Path, name: str) -> dict[str, Any]:
    """What a program's specification tells of it; empty where there is none."""
    try:
        found = json.loads(spec_path(run_dir, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found.get("facts", {}))


def write_private(path: Path, text: str) -> None:
    """Replaces a file by one that only its owner can read, in one step."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def records(run_dir: Path) -> list[dict[str, Any]]:
    """Every recorded program, running or not."""
    found = (tether.read_record(str(path)) for path in sorted((run_dir / "pids").glob("*.json")))
    return [record for record in found if record is not None]


def is_running(record: Mapping[str, Any]) -> bool:
    """Whether the recorded process itself still runs (same pid and same start)."""
    return record.get("mark") is not None and tether.start_mark(int(record["pid"])) == record["mark"]


def sweep(run_dir: Path, *, keep: frozenset[str] = frozenset()) -> list[str]:
    """Ends whatever an earlier run left behind and forgets its records; returns the names of what was ended.

    The supervisor is ended first, so that it starts nothing again; Nginx next, PostgreSQL last. A process whose start
    time differs from the record is somebody else's and is left alone.
    """
    order = {"supervisord": 0, "nginx": 1, "postgres": 9}
    ended = []
    for record in sorted(records(run_dir), key=lambda found: order.get(str(found["program"]), 5)):
        name = str(record["program"])
        if name in keep:
            continue
        if tether.clear(record, wait_s=20.0 if name == "postgres" else 5.0):
            ended.append(name)
        record_path(run_dir, name).unlink(missing_ok=True)
    return ended
