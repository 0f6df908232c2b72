"""Tables of the category tree and of which product is in which categories."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
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

MAX_DEPTH = 20
"""Levels the tree may have; the top level is 1."""


class Category(Base):
    """A node of the one tree that visitors browse by."""

    __tablename__ = "category"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("category.id", ondelete="RESTRICT"))
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    description_html: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))

    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("parent_id", "name", postgresql_nulls_not_distinct=True),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
        CheckConstraint("length(slug) BETWEEN 1 AND 200", name="slug_length"),
        Index("ix_category_parent_id_position", "parent_id", "position", "id"),
    )


class ProductCategory(Base):
    """One product in one category, at a place of its own there."""

    __tablename__ = "product_category"

    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"), primary_key=True)
    category_id: Mapped[UUID] = mapped_column(ForeignKey("category.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(
        Integer, default=0, server_default=text("0"), comment="order of the product's categories"
    )

    __table_args__ = (Index("ix_product_category_category_id", "category_id", "product_id"),)
