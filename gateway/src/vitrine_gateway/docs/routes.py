"""`/api`: every service's own OpenAPI document on one page; a service that is away is missed by name."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import orjson
from flask import current_app, render_template
from flask.typing import ResponseReturnValue
from vitrine_kit.logs import get_logger
from vitrine_kit.outbound import Neighbour
from vitrine_kit.problems import Problem

from vitrine_gateway.docs.reading import Document, read_document
from vitrine_gateway.pages import PUBLIC, PageBlueprint

log = get_logger(__name__)
bp = PageBlueprint("docs", __name__)

DOCUMENT_FRESH_S: Final = 60.0


class DocumentShelf:
    """The documents as last read; the last one is kept while its service is away."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, Document]] = {}

    async def document(self, neighbour: Neighbour) -> Document | None:
        """The service's document, None when it could never be read."""
        read_s, document = self._read.get(neighbour.name, (0.0, None))
        if document is not None and time.monotonic() - read_s < DOCUMENT_FRESH_S:
            return document
        try:
            response = await neighbour.request("GET", f"/api/{neighbour.name}/openapi.json")
            source = orjson.loads(response.content) if response.is_success else None
        except (Problem, orjson.JSONDecodeError) as error:
            log.warning("api_document_not_read", neighbour=neighbour.name, reason=str(error))
            return document
        if not isinstance(source, dict):
            return document
        document = read_document(neighbour.name, source)
        self._read[neighbour.name] = (time.monotonic(), document)
        return document


@bp.page("/api", access=PUBLIC)
async def api() -> ResponseReturnValue:
    """The API reference."""
    state = current_app.extensions["vitrine"]
    shelf = current_app.extensions.setdefault("vitrine_api_documents", DocumentShelf())
    neighbours = sorted(state.neighbours.values(), key=lambda neighbour: neighbour.name)
    found = await asyncio.gather(*(shelf.document(neighbour) for neighbour in neighbours))
    documents = [document for document in found if document is not None]
    away = [n.name for n, document in zip(neighbours, found, strict=True) if document is None]
    return render_template("docs/page.html", documents=documents, away=away)
