"""The background work on picture files: removing those that no picture refers to any more."""

from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import jobs
from vitrine_kit.db import Database
from vitrine_kit.logs import get_logger

from vitrine_catalog.media import storage
from vitrine_catalog.media.models import Picture

log = get_logger(__name__)

REMOVE = "media.remove"
_IN_USE = select(Picture.id).where(Picture.file_name == bindparam("file_name")).limit(1)


async def remove_files_later(session: AsyncSession, file_names: Sequence[str]) -> None:
    """Have these files removed once the transaction is committed, unless other pictures share them."""
    wanted = sorted(set(file_names))
    if wanted:
        await jobs.enqueue(session, REMOVE, {"file_names": wanted})


@jobs.task(REMOVE)
async def remove_files(payload: dict[str, Any], database: Database) -> None:
    """Remove those of the files that no picture refers to; safe to repeat."""
    root = storage.media_root(current_app.extensions["vitrine"].settings)
    for file_name in payload["file_names"]:
        async with database.transaction() as session:
            await storage.lock_file(session, file_name)
            if (await session.execute(_IN_USE, {"file_name": file_name})).first() is None:
                await storage.remove(root, file_name)
                log.info("file_removed", file_name=file_name)
