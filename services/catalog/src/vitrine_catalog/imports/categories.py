"""Finds the categories that paths of names stand for, and makes those that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.ids import new_id

from vitrine_catalog.imports import merge_queries
from vitrine_catalog.imports.reading.records import CategoryPath
from vitrine_catalog.texts import slug_of

_SLUG_TRIES = 20


class Categories:
    """The categories one import has met so far.

    What is remembered may be undone by a rollback or by a person who deletes a category meanwhile: call
    `forget` after a failed transaction.
    """

    def __init__(self) -> None:
        self._known: dict[CategoryPath, UUID] = {}

    def forget(self) -> None:
        """Ask the database anew from now on."""
        self._known.clear()

    async def resolve(self, session: AsyncSession, paths: Iterable[CategoryPath]) -> dict[CategoryPath, UUID]:
        """The id of each path's category; the ones that are missing are made, parents first."""
        wanted = list(dict.fromkeys(paths))
        locked = False
        for depth in range(1, max(map(len, wanted), default=0) + 1):
            level = list(dict.fromkeys(path[:depth] for path in wanted if len(path) >= depth))
            missing = [path for path in level if path not in self._known]
            if not missing:
                continue
            missing = await self._find(session, missing)
            if missing and not locked:
                # Another transaction may have added them while this one waited.
                await merge_queries.lock_tree(session)
                locked = True
                missing = await self._find(session, missing)
            if missing:
                await self._make(session, missing)
        return {path: self._known[path] for path in wanted}

    async def _find(self, session: AsyncSession, paths: list[CategoryPath]) -> list[CategoryPath]:
        """Look the paths up below their known parents; return those that do not exist."""
        keys = {path: (self._parent(path), path[-1]) for path in paths}
        found = await merge_queries.find_categories(session, list(keys.values()))
        self._known.update({path: found[key] for path, key in keys.items() if key in found})
        return [path for path, key in keys.items() if key not in found]

    def _parent(self, path: CategoryPath) -> UUID | None:
        return self._known[path[:-1]] if len(path) > 1 else None

    async def _make(self, session: AsyncSession, paths: list[CategoryPath]) -> None:
        """Add categories; one whose slug is taken is told apart by its parent's name, then by a number."""
        slugs = await free_slugs(
            session,
            "category",
            [[slug_of(path[-1], "category"), slug_of(" ".join(path[-2:]), "category")] for path in paths],
        )
        rows = []
        for place, (path, slug) in enumerate(zip(paths, slugs, strict=True)):
            self._known[path] = new_id()
            rows.append(
                {
                    "id": self._known[path],
                    "parent_id": self._parent(path),
                    "slug": slug,
                    "name": path[-1],
                    "place": place,
                }
            )
        await merge_queries.insert_categories(session, rows)


async def free_slugs(
    session: AsyncSession, table: Literal["product", "category"], bases: list[list[str]]
) -> list[str]:
    """A slug for each list of wishes, best first, that neither the table nor another of them has.

    Where all wishes are taken, the last gets a number, and after many tries a random end.
    """
    chosen: list[str] = [""] * len(bases)
    used: set[str] = set()
    open_ = list(range(len(bases)))
    for attempt in range(_SLUG_TRIES):
        candidates = {n: _candidate(bases[n], attempt) for n in open_}
        taken = await merge_queries.taken_slugs(session, table, sorted(set(candidates.values())))
        still = []
        for n, slug in candidates.items():
            if slug in taken or slug in used:
                still.append(n)
            else:
                chosen[n] = slug
                used.add(slug)
        open_ = still
        if not open_:
            return chosen
    for n in open_:
        chosen[n] = f"{bases[n][-1]}-{new_id().hex[-10:]}"
    return chosen


def _candidate(wishes: list[str], attempt: int) -> str:
    if attempt < len(wishes):
        return wishes[attempt]
    return f"{wishes[-1]}-{attempt - len(wishes) + 2}"
