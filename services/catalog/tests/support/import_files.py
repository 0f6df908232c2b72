"""Files for tests of imports: the real shops' own, and ones made by hand."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = next(parent for parent in Path(__file__).parents if (parent / "services").is_dir())
DATA = ROOT.parent / "shared" / "data"


def real_file(name: str) -> Path:
    """A real shop's file; the test is skipped where there is none."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no real files here: {path} is missing")
    return path


def csv_bytes(
    headers: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> bytes:
    """A CSV file with these headers; cells that a row does not name are blank, others are left out."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, headers, restval="", extrasaction="ignore", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode(encoding)


def counts(created: int = 0, updated: int = 0, unchanged: int = 0, failed: int = 0) -> dict[str, int]:
    """Counts as the API tells them."""
    return {"created": created, "updated": updated, "unchanged": unchanged, "failed": failed}
