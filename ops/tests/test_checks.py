"""Which checks `./vitrine test` runs, and what it says of them in the end."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from vitrine_ops import checks
from vitrine_ops.checks import Check
from vitrine_ops.exits import Exit
from vitrine_ops.output import Output

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = Path("/venv/bin/python")


def test_arguments_run_pytest_alone_and_in_one_process() -> None:
    (found,) = checks.suite(CHECKOUT, PYTHON, ["-k", "prices"])
    assert found.command == [str(PYTHON), "-m", "pytest", "-k", "prices"]


def test_every_test_runs_once_side_by_side_or_alone() -> None:
    suite = {one.name: one.command for one in checks.suite(CHECKOUT, PYTHON, [])}
    side_by_side, alone = (command for command in suite.values() if "pytest" in command)
    left_out = [option for option in side_by_side if option.startswith("--ignore")]
    assert left_out == [f"--ignore={checks.ALONE}"]
    assert alone[3:] == [checks.ALONE]
    assert list((CHECKOUT / checks.ALONE).glob("test_*.py"))


def test_the_coverage_is_that_of_the_tests_side_by_side() -> None:
    suite = {one.name: one.command for one in checks.suite(CHECKOUT, PYTHON, [])}
    counted, demanded = suite["pytest"], suite["coverage"]
    assert counted[counted.index("--out") + 1] == demanded[demanded.index("--merge") + 1] == checks.COVERAGE
    assert demanded[demanded.index("--fail-under") + 1] == str(checks.LEAST_COVERAGE)
    assert list(suite).index("pytest") < list(suite).index("coverage")


def test_a_check_that_fails_keeps_none_from_running(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    two = [
        Check(name, [sys.executable, "-c", code]) for name, code in (("bad", "exit(3)"), ("good", "print(7)"))
    ]
    assert checks.run_all(two, tmp_path, {}, Output()) is Exit.FAILED
    said = capfd.readouterr().out
    assert said.startswith("7\n")
    assert re.search(r"^bad +FAILED \(3\) ", said, re.MULTILINE)
    assert re.search(r"^good +passed ", said, re.MULTILINE)
    assert said.endswith("failed: bad\n")


def test_a_store_of_releases_that_is_named_is_used_and_not_removed(tmp_path: Path) -> None:
    with checks.release_store({"VITRINE_RELEASE_STORE": str(tmp_path)}) as found:
        assert found == str(tmp_path)
    assert tmp_path.is_dir()
    with checks.release_store({}) as made:
        assert Path(made).stat().st_mode & 0o777 == 0o755
    assert not Path(made).exists()
