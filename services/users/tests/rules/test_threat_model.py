"""The threat model in the documentation: what it says is held by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
FOLDERS = ("services", "gateway", "shared", "ops", "tests")


def test_the_threat_model_names_tests_that_exist() -> None:
    text = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    defined: set[str] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("test_*.py"):
            defined |= set(re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8")))

    assert len(named) > 60
    assert named <= defined, sorted(named - defined)
    for path in re.findall(r"`(tests/\S+\.py)`", text):
        assert (ROOT / path).is_file(), path
