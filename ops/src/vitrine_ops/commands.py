"""What each command does with its parsed arguments; the work itself is done by the modules it calls."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from vitrine_ops import handover, people, programs, state
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.handover import Workplace
from vitrine_ops.options import Options, from_environment, number
from vitrine_ops.output import Output
from vitrine_ops.places import Places
from vitrine_ops.releases import OPS, Release

if TYPE_CHECKING:
    from vitrine_ops.stack import Stack

SERVICES = ["users", "catalog", "gateway"]
Environ = Mapping[str, str]


def run(arguments: argparse.Namespace, argv: list[str], environ: Environ, out: Output) -> Exit:
    """Runs the command that was parsed.

    Raises:
        Failure: it could not be carried out.
    """
    return _COMMANDS[arguments.command](_Call(arguments, argv, environ, out))


class _Call:
    """One invocation: arguments, environment, where words go."""

    def __init__(self, arguments: argparse.Namespace, argv: list[str], environ: Environ, out: Output) -> None:
        self.arguments = arguments
        self.argv = argv
        self.environ = environ
        self.out = out

    def enter(
        self,
        names: list[str],
        *,
        create: bool = False,
        keep_open: int | None = None,
        before_build: Callable[[Places], None] | None = None,
    ) -> Workplace:
        """Goes to the data directory, as the account that runs the stack."""
        data = self.arguments.data or self.environ.get("VITRINE_DATA") or None
        return handover.enter(
            self.argv,
            data=data,
            names=names,
            create=create,
            environ=self.environ,
            out=self.out,
            keep_open=keep_open,
            before_build=before_build,
        )

    def stack(self, place: Workplace, options: Options, releases: Mapping[str, Release]) -> Stack:
        from vitrine_ops.stack import Stack

        return Stack(place.places, options, releases, self.out, self.environ)

    def running(self, place: Workplace) -> Stack:
        """The stack that runs on the data directory.

        Raises:
            Failure: none does.
        """
        from vitrine_ops.supervision import Supervisor

        found = state.StackState.load(place.places.state)
        options = Options.load(place.places.state)
        if not found.services or options is None or not Supervisor(place.places).is_alive():
            raise Failure(
                Exit.NOT_RUNNING,
                f"Vitrine is not running on {place.places.data}.",
                hint="./vitrine up starts it.",
                state="stopped",
                data=str(place.places.data),
            )
        releases = {name: Release.parse(running.release) for name, running in found.services.items()}
        return self.stack(place, options, {**releases, OPS: Release.parse(found.ops)})


def _options(call: _Call) -> Options:
    asked, environ = call.arguments, call.environ
    options = from_environment(environ)
    return replace(
        options,
        port=number("--port", asked.port, options.port, 1, 65535),
        host=asked.host or options.host,
        workers=number("--workers", asked.workers, options.workers, 1, 64),
        instances=number("--instances", asked.instances, options.instances, 1, 16),
        dev=asked.dev or options.dev,
    )


class _Stop(BaseException):
    """A signal asked the foreground `up` to end."""


def _up(call: _Call) -> Exit:
    began = time.monotonic()
    options = _options(call)

    def end(_number: int, _frame: FrameType | None) -> None:
        raise _Stop

    def refuse_early(places: Places) -> None:
        from vitrine_ops import ports, postgres
        from vitrine_ops.stack import refuse_if_running

        refuse_if_running(places, state.StackState.load(places.state))
        ports.check(options)
        postgres.check_disk(places.data)

    place = call.enter([OPS, *SERVICES], create=True, before_build=refuse_early)
    call.out.timings = {**handover.handed_timings(call.environ), **call.out.timings}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), end)
    releases = dict(place.releases)
    if options.dev:
        from vitrine_ops.development import editable

        releases = editable(place, releases, call.out)
    detach = bool(call.arguments.detach)
    stack = call.stack(place, options, releases)
    try:
        with state.exclusive(place.places.state):
            stack.up(detach=detach)
            try:
                if not call.arguments.no_seed:
                    stack.seed()
                link = stack.owner_link()
            except BaseException:
                stack.stop()
                raise
        handed = sum(handover.handed_timings(call.environ).values())
        call.out.timings["total"] = round(time.monotonic() - began + handed, 3)
        document = {
            "ok": True, "address": options.address, "sign_in_link": link, "data": str(place.places.data),
            "port": options.port, "pid": os.getpid() if not detach else None, "timings": call.out.timings,
            "releases": {name: release.label for name, release in stack.releases.items()},
        }  # fmt: skip
        call.out.result(document, _welcome(options, link, call.out, detach=detach))
        if detach:
            return Exit.OK
        return _stay(call, stack)
    except (_Stop, KeyboardInterrupt):
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        call.out.say("\nstopping …")
        stack.stop()
        return Exit.INTERRUPTED if not stack.state.started_at else Exit.OK


def _welcome(options: Options, link: str | None, out: Output, *, detach: bool) -> str:
    lines = ["", f"  Vitrine is ready at  {options.address}   ({out.timings['ready']:.1f} s)"]
    if link:
        lines.append(f"  sign in as owner:    {link}   (works once)")
    lines.append(f"  {'stop it:             ./vitrine down' if detach else 'Ctrl-C stops it.'}")
    return "\n".join([*lines, ""])


def _stay(call: _Call, stack: Stack) -> Exit:
    """Streams the logs until a signal comes or supervisord ends."""
    from vitrine_ops import logs

    colour = logs.wants_colour()
    for line in logs.follow(stack.places.log, None, going=stack.supervisor.is_alive):
        if not call.out.as_json:
            print(logs.render(line, colour=colour), flush=True)
    if stack.state.load(stack.places.state).foreground is None:
        call.out.say("stopped.")
        return Exit.OK
    stack.stop()
    raise Failure(
        Exit.SOFTWARE,
        "the process manager ended unexpectedly; everything was stopped.",
        hint="./vitrine up starts it again.",
    )


def _down(call: _Call) -> Exit:
    place = call.enter([])
    if not place.places.exists():
        raise Failure(Exit.NOT_RUNNING, f"Vitrine was never started on {place.places.data}.", state="stopped")
    options = Options.load(place.places.state) or from_environment(call.environ)
    stack = call.stack(place, options, {})
    with state.exclusive(place.places.state):
        alive = stack.supervisor.is_alive()
        if alive:
            stack.stop()
            ended: list[str] = []
        else:
            ended = programs.sweep(place.places.run)
        if not alive and not ended:
            raise Failure(
                Exit.NOT_RUNNING, f"Vitrine is not running on {place.places.data}.", state="stopped"
            )
    call.out.result(
        {"ok": True, "state": "stopped", "data": str(place.places.data), "swept": ended},
        "Vitrine is stopped.",
    )
    return Exit.OK


def _status(call: _Call) -> Exit:
    from vitrine_ops import status

    place = call.enter([])
    document = status.collect(place.places)
    call.out.result(document, status.render(document))
    return status.exit_code(document)


def _logs(call: _Call) -> Exit:
    from vitrine_ops import logs

    place = call.enter([])
    asked = call.arguments
    count = number("--lines", asked.lines, 100, 1, 100000)
    paths = logs.sources(place.places.log, asked.service)
    if not paths and not asked.follow:
        known = sorted(path.stem for path in place.places.log.glob("*.log")) if place.places.exists() else []
        raise Failure(
            Exit.NO_INPUT,
            f"there is no log of {asked.service or 'anything'} in {place.places.log}.",
            known=known,
        )
    found = logs.last(paths, count)
    colour = logs.wants_colour()
    if asked.json and not asked.follow:
        print(json.dumps({"ok": True, "lines": [line.document() for line in found]}))
        return Exit.OK

    def show(line: logs.Line) -> None:
        print(json.dumps(line.document()) if asked.json else logs.render(line, colour=colour), flush=True)

    for line in found:
        show(line)
    if asked.follow:
        for line in logs.follow(place.places.log, asked.service, going=lambda: True):
            show(line)
    return Exit.OK


def _doctor(call: _Call) -> Exit:
    from vitrine_ops import doctor

    place = call.enter([])
    options = Options.load(place.places.state) or from_environment(call.environ)
    findings = doctor.Doctor(place.places, options, place.checkout, call.environ).examine()
    document = doctor.document(findings)
    call.out.result(document, doctor.render(findings))
    return Exit.OK if document["ok"] else Exit.FAILED


def _deploy(call: _Call) -> Exit:
    from vitrine_ops.deploys import deploy

    name = call.arguments.service
    place = call.enter([name])
    call.out.timings = {**handover.handed_timings(call.environ), **call.out.timings}
    with state.exclusive(place.places.state):
        found = deploy(call.running(place), name, place.releases[name])
    call.out.result(
        found,
        f"{name} now serves {found['release']} (before: {found['previous']}), after {found['seconds']} s.",
    )
    return Exit.OK


def _start(call: _Call) -> Exit:
    place = call.enter([])
    with state.exclusive(place.places.state):
        stack = call.running(place)
        stack.start_service(call.arguments.service)
    call.out.result(
        {"ok": True, "service": call.arguments.service, "state": "running"},
        f"{call.arguments.service} is ready.",
    )
    return Exit.OK


def _stop(call: _Call) -> Exit:
    place = call.enter([])
    with state.exclusive(place.places.state):
        stack = call.running(place)
        stack.stop_service(call.arguments.service)
    call.out.result(
        {"ok": True, "service": call.arguments.service, "state": "stopped"},
        f"{call.arguments.service} is stopped.",
    )
    return Exit.OK


def _migrate(call: _Call) -> Exit:
    names = [call.arguments.service] if call.arguments.service else SERVICES[:2]
    place = call.enter(names)
    with state.exclusive(place.places.state):
        found = call.running(place).migrate({name: place.releases[name] for name in names})
    call.out.result(
        {"ok": True, "revisions": found},
        "\n".join(f"{name} is at {revision}." for name, revision in found.items()),
    )
    return Exit.OK


def _import(call: _Call) -> Exit:
    import httpx

    from vitrine_ops import imports

    path = Path(call.arguments.file).expanduser().absolute()
    inherited = call.environ.get("VITRINE_IMPORT_FD")
    try:
        descriptor = int(inherited) if inherited else os.open(path, os.O_RDONLY)
    except OSError as error:
        raise Failure(Exit.NO_INPUT, f"{path} cannot be read: {error.strerror}.") from error
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise Failure(Exit.NO_INPUT, f"{path} is a directory.")
    call.environ = {**call.environ, "VITRINE_IMPORT_FD": str(descriptor)}
    place = call.enter([], keep_open=descriptor)
    stack = call.running(place)
    shown = sys.stderr.isatty() and not call.out.as_json

    def progress(found: dict[str, object]) -> None:
        if shown:
            print(f"\r\x1b[K{imports.progress_line(found)}", end="", file=sys.stderr, flush=True)

    with (
        httpx.Client(base_url=stack.local_address(), timeout=30.0, trust_env=False) as client,
        os.fdopen(descriptor, "rb") as file,
    ):
        shop = imports.ImportClient(client, lambda: stack.token("owner", 600))
        ended = shop.follow(shop.upload(file, path.name, currency=call.arguments.currency), progress=progress)
        if shown:
            print(file=sys.stderr)
        document, code = imports.outcome(ended, shop.problems(ended["id"]))
    call.out.result(document, imports.render(document))
    return code


def _open_link(call: _Call) -> Exit:
    place = call.enter([])
    link = call.running(place).owner_link(ask_again=True, force=call.arguments.force)
    if link is None:
        raise Failure(
            Exit.FAILED,
            "an owner signs in with a password already.",
            hint="--force makes a link all the same.",
        )
    call.out.result({"ok": True, "sign_in_link": link}, link)
    return Exit.OK


def _token(call: _Call) -> Exit:
    place = call.enter([])
    lifetime_s = number("--ttl", call.arguments.ttl, 600, 1, 600)
    found = call.running(place).token(call.arguments.role, lifetime_s)
    call.out.result({"ok": True, "access_token": found, "expires_in": lifetime_s}, found)
    return Exit.OK


def _users(call: _Call) -> Exit:
    place = call.enter([])
    command = call.running(place).users_command(people.service_arguments(call.arguments))
    found = people.run(command)
    call.out.result({"ok": True, **found}, people.render(call.arguments.action, found))
    return Exit.OK


def _lock(call: _Call) -> Exit:
    from vitrine_ops import locks

    checkout = _checkout(call.environ)
    written = locks.lock_all(checkout, call.environ, upgrade=call.arguments.upgrade, say=call.out.say)
    document = {"ok": True, "written": [str(path.relative_to(checkout)) for path in written]}
    call.out.result(document, f"{len(written)} lock files written.")
    return Exit.OK


def _test(call: _Call) -> Exit:
    from vitrine_ops import checks

    checkout = _checkout(call.environ)
    python = checks.prepare(checkout, call.environ, call.out)
    return checks.run(checkout, python, call.arguments.arguments, call.environ, call.out)


def _bench(call: _Call) -> Exit:
    from vitrine_ops import bench

    code = bench.main(call.arguments.arguments)
    with contextlib.suppress(ValueError):
        return Exit(code)
    return Exit.FAILED


def _checkout(environ: Environ) -> Path:
    return Path(environ.get("VITRINE_CHECKOUT") or Path.cwd()).resolve()


_COMMANDS: dict[str, Callable[[_Call], Exit]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "doctor": _doctor,
    "deploy": _deploy,
    "start": _start,
    "stop": _stop,
    "migrate": _migrate,
    "import": _import,
    "open-link": _open_link,
    "token": _token,
    "users": _users,
    "lock": _lock,
    "test": _test,
    "bench": _bench,
}
