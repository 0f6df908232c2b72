"""A service's one-off command ends with what it printed, or with a sentence that says why not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.processes import Command


def command(folder: Path, program: str) -> Command:
    return Command([sys.executable, "-c", program], {}, folder)


def test_a_command_returns_what_it_printed(tmp_path: Path) -> None:
    assert command(tmp_path, "print('made')").run("making it") == "made\n"


def test_a_failed_command_says_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"making it failed \(exit code 7\): no such role") as caught:
        command(tmp_path, "import sys; print('no such role', file=sys.stderr); sys.exit(7)").run("making it")
    assert (caught.value.code, caught.value.facts["child_exit"]) == (Exit.SOFTWARE, 7)


def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        command(tmp_path, "open('/dev/full', 'w', buffering=1).write('more\\n')").run("making it")
    assert caught.value.code is Exit.DISK_FULL
    assert caught.value.message == "making it failed: the disk is full."
