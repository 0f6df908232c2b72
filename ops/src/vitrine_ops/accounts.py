"""Which account runs the stack: PostgreSQL refuses root, so root hands over to an unprivileged one first."""

from __future__ import annotations

import hashlib
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vitrine_ops.exits import Exit, Failure

CANDIDATES = ("vitrine", "nobody")
ROOT_DATA = Path("/var/lib/vitrine")


@dataclass(frozen=True)
class Account:
    """A user of this system."""

    uid: int
    gid: int
    name: str
    home: str

    @classmethod
    def of(cls, entry: pwd.struct_passwd) -> Account:
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir)

    def may(self, path: Path, mode: int = os.X_OK) -> bool:
        """Whether this account, without root's rights, reaches the path."""
        child = os.fork()
        if child == 0:
            try:
                self.become()
                os._exit(0 if os.access(path, mode) else 1)
            finally:
                os._exit(2)
        return os.waitpid(child, 0)[1] == 0

    def runs(self, python: str) -> bool:
        """Whether this account can start the interpreter and load its standard library."""
        done = (
            subprocess.run(
                [python, "-I", "-c", "import sys, ssl, ctypes; sys.exit(sys.version_info < (3, 11))"],
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
                env={"PATH": os.defpath},
            )
            if self.may(Path(python))
            else None
        )
        return done is not None and done.returncode == 0

    def become(self) -> None:
        """Gives up root for good."""
        os.setgroups([])
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


def is_root() -> bool:
    """Whether this process has root's rights."""
    return os.geteuid() == 0


def for_root(data: Path | None, environ: Mapping[str, str]) -> Account:
    """The account for a stack that root starts: the data directory's owner, else VITRINE_USER, else `nobody`'s like.

    Raises:
        Failure: VITRINE_USER names nobody, or root, or there is no unprivileged account at all.
    """
    for place in (data / "state", data) if data is not None else ():
        try:
            owner = place.stat().st_uid
        except OSError:
            continue
        if owner != 0:
            try:
                return Account.of(pwd.getpwuid(owner))
            except KeyError:
                return Account(owner, place.stat().st_gid, str(owner), "/")
    wanted = environ.get("VITRINE_USER")
    for name in (wanted,) if wanted else CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account.of(found)
    if wanted:
        raise Failure(Exit.CONFIG, f"VITRINE_USER={wanted}: there is no such unprivileged user.")
    raise Failure(
        Exit.CONFIG,
        "PostgreSQL refuses to run as root, and this system has no user 'nobody'.",
        hint="Create a user and name it: VITRINE_USER=name ./vitrine up",
    )


def default_data(checkout: Path, environ: Mapping[str, str]) -> Path:
    """`<checkout>/.vitrine`; for root, /var/lib/vitrine/<name> where the account cannot reach the checkout."""
    inside = checkout / ".vitrine"
    if not is_root() or for_root(inside, environ).may(checkout):
        return inside
    key = hashlib.sha256(os.fsencode(str(checkout))).hexdigest()[:8]
    return ROOT_DATA / f"{checkout.name}-{key}"


def python_for(account: Account, environ: Mapping[str, str]) -> str | None:
    """An interpreter the account can run: ours, else one on the system's path; None where there is none."""
    own = getattr(sys, "_base_executable", sys.executable) or sys.executable
    found = [str(Path(own).resolve())]
    minor = sys.version_info[1]
    names = [f"python3.{number}" for number in (minor, *range(minor + 1, minor + 6), *range(11, minor))]
    folders = [*environ.get("PATH", os.defpath).split(os.pathsep), "/usr/local/bin", "/usr/bin"]
    found += [str(Path(folder) / name) for name in [*names, "python3"] for folder in folders if folder]
    seen: set[str] = set()
    for candidate in found:
        if candidate not in seen and Path(candidate).is_file() and account.runs(candidate):
            return candidate
        seen.add(candidate)
    return None
