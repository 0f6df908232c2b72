"""Idempotency keys: a write repeated with the same Idempotency-Key is answered from the first one's stored answer.

The answer is stored in the transaction of the write itself (`Database.transaction` joins the guard's), so neither can
be there without the other. A request that is cut off leaves nothing behind: its lock and its transaction end with its
connection, and the key may be used again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Response, current_app, request
from sqlalchemy import TIMESTAMP, Column, Index, LargeBinary, MetaData, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_kit.auth import SERVICE_HEADER, current_principal, require_service
from vitrine_kit.db import Database, around_request
from vitrine_kit.limits import client_address
from vitrine_kit.problems import BadRequest, FieldError, RequestInProgress, Unprocessable

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_KEY_CHARS = 255
KEPT_HOURS = 24
TABLE = "idempotency_key"
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Cache-Control")


def idempotency_table(metadata: MetaData) -> Table:
    """Adds the table of stored answers to a service's tables."""
    return Table(
        TABLE,
        metadata,
        Column("key", LargeBinary, primary_key=True, comment="SHA-256 of subject, route and key"),
        Column("subject", Text, nullable=False, comment="Whose key it is: user:…, service:… or address:…"),
        Column("fingerprint", LargeBinary, nullable=False, comment="HMAC of the request"),
        Column("status", SmallInteger, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", TIMESTAMP(timezone=True), nullable=False),
        Index(None, "subject"),
        Index(None, "created_at"),
        comment="Answers to writes that came with an Idempotency-Key, kept for 24 hours.",
    )


@dataclass(slots=True)
class Guard:
    """What is known of the key of one request: the answer to replay, or the one to store."""

    replay: Response | None = None
    """The stored answer; where there is one the write must not be done."""

    stored: Response | None = None

    def store(self, response: Response) -> None:
        """Has the answer stored, together with the write, when the guard ends; a server error is never stored."""
        self.stored = response if response.status_code < 500 else None


@asynccontextmanager
async def guard(database: Database, *, body: bytes) -> AsyncIterator[Guard]:
    """Lets one request with an Idempotency-Key do its write, and all its repetitions see that answer.

    Without the header it does nothing. With it, everything inside runs in one transaction that is committed at the
    end; `database.transaction()` gives that session. An exception rolls it all back and frees the key.

    Args:
        database: the service's database.
        body: the request's body, or a digest of it where the body was streamed.

    Raises:
        BadRequest: the key is empty, longer than 255 characters or not printable ASCII.
        RequestInProgress: the first request with the key is still running.
        Unprocessable: the key was used with another body, or for another request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        yield Guard()
        return
    if not 0 < len(key) <= MAX_KEY_CHARS or not (key.isascii() and key.isprintable()):
        raise BadRequest(f"{HEADER} is 1 to {MAX_KEY_CHARS} printable ASCII characters.")
    subject = _subject()
    route = f"{request.method} {request.url_rule.rule if request.url_rule else request.path}"
    name = hashlib.sha256("\0".join((subject, route, key)).encode()).digest()
    fingerprint = _fingerprint(body)
    table = f'"{database.schema}".{TABLE}'
    async with database.transaction() as session:
        await _lock(session, name)
        found = (
            await session.execute(
                text(
                    f"SELECT fingerprint, status, headers, body FROM {table} WHERE key = :key"  # noqa: S608 - a constant
                    f" AND created_at > clock_timestamp() - make_interval(hours => {KEPT_HOURS})"
                ),
                {"key": name},
            )
        ).one_or_none()
        if found is not None:
            if not hmac.compare_digest(bytes(found.fingerprint), fingerprint):
                raise Unprocessable(
                    "This idempotency key was used for another request.",
                    errors=[FieldError(HEADER, "was used with another body")],
                )
            yield Guard(replay=_replay(found.status, found.headers, found.body))
            return
        guarded = Guard()
        with around_request(session):
            yield guarded
        if guarded.stored is not None:
            await _store(session, table, name, subject, fingerprint, guarded.stored)


async def forget(session: AsyncSession, subject: str) -> None:
    """Deletes the stored answers of one subject, such as `user:<id>` when the person is erased."""
    schema = session.info["vitrine_database"].schema
    await session.execute(
        text(f'DELETE FROM "{schema}".{TABLE} WHERE subject = :subject'),  # noqa: S608 - a constant
        {"subject": subject},
    )


async def purge_keys(database: Database) -> int:
    """Deletes stored answers older than 24 hours; returns how many."""
    statement = text(
        f'DELETE FROM "{database.schema}".{TABLE}'  # noqa: S608 - a constant
        f" WHERE created_at < now() - make_interval(hours => {KEPT_HOURS})"
    )
    async with database.read_connection() as connection:
        done = await connection.execute(statement)
    assert isinstance(done, CursorResult)
    return done.rowcount


async def _lock(session: AsyncSession, name: bytes) -> None:
    # A transaction's lock, not a row with a lease: it cannot outlive the request, whatever becomes of the process.
    number = int.from_bytes(name[:8], "big", signed=True)
    locked = await session.scalar(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number})
    if not locked:
        raise RequestInProgress(
            "The first request with this idempotency key is still running.", headers={"Retry-After": "1"}
        )


async def _store(
    session: AsyncSession, table: str, name: bytes, subject: str, fingerprint: bytes, response: Response
) -> None:
    headers = {header: response.headers[header] for header in _KEPT_HEADERS if header in response.headers}
    await session.execute(
        text(
            f"INSERT INTO {table} (key, subject, fingerprint, status, headers, body, created_at)"  # noqa: S608 - a constant
            " VALUES (:key, :subject, :fingerprint, :status, CAST(:headers AS jsonb), :body, clock_timestamp())"
            " ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,"
            " headers = excluded.headers, body = excluded.body, created_at = excluded.created_at"
        ),
        {
            "key": name,
            "subject": subject,
            "fingerprint": fingerprint,
            "status": response.status_code,
            "headers": orjson.dumps(headers).decode(),
            "body": response.get_data(),
        },
    )


def _replay(status: int, headers: dict[str, str], body: Any) -> Response:
    response = Response(bytes(body), status=status)
    response.headers.pop("Content-Type", None)
    response.headers.update(headers)
    response.headers[REPLAYED_HEADER] = "true"
    return response


def _subject() -> str:
    """Whose key it is: two people's keys never meet, though they be the same text."""
    principal = current_principal()
    if principal is not None:
        return f"user:{principal.user_id}"
    if SERVICE_HEADER in request.headers:
        return f"service:{require_service().name}"
    return f"address:{client_address()}"


def _fingerprint(body: bytes) -> bytes:
    """A keyed hash: bodies may hold passwords, and a plain one would let them be guessed from a copy of the table."""
    secret = current_app.secret_key
    assert secret, "the app has no secret key"
    mac = hmac.new(secret if isinstance(secret, bytes) else secret.encode(), digestmod="sha256")
    # Not the whole content type: the boundary of a multipart body is another one each time.
    for part in (request.method, request.full_path, request.mimetype):
        mac.update(part.encode() + b"\0")
    mac.update(body)
    return mac.digest()
