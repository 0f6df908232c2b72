"""The one table all compared servers read, mapped once, and the JSON form all of them answer with."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import BigInteger, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

POOL_SIZE = 16
"""Connections of each server; no server may open more."""


class Base(DeclarativeBase):
    metadata = MetaData(schema="bench")


class Item(Base):
    """A product of the bench's shop."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    slug: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    vendor: Mapped[str] = mapped_column(Text)
    price_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    on_hand: Mapped[int]
    tags: Mapped[list[str]] = mapped_column(JSONB)


def as_json(item: Item) -> dict[str, Any]:
    """What every server answers for one row."""
    return {
        "id": item.id,
        "slug": item.slug,
        "title": item.title,
        "description": item.description,
        "vendor": item.vendor,
        "price_minor": item.price_minor,
        "currency": item.currency,
        "on_hand": item.on_hand,
        "tags": item.tags,
    }


def database_url() -> str:
    """The address of the bench's database, as asyncpg takes it."""
    return os.environ["BENCH_DATABASE_URL"]


def make_engine(**options: Any) -> AsyncEngine:
    """An engine as SQLAlchemy's documentation makes one, with the pool every server gets."""
    url = database_url().replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(url, **{"pool_size": POOL_SIZE, "max_overflow": 0, **options})
