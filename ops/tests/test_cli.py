"""The command line: exit codes, `--json` with one document and nothing else, plain messages."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vitrine_ops.cli import from_os_error, main
from vitrine_ops.exits import Exit

CHECKOUT = Path(__file__).resolve().parents[2]


def vitrine(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    env = {**own, "VITRINE_CHECKOUT": str(CHECKOUT), **environ}
    return subprocess.run(
        [sys.executable, "-m", "vitrine_ops", *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [(), ("fly",), ("deploy",), ("deploy", "postgres"), ("up", "--port"), ("logs", "--colour")]
)
def test_a_wrong_command_line_is_64(arguments: tuple[str, ...]) -> None:
    done = vitrine(*arguments)
    assert done.returncode == 64
    assert "usage: vitrine" in done.stderr


def test_a_port_that_is_no_number_is_64_and_named() -> None:
    done = vitrine("up", "--port", "http", "--json")
    assert done.returncode == 64
    assert "--port" in json.loads(done.stdout)["message"]


@pytest.mark.parametrize(
    "command", [("status",), ("down",), ("token",), ("open-link",), ("start", "users"), ("migrate",)]
)
def test_nothing_started_is_3(command: tuple[str, ...], tmp_path: Path) -> None:
    done = vitrine(*command, "--json", "--data", str(tmp_path / "none"))
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["state"] == "stopped"
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_not_there_is_66(tmp_path: Path) -> None:
    done = vitrine("import", str(tmp_path / "none.csv"), "--json")
    assert done.returncode == 66
    assert "none.csv" in json.loads(done.stdout)["message"]


def test_a_directory_is_no_file_to_import(tmp_path: Path) -> None:
    assert vitrine("import", str(tmp_path)).returncode == 66


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, Exit.DISK_FULL),
        (errno.EDQUOT, Exit.DISK_FULL),
        (errno.EACCES, Exit.NO_PERMISSION),
        (errno.EROFS, Exit.NO_PERMISSION),
        (errno.EIO, Exit.IO_ERROR),
    ],
)
def test_the_systems_refusals_have_exit_codes(number: int, code: Exit) -> None:
    failure = from_os_error(OSError(number, os.strerror(number), "/some/file"))
    assert failure.code is code
    assert "/some/file" in failure.message


def test_help_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--help"])
    assert raised.value.code == 0
    assert "deploy" in capsys.readouterr().out
