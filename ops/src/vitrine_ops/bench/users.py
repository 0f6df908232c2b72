"""`vitrine bench users`: whether the time of an answer tells who has an account, through Nginx and all; and speed."""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from vitrine_ops.bench import users_speed
from vitrine_ops.bench.environment import checkout
from vitrine_ops.bench.servers import free_port
from vitrine_ops.exits import Exit, Failure

LOW, HIGH = 0.45, 0.55
"""Between these an observer who sees one answer of each kind does no better than by tossing a coin."""
KNOWN = 20
PASSWORD = "quiet harbour lantern seven"
UNLIMITED = {
    "VITRINE_SIGN_IN_BURST": "1000000",
    "VITRINE_REGISTRATION_BURST": "1000000",
    "VITRINE_MAIL_BURST": "1000000",
    "VITRINE_CHALLENGE_AFTER_NETWORK": "0",
    "VITRINE_CHALLENGE_AFTER_ALL": "0",
}
"""The limits would answer before the work is done; they are the same for known and unknown, and tested elsewhere."""
API = "/api/users/v1"


@dataclass
class Flow:
    """One request that somebody could make to learn who has an account."""

    name: str
    path: str
    body: Callable[[str], dict[str, str]]
    status: int
    known_ms: list[float] = field(default_factory=list)
    unknown_ms: list[float] = field(default_factory=list)


def flows() -> list[Flow]:
    """Sign in, register, and ask for another password."""
    return [
        Flow("login", "/tokens", lambda email: {"email": email, "password": "not the password"}, 401),
        Flow(
            "register",
            "/registrations",
            lambda email: {"email": email, "password": PASSWORD, "name": "Ann Example"},
            202,
        ),
        Flow("reset", "/password-resets", lambda email: {"email": email}, 202),
    ]


def area(known: Sequence[float], unknown: Sequence[float]) -> float:
    """The area under the ROC curve: how likely a known account's answer takes longer than an unknown one's.

    0.5 tells nothing; ties count half.
    """
    longer = sum((a > b) + 0.5 * (a == b) for a in known for b in unknown)
    return longer / (len(known) * len(unknown))


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vitrine bench users", description=__doc__)
    parser.add_argument("--pairs", type=int, default=300, help="answers of each kind (default 300)")
    parts = ["times", "speed"]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, help="what to measure")
    parser.add_argument("--seconds", type=float, default=5, help="length of each run of speed (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turns (default 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Measures and prints; returns 0, or 1 where an area tells something or a speed misses its target."""
    options = _arguments(argv)
    found: list[Flow] = []
    speeds: list[users_speed.Figure] = []
    try:
        if "times" in options.parts:
            with _stack(os.environ) as url:
                found = measure(url, options.pairs)
        if "speed" in options.parts:
            speeds = users_speed.measure(os.environ, seconds=options.seconds, rounds=options.rounds)
    except Failure as failure:
        print(f"vitrine: {failure.message}", file=sys.stderr)
        return int(failure.code)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    if options.json:
        print(json.dumps(document(found) | users_speed.document(speeds), indent=2))
    else:
        shown = [table(found)] if found else []
        print("\n\n".join([*shown, *([users_speed.table(speeds)] if speeds else [])]))
    told = all(LOW <= area(flow.known_ms, flow.unknown_ms) <= HIGH for flow in found)
    return 0 if told and all(figure.met for figure in speeds) else 1


def measure(url: str, pairs: int) -> list[Flow]:
    """Asks each flow that often for a known and for an unknown address, the one or the other first by chance."""
    dice = random.Random(20)
    found = flows()
    with httpx.Client(base_url=url, timeout=30) as client:
        known = [_address() for _ in range(KNOWN)]
        for email in known:
            _ask(client, found[1], email)
        for flow in found:
            for email in (known[0], _address()) * 5:
                _ask(client, flow, email)
            for number in range(pairs):
                both = [(flow.known_ms, known[number % KNOWN]), (flow.unknown_ms, _address())]
                dice.shuffle(both)
                for times, email in both:
                    times.append(_ask(client, flow, email))
    return found


def _ask(client: httpx.Client, flow: Flow, email: str) -> float:
    body = flow.body(email)
    started_s = time.perf_counter()
    answer = client.post(API + flow.path, json=body)
    taken_ms = (time.perf_counter() - started_s) * 1000
    if answer.status_code != flow.status:
        raise Failure(Exit.SOFTWARE, f"{flow.name} answered {answer.status_code}: {answer.text[:200]}")
    return taken_ms


def _address() -> str:
    return f"{secrets.token_hex(8)}@example.org"


def document(found: Sequence[Flow]) -> dict[str, object]:
    """The figures for `--json`."""
    return {
        flow.name: {
            "pairs": len(flow.known_ms),
            "auc": round(area(flow.known_ms, flow.unknown_ms), 4),
            "known_p50_ms": round(_middle(flow.known_ms), 2),
            "unknown_p50_ms": round(_middle(flow.unknown_ms), 2),
        }
        for flow in found
    }


def table(found: Sequence[Flow]) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| request | pairs | AUC known against unknown | p50 known ms | p50 unknown ms |",
        "|---|---:|---:|---:|---:|",
    ]
    for flow in found:
        auc = area(flow.known_ms, flow.unknown_ms)
        mark = "" if LOW <= auc <= HIGH else f" (wanted {LOW} to {HIGH})"
        cells = [flow.name, str(len(flow.known_ms)), f"{auc:.3f}{mark}"]
        cells += [f"{_middle(flow.known_ms):.1f}", f"{_middle(flow.unknown_ms):.1f}"]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _middle(times: Sequence[float]) -> float:
    return sorted(times)[len(times) // 2]


@contextmanager
def _stack(environ: Mapping[str, str]) -> Iterator[str]:
    """The address of a stack in a directory of its own, without limits; stopped and removed at the end.

    VITRINE_BENCH_URL names a running one to use instead.
    """
    if given := environ.get("VITRINE_BENCH_URL"):
        yield given
        return
    command = str(checkout(environ) / "vitrine")
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        port = free_port()
        own = {**environ, **UNLIMITED, "VITRINE_DATA": f"{folder}/data", "VITRINE_PORT": str(port)}
        _run([command, "up", "-d", "--no-seed"], own)
        try:
            yield f"http://localhost:{port}"
        finally:
            _run([command, "down"], own)


def _run(command: list[str], environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, env=dict(environ), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise Failure(Exit.SOFTWARE, f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()}")
