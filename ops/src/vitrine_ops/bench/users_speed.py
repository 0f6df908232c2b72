"""The speed part of `vitrine bench users`: tokens, one's own account, sign-ins, and what they do to the others."""

from __future__ import annotations

import json
import secrets
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from vitrine_ops.bench import environment
from vitrine_ops.bench.database import ROWS, database
from vitrine_ops.bench.servers import BRIDGE, Contender, Running, serve
from vitrine_ops.bench.workshop import workshop
from vitrine_ops.exits import Exit, Failure

API = "/api/users/v1"
MEMORY_KIB, PASSES = 19456, 2
"""What users hashes with unless it is told otherwise."""
TOKENS = 2000
CONNECTIONS = 32
SIGN_INS = 8
"""Connections that sign in all the time: more than there are threads that hash."""
OTHERS, PAUSE_MS = 4, 20
"""Connections that read their own account meanwhile, and how long each rests: a quiet shop's readers."""
WARM_UP_S = 0.5
PASSWORD = "quiet harbour lantern seven"
UNLIMITED = {
    "VITRINE_SIGN_IN_BURST": "1000000",
    "VITRINE_REGISTRATION_BURST": "1000000",
    "VITRINE_MAIL_BURST": "1000000",
    "VITRINE_CHALLENGE_AFTER_NETWORK": "0",
    "VITRINE_CHALLENGE_AFTER_ALL": "0",
}


@dataclass(frozen=True)
class Figure:
    """One measured figure, and what it should be."""

    name: str
    value: float
    wanted: float
    unit: str = ""
    at_most: bool = False
    """Whether less is better."""
    of: str = ""
    """What it was made of."""

    @property
    def met(self) -> bool:
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted


@dataclass(frozen=True)
class UsersServer(Contender):
    """users itself, one worker of it."""

    def command(self, python: Path, port: int) -> list[str]:
        gunicorn = ["gunicorn", "-c", "python:vitrine_kit.gunicorn_conf", self.app]
        return [str(python), "-m", *gunicorn]


USERS = UsersServer("users", "users, one's own account", "vitrine_users:create_asgi()", "bridge")


def measure(environ: Mapping[str, str], *, seconds: float, rounds: int) -> list[Figure]:
    """All figures; each run lasts `seconds`, and those that are compared take turns.

    Raises:
        Failure: something could not be started, or a request failed.
    """
    with workshop() as (folder, account), database(environ, folder, account, socket=True) as url:
        bench = _Bench(environ, folder, url, seconds)
        bench.migrate()
        with ExitStack() as stack:
            row = stack.enter_context(bench.serve(BRIDGE))
            users = stack.enter_context(bench.serve(USERS))
            return bench.figures(row, users, rounds)


class _Bench:
    def __init__(self, environ: Mapping[str, str], folder: Path, url: str, seconds: float) -> None:
        checkout = environment.checkout(environ)
        given = environ.get("VITRINE_BENCH_PYTHON")
        lock_file = checkout / "services" / "users" / "requirements.lock"
        self.python = Path(given) if given else environment.prepare(environ, lock_file)
        self.folder, self.seconds = folder, seconds
        passed = {name: environ[name] for name in ("PATH", "HOME", "LANG") if name in environ}
        sources = ("ops", "shared", "services/users")
        self.settings = {
            **passed,
            **UNLIMITED,
            "PYTHONPATH": ":".join(str(checkout / part / "src") for part in sources),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BENCH_DATABASE_URL": url,
            "VITRINE_DATABASE_URL": url,
            "VITRINE_DATABASE_OWNER_URL": url,
            "VITRINE_SECRET_KEY": secrets.token_hex(32),
            "VITRINE_POOL_READ_SIZE": "16",
            "VITRINE_POOL_WRITE_SIZE": "8",
            "VITRINE_POOL_WAIT_S": "10",
            "VITRINE_REQUEST_TIMEOUT_MS": "60000",
            "VITRINE_LOG_LEVEL": "WARNING",
        }

    def migrate(self) -> None:
        """Makes users' tables."""
        self._run("-m", "flask", "--app", "vitrine_users", "db", "upgrade")

    @contextmanager
    def serve(self, contender: Contender) -> Iterator[Running]:
        with serve(contender, self.python, self.settings, self.folder) as running:
            yield running

    def figures(self, row: Running, users: Running, rounds: int) -> list[Figure]:
        """The figures, in the order of the table."""
        tokens = [self._probe("tokens", TOKENS) for _ in range(rounds)]
        first = statistics.median(run["first_ms"] for run in tokens)
        again = statistics.median(run["again_ms"] for run in tokens)
        found = [Figure("token verified first", first, 0.3, "ms CPU", at_most=True, of=f"again {again:.4f}")]
        base = f"http://127.0.0.1:{users.port}"
        _wait_until_ready(base)
        with httpx.Client(base_url=base, timeout=30) as client:
            email = _register(client)
            found += self._reads(client, email, row, users, rounds)
            found += self._sign_ins(client, email, users, rounds)
        return found

    def _reads(
        self, client: httpx.Client, email: str, row: Running, users: Running, rounds: int
    ) -> list[Figure]:
        rows, mine = [], []
        header = _bearer(client, email)
        me = ["--header", header]
        items = ["/items/{id}", "--ids", ROWS]
        for seconds in (WARM_UP_S, *[self.seconds] * rounds):
            rows.append(self._load(row, *items, seconds=seconds, connections=CONNECTIONS)["rps"])
            mine.append(self._load(users, f"{API}/me", *me, seconds=seconds, connections=CONNECTIONS)["rps"])
        of = f"{statistics.median(mine[1:]):,.0f} ÷ {statistics.median(rows[1:]):,.0f} requests/s"
        return [Figure("GET /me ÷ one-row read", _ratio(mine[1:], rows[1:]), 0.8, of=of)]

    def _sign_ins(self, client: httpx.Client, email: str, users: Running, rounds: int) -> list[Figure]:
        body = json.dumps({"email": email, "password": PASSWORD})
        post = [f"{API}/tokens", "--body", body, "--status", 201]
        me = [f"{API}/me", "--pause-ms", PAUSE_MS]
        bare, reached, quiet, busy = [], [], [], []
        for _ in range(rounds):
            me_now = [*me, "--header", _bearer(client, email)]
            # Before and after: a machine that was nearly idle is faster at first than one that has been busy.
            before = self._probe("hashes", self.seconds / 2, MEMORY_KIB, PASSES)["per_s"]
            reached.append(self._load(users, *post, seconds=self.seconds, connections=SIGN_INS)["rps"])
            after = self._probe("hashes", self.seconds / 2, MEMORY_KIB, PASSES)["per_s"]
            bare.append((before + after) / 2)
            quiet.append(self._load(users, *me_now, seconds=self.seconds, connections=OTHERS)["p99_ms"])
            # The sign-ins begin before the others, and end after them.
            lasting = self._start_load(users, *post, seconds=self.seconds + 1, connections=SIGN_INS)
            time.sleep(0.5)
            busy.append(self._load(users, *me_now, seconds=self.seconds, connections=OTHERS)["p99_ms"])
            self._result(lasting)
        hashes, signed_in = statistics.median(bare), statistics.median(reached)
        alone_ms, beside_ms = statistics.median(quiet), statistics.median(busy)
        return [
            Figure(
                "sign-ins ÷ hashes of two bare threads",
                _ratio(reached, bare),
                0.85,
                of=f"{signed_in:.1f} ÷ {hashes:.1f} per second",
            ),
            Figure(
                "others' p99 while sign-ins saturate ÷ without",
                _ratio(busy, quiet),
                2.0,
                at_most=True,
                of=f"{beside_ms:.1f} ÷ {alone_ms:.1f} ms",
            ),
        ]

    def _probe(self, name: str, *arguments: object) -> dict[str, float]:
        found: dict[str, float] = json.loads(
            self._run("-m", f"vitrine_ops.bench.probes.{name}", *map(str, arguments))
        )
        return found

    def _run(self, *arguments: str) -> str:
        command = [str(self.python), *arguments]
        done = subprocess.run(
            command, env=self.settings, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failure(
                Exit.SOFTWARE, f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()}"
            )
        return done.stdout

    def _load(self, running: Running, *arguments: object, seconds: float, connections: int) -> dict[str, Any]:
        return self._result(self._start_load(running, *arguments, seconds=seconds, connections=connections))

    def _start_load(
        self, running: Running, *arguments: object, seconds: float, connections: int
    ) -> subprocess.Popen[str]:
        command = [str(self.python), "-m", "vitrine_ops.bench.load", "127.0.0.1", str(running.port)]
        command += [*map(str, arguments), "--connections", str(connections), "--seconds", str(seconds)]
        return subprocess.Popen(
            command,
            env=self.settings,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _result(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        printed, said = process.communicate()
        if process.returncode != 0:
            raise Failure(Exit.SOFTWARE, f"the load failed: {said.strip()}")
        found: dict[str, Any] = json.loads(printed)
        if found["failures"] or not found["requests"]:
            raise Failure(Exit.SOFTWARE, f"requests failed: {found['failures'] or 'none was answered'}")
        return found


def _ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """The median of what the rounds give, each compared within itself: the machine changes from one to the next."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def _wait_until_ready(base: str) -> None:
    for _ in range(100):
        if httpx.get(f"{base}/readyz", timeout=10).status_code == 200:
            return
        time.sleep(0.1)
    raise Failure(Exit.SOFTWARE, "users did not become ready.")


def _register(client: httpx.Client) -> str:
    email = f"{secrets.token_hex(8)}@example.org"
    body = {"email": email, "password": PASSWORD, "name": "Ann Example"}
    answer = client.post(f"{API}/registrations", json=body)
    if answer.status_code != 202:
        raise Failure(Exit.SOFTWARE, f"registering answered {answer.status_code}: {answer.text[:200]}")
    return email


def _bearer(client: httpx.Client, email: str) -> str:
    answer = client.post(f"{API}/tokens", json={"email": email, "password": PASSWORD})
    if answer.status_code != 201:
        raise Failure(Exit.SOFTWARE, f"signing in answered {answer.status_code}: {answer.text[:200]}")
    return f"Authorization: Bearer {answer.json()['access_token']}"


def document(figures: Sequence[Figure]) -> dict[str, object]:
    """The figures for `--json`."""
    return {"speed": [asdict(figure) | {"met": figure.met} for figure in figures]} if figures else {}


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = ["| figure | measured | wanted | met | of |", "|---|---:|---:|---|---|"]
    for one in figures:
        unit = f" {one.unit}" if one.unit else ""
        bound = "≤" if one.at_most else "≥"
        cells = [one.name, f"{one.value:.3g}{unit}", f"{bound} {one.wanted:g}{unit}"]
        rows.append("| " + " | ".join([*cells, "yes" if one.met else "MISSED", one.of]) + " |")
    return "\n".join(rows)
