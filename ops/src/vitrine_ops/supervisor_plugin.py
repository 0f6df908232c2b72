"""Runs inside supervisord: shortens grown logs each minute, and keeps cleaners of /tmp off the run directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from supervisor import events

from vitrine_ops.tether import shorten


class Housekeeping:
    """What supervisord does for us each minute."""

    def __init__(self, run: Path) -> None:
        # systemd-tmpfiles leaves a directory alone while somebody holds a lock on it.
        self._lock = os.open(run, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self._run = run
        events.subscribe(events.Tick60Event, self.tick)

    def tick(self, _event: object) -> None:
        """Shortens every log that a supervised program writes."""
        for log in sorted(log_files(self._run)):
            shorten(log)


def log_files(run: Path) -> set[str]:
    """The logs that the specifications in a run directory name."""
    import json

    found = set()
    for spec in run.glob("programs/*.json"):
        try:
            found.add(str(json.loads(spec.read_text(encoding="utf-8"))["log"]))
        except (OSError, ValueError, KeyError):
            continue
    return found


class Interface:
    """An RPC namespace without methods; supervisord asks for one from each plugin."""


def make_interface(_supervisord: object, **_options: Any) -> Interface:
    """supervisord calls this once, at its start, in the run directory."""
    interface = Interface()
    interface.housekeeping = Housekeeping(Path.cwd())  # type: ignore[attr-defined]  # kept alive with the interface
    return interface
