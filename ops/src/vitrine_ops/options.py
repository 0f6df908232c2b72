"""What a person asked of `up`, from the command line, else the environment; kept so that later commands agree."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vitrine_ops.exits import Exit, Failure
from vitrine_ops.programs import write_private

DEFAULT_PORT = 8080
POOL_READ, POOL_WRITE = 8, 4
ROLLING = 2
"""During a deploy the old and the new instances run side by side."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_OURS = {
    "VITRINE_PORT", "VITRINE_DATA", "VITRINE_HOST", "VITRINE_WORKERS", "VITRINE_INSTANCES", "VITRINE_USER",
    "VITRINE_PYTHON", "VITRINE_VENV", "VITRINE_TEST_VENV", "VITRINE_CHECKOUT", "VITRINE_RELEASE_STORE",
    "VITRINE_RELEASES", "VITRINE_IMPORT_FD", "VITRINE_BIND", "VITRINE_RUN_DIR", "VITRINE_INSTANCE",
    "VITRINE_LIMIT_LOOPBACK", "VITRINE_PUBLIC_URL", "VITRINE_TEST_STACK_DATA", "VITRINE_TEST_STACK_PORT",
}  # fmt: skip
_SETTING = re.compile(r"^VITRINE_[A-Z][A-Z0-9_]*$")


@dataclass(frozen=True)
class Options:
    """How a stack runs."""

    port: int = DEFAULT_PORT
    host: str = "localhost"
    """The address to listen on; `localhost` is the loopback of both families."""
    workers: int = 2
    instances: int = 1
    dev: bool = False
    public_url: str = ""
    database_url: str | None = None
    limit_loopback: bool = False
    """Count the operator's own machine towards the request limits too."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of the services given in the environment (VITRINE_LOG_LEVEL …)."""

    @property
    def address(self) -> str:
        """Where people reach the shop."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def only_here(self) -> bool:
        """Whether nobody but this machine reaches the shop: it listens on the loopback, and is called so."""
        name = urlsplit(self.address).hostname or ""
        return self.host in LOOPBACK and name in LOOPBACK

    @property
    def asks_for_second_factor(self) -> bool:
        """Whether owners and admins need a second factor: as VITRINE_REQUIRE_FACTOR says, else unless only here.

        Somebody who tries Vitrine on their own machine gets in with the first link; a shop that others can reach
        asks for more.
        """
        told = self.settings.get("VITRINE_REQUIRE_FACTOR")
        return not self.only_here if told is None else told.lower() not in {"0", "false", "no", "off"}

    @property
    def pool_connections(self) -> int:
        """Database connections all services can hold at once, a deploy included (docs/reference/resilience.md).

        Two services, each with its web instances' workers and one background worker.
        """
        read = int(self.settings.get("VITRINE_POOL_READ_SIZE", POOL_READ))
        write = int(self.settings.get("VITRINE_POOL_WRITE_SIZE", POOL_WRITE))
        processes = 2 * (self.instances * self.workers + 1)
        return processes * ROLLING * (read + write)

    @property
    def max_connections(self) -> int:
        """What our own PostgreSQL allows: the pools are at most 80 % of it."""
        return max(100, -(-self.pool_connections * 10 // 8) + 10)

    def save(self, state: Path) -> None:
        """Keeps the options for later commands; the file may hold secrets."""
        write_private(state / "options.json", json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, state: Path) -> Options | None:
        """The options of the last `up`, or None."""
        try:
            found: dict[str, Any] = json.loads((state / "options.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return cls(**{name: value for name, value in found.items() if name in cls.__dataclass_fields__})


def from_environment(environ: Mapping[str, str]) -> Options:
    """The defaults, changed by VITRINE_PORT, VITRINE_WORKERS, DATABASE_URL and the like.

    Raises:
        Failure: one of them is no number, or out of range.
    """
    options = Options(
        port=number("VITRINE_PORT", environ.get("VITRINE_PORT"), DEFAULT_PORT, 1, 65535),
        host=environ.get("VITRINE_HOST", "localhost"),
        workers=number("VITRINE_WORKERS", environ.get("VITRINE_WORKERS"), 2, 1, 64),
        instances=number("VITRINE_INSTANCES", environ.get("VITRINE_INSTANCES"), 1, 1, 16),
        public_url=environ.get("VITRINE_PUBLIC_URL", "").rstrip("/"),
        database_url=environ.get("DATABASE_URL") or None,
        limit_loopback=environ.get("VITRINE_LIMIT_LOOPBACK", "").lower() in {"1", "yes", "true"},
        settings={
            name: value for name, value in environ.items() if _SETTING.match(name) and name not in _OURS
        },
    )
    return replace(options, dev=environ.get("VITRINE_ENVIRONMENT") == "development")


def number(name: str, text: str | None, default: int, least: int, most: int) -> int:
    """A whole number from the environment or the command line.

    Raises:
        Failure: it is none, or out of range.
    """
    if text is None or text == "":
        return default
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise Failure(Exit.USAGE, f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)
