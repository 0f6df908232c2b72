"""A service knows its revisions without Alembic, which only `flask db` imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import notes_service
import pytest
from alembic.script import ScriptDirectory
from vitrine_kit.revisions import SchemaVersion
from vitrine_kit.settings import ServiceSettings
from vitrine_kit.testing import migrate

MIGRATIONS = Path(notes_service.__file__).parent / "migrations"


def write(directory: Path, *revisions: tuple[str, str]) -> Path:
    """Migrations that say no more than their names."""
    (directory / "versions").mkdir(parents=True)
    for name, earlier in revisions:
        text = f'"""A step."""\nimport alembic_is_not_imported\nrevision: str = "{name}"\ndown_revision = {earlier}\n'
        (directory / "versions" / f"{name}_step.py").write_text(text, encoding="utf-8")
    return directory


def test_it_finds_what_alembic_finds() -> None:
    assert SchemaVersion(MIGRATIONS).head == ScriptDirectory(str(MIGRATIONS)).get_current_head() == "0001"


def test_it_accepts_its_own_head_and_what_a_later_release_made(tmp_path: Path) -> None:
    found = SchemaVersion(write(tmp_path, ("0001", "None"), ("0002", "'0001'"), ("0003", "('0002',)")))
    assert found.head == "0003"
    asked = ("0003", "0004", "0002", "0001", None)
    assert [found.accepts(one) for one in asked] == [True, True, False, False, False]


def test_without_migrations_only_an_empty_schema_will_do(tmp_path: Path) -> None:
    found = SchemaVersion(write(tmp_path))
    assert (found.head, found.accepts(None), found.accepts("0001")) == (None, True, True)


@pytest.mark.parametrize(
    "revisions",
    [
        [("0001", "None"), ("0002", "'0001'"), ("0003", "'0001'")],
        [("0001", "'0002'"), ("0002", "'0001'")],
    ],
)
def test_two_ends_or_none_are_a_mistake(tmp_path: Path, revisions: list[tuple[str, str]]) -> None:
    with pytest.raises(ValueError, match="newest revisions"):
        SchemaVersion(write(tmp_path, *revisions))


def test_a_file_that_is_no_migration_is_a_mistake(tmp_path: Path) -> None:
    (write(tmp_path, ("0001", "None")) / "versions" / "stray.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="names no revision"):
        SchemaVersion(tmp_path)


def test_serving_imports_neither_alembic_nor_flask_migrate(
    notes_settings: ServiceSettings, notes_environment: dict[str, str]
) -> None:
    code = "import sys, notes_service; notes_service.create_app(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=notes_environment, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "vitrine_kit" in loaded
    assert loaded.isdisjoint({"alembic", "flask_migrate", "mako"})


def test_flask_db_is_among_the_commands(
    notes_settings: ServiceSettings, notes_environment: dict[str, str]
) -> None:
    assert "0001 (head)" in migrate("notes_service", notes_environment, "current")
    assert "0001" in migrate("notes_service", notes_environment, "heads")
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "notes_service", "--help"],
        env=notes_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "db  " in done.stdout
    assert "worker" in done.stdout
