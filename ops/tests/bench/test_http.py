"""The bench's command: what it accepts, where it keeps its environment, and what it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from vitrine_ops import bench
from vitrine_ops.bench import environment, http
from vitrine_ops.bench.servers import BRIDGE, CONTENDERS
from vitrine_ops.exits import Exit, Failure


def test_help_and_unknown_benches(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--help"]) == 0
    assert "bench http" in capsys.readouterr().out
    assert bench.main(["nonsense"]) == Exit.USAGE
    with pytest.raises(SystemExit):
        bench.main(["http", "--help"])
    assert "--connections" in capsys.readouterr().out


def test_an_index_that_cannot_be_reached_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "no-cache"))
    assert http.main(["--rounds", "1"]) == Exit.UNAVAILABLE
    assert "could not be installed" in capsys.readouterr().err


def test_the_environment_lies_in_the_users_cache() -> None:
    assert environment.cache_directory({"HOME": "/home/ann"}) == Path("/home/ann/.cache/vitrine/bench")
    assert environment.cache_directory({"HOME": "/x", "XDG_CACHE_HOME": "/c"}) == Path("/c/vitrine/bench")
    assert environment.cache_directory({"HOME": "/x", "VITRINE_BENCH_CACHE": "/b"}) == Path("/b")


def test_it_measures_a_checkout_and_nothing_else(tmp_path: Path) -> None:
    kit, ops = reversed(environment.python_path({}).split(":"))
    assert (Path(kit) / "vitrine_kit").is_dir()
    assert (Path(ops) / "vitrine_ops").is_dir()
    with pytest.raises(Failure, match="checkout"):
        environment.python_path({"VITRINE_CHECKOUT": str(tmp_path)})


def test_the_lock_file_pins_every_package_by_hash() -> None:
    lines = environment.LOCK.read_text().splitlines()
    pinned = [line for line in lines if "==" in line and not line.startswith((" ", "#"))]
    assert len(pinned) > 50
    assert sum("--hash=sha256:" in line for line in lines) >= len(pinned)
    assert not any("://" in line for line in lines)


def test_every_server_has_one_worker() -> None:
    for contender in CONTENDERS:
        command = " ".join(contender.command(Path("python"), 8000))
        assert contender.app in command
        assert "--workers" not in command
    assert BRIDGE.settings(8000)["VITRINE_WORKERS"] == "1"
    assert "-w 1" in " ".join(
        next(one for one in CONTENDERS if one.kind == "gthread").command(Path("python"), 1)
    )
