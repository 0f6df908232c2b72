"""The tables of the bench: medians, spread, failures and ratios."""

from __future__ import annotations

from typing import Any

from vitrine_ops.bench.report import Line, Target, table


def run(rps: float, **changes: Any) -> dict[str, Any]:
    found = {"requests": 1000, "rps": rps, "p50_ms": 1.0, "p99_ms": 9.0, "server_cpu_s": 0.5, "failures": {}}
    return {**found, "load_cpu": 0.25, **changes}


def test_a_line_tells_the_median_and_the_spread() -> None:
    line = Line("ours", [run(100), run(300), run(200, failures={"503": 2}, load_cpu=0.5)], memory_mib=80.4)
    assert (line.rps, line.spread) == (200, (100, 300))
    assert line.cpu_us == 500
    assert line.failures == {"503": 2}
    document = line.document()
    assert (document["p99_ms"], document["load_cpu"], document["memory_mib"]) == (9.0, 0.5, 80.4)


def test_a_table_has_ratios_and_says_what_failed() -> None:
    lines = {
        "ours": Line("ours, Core", [run(200)]),
        "theirs": Line("theirs", [run(100, failures={"503": 7})]),
    }
    text = table("One row", lines, against=["theirs", "absent"])
    assert text.startswith("### One row\n")
    assert "| × theirs |" in text
    assert "| ours, Core | 200 | 200–200 | 1.0 | 9.0 | 0 | 500 |  | 2.00 |" in text
    assert "7 (503)" in text
    assert "at most 25%" in text


def test_a_server_that_answered_nothing_still_has_a_line() -> None:
    nothing = run(0, requests=0, p50_ms=None, p99_ms=None, failures={"no answer": 1})
    assert "| dead | 0 | 0–0 |  |  | 1 (no answer) |" in table(
        "T", {"dead": Line("dead", [nothing])}, against=["dead"]
    )


def test_a_target_says_whether_it_was_met() -> None:
    assert Target("a ÷ b", 2.0, 2.3).text() == "- a ÷ b: 2.30 (target 2.00): met"
    assert Target("a ÷ b", 2.0, 1.9).text().endswith("MISSED")
