"""Keyset pagination: opaque cursors that hold the sort values of the last row, and the page that carries them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from flask import request
from pydantic import Field

from vitrine_kit.openapi import Query
from vitrine_kit.problems import FieldError, Unprocessable

MAX_CURSOR_CHARS = 1024


class PageQuery(Query):
    """The two parameters every list takes."""

    limit: int = Field(50, ge=1, le=100, description="How many items at the most.")
    after: str | None = Field(
        None, max_length=MAX_CURSOR_CHARS, description="The cursor of a former page's `next`."
    )


def encode_cursor(values: Sequence[Any]) -> str:
    """The cursor for a row with these sort values (text, numbers, booleans, None, UUIDs, aware datetimes)."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values), default=str)).rstrip(b"=").decode()


def decode_cursor(after: str, kinds: Sequence[type]) -> list[Any]:
    """The sort values of a cursor, checked to be of these kinds, in this order; None is let through.

    Raises:
        Unprocessable: the cursor is not one of ours, or belongs to another sort order; names field `after`.
    """
    try:
        if len(after) > MAX_CURSOR_CHARS:
            raise ValueError("too long")
        raw = base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(kinds):
            raise ValueError("other shape")
        return [
            None if value is None else _of_kind(value, kind)
            for value, kind in zip(values, kinds, strict=True)
        ]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        message = "This is not a cursor of this list in this order. Start again without it."
        raise Unprocessable(message, errors=[FieldError("after", message)]) from error


def _of_kind(value: Any, kind: type) -> Any:
    if kind in {UUID, datetime} and not isinstance(value, str):
        raise TypeError("other kind")
    if kind is UUID:
        return UUID(value)
    if kind is datetime:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError("naive datetime")
        return found
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError("other kind")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("out of range")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("NUL")
    return value


def page(items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    """One page as it crosses the wire; `next` is this request's own address with the next cursor, or None."""
    if next_cursor is None:
        return {"items": items, "next": None}
    query = [(key, value) for key, value in request.args.items(multi=True) if key != "after"]
    return {"items": items, "next": f"{request.path}?{urlencode([*query, ('after', next_cursor)])}"}
