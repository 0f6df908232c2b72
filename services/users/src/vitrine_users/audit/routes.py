"""The audit log over HTTP: searched, exported, checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response
from sqlalchemy import RowMapping
from vitrine_kit.asgi import await_
from vitrine_kit.db import current_database
from vitrine_kit.openapi import ApiBlueprint
from vitrine_kit.pagination import decode_cursor, encode_cursor, page

from vitrine_users.audit import queries, service
from vitrine_users.audit.queries import Wanted
from vitrine_users.audit.schemas import (
    AuditEntryOut,
    AuditFilter,
    AuditPage,
    AuditPageQuery,
    VerificationOut,
    VerificationQuery,
)

bp = ApiBlueprint("audit", __name__, url_prefix="/api/users/v1/audit")

PERMISSION = "users:audit"
NDJSON = "application/x-ndjson"


@bp.operation(
    "GET",
    "",
    summary="Search the audit log",
    permission=PERMISSION,
    query=AuditPageQuery,
    returns={200: AuditPage},
)
async def list_entries(query: AuditPageQuery) -> Any:
    """Security events, newest first."""
    before = decode_cursor(query.after, [int])[0] if query.after is not None else None
    rows = await queries.list_entries(
        current_database(), _wanted(query), limit=query.limit + 1, before=before
    )
    shown = rows[: query.limit]
    following = encode_cursor([shown[-1]["position"]]) if len(rows) > query.limit else None
    return page([_entry(row) for row in shown], following), 200, {"Cache-Control": "no-store"}


@bp.operation(
    "GET",
    "/export",
    summary="Export the audit log",
    permission=PERMISSION,
    query=AuditFilter,
    returns={200: AuditEntryOut},
    returns_media=NDJSON,
)
async def export(query: AuditFilter) -> Response:
    """All entries that fit as JSON lines, newest first, streamed."""
    lines = service.export_lines(current_database(), _wanted(query))

    def stream() -> Iterator[bytes]:
        while (chunk := await_(anext(lines, None))) is not None:
            yield chunk

    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return Response(stream(), content_type=NDJSON, headers=headers)


@bp.operation(
    "GET",
    "/verification",
    summary="Check the audit log",
    permission=PERMISSION,
    query=VerificationQuery,
    returns={200: VerificationOut},
)
async def verification(query: VerificationQuery) -> Any:
    """Whether the newest entries are as they were written; names the first that is not."""
    found = await service.verify(current_database(), newest=query.newest)
    answer = VerificationOut(
        intact=found.intact,
        checked=found.checked,
        position=found.position,
        digest=found.digest,
        broken_at=found.broken_at,
        reason=found.reason,
    )
    return answer, 200, {"Cache-Control": "no-store"}


def _wanted(query: AuditFilter) -> Wanted:
    return Wanted(
        action=query.action,
        actor_id=query.actor_id,
        subject_id=query.subject_id,
        outcome=query.outcome,
        since=query.since,
        until=query.until,
        q=query.q,
    )


def _entry(row: RowMapping) -> AuditEntryOut:
    return AuditEntryOut(**{**row, "digest": bytes(row["digest"]).hex()})
