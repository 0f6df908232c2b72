"""A job keeps the request id of who asked for it, in its logs and in the jobs it asks for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Blueprint
from vitrine_kit import jobs
from vitrine_kit.db import Database, current_database
from vitrine_kit.logs import current_request_id
from vitrine_kit.testing import serving
from waiting import until
from working_jobs import queued, until_empty, working

pytestmark = pytest.mark.usefixtures("own_tasks")


async def test_a_job_is_logged_under_the_request_that_asked_for_it(
    make_app: Any, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    ids: dict[str, list[str | None]] = {"first": [], "second": [], "gave_up": []}

    async def gave_up(_payload: dict[str, Any], _db: Database, _error: str) -> None:
        ids["gave_up"].append(current_request_id())

    @jobs.task("note.first")
    async def first(_payload: dict[str, Any], db: Database) -> None:
        ids["first"].append(current_request_id())
        async with db.transaction() as session:
            await jobs.enqueue(session, "note.second")

    @jobs.task("note.second", max_attempts=1, gave_up=gave_up)
    async def second(_payload: dict[str, Any], _db: Database) -> None:
        ids["second"].append(current_request_id())
        raise RuntimeError("no")

    bp = Blueprint("notes", __name__)

    @bp.post("/notes")
    async def add() -> str:
        async with current_database().transaction() as session:
            await jobs.enqueue(session, "note.first")
        return "queued"

    app = make_app(bp, log_level="INFO")
    async with serving(app) as client:
        await client.post("/notes", headers={"X-Request-Id": "asked-for-by-this"})
    async with working(app):
        await until(lambda: bool(ids["gave_up"]))

    assert ids == {name: ["asked-for-by-this"] for name in ids}
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {(line["event"], line["request_id"]) for line in lines if "job" in line}
    events = {"job_started", "job_done", "job_failed", "job_given_up"}
    assert told == {(event, "asked-for-by-this") for event in events}


async def test_a_job_that_no_request_asked_for_has_no_request(make_app: Any, database: Database) -> None:
    ids: list[str | None] = []

    @jobs.task("note.add")
    async def run(_payload: dict[str, Any], _db: Database) -> None:
        ids.append(current_request_id())

    await queued(database, "note.add")
    async with working(make_app()):
        await until_empty(database)
    assert ids == [None]
