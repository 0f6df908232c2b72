"""What runs is written down; newer data and a second command are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.releases import Release
from vitrine_ops.state import FORMAT, Running, StackState, check_format, exclusive


def running(folder: Path, generation: int = 1) -> Running:
    release = Release("users", "0.1.0", "abc", folder)
    return Running(
        generation,
        release.document(),
        [f"users-{generation}-0"],
        ["/run/u.sock"],
        f"users-worker-{generation}",
    )


def test_the_state_is_found_again(tmp_path: Path) -> None:
    state = StackState(run_id="r", address="http://localhost:1", services={"users": running(tmp_path)})
    state.save(tmp_path)
    assert StackState.load(tmp_path) == state
    assert state.services["users"].groups == ["users-1", "users-worker-1"]
    assert state.releases_in_use() == {tmp_path}
    found = state.release_of("users")
    assert found is not None
    assert found.label == "0.1.0+abc"
    assert state.release_of("gateway") is None


def test_a_generation_is_never_used_twice(tmp_path: Path) -> None:
    state = StackState()
    assert [
        state.next_generation("users"),
        state.next_generation("users"),
        state.next_generation("gateway"),
    ] == [1, 2, 1]


def test_what_cannot_be_read_is_a_fresh_state(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{", encoding="utf-8")
    assert StackState.load(tmp_path) == StackState()


def test_a_newer_vitrines_data_is_refused(tmp_path: Path) -> None:
    check_format(tmp_path, "0.1.0")
    check_format(tmp_path, "0.1.0")
    (tmp_path / "format.json").write_text(
        json.dumps({"format": FORMAT + 1, "version": "9.0.0"}), encoding="utf-8"
    )
    with pytest.raises(Failure) as raised:
        check_format(tmp_path, "0.1.0")
    assert raised.value.code is Exit.DATA_VERSION
    assert "9.0.0" in raised.value.message


def test_only_one_command_at_a_time_holds_the_data_directory(tmp_path: Path) -> None:
    with exclusive(tmp_path):
        with pytest.raises(Failure) as raised, exclusive(tmp_path):
            pass
        assert raised.value.code is Exit.BUSY
        assert "pid" in raised.value.message
    with exclusive(tmp_path):
        pass
