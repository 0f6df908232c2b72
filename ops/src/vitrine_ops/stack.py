"""One stack's life: what `up` starts in which order, when it is ready, and how `down` and a failed start end it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from xmlrpc.client import Fault

import asyncpg

from vitrine_ops import ports, postgres, probes, programs, provisioning, tether
from vitrine_ops.binaries import Postgres, find_nginx, find_postgres
from vitrine_ops.catalogue import CATALOG, GATEWAY, SERVICES, USERS, WITH_DATABASE, Service
from vitrine_ops.credentials import SUPERUSER, Credentials
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.nginx import NginxConfiguration
from vitrine_ops.options import Options
from vitrine_ops.output import Output
from vitrine_ops.places import Places
from vitrine_ops.processes import Command, Composer, finish
from vitrine_ops.programs import Program
from vitrine_ops.releases import OPS, Release
from vitrine_ops.state import StackState, check_format
from vitrine_ops.supervision import FATAL, Supervisor

READY_WITHIN_S = 60.0
HOPELESS_STARTS = 3
"""A process of a new generation that ended this often will not come up."""


class Stack:
    """The processes on one data directory."""

    def __init__(
        self,
        places: Places,
        options: Options,
        releases: Mapping[str, Release],
        out: Output,
        environ: Mapping[str, str],
    ) -> None:
        self.places = places
        self.options = options
        self.releases = releases
        self.out = out
        self.secrets = Credentials(places.secrets)
        self.supervisor = Supervisor(places)
        self.composer = Composer(places, options, self.secrets, environ)
        self.state = StackState.load(places.state)
        self.process: subprocess.Popen[bytes] | None = None
        self._binaries: Postgres | None = None
        self._nginx: NginxConfiguration | None = None

    # Starting

    def up(self, *, detach: bool) -> None:
        """Starts everything and waits until it is ready. The caller holds the data directory's lock.

        Raises:
            Failure: something is in the way; whatever was started is ended again.
        """
        with self.out.phase("check"):
            self._check()
        try:
            with self.out.phase("postgres"):
                admin_url = self._start_supervisor(tied=not detach)
            asyncio.run(self._prepare_database(admin_url))
            with self.out.phase("services"):
                self._start_services()
                self._wait_ready()
            # Visitors are served already; what waits for a worker waits in the database.
            self.supervisor.update(self.programs(), run_id=self.state.run_id)
        except BaseException:
            self.stop()
            raise
        self.state.save(self.places.state)
        self.out.timings["ready"] = round(sum(self.out.timings.values()), 3)

    def _check(self) -> None:
        check_format(self.places.state, self.releases[OPS].version)
        refuse_if_running(self.places, self.state)
        ended = programs.sweep(self.places.run)
        if ended:
            self.out.say(f"ended what an interrupted run had left: {', '.join(ended)}")
        ports.check(self.options)
        postgres.check_disk(self.places.data, 50 * 2**20)
        if self.options.database_url is None:
            self._binaries = find_postgres(self.releases[OPS].site)
            postgres.check_cluster_version(self.places, self._binaries)
        self._nginx = NginxConfiguration(self.places, find_nginx(self.releases[OPS].site))
        self.secrets.make()

    def _start_supervisor(self, *, tied: bool) -> str:
        """Starts supervisord with PostgreSQL alone; returns the administrator's database address."""
        admin_url = self.options.database_url
        if self._binaries is not None:
            if not (self.places.postgres / "PG_VERSION").is_file():
                postgres.check_disk(self.places.data)
                self.out.say(f"making the database (PostgreSQL {self._binaries.version})")
            postgres.make_cluster(self.places, self._binaries, self.secrets.read(SUPERUSER))
            postgres.clear_stale_lock(self.places)
            postgres.write_configuration(self.places, max_connections=self.options.max_connections)
            admin_url = postgres.address(
                self.places, postgres.SUPERUSER, self.secrets.read(SUPERUSER), "postgres"
            )
        assert admin_url is not None
        self.state.run_id = uuid.uuid4().hex
        self.state.own_postgres = self._binaries is not None
        self.state.ops = self.releases[OPS].document()
        self.state.address, self.state.port = self.options.address, self.options.port
        self.state.started_at = time.time()
        self.state.foreground = {"pid": os.getpid(), "mark": tether.start_mark(os.getpid())} if tied else None
        self.state.services = {}
        self.state.save(self.places.state)
        self.options.save(self.places.state)
        self.supervisor.configure(self._platform(), run_id=self.state.run_id)
        self.process = self.supervisor.start(self.releases[OPS].python, tied=tied)
        self.supervisor.wait_until_listening(self.process)
        return admin_url

    def _platform(self) -> list[Program]:
        return [postgres.program(self.places, self._own_binaries())] if self.state.own_postgres else []

    def _own_binaries(self) -> Postgres:
        self._binaries = self._binaries or find_postgres(self.releases[OPS].site)
        return self._binaries

    def nginx(self) -> NginxConfiguration:
        """The stack's Nginx configuration."""
        self._nginx = self._nginx or NginxConfiguration(self.places, find_nginx(self.releases[OPS].site))
        return self._nginx

    async def _prepare_database(self, admin_url: str) -> None:
        with self.out.phase("database"):
            sql = (self.releases[OPS].path / "postgres" / "service.sql").read_text(encoding="utf-8")
            if self.state.own_postgres:
                connection = await postgres.wait_until_ready(admin_url)
                try:
                    if not await connection.fetchval(
                        "SELECT 1 FROM pg_database WHERE datname = $1", postgres.DATABASE
                    ):
                        await connection.execute(f"CREATE DATABASE {postgres.DATABASE}")
                finally:
                    await connection.close()
                admin_url = postgres.address(self.places, postgres.SUPERUSER, self.secrets.read(SUPERUSER))
                connection = await asyncpg.connect(admin_url, timeout=10)
            else:
                connection = await provisioning.connect_own(admin_url)
            try:
                await provisioning.check_server(connection)
                self._heed_limit(await provisioning.facts(connection))
                await provisioning.provision(
                    connection, provisioning.roles_for(self.secrets.role_passwords()), sql
                )
                self.write_addresses(admin_url)
                applied = {service.name: await revision(connection, service) for service in WITH_DATABASE}
            finally:
                await connection.close()
        with self.out.phase("migrate"):
            waiting = [
                service for service in WITH_DATABASE if not self._is_migrated(service, applied[service.name])
            ]
            await self._migrate(waiting, admin_url)

    def _heed_limit(self, found: provisioning.ServerFacts) -> None:
        if self.options.pool_connections > found.max_connections * 0.8:
            self.out.say(
                f"note: the services may hold {self.options.pool_connections} database connections during a deploy, "
                f"and the server allows {found.max_connections}; give it at least "
                f"{-(-self.options.pool_connections * 10 // 8)}, or lower VITRINE_POOL_READ_SIZE and "
                "VITRINE_POOL_WRITE_SIZE."
            )

    def write_addresses(self, admin_url: str) -> None:
        """Writes each role's database address where its processes read it."""
        for role in provisioning.roles_for(self.secrets.role_passwords()):
            for name, user, password in (
                (f"{role.schema}_database_url", role.runtime, role.runtime_password),
                (f"{role.schema}_database_owner_url", role.owner, role.owner_password),
            ):
                if self.state.own_postgres:
                    self.secrets.write(name, postgres.address(self.places, user, password))
                else:
                    self.secrets.write(name, provisioning.service_address(admin_url, user, password))

    def _is_migrated(self, service: Service, applied: str | None) -> bool:
        known = self.state.migrated.get(service.name, {})
        return applied is not None and known == {
            "release": self.releases[service.name].label,
            "revision": applied,
        }

    async def _migrate(self, services: list[Service], admin_url: str) -> None:
        if not services:
            return
        self.out.say(f"migrating: {', '.join(service.name for service in services)}")
        started = {}
        for service in services:
            command = self.composer.command(
                service, self.releases[service.name], "db", "upgrade", as_owner=True
            )
            started[service.name] = command.start()
        failures = []
        for name, process in started.items():
            try:
                finish(process, f"the migration of {name}")
            except Failure as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
        await self.note_migrated(services, admin_url)

    async def note_migrated(self, services: list[Service], admin_url: str) -> None:
        """Remembers which release brought each schema to which revision."""
        connection = await asyncpg.connect(admin_url, timeout=10)
        try:
            for service in services:
                found = await revision(connection, service)
                if found is not None:
                    self.state.migrated[service.name] = {
                        "release": self.releases[service.name].label,
                        "revision": found,
                    }
        finally:
            await connection.close()

    def admin_url(self) -> str:
        """The administrator's address of the database the stack uses."""
        if self.state.own_postgres:
            return postgres.address(self.places, postgres.SUPERUSER, self.secrets.read(SUPERUSER))
        assert self.options.database_url is not None
        return self.options.database_url

    def _start_services(self) -> None:
        for service in SERVICES:
            generation = self.state.next_generation(service.name)
            self.state.services[service.name] = self.composer.running(
                service, self.releases[service.name], generation
            )
        configuration = self.nginx()
        configuration.install(self.releases[OPS].path / "nginx")
        self.write_nginx()
        configuration.test()
        self.state.save(self.places.state)
        self.supervisor.update(self.programs(workers=False), run_id=self.state.run_id)

    def write_nginx(self) -> None:
        """Points Nginx's configuration at the instances that serve."""
        sockets = {
            name: [Path(socket) for socket in running.sockets]
            for name, running in self.state.services.items()
        }
        gateway = Release.parse(self.state.services[GATEWAY.name].release)
        self.nginx().write_env(self.options, upstreams=sockets, static=static_folder(gateway))

    def programs(self, *, workers: bool = True) -> list[Program]:
        """Every program the stack now consists of; `workers` leaves out the background workers, which can wait."""
        found = self._platform()
        for service in SERVICES:
            running = self.state.services.get(service.name)
            if running is not None:
                found += self.composer.web(service, running)
                found += self.composer.worker(service, running) if workers else []
        return [*found, self.nginx().program()]

    def _wait_ready(self) -> None:
        self.wait_instances(
            [socket for running in self.state.services.values() for socket in running.sockets]
        )
        deadline = time.monotonic() + 15
        while probes.ask_port(self._local_host(), self.options.port).status != 200:
            if time.monotonic() > deadline:
                raise Failure(
                    Exit.SOFTWARE, f"Nginx does not answer on port {self.options.port}: {self.tail('nginx')}"
                )
            time.sleep(0.02)

    def wait_instances(self, sockets: list[str], *, within_s: float = READY_WITHIN_S) -> None:
        """Waits until each instance says it is ready.

        Raises:
            Failure: one of them ended again and again, or did not become ready in time; says why.
        """
        waiting = dict.fromkeys(sockets, "has not started")
        deadline = time.monotonic() + within_s
        looked = 0.0
        while waiting:
            for socket in list(waiting):
                answer = probes.ask_socket(Path(socket))
                if answer.status == 200:
                    del waiting[socket]
                else:
                    waiting[socket] = answer.reason
            if waiting and time.monotonic() - looked > 0.3:
                looked = time.monotonic()
                self._refuse_hopeless(waiting)
            if waiting and time.monotonic() > deadline:
                socket, reason = next(iter(waiting.items()))
                name = Path(socket).stem
                raise Failure(
                    Exit.SOFTWARE,
                    f"{name} did not become ready within {within_s:.0f} s: {reason}.\n{self.tail(name)}",
                )
            time.sleep(0.02)

    def _refuse_hopeless(self, waiting: Mapping[str, str]) -> None:
        found = self.supervisor.processes()
        for socket in waiting:
            name = Path(socket).stem
            record = tether.read_record(str(programs.record_path(self.places.run, name)))
            starts = int(record["starts"]) if record and record.get("run") == self.state.run_id else 0
            if starts >= HOPELESS_STARTS or found.get(name, {}).get("statename") == FATAL:
                raise Failure(Exit.SOFTWARE, f"{name} does not start:\n{self.tail(name)}")

    def tail(self, name: str) -> str:
        """The last lines of a program's log."""
        from vitrine_ops.processes import last_words

        path = self.places.log / f"{name.split('-')[0]}.log"
        with contextlib.suppress(OSError):
            return last_words(path.read_bytes()[-8192:].decode("utf-8", "replace"))
        return "(it wrote nothing)"

    # After the start

    def seed(self) -> None:
        """Fills a new shop with the demo goods, once."""
        if self.state.seeded:
            return
        with self.out.phase("seed"):
            self.out.say("filling the demo shop")
            command = self.composer.command(CATALOG, self.releases[CATALOG.name], "seed-demo")
            try:
                command.run("filling the demo shop")
            except Failure as failure:
                self.out.say(f"note: {failure.message}")
                return
            self.state.seeded = True
            self.state.save(self.places.state)

    def owner_link(self, *, ask_again: bool = False, force: bool = False) -> str | None:
        """A one-time sign-in link for the owner, or None once an owner signs in with a password.

        Args:
            ask_again: ask the service even if it said so before.
            force: make one all the same.
        """
        if self.state.owner_known and not (ask_again or force):
            return None
        arguments = ["create-owner-link", "--json", *(["--force"] if force else [])]
        command = self.composer.command(USERS, self.releases[USERS.name], *arguments)
        process = command.start()
        printed, said = process.communicate()
        if process.returncode == 3:
            self.state.owner_known = True
            self.state.save(self.places.state)
            return None
        if process.returncode != 0:
            raise Failure(Exit.SOFTWARE, f"no sign-in link could be made: {said.strip() or printed.strip()}")
        return str(json.loads(printed)["link"])

    def token(self, role: str, lifetime_s: int) -> str:
        """A short-lived access token with a role's permissions."""
        command = self.composer.command(
            USERS,
            self.releases[USERS.name],
            "issue-token",
            "--role",
            role,
            "--ttl",
            str(lifetime_s),
            "--json",
        )
        return str(json.loads(command.run("making an access token"))["access_token"])

    def users_command(self, arguments: list[str]) -> Command:
        """A command of the users service, in its release and with its environment."""
        return self.composer.command(USERS, self.releases[USERS.name], *arguments)

    def local_address(self) -> str:
        """Where this machine reaches the public server."""
        return f"http://{self._local_host()}:{self.options.port}"

    def _local_host(self) -> str:
        return "127.0.0.1" if self.options.host in {"localhost", "*", "0.0.0.0"} else self.options.host  # noqa: S104

    def start_service(self, name: str) -> None:
        """Starts a service's processes that were stopped, and waits until they are ready."""
        running = self.state.services[name]
        for group in running.groups:
            with contextlib.suppress(Fault):
                self.supervisor.call("startProcessGroup", group, False)
        self.wait_instances(running.sockets)

    def stop_service(self, name: str) -> None:
        """Stops a service's processes; `start_service` brings them back."""
        running = self.state.services[name]
        for group in running.groups:
            with contextlib.suppress(Fault):
                self.supervisor.call("stopProcessGroup", group, False)
        self.supervisor.wait_stopped(set(running.groups), 40.0)

    def migrate(self, releases: Mapping[str, Release]) -> dict[str, str]:
        """Migrates the schemas to what the given releases need; returns each schema's revision."""
        self.releases = {**self.releases, **releases}
        asyncio.run(
            self._migrate(
                [service for service in WITH_DATABASE if service.name in releases], self.admin_url()
            )
        )
        self.state.save(self.places.state)
        return {name: self.state.migrated[name]["revision"] for name in releases}

    # Stopping

    def stop(self) -> None:
        """Stops everything in order: Nginx, then services and workers together, then PostgreSQL, then supervisord."""
        self.state.foreground = None
        self.state.save(self.places.state)
        web = {group for running in self.state.services.values() for group in running.groups}
        found = {str(info["group"]) for info in self.supervisor.processes().values()}
        services = (web | found) - {"nginx", "postgres"}
        self.supervisor.shut_down([["nginx"], services, ["postgres"]])
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
        programs.sweep(self.places.run)
        self.places.remove_run()
        self.state.services = {}
        self.state.save(self.places.state)


def refuse_if_running(places: Places, state: StackState) -> None:
    """Refuses where a stack runs; a foreground one whose `up` was killed is ending, and may be swept.

    Raises:
        Failure: it runs.
    """
    if not Supervisor(places).is_alive():
        return
    owner = state.foreground
    if owner is not None and tether.start_mark(int(owner["pid"])) != owner["mark"]:
        return
    raise Failure(
        Exit.BUSY,
        f"Vitrine runs already on {places.data}: {state.address}",
        hint="./vitrine down stops it; for a second one give --data and --port.",
        address=state.address,
    )


def static_folder(release: Release) -> Path:
    """Where a gateway release keeps its static files."""
    return release.site / GATEWAY.package / "static"


def migrations_digest(release: Release, service: Service) -> str:
    """Names the content of a release's migrations: where it is unchanged, there is nothing to migrate."""
    found = hashlib.sha256()
    for path in sorted((release.site / service.package / "migrations").rglob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


async def revision(connection: asyncpg.Connection, service: Service) -> str | None:
    """The schema's Alembic revision, or None before the first migration."""
    if not await connection.fetchval("SELECT to_regclass($1)", f"{service.name}.alembic_version"):
        return None
    found = await connection.fetchval(f'SELECT version_num FROM "{service.name}".alembic_version')  # noqa: S608 - our own constant
    return None if found is None else str(found)
