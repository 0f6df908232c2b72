"""A small service of the kit's own, with one table, for the kit's tests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from flask import Flask
from pydantic import Field
from sqlalchemy import MetaData, bindparam, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from vitrine_kit.db import NAMING_CONVENTION, Database, current_database
from vitrine_kit.ids import new_id
from vitrine_kit.openapi import (
    INTERNAL,
    PUBLIC,
    SIGNED_IN,
    ApiBlueprint,
    Query,
    Schema,
    etag_of,
    not_modified,
    require_match,
)
from vitrine_kit.pagination import PageQuery, decode_cursor, encode_cursor, page
from vitrine_kit.problems import NotFound
from vitrine_kit.service import create_service
from vitrine_kit.settings import ServiceSettings

metadata = MetaData(schema="notes", naming_convention=NAMING_CONVENTION)


class Base(DeclarativeBase):
    metadata = metadata


class Note(Base):
    __tablename__ = "note"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)


class Author(Schema):
    name: Annotated[str, Field(max_length=50)]


class NoteIn(Schema):
    title: Annotated[str, Field(min_length=1, max_length=100)]
    stars: int = Field(0, ge=0, le=5)
    authors: list[Author] = []
    due: datetime | None = None


class NoteOut(Schema):
    id: UUID
    title: str
    version: int


class SearchQuery(Query):
    word: str = ""
    tags: list[str] = []
    limit: int = Field(10, ge=1)


_BY_ID = select(Note.id, Note.title, Note.version).where(Note.id == bindparam("note_id"))
_PAGE = (
    select(Note.id, Note.title)
    .where(
        bindparam("after", type_=Note.id.type).is_(None) | (Note.id > bindparam("after", type_=Note.id.type))
    )
    .order_by(Note.id)
    .limit(bindparam("limit"))
)

bp = ApiBlueprint("notes", __name__, url_prefix="/api/notes/v1")
internal = ApiBlueprint("internal", __name__, url_prefix="/internal")


@bp.operation(
    "POST", "/notes", summary="Write a note", permission="notes:write", body=NoteIn, returns={201: NoteOut}
)
async def create_note(body: NoteIn) -> Any:
    """Stores the note."""
    async with current_database().transaction() as session:
        note = Note(id=new_id(), title=body.title, version=1)
        session.add(note)
    return NoteOut(id=note.id, title=note.title, version=note.version), 201


@bp.operation(
    "GET", "/notes/<uuid:note_id>", summary="Read a note", permission=PUBLIC, returns={200: NoteOut}
)
async def get_note(note_id: UUID) -> Any:
    row = await current_database().fetch_one(_BY_ID, {"note_id": note_id})
    if row is None:
        raise NotFound("no such note")
    etag = etag_of(row["id"], row["version"])
    if not_modified(etag):
        return None, 304, {"ETag": etag}
    require_match(etag, current={"version": row["version"]})
    return dict(row), 200, {"ETag": etag}


@bp.operation("GET", "/notes", summary="List notes", permission=PUBLIC, query=PageQuery)
async def list_notes(query: PageQuery) -> Any:
    after = decode_cursor(query.after, [UUID])[0] if query.after else None
    rows = await current_database().fetch_all(_PAGE, {"after": after, "limit": query.limit + 1})
    shown = rows[: query.limit]
    more = encode_cursor([shown[-1]["id"]]) if len(rows) > query.limit else None
    return page([dict(row) for row in shown], more)


@bp.operation("GET", "/search", summary="Search", permission=PUBLIC, query=SearchQuery)
async def search(query: SearchQuery) -> Any:
    return {"word": query.word, "tags": query.tags, "limit": query.limit}


@bp.operation("GET", "/mine", summary="Signed-in only", permission=SIGNED_IN)
async def mine() -> Any:
    return {"ok": True}


@bp.operation("GET", "/broken", summary="Fails", permission=PUBLIC)
async def broken() -> Any:
    raise RuntimeError("secret detail")


@bp.operation("GET", "/slow-sql", summary="A statement that takes too long", permission=PUBLIC)
async def slow_sql() -> Any:
    return await current_database().fetch_value(text("SELECT pg_sleep(10)"))


@internal.operation("GET", "/ping", summary="Neighbours only", permission=INTERNAL)
async def ping() -> Any:
    return {"pong": True}


def create_app(settings: ServiceSettings | None = None, **options: Any) -> Flask:
    """The notes service."""
    settings = settings or ServiceSettings()
    database = Database(settings, metadata)
    return create_service(
        "notes", settings, import_name=__name__, blueprints=[bp, internal], database=database, **options
    )
