"""The names of the people who made things, asked of users in one request for a whole page; nothing is stored."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import Flask, current_app
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound import BatchLoader, Neighbour
from vitrine_kit.problems import GatewayTimeout, Unavailable

log = get_logger(__name__)

EXTENSION = "vitrine_catalog_people"
MAX_BATCH = 500
TIMEOUT_S = 0.8
"""A name is decoration: the page does not wait longer for it."""


class People:
    """Asks users for names; requests of one turn of the event loop go out together, and those in flight are shared."""

    def __init__(self, users: Neighbour) -> None:
        self._users = users
        self._loader: BatchLoader[UUID, str] = BatchLoader(self._fetch, max_batch=MAX_BATCH)

    async def _fetch(self, ids: list[UUID]) -> Mapping[UUID, str]:
        body = {"ids": [str(each) for each in ids]}
        response = await self._users.post("/internal/people", json=body, idempotent=True, timeout_s=TIMEOUT_S)
        if response.status_code != 200:
            log.warning("names_refused", status=response.status_code)
            return {}
        return {UUID(person["id"]): person["name"] for person in response.json()["people"]}

    async def names(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        """Return the names of those people that users knows; of nobody while users is away."""
        try:
            return await self._loader.load_many(ids)
        except (Unavailable, GatewayTimeout) as error:
            log.warning("names_unavailable", reason=str(error))
            return {}


def register(app: Flask, users: Neighbour) -> None:
    """Let the app's routes ask for names."""
    app.extensions[EXTENSION] = People(users)


async def name_makers(documents: list[dict[str, Any]]) -> None:
    """Put `{id, name}` in place of each document's `created_by`; it stays the bare id where no name is known."""
    people: People = current_app.extensions[EXTENSION]
    made = [
        (document, UUID(str(document["created_by"]))) for document in documents if document.get("created_by")
    ]
    names = await people.names({maker for _, maker in made})
    for document, maker in made:
        if maker in names:
            document["created_by"] = {"id": maker, "name": names[maker]}
