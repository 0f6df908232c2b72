"""Brings one service to a new release while it serves: new instances beside the old, traffic over, old ones drained."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from typing import Any

from vitrine_ops import programs, tether
from vitrine_ops.catalogue import BY_NAME, Service
from vitrine_ops.exits import Failure
from vitrine_ops.releases import Release
from vitrine_ops.stack import Stack
from vitrine_ops.state import Running

DRAIN_WITHIN_S = 30.0
RELOAD_WITHIN_S = 10.0


class Deployment:
    """One service's change of release; the other services' processes are not touched.

    The caller holds the data directory's lock and has built the release.
    """

    def __init__(self, stack: Stack, service: Service, release: Release) -> None:
        self.stack = stack
        self.service = service
        self.release = release
        self.out = stack.out
        self.state = stack.state
        self.old: Running = self.state.services[service.name]
        self.new: Running | None = None

    def run(self) -> dict[str, Any]:
        """Deploys; returns what `deploy --json` tells.

        Raises:
            Failure: the new release did not become ready or Nginx refused; the old one goes on serving.
        """
        with self.out.phase("migrate"):
            self._migrate()
        self.new = self.stack.composer.running(
            self.service, self.release, self.state.next_generation(self.service.name)
        )
        try:
            with self.out.phase("start"):
                self._start_new()
            with self.out.phase("switch"):
                gone = self._switch_nginx()
        except BaseException:
            self._withdraw()
            raise
        with self.out.phase("drain"):
            self._await_old_nginx(gone)
            self._stop_old()
        return {
            "service": self.service.name,
            "release": self.release.label,
            "previous": Release.parse(self.old.release).label,
            "generation": self.new.generation,
            "instances": self.new.instances,
        }

    def _migrate(self) -> None:
        if not self.service.has_database:
            return
        self.out.say(f"migrating {self.service.name}")
        command = self.stack.composer.command(self.service, self.release, "db", "upgrade", as_owner=True)
        command.run(f"the migration of {self.service.name}", gently=True)
        self.stack.releases = {**self.stack.releases, self.service.name: self.release}
        asyncio.run(self.stack.note_migrated([self.service], self.stack.admin_url()))

    def _start_new(self) -> None:
        assert self.new is not None
        self.out.say(
            f"starting {self.service.name} {self.release.label} beside {Release.parse(self.old.release).label}"
        )
        self._update({**self.state.services}, extra=self.new)
        self.stack.wait_instances(self.new.sockets)

    def _update(self, services: dict[str, Running], *, extra: Running | None) -> None:
        """Tells supervisord of the running programs, and of a generation beside them."""
        self.state.services = services
        found = self.stack.programs()
        if extra is not None:
            found += self.stack.composer.web(self.service, extra) + self.stack.composer.worker(
                self.service, extra
            )
        self.stack.supervisor.update(found, run_id=self.state.run_id)

    def _switch_nginx(self) -> set[int]:
        """Points Nginx at the new instances; returns the Nginx workers that still serve by the old configuration.

        Raises:
            Failure: Nginx refuses the configuration, or goes on with the old one; it is put back.
        """
        assert self.new is not None
        self.out.say("shifting traffic")
        configuration = self.stack.nginx()
        before = {path: path.read_text(encoding="utf-8") for path in sorted(configuration.env.glob("*.conf"))}
        old_workers = self._nginx_workers()
        self.state.services = {**self.state.services, self.service.name: self.new}
        try:
            self.stack.write_nginx()
            configuration.test()
            self.stack.supervisor.signal("nginx:nginx", signal.SIGHUP)
            self._await_new_nginx(old_workers)
        except BaseException:
            for path, text in before.items():
                programs.write_private(path, text)
            with contextlib.suppress(Exception):
                self.stack.supervisor.signal("nginx:nginx", signal.SIGHUP)
            raise
        self.state.save(self.stack.places.state)
        return old_workers

    def _nginx_workers(self) -> set[int]:
        record = tether.read_record(str(programs.record_path(self.stack.places.run, "nginx")))
        if record is None:
            return set()
        return {pid for pid in tether.group_members(int(record["pid"])) if pid != int(record["pid"])}

    def _await_new_nginx(self, old: set[int]) -> None:
        from vitrine_ops.exits import Exit

        deadline = time.monotonic() + RELOAD_WITHIN_S
        while not self._nginx_workers() - old:
            if time.monotonic() > deadline:
                raise Failure(
                    Exit.SOFTWARE, f"Nginx did not take the new configuration: {self.stack.tail('nginx')}"
                )
            time.sleep(0.02)

    def _await_old_nginx(self, old: set[int]) -> None:
        """The old instances are needed for as long as an Nginx worker knows only them."""
        self.out.say(f"draining {Release.parse(self.old.release).label}")
        deadline = time.monotonic() + DRAIN_WITHIN_S
        while old & self._nginx_workers() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _stop_old(self) -> None:
        names = [*self.old.instances, *([self.old.worker] if self.old.worker else [])]
        for group in self.old.groups:
            with contextlib.suppress(Exception):
                self.stack.supervisor.call("stopProcessGroup", group, False)
        self.stack.supervisor.wait_stopped(set(self.old.groups), 40.0)
        for group in self.old.groups:
            self.stack.supervisor.forget_group(group, names)
        self._update({**self.state.services}, extra=None)
        for socket in self.old.sockets:
            Path(socket).unlink(missing_ok=True)

    def _withdraw(self) -> None:
        """Takes the new instances away again; the old ones were never touched."""
        assert self.new is not None
        self.state.services = {**self.state.services, self.service.name: self.old}
        for group in self.new.groups:
            with contextlib.suppress(Exception):
                self.stack.supervisor.stop_group(group, wait_s=15)
            with contextlib.suppress(Exception):
                self.stack.supervisor.forget_group(
                    group, [*self.new.instances, *([self.new.worker] if self.new.worker else [])]
                )
        with contextlib.suppress(Exception):
            self._update({**self.state.services}, extra=None)
        for socket in self.new.sockets:
            Path(socket).unlink(missing_ok=True)
        self.state.save(self.stack.places.state)


def deploy(stack: Stack, name: str, release: Release) -> dict[str, Any]:
    """Deploys one service of a running stack; see `Deployment.run`."""
    started = time.monotonic()
    found = Deployment(stack, BY_NAME[name], release).run()
    stack.releases = {**stack.releases, name: release}
    stack.state.save(stack.places.state)
    return {
        "ok": True,
        **found,
        "seconds": round(time.monotonic() - started, 2),
        "timings": stack.out.timings,
    }
