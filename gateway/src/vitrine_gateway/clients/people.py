"""The gateway's client of users for what people are called: asked for a whole page at once, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound import BatchLoader
from vitrine_kit.problems import Problem

from vitrine_gateway.clients.users import NAME, Caller
from vitrine_gateway.clients.wire import read

log = get_logger(__name__)

TIMEOUT_S = 0.8
"""A name is decoration: the page does not wait longer for it."""


@dataclass(frozen=True, slots=True)
class Named:
    """What somebody is called."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Those of the people asked for that have an account."""

    people: tuple[Named, ...]


_BATCH: TypeAdapter[Batch] = TypeAdapter(Batch)


class PeopleClient:
    """Users, over HTTP. Requests of one turn of the event loop go out together, and those in flight are shared."""

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour
        self._loader: BatchLoader[str, str] = BatchLoader(self._fetch)

    async def _fetch(self, ids: list[str]) -> Mapping[str, str]:
        response = await self._neighbour.request(
            "POST", "/internal/people", json={"ids": ids}, idempotent=True, timeout_s=TIMEOUT_S
        )
        return {one.id: one.name for one in read(_BATCH, response, NAME).people}

    async def names(self, ids: Iterable[str]) -> dict[str, str] | None:
        """The names of those who have an account, by their ids; None where users does not say."""
        try:
            return await self._loader.load_many(ids)
        except Problem as problem:
            log.warning("names_not_read", status=problem.status)
            return None
