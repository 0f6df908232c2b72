"""supervisord keeps what it is told, is asked over its socket, and stops in order."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vitrine_ops import programs, tether
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.places import Places
from vitrine_ops.programs import Program
from vitrine_ops.supervision import Supervisor, render

ENDS = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(600)"


def program(places: Places, name: str, group: str | None = None, code: str = ENDS) -> Program:
    return Program(
        name=name,
        group=group or name,
        argv=(sys.executable, "-c", code),
        env={"PATH": os.defpath},
        cwd=places.data,
        log=places.log / f"{name}.log",
        stop_wait_s=5,
    )


def wait_for(condition: Callable[[], object], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    places = Places(tmp_path / "s")
    places.make()
    found = Supervisor(places)
    found.configure(
        [program(places, "one"), program(places, "two-0", "two"), program(places, "two-1", "two")],
        run_id="run",
    )
    process = found.start(Path(sys.executable), tied=True)
    found.wait_until_listening(process)
    yield found
    found.shut_down([["one"], ["two"]])
    process.wait(timeout=10)
    programs.sweep(places.run)


def pid_of(supervisor: Supervisor, name: str) -> int:
    record = tether.read_record(str(programs.record_path(supervisor.run, name)))
    return int(record["pid"]) if record else 0


def runs(supervisor: Supervisor, *names: str) -> bool:
    found = supervisor.processes()
    return all(name in found and found[name]["statename"] == "RUNNING" for name in names)


def test_groups_are_added_and_removed_while_the_others_go_on(supervisor: Supervisor) -> None:
    wait_for(lambda: runs(supervisor, "one", "two-0", "two-1"))
    before = pid_of(supervisor, "one")
    places = supervisor.places
    supervisor.update([program(places, "one"), program(places, "three")], run_id="run")
    wait_for(lambda: runs(supervisor, "one", "three", "two-0"))
    supervisor.stop_group("two")
    supervisor.forget_group("two", ["two-0", "two-1"])
    assert set(supervisor.processes()) == {"one", "three"}
    assert pid_of(supervisor, "one") == before
    assert not programs.spec_path(supervisor.run, "two-0").exists()


def test_a_killed_program_is_started_again_and_counted(supervisor: Supervisor) -> None:
    wait_for(lambda: runs(supervisor, "one"))
    first = pid_of(supervisor, "one")
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: pid_of(supervisor, "one") != first and runs(supervisor, "one"))
    record = tether.read_record(str(programs.record_path(supervisor.run, "one")))
    assert record is not None
    assert record["starts"] == 2


def test_a_program_that_takes_its_time_to_end_is_waited_for_with_few_questions(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(2.5), sys.exit(0)))"
    )
    slow += "; print('ready', flush=True); time.sleep(600)"
    places = supervisor.places
    one, two = program(places, "one"), [program(places, f"two-{number}", "two") for number in (0, 1)]
    supervisor.update([one, *two, program(places, "slow", code=slow)], run_id="run")
    log = places.log / "slow.log"
    wait_for(lambda: log.exists() and "ready" in log.read_text())
    asked: list[str] = []
    ask = supervisor.call
    monkeypatch.setattr(supervisor, "call", lambda name, *rest: (asked.append(name), ask(name, *rest))[1])

    supervisor.stop_group("slow")

    assert supervisor.processes()["slow"]["statename"] == "STOPPED"
    assert asked.count("getAllProcessInfo") < 12


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ties processes on Linux only")
def test_nothing_outlives_a_killed_supervisord(supervisor: Supervisor) -> None:
    wait_for(lambda: runs(supervisor, "one", "two-0", "two-1"))
    left = [pid_of(supervisor, name) for name in ("one", "two-0", "two-1")]
    os.kill(pid_of(supervisor, "supervisord"), signal.SIGKILL)
    wait_for(lambda: not any(tether.start_mark(pid) for pid in left))
    assert supervisor.processes() == {}


def test_a_supervisord_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    places = Places(tmp_path / "s")
    places.make()
    found = Supervisor(places)
    found.configure([], run_id="run")
    (places.run / "supervisord.conf").write_text("[nonsense", encoding="utf-8")
    with pytest.raises(Failure, match=r"supervisor\.log") as raised:
        failing = found.start(Path(sys.executable), tied=True)
        try:
            found.wait_until_listening(failing)
        except Failure as failure:
            raise Failure(failure.code, f"{failure.message} {failure.hint}") from failure
    assert raised.value.code is Exit.SOFTWARE


def test_no_path_of_the_data_directory_needs_quoting_in_the_configuration(tmp_path: Path) -> None:
    places = Places(tmp_path / "with spaces, and ünïcode")
    assert str(tmp_path) not in render([program(places, "one")], places)
