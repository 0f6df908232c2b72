"""The speed part of the bench of users: its table, its probes, and one very short run of all of it."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest
from vitrine_ops.bench import load, users_speed
from vitrine_ops.bench.probes import hashes, tokens
from vitrine_ops.bench.users_speed import Figure

NAMES = [
    "token verified first",
    "GET /me ÷ one-row read",
    "sign-ins ÷ hashes of two bare threads",
    "others' p99 while sign-ins saturate ÷ without",
]


def test_the_table_tells_what_was_wanted_and_what_was_missed() -> None:
    figures = [
        Figure("enough", 0.9, 0.8, of="9 ÷ 10"),
        Figure("too long", 0.4, 0.3, "ms CPU", at_most=True),
    ]

    rows = users_speed.table(figures).splitlines()

    assert rows[2] == "| enough | 0.9 | ≥ 0.8 | yes | 9 ÷ 10 |"
    assert rows[3] == "| too long | 0.4 ms CPU | ≤ 0.3 ms CPU | MISSED |  |"
    found = users_speed.document(figures)["speed"]
    assert json.loads(json.dumps(found))[1]["met"] is False


def test_nothing_measured_is_no_member_of_the_document() -> None:
    assert users_speed.document([]) == {}


def test_a_token_costs_less_when_it_was_seen_before() -> None:
    found = asyncio.run(tokens.measure(50))

    assert 0 < found["again_ms"] < found["first_ms"]


def test_bare_threads_are_counted_together() -> None:
    assert hashes.measure(0.2, memory_kib=64, passes=1)["per_s"] > 0


def test_a_request_that_is_no_plain_get() -> None:
    shape = load.Shape('{"é": 1}', ["Authorization: Bearer x"], 201)

    text = shape.request("localhost", 80, "/tokens").decode()

    head, _, body = text.partition("\r\n\r\n")
    assert head.splitlines()[0] == "POST /tokens HTTP/1.1"
    assert "Content-Length: 9" in head
    assert head.endswith("Authorization: Bearer x")
    assert body == '{"é": 1}'
    assert load.Shape().request("h", 1, "/").endswith(b"\r\n\r\n")


def test_all_figures_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vitrine_users", reason="users is measured with what it needs")
    monkeypatch.setattr(users_speed, "TOKENS", 20)
    monkeypatch.setattr(users_speed, "WARM_UP_S", 0.1)

    found = users_speed.measure({**os.environ, "VITRINE_BENCH_PYTHON": sys.executable}, seconds=0.5, rounds=1)

    assert [figure.name for figure in found] == NAMES
    assert all(figure.value > 0 for figure in found)
