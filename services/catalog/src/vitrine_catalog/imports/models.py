"""Tables of imports: the job, what is wrong with the file's rows, and the rows on their way in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from vitrine_kit.ids import new_id

from vitrine_catalog.base import Base, utc_now

IMPORT_STATUSES = ("queued", "reading", "merging", "done", "failed", "cancelled")
"""In the order an import goes through them; the last three are final."""

FINAL_STATUSES = ("done", "failed", "cancelled")


def _count() -> Mapped[int]:
    return mapped_column(Integer, default=0, server_default=text("0"))


class ImportJob(Base):
    """One import of one file: how it is to be read, how far it has come, what it has done."""

    __tablename__ = "import_job"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Text, comment="the file's name as it was sent")
    status: Mapped[str] = mapped_column(Text, default="queued", server_default="queued")
    format: Mapped[str] = mapped_column(Text, comment="shopify, shopify-template or woocommerce")
    encoding: Mapped[str] = mapped_column(Text)
    delimiter: Mapped[str] = mapped_column(CHAR(1))
    currency: Mapped[str] = mapped_column(CHAR(3))
    keep_good_rows: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=text("false"), comment="import what stands before a fault"
    )
    file_name: Mapped[str] = mapped_column(Text, comment="name below the spool directory")
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(CHAR(64))

    bytes_read: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    rows_read: Mapped[int] = _count()
    rows_total: Mapped[int | None] = mapped_column(Integer, comment="known once the file has been read")
    products_total: Mapped[int | None] = mapped_column(Integer, comment="known once the file has been read")
    merged_through: Mapped[int] = mapped_column(
        BigInteger, default=-1, server_default=text("-1"), comment="last import_row.group_seq that is merged"
    )
    products_created: Mapped[int] = _count()
    products_updated: Mapped[int] = _count()
    products_unchanged: Mapped[int] = _count()
    products_failed: Mapped[int] = _count()
    variants_created: Mapped[int] = _count()
    variants_updated: Mapped[int] = _count()
    variants_unchanged: Mapped[int] = _count()
    variants_failed: Mapped[int] = _count()
    images_created: Mapped[int] = _count()
    images_updated: Mapped[int] = _count()
    images_unchanged: Mapped[int] = _count()
    images_failed: Mapped[int] = _count()
    problems_total: Mapped[int] = _count()
    error: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="why it failed: title, detail, line, column"
    )
    attempt: Mapped[int] = mapped_column(
        Integer, default=0, server_default=text("0"), comment="raised by each worker that takes the job up"
    )
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))

    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )
    created_by: Mapped[UUID | None] = mapped_column(Uuid, comment="a person of users; NULL once erased")

    __table_args__ = (
        CheckConstraint(
            "status IN ('queued', 'reading', 'merging', 'done', 'failed', 'cancelled')", name="status_known"
        ),
        Index("ix_import_job_created_at", "created_at", "id"),
        Index("ix_import_job_created_by", "created_by", postgresql_where=text("created_by IS NOT NULL")),
    )


class ImportProblem(Base):
    """What is wrong with one row of the file. Its key is its place in the list: by line."""

    __tablename__ = "import_problem"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True, comment="physical line the row starts on")
    stage: Mapped[int] = mapped_column(SmallInteger, primary_key=True, comment="0 reading, 1 merging")
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, comment="order of finding within the stage")
    field: Mapped[str] = mapped_column(Text, comment="the column's header, or empty for the whole row")
    message: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)

    __table_args__ = (CheckConstraint("severity IN ('error', 'warning')", name="severity_known"),)


class ImportRow(Base):
    """A record read from the file, waiting to be merged; removed once the import is over.

    Unlogged: after a crash of the database it is empty, and the file is read again.
    """

    __tablename__ = "import_row"

    job_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="order in the file")
    group_seq: Mapped[int | None] = mapped_column(
        BigInteger, comment="seq of the first record of the same product; NULL while its parent is not found"
    )
    refs: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="what later or earlier rows may call it by")
    parent_ref: Mapped[str | None] = mapped_column(Text, comment="what it calls the product it belongs to")
    record: Mapped[bytes] = mapped_column(LargeBinary, comment="reading.records.ProductRecord as JSON")

    __table_args__ = (
        Index("ix_import_row_job_id_group_seq", "job_id", "group_seq", "seq"),
        {"prefixes": ["UNLOGGED"]},
    )
