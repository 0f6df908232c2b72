"""The exit codes scripts can rely on, and the one exception that carries one; no command invents another."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Stable exit codes, in the manner of sysexits.h; the table in ops/README.md is checked against this class."""

    OK = 0
    FAILED = 1
    """The command ran, and what it was asked about is not well (doctor found a problem, a test failed)."""
    NOT_RUNNING = 3
    """No stack runs on this data directory."""
    DEGRADED = 4
    """The stack runs, but not every process is ready."""
    USAGE = 64
    """The command line was wrong."""
    BAD_DATA = 65
    """An import file was refused, or some of its rows failed."""
    NO_INPUT = 66
    """A file to read does not exist or cannot be read."""
    UNAVAILABLE = 69
    """Something needed is missing: Python, a wheel, a database server, a running service."""
    SOFTWARE = 70
    """A process of Vitrine failed: a migration, a release that does not become ready."""
    DISK_FULL = 73
    """The disk has no room for what was to be written."""
    IO_ERROR = 74
    """Reading or writing failed for another reason."""
    BUSY = 75
    """A stack runs on this data directory already, or another command holds it."""
    PORT_TAKEN = 76
    """Another program listens on the port."""
    NO_PERMISSION = 77
    """The data directory is not writable, or belongs to somebody else."""
    CONFIG = 78
    """A setting cannot be used (an address, a database role without the rights)."""
    DATA_VERSION = 79
    """The data directory belongs to another PostgreSQL major version or to a newer Vitrine."""
    INTERRUPTED = 130
    """Ended by Ctrl-C."""


class Failure(Exception):
    """A command that cannot go on: a sentence for the person, a hint, and an exit code for the script."""

    def __init__(self, code: Exit, message: str, *, hint: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.facts = facts

    def document(self) -> dict[str, Any]:
        """The same as a JSON document for `--json`."""
        found: dict[str, Any] = {"ok": False, "error": self.code.name.lower(), "exit_code": int(self.code)}
        found["message"] = self.message
        if self.hint:
            found["hint"] = self.hint
        return {**found, **self.facts}
