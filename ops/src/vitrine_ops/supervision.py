"""supervisord's configuration, start and questions; the supervising itself is supervisord's."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from vitrine_ops import tether
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.places import Places
from vitrine_ops.programs import Program, is_running, record_path, spec_path, write_private

RUNNING, STOPPED, EXITED, FATAL = "RUNNING", "STOPPED", "EXITED", "FATAL"
_RETRIES = 1_000_000
LOOK_EVERY_S, ASK_EVERY_S = 0.03, 1.0
"""While something ends: how often its process is looked at, and how often supervisord is asked at the least."""


class Supervisor:
    """The supervisord of one stack, started or found."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.run = places.run
        self.socket = self.run / "supervisor.sock"

    def configure(self, programs: Iterable[Program], *, run_id: str) -> None:
        """Writes what supervisord and the tethers read; a running supervisord heeds it at the next `update`."""
        write_private(self.run / "tether.py", Path(tether.__file__).read_text(encoding="utf-8"))
        programs = list(programs)
        for program in programs:
            program.write_spec(self.run, run_id)
        write_private(self.run / "supervisord.conf", render(programs, self.places))

    def start(self, python: Path, *, tied: bool) -> subprocess.Popen[bytes]:
        """Starts supervisord; `tied` to this process's life, or left to itself."""
        link = self.run / "python"
        link.unlink(missing_ok=True)
        link.symlink_to(python)
        self.socket.unlink(missing_ok=True)
        log = self.places.log / "supervisor.log"
        tether.shorten(str(log))
        write_private(self.run / "supervisor.json", _supervisor_spec(self.run, python, log, tied=tied))
        with log.open("ab") as file:
            return subprocess.Popen(
                [str(python), "-I", "-S", str(self.run / "tether.py"), str(self.run / "supervisor.json")],
                cwd=self.run,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def is_alive(self) -> bool:
        """Whether the recorded supervisord still runs."""
        record = tether.read_record(str(record_path(self.run, "supervisord")))
        return record is not None and is_running(record)

    def wait_until_listening(self, process: subprocess.Popen[bytes], timeout_s: float = 15.0) -> None:
        """Waits for its control socket.

        Raises:
            Failure: it ended, or took too long.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, HTTPException, Fault):
                self.call("getState")
                return
            if process.poll() is not None:
                raise Failure(
                    Exit.SOFTWARE,
                    f"supervisord ended with exit code {process.returncode}.",
                    hint=f"See {self.places.log / 'supervisor.log'}.",
                )
            time.sleep(0.02)
        raise Failure(Exit.SOFTWARE, "supervisord did not open its control socket.")

    def call(self, method: str, *arguments: object) -> Any:
        """Asks supervisord (its XML-RPC interface, `supervisor` namespace).

        Raises:
            OSError: it does not listen.
            xmlrpc.client.Fault: it refuses.
        """
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            proxy = ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def processes(self) -> dict[str, dict[str, Any]]:
        """Every supervised process by name; empty when supervisord does not answer."""
        try:
            return {str(found["name"]): found for found in self.call("getAllProcessInfo")}
        except (OSError, HTTPException, Fault):
            return {}

    def update(self, programs: Iterable[Program], *, run_id: str) -> None:
        """Rewrites the configuration and starts the groups that are new; running groups are not touched."""
        self.configure(programs, run_id=run_id)
        (added, _changed, _removed), *_ = self.call("reloadConfig")
        for group in added:
            self.call("addProcessGroup", group)

    def stop_group(self, group: str, *, wait_s: float = 40.0) -> None:
        """Stops a group's processes by their stop signal, and waits for their end."""
        with contextlib.suppress(Fault):
            self.call("stopProcessGroup", group, False)
        self.wait_stopped({group}, wait_s)

    def wait_stopped(self, groups: set[str], wait_s: float) -> None:
        """Waits until no process of the groups runs.

        A question costs supervisord milliseconds, and a service may drain for half a minute while others need the
        processors: so it is asked again once one of the processes has ended, which also wakes it to look.
        """
        deadline = time.monotonic() + wait_s
        while time.monotonic() < deadline:
            running = [
                name
                for name, info in self.processes().items()
                if info["group"] in groups and info["statename"] not in {STOPPED, EXITED, FATAL}
            ]
            if not running:
                return
            asked = time.monotonic()
            time.sleep(LOOK_EVERY_S)
            while all(map(self._is_running, running)) and time.monotonic() - asked < ASK_EVERY_S:
                time.sleep(LOOK_EVERY_S)

    def _is_running(self, name: str) -> bool:
        record = tether.read_record(str(record_path(self.run, name)))
        return record is not None and is_running(record)

    def forget_group(self, group: str, names: Iterable[str]) -> None:
        """Takes a stopped group out of supervisord and removes its files."""
        with contextlib.suppress(Fault):
            self.call("removeProcessGroup", group)
        for name in names:
            record_path(self.run, name).unlink(missing_ok=True)
            spec_path(self.run, name).unlink(missing_ok=True)

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to one process."""
        self.call("signalProcess", name, str(int(number)))

    def shut_down(self, order: Iterable[Iterable[str]], wait_s: float = 90.0) -> None:
        """Stops the groups of each step together, one step after the other, then supervisord itself."""
        record = tether.read_record(str(record_path(self.run, "supervisord")))
        with contextlib.suppress(OSError, HTTPException, Fault):
            present = {str(info["group"]) for info in self.processes().values()}
            for step in order:
                groups = set(step) & present
                for group in groups:
                    with contextlib.suppress(Fault):
                        self.call("stopProcessGroup", group, False)
                self.wait_stopped(groups, wait_s)
            self.call("shutdown")
        deadline = time.monotonic() + 10
        while record is not None and is_running(record) and time.monotonic() < deadline:
            with contextlib.suppress(OSError, HTTPException, Fault):
                self.call("getState")
            with contextlib.suppress(ChildProcessError):
                os.waitpid(int(record["pid"]), os.WNOHANG)
            time.sleep(0.03)


def _supervisor_spec(run: Path, python: Path, log: Path, *, tied: bool) -> str:
    import json
    import signal
    import uuid

    return json.dumps(
        {
            "program": "supervisord",
            "argv": [str(python), "-P", "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf"],
            "env": {
                "PATH": os.defpath,
                "LANG": "C.UTF-8",
                "PYTHONNOUSERSITE": "1",
                "PYTHONWARNINGS": "ignore",
            },
            "cwd": str(run),
            "log": str(log),
            "umask": 0o077,
            "death_signal": int(signal.SIGTERM),
            "record": str(record_path(run, "supervisord")),
            "run": uuid.uuid4().hex,
            "tied": tied,
        }
    )


def render(programs: Iterable[Program], places: Places) -> str:
    """supervisord's configuration: every path is relative to the run directory, so none needs quoting."""
    lines = [
        "[unix_http_server]",
        "file=supervisor.sock",
        "chmod=0600",
        "",
        "[supervisord]",
        "nodaemon=true",
        "identifier=vitrine",
        "pidfile=supervisord.pid",
        "logfile=/dev/null",
        "logfile_maxbytes=0",
        "minfds=1024",
        "umask=077",
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        "",
        "[rpcinterface:vitrine]",
        "supervisor.rpcinterface_factory = vitrine_ops.supervisor_plugin:make_interface",
        "",
        "[supervisorctl]",
        "serverurl=unix://supervisor.sock",
    ]
    groups: dict[str, list[Program]] = {}
    for program in programs:
        groups.setdefault(program.group, []).append(program)
    for group, members in groups.items():
        lines += ["", f"[group:{group}]", f"programs={','.join(program.name for program in members)}"]
        lines += [f"priority={members[0].priority}"]
        for program in members:
            lines += [
                "",
                f"[program:{program.name}]",
                f"command=./python -I -S tether.py programs/{program.name}.json",
                "autostart=true",
                "autorestart=true",
                "startsecs=1",
                f"startretries={_RETRIES}",
                f"stopsignal={program.stop_signal.name.removeprefix('SIG')}",
                f"stopwaitsecs={program.stop_wait_s}",
                "stopasgroup=false",
                "killasgroup=true",
                "stdout_logfile=NONE",
                "stderr_logfile=NONE",
                f"priority={program.priority}",
            ]
    return "\n".join([*lines, ""])
