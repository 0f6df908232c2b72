"""Composes each service's processes from a release: web instances, the background worker, and one-off commands."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrine_ops import environment
from vitrine_ops.catalogue import Service
from vitrine_ops.credentials import Credentials
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.options import Options
from vitrine_ops.places import Places
from vitrine_ops.programs import Program
from vitrine_ops.releases import GENTLY, Release
from vitrine_ops.state import Running


@dataclass(frozen=True)
class Composer:
    """Makes the processes of one stack."""

    places: Places
    options: Options
    secrets: Credentials
    environ: Mapping[str, str]

    def settings(self, service: Service, release: Release) -> dict[str, str]:
        """The service's environment."""
        return environment.of_service(
            service,
            release,
            options=self.options,
            places=self.places,
            secrets=self.secrets,
            environ=self.environ,
        )

    def running(self, service: Service, release: Release, generation: int) -> Running:
        """The names and sockets a generation of the service will have."""
        names = [f"{service.name}-{generation}-{number}" for number in range(self.options.instances)]
        sockets = [str(self.places.run / f"{name}.sock") for name in names]
        worker = f"{service.name}-worker-{generation}" if service.has_worker else None
        return Running(generation, release.document(), names, sockets, worker)

    def web(self, service: Service, running: Running) -> list[Program]:
        """The web instances of a generation."""
        release = Release.parse(running.release)
        settings = self.settings(service, release)
        if self.options.dev:
            settings["GUNICORN_CMD_ARGS"] = "--reload"
        programs = []
        for name, socket in zip(running.instances, running.sockets, strict=True):
            run_dir = self._directory(name)
            programs.append(
                Program(
                    name=name,
                    group=running.groups[0],
                    argv=(
                        str(release.python), "-m", "gunicorn", "-c", "python:vitrine_kit.gunicorn_conf",
                        f"{service.package}:create_asgi()",
                    ),
                    env=environment.of_instance(
                        settings, name=name, socket=Path(socket), run_dir=run_dir, workers=self.options.workers
                    ),
                    cwd=run_dir,
                    log=self.places.log / f"{service.name}.log",
                    stop_wait_s=30,
                    priority=500,
                    facts=self._facts(service, running, release, socket=socket, kind="web"),
                )
            )  # fmt: skip
        return programs

    def worker(self, service: Service, running: Running) -> list[Program]:
        """The background worker of a generation, if the service has one."""
        if running.worker is None:
            return []
        release = Release.parse(running.release)
        run_dir = self._directory(running.worker)
        settings = {**self.settings(service, release), "VITRINE_INSTANCE": running.worker}
        return [
            Program(
                name=running.worker,
                group=running.worker,
                argv=(str(release.python), "-m", "flask", "--app", service.package, "worker"),
                env=settings,
                cwd=run_dir,
                log=self.places.log / f"{service.name}.log",
                stop_wait_s=30,
                priority=600,
                facts=self._facts(service, running, release, socket=None, kind="worker"),
            )
        ]

    def command(self, service: Service, release: Release, *arguments: str, as_owner: bool = False) -> Command:
        """A one-off `flask --app <service> …`."""
        env = self.settings(service, release)
        if as_owner:
            env = environment.of_owner(env, service.name, self.secrets)
        argv = [str(release.python), "-m", "flask", "--app", service.package, *arguments]
        return Command(argv, env, self.places.tmp)

    def _facts(
        self, service: Service, running: Running, release: Release, *, socket: str | None, kind: str
    ) -> dict[str, Any]:
        return {
            "service": service.name,
            "kind": kind,
            "version": release.version,
            "release": release.label,
            "generation": running.generation,
            "socket": socket,
        }

    def _directory(self, name: str) -> Path:
        path = self.places.run / "gunicorn" / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


@dataclass(frozen=True)
class Command:
    """A one-off command of a service, ready to run."""

    argv: list[str]
    env: Mapping[str, str]
    cwd: Path

    def start(self, *, gently: bool = False) -> subprocess.Popen[str]:
        """Starts it; `finish` waits for its end. `gently` lets whatever serves at the same time go first."""
        return subprocess.Popen(
            [*(GENTLY if gently else []), *self.argv],
            env=dict(self.env),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, what: str, *, gently: bool = False) -> str:
        """Runs it to its end and returns what it printed.

        Raises:
            Failure: it failed.
        """
        return finish(self.start(gently=gently), what)


def finish(process: subprocess.Popen[str], what: str) -> str:
    """Waits for a one-off command's end and returns what it printed.

    Raises:
        Failure: it failed.
    """
    printed, said = process.communicate()
    if process.returncode != 0:
        if "No space left on device" in said:
            raise Failure(
                Exit.DISK_FULL,
                f"{what} failed: the disk is full.",
                hint="Make room; what is running goes on by itself then.",
                child_exit=process.returncode,
            )
        raise Failure(
            Exit.SOFTWARE,
            f"{what} failed (exit code {process.returncode}): {last_words(said or printed)}",
            child_exit=process.returncode,
        )
    return printed


def last_words(text: str, lines: int = 12) -> str:
    """The end of a command's output, its JSON log lines shortened to their message."""
    found = []
    for line in text.strip().splitlines()[-lines:]:
        try:
            record = json.loads(line)
        except ValueError:
            found.append(line)
            continue
        if isinstance(record, dict):
            found.append(str(record.get("exception") or record.get("event") or line))
    return os.linesep.join(found)
