"""The table of pictures; the files themselves lie under the media root, named by their content."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column
from vitrine_kit.ids import new_id

from vitrine_catalog.base import Base, utc_now


class Picture(Base):
    """One picture of one product: a file of ours (`file_name`) or a reference to a remote one (`source_url`)."""

    __tablename__ = "picture"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    alt: Mapped[str] = mapped_column(Text, default="", server_default="")
    source_url: Mapped[str | None] = mapped_column(Text, comment="where it was referenced from")
    file_name: Mapped[str | None] = mapped_column(
        Text,
        comment="path below the media root, derived from the content's SHA-256; shared by equal pictures",
    )
    media_type: Mapped[str | None] = mapped_column(Text)
    width: Mapped[int | None] = mapped_column(Integer, comment="pixels")
    height: Mapped[int | None] = mapped_column(Integer, comment="pixels")
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )

    __table_args__ = (
        UniqueConstraint("product_id", "source_url"),
        CheckConstraint("file_name IS NOT NULL OR source_url IS NOT NULL", name="has_a_place"),
        CheckConstraint("octet_length(source_url) <= 2000", name="source_url_length"),
        CheckConstraint("length(alt) <= 1000", name="alt_length"),
        CheckConstraint("width > 0 AND height > 0", name="measures_positive"),
        Index("ix_picture_product_id_position", "product_id", "position", "id"),
        Index("ix_picture_file_name", "file_name", postgresql_where=text("file_name IS NOT NULL")),
    )
