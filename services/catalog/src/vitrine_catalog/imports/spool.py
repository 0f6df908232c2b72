"""Where uploaded files wait for their import, on disk shared by the web processes and the workers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vitrine_kit.db import Database

from vitrine_catalog.uploads import spool_directory

MAX_FILE_BYTES: Final = 64 << 20


def path_of(database: Database, file_name: str) -> Path:
    """The path of an import's file.

    Raises:
        Unavailable: this server has no place for uploads.
    """
    return spool_directory(database.settings) / Path(file_name).name
