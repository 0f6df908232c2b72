"""The catalogue's declarative base and its one MetaData; no table is defined here."""

from datetime import UTC, datetime

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase
from vitrine_kit.db import NAMING_CONVENTION

SCHEMA = "catalog"

metadata = MetaData(schema=SCHEMA, naming_convention=NAMING_CONVENTION)


class Base(DeclarativeBase):
    """Base of every table class of the catalogue; all of them lie in the schema `catalog`."""

    metadata = metadata


def utc_now() -> datetime:
    """Return the present moment as an aware UTC datetime, the only kind the tables hold."""
    return datetime.now(UTC)
