"""Lock files: each is made from what is declared beside it, and says nothing of where it was made."""

from __future__ import annotations

from pathlib import Path

import pytest
from vitrine_ops import locks
from vitrine_ops.catalogue import SERVICES

CHECKOUT = Path(__file__).parents[2]
BENCH = CHECKOUT / "ops" / "src" / "vitrine_ops" / "bench" / "requirements.lock"


def test_every_lock_file_of_the_checkout_is_written() -> None:
    made = set(locks.inputs(CHECKOUT)) | {service.source(CHECKOUT) / "build.lock" for service in SERVICES}
    assert BENCH in made
    assert set(CHECKOUT.glob("[!.]*/**/*.lock")) <= made


def test_the_bench_is_locked_to_what_it_names_and_nothing_of_ours() -> None:
    wanted = locks.inputs(CHECKOUT)[BENCH]
    assert "fastapi" in wanted
    assert "flask[async]>=3.1,<4" in wanted
    assert not [line for line in wanted if line.startswith(("#", "vitrine")) or not line]


@pytest.mark.parametrize("lock", sorted(locks.inputs(CHECKOUT)), ids=lambda path: path.parent.name)
def test_the_lock_files_that_are_kept_hold_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert pinned
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert "://" not in text
    assert "#" not in text
