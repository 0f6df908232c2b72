"""Programs start tied and recorded; what a killed run leaves is found by pid and start time, nobody else's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from vitrine_ops import programs, tether
from vitrine_ops.places import Places
from vitrine_ops.programs import Program

TETHER = str(Path(tether.__file__))
SLEEP = "import time; print('begun', flush=True); time.sleep(600)"
FAMILY = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
SHOW = "import os, sys; print(sorted(os.environ), flush=True); print('loud', file=sys.stderr, flush=True)"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "shop")
    found.make()
    return found


@pytest.fixture
def start(places: Places) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def run(
        name: str, code: str, *, run_id: str = "one", unlink: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        program = Program(
            name=name,
            group=name,
            argv=(sys.executable, "-c", code),
            env={"PATH": os.defpath, "MARK": "here"},
            cwd=places.data,
            log=places.log / f"{name}.log",
            unlink=unlink,
        )
        spec = program.write_spec(places.run, run_id)
        process = subprocess.Popen([sys.executable, "-I", "-S", TETHER, str(spec)], start_new_session=True)
        started.append(process)
        wait_for(lambda: is_recorded(places, name, process.pid) and command_of(process.pid)[1:2] == ["-c"])
        return process

    yield run
    for process in started:
        # The group at once: a list of its members would miss one that is about to be born.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_recorded(places: Places, name: str, pid: int) -> bool:
    record = tether.read_record(str(programs.record_path(places.run, name)))
    return record is not None and record["pid"] == pid


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")


def wait_for(condition: Callable[[], object], timeout_s: float = 15) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_program_writes_to_its_log_and_runs_in_exactly_its_environment(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start(
        "shown",
        f"{SHOW}; {SLEEP}",
    )
    log = places.log / "shown.log"
    wait_for(lambda: "loud\n" in log.read_text(encoding="utf-8"))
    assert "'MARK', 'PATH'" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_a_specification_is_closed_to_others(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("shown", SLEEP)
    assert programs.spec_path(places.run, "shown").stat().st_mode & 0o077 == 0


def test_starts_of_one_run_are_counted(places: Places, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    first = start("again", SLEEP)
    first.kill()
    first.wait()
    start("again", SLEEP)
    record = tether.read_record(str(programs.record_path(places.run, "again")))
    assert record is not None
    assert record["starts"] == 2
    start("again", SLEEP, run_id="another")
    record = tether.read_record(str(programs.record_path(places.run, "again")))
    assert record is not None
    assert record["starts"] == 1


def test_a_new_start_ends_what_its_killed_predecessor_left(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    first = start("family", FAMILY)
    wait_for(lambda: len(tether.group_members(first.pid)) == 2)
    first.kill()
    first.wait()
    (orphan,) = tether.group_members(first.pid)
    start("family", SLEEP)
    assert tether.start_mark(orphan) is None


def test_a_socket_of_a_killed_predecessor_is_removed(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    left = places.run / "left.sock"
    left.touch()
    start("listener", SLEEP, unlink=(str(left), str(places.run / "missing.sock")))
    assert not left.exists()


def test_sweeping_ends_everything_recorded_by_force_if_need_be(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    start("polite", SLEEP)
    stubborn = start("stubborn", STUBBORN)
    wait_for(lambda: "begun" in (places.log / "stubborn.log").read_text(encoding="utf-8"))
    assert sorted(programs.sweep(places.run)) == ["polite", "stubborn"]
    assert tether.start_mark(stubborn.pid) is None
    assert programs.records(places.run) == []


def test_sweeping_leaves_a_process_with_another_start_time_alone(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    bystander = start("bystander", SLEEP)
    path = programs.record_path(places.run, "bystander")
    record = json.loads(path.read_text(encoding="utf-8"))
    boot, _, ticks = record["mark"].partition(":")
    path.write_text(json.dumps({**record, "mark": f"{boot}:{int(ticks) - 1}"}), encoding="utf-8")
    assert programs.sweep(places.run) == []
    assert tether.start_mark(bystander.pid) is not None


def test_sweeping_leaves_processes_alone_that_began_after_another_boot(
    places: Places, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    bystander = start("bystander", FAMILY)
    path = programs.record_path(places.run, "bystander")
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(
        json.dumps({**record, "mark": f"another-boot:{record['mark'].partition(':')[2]}"}), encoding="utf-8"
    )
    assert programs.sweep(places.run) == []
    assert tether.start_mark(bystander.pid) is not None


def test_sweeping_survives_unreadable_records(places: Places) -> None:
    (places.run / "pids" / "torn.json").write_text("{", encoding="utf-8")
    (places.run / "pids" / "strange.json").write_text("[]", encoding="utf-8")
    assert programs.sweep(places.run) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ties processes on Linux only")
def test_a_tied_program_ends_with_its_parent(places: Places) -> None:
    program = Program(
        name="tied", group="tied", argv=(sys.executable, "-c", SLEEP), env={}, cwd=places.data,
        log=places.log / "tied.log",
    )  # fmt: skip
    spec = program.write_spec(places.run, "one")
    command = [sys.executable, "-I", "-S", TETHER, str(spec)]
    launch = f"import subprocess, time; subprocess.Popen({command!r}); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", launch])
    wait_for(
        lambda: (
            (places.log / "tied.log").exists()
            and "begun" in (places.log / "tied.log").read_text(encoding="utf-8")
        )
    )
    record = tether.read_record(str(programs.record_path(places.run, "tied")))
    assert record is not None
    parent.kill()
    parent.wait()
    wait_for(lambda: tether.start_mark(int(record["pid"])) is None)


def test_a_program_that_does_not_exist_says_so_in_its_log(places: Places) -> None:
    program = Program(
        name="nothing", group="nothing", argv=("/nonexistent/program",), env={}, cwd=places.data,
        log=places.log / "nothing.log",
    )  # fmt: skip
    spec = program.write_spec(places.run, "one")
    assert subprocess.run([sys.executable, "-I", "-S", TETHER, str(spec)], check=False).returncode == 127
    assert "cannot start /nonexistent/program" in (places.log / "nothing.log").read_text(encoding="utf-8")


def test_a_grown_log_is_shortened_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "grown.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 1000)
        tether.shorten(str(log), limit_bytes=1000)
        writer.write(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "grown.log.1").read_bytes() == b"old\n" * 250


def test_a_short_or_missing_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "short.log"
    log.write_bytes(b"short\n")
    tether.shorten(str(log), limit_bytes=1000)
    tether.shorten(str(tmp_path / "missing.log"))
    assert [path.name for path in tmp_path.iterdir()] == ["short.log"]


def test_a_file_is_replaced_by_a_private_one_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    programs.write_private(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["secret"]
