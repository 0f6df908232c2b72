"""Releases are named by content: the same sources are never built twice, and what runs is never removed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from vitrine_ops.exits import Exit, Failure
from vitrine_ops.releases import Builder, Release, is_complete, version_of

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    target = tmp_path / "checkout"
    for folder in ("shared", "services/users", "services/catalog", "gateway", "ops"):
        (target / folder / "src").mkdir(parents=True)
        for name in ("pyproject.toml", "requirements.lock"):
            if (CHECKOUT / folder / name).exists():
                shutil.copy(CHECKOUT / folder / name, target / folder / name)
        (target / folder / "src" / "code.py").write_text(f"'''{folder}'''\n", encoding="utf-8")
    for folder in ("nginx", "postgres"):
        (target / folder).mkdir()
    return target


def builder(checkout: Path, releases: Path) -> Builder:
    return Builder(
        checkout, releases, python=sys.executable, environ=dict(os.environ), say=lambda _text: None
    )


def test_a_release_is_named_by_version_and_content(checkout: Path, tmp_path: Path) -> None:
    found = builder(checkout, tmp_path / "r").wanted("users")
    assert found.label == f"{version_of(checkout / 'services' / 'users')}+{found.digest}"
    assert found.path == tmp_path / "r" / "users" / found.label
    assert Release.parse(found.document()) == found


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("shared/src/code.py", {"users", "catalog", "gateway"}),
        ("services/users/src/code.py", {"users"}),
        ("gateway/pyproject.toml", {"gateway"}),
        ("services/catalog/requirements.lock", {"catalog"}),
        ("nginx/nginx.conf", {"ops"}),
        ("ops/src/code.py", {"ops"}),
        ("README.md", set()),
        ("services/users/src/__pycache__/code.pyc", set()),
    ],
)
def test_a_change_makes_new_releases_of_what_it_touches_alone(
    checkout: Path, tmp_path: Path, changed: str, affected: set[str]
) -> None:
    names = ("users", "catalog", "gateway", "ops")
    before = {name: builder(checkout, tmp_path).digest(name) for name in names}
    path = checkout / changed
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    after = {name: builder(checkout, tmp_path).digest(name) for name in names}
    assert {name for name in names if before[name] != after[name]} == affected


def test_another_interpreter_makes_another_release(checkout: Path, tmp_path: Path) -> None:
    other = Builder(checkout, tmp_path, python="/usr/bin/other", environ={}, say=lambda _text: None)
    assert other.digest("users") != builder(checkout, tmp_path).digest("users")


def complete(folder: Path, service: str, digest: str, age_s: float) -> Path:
    path = folder / service / f"0.1.0+{digest}"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").symlink_to(sys.executable)
    marker = path / "release.json"
    marker.write_text(json.dumps({"python": sys.executable}), encoding="utf-8")
    moment = marker.stat().st_mtime - age_s
    os.utime(marker, (moment, moment))
    return path


def test_a_release_that_is_there_is_used_as_it_is(checkout: Path, tmp_path: Path) -> None:
    wanted = builder(checkout, tmp_path / "r").wanted("users")
    complete(tmp_path / "r", "users", wanted.digest, 0)
    assert is_complete(wanted)
    assert builder(checkout, tmp_path / "r").build(["users"]) == {"users": wanted}


def test_old_releases_go_except_those_that_run(checkout: Path, tmp_path: Path) -> None:
    paths = [complete(tmp_path / "r", "users", f"d{number}", age_s=number * 100) for number in range(6)]
    removed = builder(checkout, tmp_path / "r").prune({paths[5]})
    assert removed == [paths[3], paths[4]]
    assert [path.exists() for path in paths] == [True, True, True, False, False, True]


def test_a_missing_lock_file_is_told(checkout: Path, tmp_path: Path) -> None:
    (checkout / "services" / "users" / "requirements.lock").unlink()
    (checkout / "services" / "users" / "README.md").touch()
    with pytest.raises(Failure) as raised:
        builder(checkout, tmp_path / "r").build(["users"])
    assert raised.value.code is Exit.UNAVAILABLE
    assert not (tmp_path / "r" / "users").exists() or not list(
        (tmp_path / "r" / "users").glob("*/release.json")
    )
