"""Where a stack keeps its things: the data directory's parts, and a run directory short enough for UNIX sockets."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vitrine_ops.exits import Exit, Failure

SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
LONGEST_SOCKET_NAME = "/gunicorn/catalog-worker-9999/control.sock.12345678"
_PLAIN = re.compile(r"^[A-Za-z0-9._/+@=,:-]+$")
_IMPOSSIBLE = re.compile(r"[\x00-\x1f\"\\$;{}'%#]")
SERVICE_DIRS = ("postgres", "run", "log", "media", "spool", "secrets", "state", "cache", "tmp")


@dataclass(frozen=True)
class Places:
    """The parts of one data directory."""

    data: Path

    def __post_init__(self) -> None:
        if _IMPOSSIBLE.search(str(self.data)):
            raise Failure(
                Exit.CONFIG,
                f"the data directory's path {str(self.data)!r} has a character that configuration files cannot carry.",
                hint="Choose another with --data or VITRINE_DATA; spaces and letters of any script are fine.",
            )

    @property
    def postgres(self) -> Path:
        return self.data / "postgres" / "cluster"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def media(self) -> Path:
        return self.data / "media"

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def state(self) -> Path:
        return self.data / "state"

    @property
    def cache(self) -> Path:
        return self.data / "cache"

    @property
    def tmp(self) -> Path:
        return self.data / "tmp"

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    @property
    def run(self) -> Path:
        """Sockets, process records and generated configuration.

        Inside the data directory where socket paths fit and need no quoting; else in the system's temporary
        directory, named after the data directory.
        """
        inside = self.data / "run"
        fits = len(os.fsencode(str(inside) + LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT
        if fits and _PLAIN.match(str(inside)):
            return inside
        base = Path(tempfile.gettempdir())
        if len(os.fsencode(str(base))) > 40 or not _PLAIN.match(str(base)):
            base = Path("/tmp")  # noqa: S108 - make_run() demands that the directory is ours and closed to others
        key = hashlib.sha256(os.fsencode(str(self.data))).hexdigest()[:12]
        return base / f"vitrine-{key}"

    def exists(self) -> bool:
        """Whether a stack was ever started here."""
        return self.state.is_dir()

    def make(self) -> None:
        """Makes every directory that is missing, closed to others.

        Raises:
            Failure: the place cannot be written, or a part belongs to somebody else.
        """
        try:
            self.data.mkdir(mode=0o755, parents=True, exist_ok=True)
            for name in SERVICE_DIRS:
                (self.data / name).mkdir(mode=0o700, exist_ok=True)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise Failure(
                Exit.NO_PERMISSION,
                f"the data directory {self.data} cannot be written ({error.strerror}: {error.filename}).",
                hint="Choose another with --data or VITRINE_DATA, or change its owner.",
            ) from error
        for name in SERVICE_DIRS:
            owner = (self.data / name).stat().st_uid
            if owner != os.geteuid():
                raise Failure(
                    Exit.NO_PERMISSION,
                    f"{self.data / name} belongs to {user_name(owner)}, and this is {user_name(os.geteuid())}.",
                    hint="Run as its owner, or choose another data directory with --data or VITRINE_DATA.",
                )
        self.make_run()

    def make_run(self) -> None:
        """Makes the run directory and its parts; refuses one in a shared place that is not wholly ours."""
        run = self.run
        try:
            run.mkdir(mode=0o700)
        except FileExistsError:
            found = run.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise Failure(
                    Exit.NO_PERMISSION, f"{run} is in the way: it belongs to {user_name(found.st_uid)}."
                ) from None
            run.chmod(0o700)
        for name in ("programs", "pids", "gunicorn", "nginx"):
            (run / name).mkdir(mode=0o700, exist_ok=True)

    def remove_run(self) -> None:
        """Leaves nothing in the system's temporary directory; a run directory inside the data directory stays."""
        if self.data not in self.run.parents:
            shutil.rmtree(self.run, ignore_errors=True)


def user_name(uid: int) -> str:
    """A user's name, or its number where it has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
