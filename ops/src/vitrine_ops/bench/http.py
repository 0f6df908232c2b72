"""`vitrine bench http`: requests per second of the bridge and of its peers, on the same rows, one worker each."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from vitrine_ops.bench import environment
from vitrine_ops.bench.database import ROWS, database
from vitrine_ops.bench.pages import nginx
from vitrine_ops.bench.report import Line, Target, table
from vitrine_ops.bench.servers import BRIDGE, CONTENDERS, NEIGHBOUR, Contender, Running, serve
from vitrine_ops.bench.workshop import workshop
from vitrine_ops.exits import Exit, Failure

PINGED = ("bridge", "fastapi", "raw")
WARM_UP_S = 1.0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vitrine bench http", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5, help="length of each run (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server, in turns (default 3)")
    parser.add_argument("--connections", type=int, default=32, help="connections held (default 32)")
    parser.add_argument("--many", type=int, default=256, help="connections of the second run (default 256)")
    keys = [contender.key for contender in CONTENDERS]
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, help="servers to measure")
    tables = ["rows", "ping", "many", "calls", "pages"]
    parser.add_argument("--tables", nargs="+", choices=tables, default=tables, help="what to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Measures and prints the tables; returns 0, or 1 where a target was missed or a request failed."""
    options = _arguments(argv)
    try:
        with workshop() as (folder, account):
            return Bench(options, os.environ, folder, account).run()
    except Failure as failure:
        print(
            f"vitrine: {failure.message}" + (f"\n  {failure.hint}" if failure.hint else ""), file=sys.stderr
        )
        return int(failure.code)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)


class Bench:
    """One run of the bench."""

    def __init__(
        self, options: argparse.Namespace, environ: Mapping[str, str], folder: Path, account: dict[str, Any]
    ) -> None:
        self.options = options
        self.environ = environ
        self.folder = folder
        self.account = account
        self.tables: dict[str, dict[str, Line]] = {}
        self.checkout = environment.checkout(environ)

    def run(self) -> int:
        """Measures everything that was asked for and prints it."""
        self._say("preparing the environment of the compared servers")
        self.python = environment.prepare(self.environ)
        with database(self.environ, self.folder, self.account) as url:
            passed = {name: self.environ[name] for name in ("PATH", "HOME", "LANG") if name in self.environ}
            self.settings = {
                **passed,
                "BENCH_DATABASE_URL": url,
                "PYTHONPATH": environment.python_path(self.environ),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            chosen = [contender for contender in CONTENDERS if contender.key in self.options.only]
            asked = set(self.options.tables)
            if asked & {"rows", "ping", "many"}:
                with contextlib.ExitStack() as stack:
                    running = [stack.enter_context(self._serve(contender)) for contender in chosen]
                    self._measure_servers(running, asked)
            if "calls" in asked:
                self._measure_calls()
            if "pages" in asked:
                self._measure_pages()
        return self._print()

    def _serve(self, contender: Contender, **settings: str) -> contextlib.AbstractContextManager[Running]:
        return serve(contender, self.python, {**self.settings, **settings}, self.folder)

    def _measure_servers(self, running: Sequence[Running], asked: set[str]) -> None:
        connections, many = self.options.connections, self.options.many
        if "rows" in asked:
            self._in_turns(
                "rows", [(server, "/items/{id}", server.contender) for server in running], connections
            )
            for server in running:
                self.tables["rows"][server.contender.key].memory_mib = server.memory_mib()
        if "many" in asked:
            self._in_turns("many", [(server, "/items/{id}", server.contender) for server in running], many)
        if "ping" in asked:
            pinged = [server for server in running if server.contender.key in PINGED]
            self._in_turns("ping", [(server, "/ping", server.contender) for server in pinged], connections)

    def _measure_calls(self) -> None:
        with self._serve(NEIGHBOUR) as neighbour:
            address = f"http://127.0.0.1:{neighbour.port}"
            with self._serve(BRIDGE, BENCH_NEIGHBOUR_URL=address) as app:
                cases = [
                    (app, f"/people/{kind}", Contender(kind, label, ""))
                    for kind, label in (("aiohttp", "httpx over aiohttp"), ("httpx", "httpx's own transport"))
                ]
                self._in_turns("calls", [*cases, (app, "/ping", Contender("none", "no call", ""))])

    def _measure_pages(self) -> None:
        with (
            self._serve(BRIDGE) as app,
            nginx(app, self.checkout, self.folder, self.account) as before,
        ):
            names = {"uncached": "uncached", "cached": "micro-cached", "static": "static file, same bytes"}
            self._in_turns("pages", [(before, f"/{key}", Contender(key, names[key], "")) for key in names])

    def _in_turns(
        self, name: str, cases: Sequence[tuple[Running, str, Contender]], connections: int | None = None
    ) -> None:
        """Runs the cases in turns, so that what disturbs the machine for a while disturbs all of them alike."""
        lines = {case.key: Line(case.label) for _, _, case in cases}
        self.tables[name] = lines
        count = connections or self.options.connections
        for server, path, case in cases:
            self._load(server, path, count, WARM_UP_S)
            self._say(f"{name}: {case.label} is warm")
        for number in range(1, self.options.rounds + 1):
            # Each round begins with another one: to be first is an advantage or a disadvantage.
            shift = number % len(cases)
            for server, path, case in [*cases[shift:], *cases[:shift]]:
                found = self._load(server, path, count, self.options.seconds)
                lines[case.key].runs.append(found)
                self._say(
                    f"{name}, round {number}: {case.label} {found['rps']:,.0f} req/s {found['failures'] or ''}"
                )

    def _load(self, server: Running, path: str, connections: int, seconds: float) -> dict[str, Any]:
        command = [str(self.python), "-m", "vitrine_ops.bench.load", "127.0.0.1", str(server.port), path]
        command += ["--connections", str(connections), "--seconds", str(seconds)]
        command += ["--ids", str(ROWS)] if "{id}" in path else []
        before = server.cpu_s()
        done = subprocess.run(command, env=self.settings, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(Exit.SOFTWARE, f"the load failed: {done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return {**found, "server_cpu_s": server.cpu_s() - before}

    def _targets(self) -> list[Target]:
        found = []

        def ratio(name: str, wanted: float, measured: str, one: str, other: str) -> None:
            lines = self.tables.get(measured, {})
            if one in lines and other in lines:
                found.append(Target(name, wanted, lines[one].rps / lines[other].rps))

        ratio("one row by id, bridge ÷ FastAPI", 2.0, "rows", "bridge", "fastapi")
        ratio("one row by id, bridge ÷ Litestar", 1.8, "rows", "bridge", "litestar")
        ratio("one row by id, bridge ÷ raw ASGI", 0.35, "rows", "bridge", "raw")
        ratio("a view without database, bridge ÷ FastAPI", 1.0, "ping", "bridge", "fastapi")
        ratio("a page, micro-cached ÷ static file", 0.7, "pages", "cached", "static")
        return found

    def _print(self) -> int:
        targets = self._targets()
        failed = sum(
            sum(lines["bridge"].failures.values()) for lines in self.tables.values() if "bridge" in lines
        )
        connections, many = self.options.connections, self.options.many
        if self.options.json:
            tables = {
                name: {key: line.document() for key, line in lines.items()}
                for name, lines in self.tables.items()
            }
            reached = [
                {"name": one.name, "wanted": one.wanted, "found": one.found, "met": one.met}
                for one in targets
            ]
            print(json.dumps({"machine": _machine(), "tables": tables, "targets": reached, "failed": failed}))
        else:
            titles = {
                "rows": (f"One row by id as JSON, {connections} connections", ("fastapi", "litestar", "raw")),
                "many": (f"The same, {many} connections", ("fastapi", "litestar", "raw")),
                "ping": (f"A view without database, {connections} connections", ("fastapi",)),
                "calls": (
                    f"A view that asks a neighbour for 50 people, {connections} connections",
                    ("httpx",),
                ),
                "pages": (f"A page of 24 products through Nginx, {connections} connections", ("static",)),
            }
            print(
                f"{_machine()}; one worker each; {self.options.rounds} rounds of {self.options.seconds:g} s in turns\n"
            )
            for name, lines in self.tables.items():
                title, against = titles[name]
                print(table(title, lines, against=against))
            print("\n".join(target.text() for target in targets))
            print(f"- failed requests of the bridge: {failed}")
        return int(Exit.OK if failed == 0 and all(target.met for target in targets) else Exit.FAILED)

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


def _machine() -> str:
    return f"{psutil.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
