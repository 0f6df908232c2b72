"""Picture files under the media root, which Nginx serves at /media; which pictures refer to them is in the table."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.asgi import run_blocking
from vitrine_kit.ids import new_id
from vitrine_kit.pictures import UnusablePicture, one_at_a_time
from vitrine_kit.problems import FieldError, Unavailable, Unprocessable
from vitrine_kit.settings import ServiceSettings

from vitrine_catalog.media.inspection import Inspected, inspect


def media_root(settings: ServiceSettings) -> Path:
    """Return the directory of picture files.

    Raises:
        Unavailable: it is not set.
    """
    if settings.media_root is None:
        raise Unavailable("This server has no place for pictures: set VITRINE_MEDIA_ROOT.", retry_after_s=60)
    return settings.media_root


@asynccontextmanager
async def inspected(source: Path, root: Path) -> AsyncIterator[Inspected]:
    """Write the picture in `source` anew beside the others; it is gone when the block ends unless it was placed.

    Raises:
        Unprocessable: it is no picture that can be taken; names the field `file`.
    """
    target = root / ".incoming" / str(new_id())
    await run_blocking(target.parent.mkdir, parents=True, exist_ok=True)
    try:
        async with one_at_a_time():
            found = await run_blocking(inspect, source, target)
        yield found
    except UnusablePicture as error:
        raise Unprocessable(f"file: {error}", errors=[FieldError("file", str(error))]) from None
    finally:
        await run_blocking(target.unlink, missing_ok=True)


async def lock_file(session: AsyncSession, file_name: str) -> None:
    """Let nobody else place or remove this file until the transaction ends."""
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"catalog.media:{file_name}", 0)))
    )


async def place(picture: Inspected, root: Path) -> None:
    """Move an inspected picture to its place; one that is there already is the same and stays."""
    await run_blocking(_place, picture.path, root / picture.file_name)


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Nginx may run as another user than the service.
    source.chmod(0o644)
    os.replace(source, target)  # noqa: PTH105 - atomic, and says so


async def remove(root: Path, file_name: str) -> None:
    """Remove a file; one that is gone already is no error."""
    await run_blocking((root / file_name).unlink, missing_ok=True)
