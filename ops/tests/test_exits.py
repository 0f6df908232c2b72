"""Exit codes are stable and documented."""

from __future__ import annotations

import re
from pathlib import Path

from vitrine_ops.exits import Exit, Failure

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_lists_every_exit_code() -> None:
    listed = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {str(int(code)): code.name.lower() for code in Exit}


def test_a_failure_becomes_a_document_with_its_facts() -> None:
    failure = Failure(Exit.PORT_TAKEN, "port 8080 is taken.", hint="Choose another.", port=8080)
    assert failure.document() == {
        "ok": False,
        "error": "port_taken",
        "exit_code": 76,
        "message": "port 8080 is taken.",
        "hint": "Choose another.",
        "port": 8080,
    }
