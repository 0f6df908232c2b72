"""What every test of ops shares: a short temporary directory, so that sockets fit and nothing is left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def short_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that lasts as long as the session's other fixtures, which may put theirs into it."""
    tmp_path_factory.getbasetemp()  # pytest's own is settled before: it outlives the tests
    folder = Path(tempfile.mkdtemp(prefix="vo-"))
    folder.chmod(0o755)  # PostgreSQL's account must pass, where root runs the tests
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module", autouse=True)
def short_temporary_directory(short_folder: Path) -> Iterator[None]:
    """Run directories of stacks with long paths are made here; other folders' tests find things as they were."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(short_folder))
        yield
