"""Decides where a command works and as whom: root builds the releases, then becomes an unprivileged account."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vitrine_ops import accounts
from vitrine_ops.accounts import Account
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.output import Output
from vitrine_ops.places import SERVICE_DIRS, Places
from vitrine_ops.releases import OPS, Builder, Release
from vitrine_ops.state import StackState
from vitrine_ops.supervision import Supervisor

PREPARED = "VITRINE_RELEASES"


@dataclass(frozen=True)
class Workplace:
    """Where a command works: the checkout, the data directory, and the releases it asked for."""

    checkout: Path
    places: Places
    releases: Mapping[str, Release]


def enter(
    argv: list[str],
    *,
    data: str | None,
    names: list[str],
    create: bool,
    environ: Mapping[str, str],
    out: Output,
    keep_open: int | None = None,
    before_build: Callable[[Places], None] | None = None,
) -> Workplace:
    """Builds the named releases and returns the workplace, as the account that runs the stack.

    As root this replaces the process: the rest of the command runs from the ops release, as the unprivileged account.

    Args:
        argv: the command line, for the process that takes over.
        data: the data directory asked for.
        names: the releases the command needs (`ops`, a service's name).
        create: whether a missing data directory is made.
        keep_open: a file descriptor that the process taking over needs.
        before_build: refuses early what building would only delay.

    Raises:
        Failure: the place cannot be used, or a release cannot be built.
    """
    checkout = Path(environ.get("VITRINE_CHECKOUT") or Path.cwd()).resolve()
    prepared = environ.get(PREPARED)
    if prepared is not None:
        found = json.loads(prepared)
        places = Places(Path(found["data"]))
        if create:
            places.make()
        return Workplace(
            checkout, places, {name: Release.parse(one) for name, one in found["releases"].items()}
        )
    chosen = Path(data).expanduser().absolute() if data else None
    if accounts.is_root():
        _hand_over(
            argv,
            checkout,
            chosen,
            names,
            create=create,
            environ=environ,
            out=out,
            keep_open=keep_open,
            before_build=before_build,
        )
    places = Places(chosen or accounts.default_data(checkout, environ))
    if create:
        places.make()
    if before_build is not None:
        before_build(places)
    python = str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
    return Workplace(
        checkout, places, _build(checkout, places, names, python=python, environ=environ, out=out)
    )


def _build(
    checkout: Path, places: Places, names: list[str], *, python: str, environ: Mapping[str, str], out: Output
) -> dict[str, Release]:
    if not names:
        return {}
    shared = environ.get("VITRINE_RELEASE_STORE")
    builder = Builder(
        checkout, Path(shared) if shared else places.releases, python=python, environ=environ, say=out.say
    )
    builder.gently = Supervisor(places).is_alive()
    with out.phase("releases"):
        found = builder.build(names)
        if not shared:  # another data directory may run what is there
            builder.prune(
                StackState.load(places.state).releases_in_use() | {release.path for release in found.values()}
            )
    return found


def _hand_over(
    argv: list[str],
    checkout: Path,
    chosen: Path | None,
    names: list[str],
    *,
    create: bool,
    environ: Mapping[str, str],
    out: Output,
    keep_open: int | None,
    before_build: Callable[[Places], None] | None,
) -> None:
    data = chosen or accounts.default_data(checkout, environ)
    places = Places(data)
    account = accounts.for_root(data, environ)
    python = accounts.python_for(account, environ)
    if python is None:
        raise Failure(
            Exit.UNAVAILABLE,
            f"the account {account.name!r}, which is to run Vitrine in root's place, can run no Python 3.11 or newer: "
            f"{Path(sys.executable).resolve()} lies where it may not go.",
            hint="Install Python for everybody (Debian: apt install python3), or name an account that can run "
            "this one: VITRINE_USER=name",
        )
    os.umask(0o022)
    if not places.exists() and not create:
        raise Failure(
            Exit.NOT_RUNNING, f"Vitrine was never started on {data}.", state="stopped", data=str(data)
        )
    _make_directories(places, account)
    if not account.may(data):
        raise Failure(
            Exit.NO_PERMISSION,
            f"the account {account.name!r}, which runs Vitrine in root's place, cannot reach {data}.",
            hint="Choose another place with --data or VITRINE_DATA, for example under /var/lib/vitrine.",
        )
    if before_build is not None:
        before_build(places)
    releases = _build(checkout, places, sorted({*names, OPS}), python=python, environ=environ, out=out)
    handed = {
        "data": str(data),
        "releases": {name: release.document() for name, release in releases.items()},
        "timings": out.timings,
    }
    env = {
        **environ,
        PREPARED: json.dumps(handed),
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
    }
    env.pop("PYTHONPATH", None)
    interpreter = str(releases[OPS].python)
    if keep_open is not None:
        os.set_inheritable(keep_open, True)
    os.chdir("/")
    sys.stdout.flush()
    sys.stderr.flush()
    account.become()
    os.execve(  # noqa: S606 - no shell is wanted
        interpreter, [interpreter, "-P", "-m", "vitrine_ops", *argv], env
    )


def _make_directories(places: Places, account: Account) -> None:
    """Gives the account its parts of the data directory; the directory itself and the releases stay root's."""
    places.data.mkdir(mode=0o755, parents=True, exist_ok=True)
    if places.data.stat().st_uid not in {0, account.uid}:
        raise Failure(Exit.NO_PERMISSION, f"{places.data} belongs to neither root nor {account.name!r}.")
    for name in SERVICE_DIRS:
        path = places.data / name
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode):
                raise Failure(Exit.NO_PERMISSION, f"{path} is in the way: it is no directory.") from None
            if found.st_uid == account.uid:
                continue
            if found.st_uid != 0 or any(path.iterdir()):
                raise Failure(
                    Exit.NO_PERMISSION, f"{path} belongs to another account than {account.name!r}."
                ) from None
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def handed_timings(environ: Mapping[str, str]) -> dict[str, float]:
    """What root's part of the command took."""
    prepared = environ.get(PREPARED)
    return dict(json.loads(prepared).get("timings", {})) if prepared else {}
