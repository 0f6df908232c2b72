"""Logs of several processes are read in the order of their times and shown to people."""

from __future__ import annotations

import json
from pathlib import Path

from vitrine_ops import logs


def line(**record: object) -> str:
    return json.dumps(record)


def test_a_request_is_shown_in_a_line() -> None:
    text = line(
        event="request",
        method="GET",
        path="/x",
        status=200,
        duration_ms=3.2,
        service="users",
        timestamp="2026-11-22T10:11:12Z",
        level="info",
    )
    assert logs.render(logs.parse("users", text), colour=False) == "10:11:12 users     GET /x 200 3.2 ms"


def test_nginxs_seconds_are_shown_as_milliseconds() -> None:
    text = line(
        event="access",
        method="GET",
        path="/",
        status=200,
        duration_s=0.005,
        service="nginx",
        timestamp="2026-11-22T10:11:12+00:00",
    )
    assert logs.render(logs.parse("access", text), colour=False).endswith("GET / 200 5 ms")


def test_an_event_keeps_its_facts_and_its_traceback() -> None:
    text = line(
        event="broke",
        level="error",
        service="users",
        timestamp="2026-11-22T10:11:12Z",
        code=7,
        exception="Traceback\n  here",
    )
    shown = logs.render(logs.parse("users", text), colour=True)
    assert shown.startswith("\x1b[31m")
    assert "ERROR broke code=7" in shown
    assert "\n                   Traceback\n" in shown


def test_a_plain_line_is_shown_as_it_is() -> None:
    assert logs.render(logs.parse("postgres", "LOG: ready"), colour=False).strip() == "postgres  LOG: ready"
    assert logs.parse("x", "{broken").record is None
    assert logs.parse("x", "[1]").record is None


def test_the_newest_lines_of_all_logs_come_in_order(tmp_path: Path) -> None:
    (tmp_path / "users.log").write_text(
        line(event="a", timestamp="2026-11-22T10:00:01Z")
        + "\n"
        + line(event="c", timestamp="2026-11-22T10:00:03Z")
        + "\n",
        encoding="utf-8",
    )
    (tmp_path / "postgres.log").write_text(
        "2026-11-22 10:00:02.000 UTC [1] b\n\tits continuation\n", encoding="utf-8"
    )
    found = logs.last(logs.sources(tmp_path, None), 10)
    assert [one.text.strip()[-1] if one.record is None else one.record["event"] for one in found] == [
        "a",
        "b",
        "n",
        "c",
    ]
    assert len(logs.last(logs.sources(tmp_path, None), 2)) == 2


def test_the_access_log_is_shown_only_when_asked_for(tmp_path: Path) -> None:
    for name in ("access", "nginx"):
        (tmp_path / f"{name}.log").touch()
    assert [path.stem for path in logs.sources(tmp_path, None)] == ["nginx"]
    assert [path.stem for path in logs.sources(tmp_path, "access")] == ["access"]


def test_following_yields_whole_lines_of_old_new_and_shortened_logs(tmp_path: Path) -> None:
    first = tmp_path / "first.log"
    first.write_text("before\n", encoding="utf-8")
    steps = iter(range(100))

    def going() -> bool:
        step = next(steps)
        if step == 0:
            with first.open("a", encoding="utf-8") as file:
                file.write("half")
        elif step == 2:
            with first.open("a", encoding="utf-8") as file:
                file.write(" whole\n")
            (tmp_path / "second.log").write_text("new log\n", encoding="utf-8")
        elif step == 4:
            first.write_text("shortened\n", encoding="utf-8")
        return step < 6

    assert [one.text for one in logs.follow(tmp_path, None, going=going)] == [
        "half whole",
        "new log",
        "shortened",
    ]
