"""The audit log, searched, taken along and checked by owners and admins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from flask import Response, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from vitrine_kit.moments import EARLIEST, LATEST
from vitrine_kit.problems import BadRequest

from vitrine_gateway.state import current_gateway
from vitrine_gateway.studio.audit_export import FORMATS, export_of
from vitrine_gateway.studio.routes import bp

AUDIT = "users:audit"
PAGE_SIZE = 50
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FIELDS = {
    "q": re.compile(r"[^\0]{2,120}"),
    "action": re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)?"),
    "actor_id": _UUID,
    "subject_id": _UUID,
    "outcome": re.compile("success|refused"),
}
_PERSONS = ("actor_id", "subject_id")
_TIMES = ("since", "until")


@dataclass(frozen=True, slots=True)
class Search:
    """What the address of the page asks for."""

    given: dict[str, str]
    """Every field as it was typed."""
    wrong: tuple[str, ...]
    """The fields that cannot be looked for."""
    query: dict[str, str]
    """What is asked of users."""

    @property
    def kept(self) -> dict[str, Any]:
        """What the addresses of other pages of this search carry on."""
        return {name: self.given[name] for name in self.query}


@bp.page("/audit", access=AUDIT)
async def audit() -> ResponseReturnValue:
    """Security events, newest first, and whether the log is as it was written."""
    rights, token = current_gateway().rights, current_user.access_token
    search = _search()
    query = search.query | {"limit": str(PAGE_SIZE)}
    after = request.args.get("after", "")[:1024]
    if after:
        query["after"] = after
    page = await rights.audit_entries(token, query)
    # Entries hold ids alone, for they are for ever: what people are called now is asked for the whole page.
    shown = {some for entry in page.items for some in (entry.actor_id, entry.subject_id) if some}
    sought = {search.query[name].lower() for name in _PERSONS if name in search.query}
    return render_template(
        "studio/audit.html",
        page=page,
        search=search,
        names=await current_gateway().people.names(shown | sought),
        formats=FORMATS,
        following=url_for("studio.audit", **search.kept, after=page.after) if page.after else None,
        verdict=None if after else await rights.verify_audit(token),
    )


@bp.page("/audit/export", access=AUDIT)
async def export_audit() -> ResponseReturnValue:
    """All events that fit as a file, newest first: JSON lines, or a table for a spreadsheet."""
    search, kind = _search(), request.args.get("format", "ndjson")
    if kind not in FORMATS:
        raise BadRequest("The audit log is exported as ndjson or csv.")
    if search.wrong:
        raise BadRequest(f"This cannot be looked for: {', '.join(search.wrong)}.")
    rights, token = current_gateway().rights, current_user.access_token
    pieces = export_of(kind, lambda page: rights.audit_entries(token, search.query | page))
    # The first page is asked for before the answer begins, so that a refusal is still told as one.
    first = next(pieces)

    response = Response(stream_with_context(chain([first], pieces)), content_type=FORMATS[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{kind}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _search() -> Search:
    """What is looked for; what cannot be is shown as not understood, rather than sent on to be refused."""
    given = {name: request.args.get(name, "").strip()[:120] for name in (*_FIELDS, *_TIMES)}
    query = {name: given[name] for name, shape in _FIELDS.items() if shape.fullmatch(given[name])}
    for name in _TIMES:
        if (moment := _moment(given[name])) is not None:
            query[name] = moment.isoformat()
    wrong = tuple(name for name, text in given.items() if text and name not in query)
    return Search(given, wrong, query)


def _moment(text: str) -> datetime | None:
    """A time as a browser's field gives it, which knows no zone: it is read as UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return aware.astimezone(UTC) if EARLIEST <= aware <= LATEST else None
