"""HTTP of imports: sending a file, watching it come in, reading what was wrong with it, stopping it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Response, url_for
from sqlalchemy import RowMapping
from vitrine_kit import idempotency, jobs
from vitrine_kit.asgi import run_blocking
from vitrine_kit.auth import current_principal
from vitrine_kit.db import Database, current_database
from vitrine_kit.openapi import ApiBlueprint, make_response
from vitrine_kit.pagination import PageQuery, decode_cursor, encode_cursor, page

from vitrine_catalog.imports import queries
from vitrine_catalog.imports.errors import finished, no_such_import, unreadable, wrong_text
from vitrine_catalog.imports.models import FINAL_STATUSES
from vitrine_catalog.imports.reading.errors import UnreadableFile
from vitrine_catalog.imports.reading.recognise import Recognised, recognise
from vitrine_catalog.imports.schemas import (
    ImportOut,
    ImportPage,
    ImportProblemOut,
    ImportProblemPage,
    import_out,
)
from vitrine_catalog.imports.spool import MAX_FILE_BYTES
from vitrine_catalog.imports.tasks import RUN
from vitrine_catalog.money import DEFAULT_CURRENCY, is_currency
from vitrine_catalog.uploads import Upload, receive, spool_directory

PERMISSION = "catalog:import"
MAX_NAME_CHARS = 255

blueprint = ApiBlueprint("imports", __name__, url_prefix="/api/catalog/v1")

_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "The CSV file, at most 64 MiB."},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "default": DEFAULT_CURRENCY},
        "name": {"type": "string", "maxLength": MAX_NAME_CHARS, "description": "What to call the import."},
        "keep_good_rows": {
            "type": "string",
            "enum": ["true", "false"],
            "default": "false",
            "description": "Import what stands before the place where a file is not well-formed.",
        },
    },
    "additionalProperties": False,
}


@blueprint.operation(
    "POST",
    "/imports",
    summary="Import a Shopify or WooCommerce product file",
    permission=PERMISSION,
    body_media="multipart/form-data",
    body_schema=_FORM,
    returns={202: ImportOut},
    problems=(400, 413, 415, 422, 503),
    idempotent=True,
)
async def create_import() -> Response:
    """Take a file in and queue its import.

    The file is recognised before the answer is given: one that is no catalogue is refused with status 422,
    the reason and the line. Running the same file again changes nothing.
    """
    database = current_database()
    upload = await receive(into=spool_directory(database.settings), max_bytes=MAX_FILE_BYTES)
    try:
        name, currency, keep_good_rows = _texts_of(upload)
        found = await run_blocking(recognise, upload.path)
        request_digest = "\0".join((upload.sha256, name, currency, str(keep_good_rows))).encode()
        async with idempotency.guard(database, body=request_digest) as guard:
            if guard.replay is not None:
                await run_blocking(upload.path.unlink, missing_ok=True)
                return guard.replay
            row = await _queue(database, upload, found, name, currency, keep_good_rows)
            location = url_for("imports.get_import", import_id=row["id"])
            response = make_response((import_out(row), 202, {"Location": location}))
            guard.store(response)
            return response
    except BaseException as error:
        await run_blocking(upload.path.unlink, missing_ok=True)
        if isinstance(error, UnreadableFile):
            raise unreadable(error) from None
        raise


async def _queue(
    database: Database, upload: Upload, found: Recognised, name: str, currency: str, keep_good_rows: bool
) -> RowMapping:
    """Write the import down and queue it, in one transaction."""
    principal = current_principal()
    async with database.transaction() as session:
        row = await queries.insert_job(
            session,
            {
                "name": name,
                "format": found.format,
                "encoding": found.encoding,
                "delimiter": found.delimiter,
                "currency": currency,
                "keep_good_rows": keep_good_rows,
                "file_name": upload.path.name,
                "size_bytes": upload.size_bytes,
                "sha256": upload.sha256,
                "created_by": principal.user_id if principal is not None else None,
            },
        )
        await jobs.enqueue(session, RUN, {"import_id": row["id"]}, dedupe_key=f"import:{row['id']}")
    return row


def _texts_of(upload: Upload) -> tuple[str, str, bool]:
    """The name, the currency and the wish to keep good rows that came with the file."""
    texts = dict(upload.texts)
    currency = texts.pop("currency", "").strip() or DEFAULT_CURRENCY
    name = texts.pop("name", "").strip() or upload.file_name or "import.csv"
    keep = texts.pop("keep_good_rows", "false")
    for field in texts:
        raise wrong_text(field, "There is no such field.")
    if not is_currency(currency):
        raise wrong_text("currency", "Give a currency by its code of ISO 4217, as EUR.")
    if len(name) > MAX_NAME_CHARS:
        raise wrong_text("name", f"Give a name of at most {MAX_NAME_CHARS} characters.")
    if keep not in ("true", "false"):
        raise wrong_text("keep_good_rows", "Give true or false.")
    return name, currency, keep == "true"


@blueprint.operation(
    "GET",
    "/imports",
    summary="List imports",
    permission=PERMISSION,
    query=PageQuery,
    returns={200: ImportPage},
)
async def list_imports(query: PageQuery) -> dict[str, object]:
    """A page of imports, newest first."""
    after: tuple[datetime, UUID] | None = None
    if query.after is not None:
        created_at, import_id = decode_cursor(query.after, (datetime, UUID))
        after = (created_at, import_id)
    rows = await queries.list_jobs(current_database(), query.limit + 1, after)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    cursor = encode_cursor([shown[-1]["created_at"], shown[-1]["id"]]) if more else None
    return page([import_out(row) for row in shown], cursor)


@blueprint.operation(
    "GET",
    "/imports/<uuid:import_id>",
    summary="Get an import",
    permission=PERMISSION,
    returns={200: ImportOut},
    problems=(404,),
)
async def get_import(import_id: UUID) -> ImportOut:
    """One import as it stands: ask again while it is queued, reading or merging."""
    row = await queries.find_job(current_database(), import_id)
    if row is None:
        raise no_such_import(import_id)
    return import_out(row)


@blueprint.operation(
    "GET",
    "/imports/<uuid:import_id>/problems",
    summary="List what was wrong with a file's rows",
    permission=PERMISSION,
    query=PageQuery,
    returns={200: ImportProblemPage},
    problems=(404,),
)
async def list_import_problems(import_id: UUID, query: PageQuery) -> dict[str, object]:
    """A page of the problems of an import, by line."""
    database = current_database()
    if await queries.find_job(database, import_id) is None:
        raise no_such_import(import_id)
    after: tuple[int, int, int] | None = None
    if query.after is not None:
        line, stage, seq = decode_cursor(query.after, (int, int, int))
        after = (line, stage, seq)
    rows = await queries.list_problems(database, import_id, query.limit + 1, after)
    shown = rows[: query.limit]
    last = shown[-1] if len(rows) > query.limit else None
    items = [ImportProblemOut(**{name: row[name] for name in ImportProblemOut.model_fields}) for row in shown]
    cursor = None if last is None else encode_cursor([last["line"], last["stage"], last["seq"]])
    return page(items, cursor)


@blueprint.operation(
    "POST",
    "/imports/<uuid:import_id>/cancel",
    summary="Stop an import",
    permission=PERMISSION,
    returns={200: ImportOut},
    problems=(404, 409),
)
async def cancel_import(import_id: UUID) -> ImportOut:
    """Stop an import at the next batch; what was merged before stays. Cancelling twice is no error."""
    async with current_database().transaction() as session:
        row = await queries.request_cancel(session, import_id)
    if row is None:
        raise no_such_import(import_id)
    if row["status"] in FINAL_STATUSES and row["status"] != "cancelled":
        raise finished(row["status"])
    return import_out(row)
