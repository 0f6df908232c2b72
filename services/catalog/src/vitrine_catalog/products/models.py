"""Tables of products and their variants; pictures and categories have their own features.

Derived columns (the price range, stock, search document) are kept by triggers that the first
migration installs, so that every writer leaves them right: a single edit as well as a bulk merge.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from vitrine_kit.ids import new_id

from vitrine_catalog.base import Base, utc_now

MAX_OPTIONS = 10
"""Options a product may have (size, colour …)."""

MAX_VARIANTS = 2000
"""Variants a product may have."""

MAX_PRICE_MINOR = 99_999_999_999_999
"""Largest amount of money, in minor units: exact in every JSON reader (below 2 ** 53)."""

# Where lists sort a product without a price: last, whichever way prices run.
PRICE_LAST_ASCENDING = "'4611686018427387904'::bigint"
PRICE_LAST_DESCENDING = "'-1'::bigint"

STATUSES = ("draft", "active", "archived")
STOCK_POLICIES = ("deny", "continue")

# One comparable key per combination of option values. The separator is a control character, which
# option values cannot hold, so that ("a", "b c") and ("a b", "c") stay apart. It is written out because
# a generated column takes immutable expressions only, and array_to_string is merely stable.
OPTIONS_KEY_SQL = (
    "(md5("
    + " || chr(31) || ".join(f"coalesce(option_values[{n}], '')" for n in range(1, MAX_OPTIONS + 1))
    + "))::uuid"
)


class Product(Base):
    """One thing a shop shows: texts and options. What can be bought of it are its variants."""

    __tablename__ = "product"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    title_key: Mapped[str] = mapped_column(
        Text,
        Computed("left(lower(title), 100)", persisted=True),
        comment="what lists sort titles by; cut so that a cursor can hold it",
    )
    description_html: Mapped[str] = mapped_column(Text, default="", server_default="")
    status: Mapped[str] = mapped_column(Text, default="draft", server_default="draft")
    vendor: Mapped[str] = mapped_column(Text, default="", server_default="")
    product_type: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default=text("'{}'"))
    seo_title: Mapped[str | None] = mapped_column(Text)
    seo_description: Mapped[str | None] = mapped_column(Text)
    options: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'"), comment="[{name, values: […]}] in display order"
    )
    extra: Mapped[dict[str, Any]] = mapped_column(
        JSONB,
        default=dict,
        server_default=text("'{}'"),
        comment="fields an import brought that have no column",
    )

    source_system: Mapped[str | None] = mapped_column(
        Text, comment="where an import found it: shopify, woo …"
    )
    source_key: Mapped[str | None] = mapped_column(Text, comment="its key there: handle, id …")
    source_hash: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="digest of what was imported last; NULL for hand-made products"
    )

    # Derived from the variants by trigger; NULL where no variant has a price.
    price_min_minor: Mapped[int | None] = mapped_column(BigInteger)
    price_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    in_stock: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))

    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, server_default=func.now()
    )
    created_by: Mapped[UUID | None] = mapped_column(Uuid, comment="a person of users; NULL once erased")
    updated_by: Mapped[UUID | None] = mapped_column(Uuid, comment="a person of users; NULL once erased")
    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))

    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("source_system", "source_key"),
        CheckConstraint("status IN ('draft', 'active', 'archived')", name="status_known"),
        CheckConstraint("length(title) BETWEEN 1 AND 500", name="title_length"),
        CheckConstraint("length(slug) BETWEEN 1 AND 200", name="slug_length"),
        CheckConstraint(
            "length(vendor) <= 255 AND length(product_type) <= 255", name="vendor_and_type_length"
        ),
        CheckConstraint(f"jsonb_array_length(options) <= {MAX_OPTIONS}", name="option_count"),
        CheckConstraint("octet_length(source_key) <= 600", name="source_key_length"),
        CheckConstraint("(source_system IS NULL) = (source_key IS NULL)", name="source_complete"),
        # Each list order of the API has an index that starts with what the public may see.
        Index("ix_product_status_created_at", "status", "created_at", "id"),
        Index("ix_product_status_updated_at", "status", "updated_at", "id"),
        Index("ix_product_status_title_key", "status", "title_key", "id"),
        Index(
            "ix_product_status_price",
            "status",
            text(f"coalesce(price_min_minor, {PRICE_LAST_ASCENDING})"),
            "id",
        ),
        Index(
            "ix_product_status_price_desc",
            "status",
            text(f"coalesce(price_min_minor, {PRICE_LAST_DESCENDING})"),
            "id",
        ),
        Index("ix_product_created_at", "created_at", "id"),
        Index("ix_product_updated_at", "updated_at", "id"),
        Index("ix_product_vendor", "vendor", "created_at", "id"),
        Index("ix_product_tags", "tags", postgresql_using="gin"),
        Index("ix_product_created_by", "created_by", postgresql_where=text("created_by IS NOT NULL")),
        Index("ix_product_updated_by", "updated_by", postgresql_where=text("updated_by IS NOT NULL")),
    )


class Variant(Base):
    """One thing that can be bought: a combination of the product's option values with price and stock.

    Price and stock lie on the row as the one price list and the one location there are. They are read
    and written as the wire types `Money` and `Stock`, so that more of either can come without a change
    of what a client sees.
    """

    __tablename__ = "variant"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    sku: Mapped[str | None] = mapped_column(Text, comment="not unique: real shops repeat them")
    barcode: Mapped[str | None] = mapped_column(Text)
    option_values: Mapped[list[str]] = mapped_column(
        ARRAY(Text), default=list, server_default=text("'{}'"), comment="in the order of product.options"
    )
    options_key: Mapped[UUID] = mapped_column(Uuid, Computed(OPTIONS_KEY_SQL, persisted=True))

    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    compare_at_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(CHAR(3), comment="ISO 4217; of all three amounts")

    stock_tracked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    stock_on_hand: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    stock_policy: Mapped[str] = mapped_column(
        Text, default="deny", server_default="deny", comment="continue sells on at zero stock"
    )

    weight_grams: Mapped[int | None] = mapped_column(Integer)
    requires_shipping: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    taxable: Mapped[bool] = mapped_column(Boolean, default=True, server_default=text("true"))
    picture_id: Mapped[UUID | None] = mapped_column(ForeignKey("picture.id", ondelete="SET NULL"))
    extra: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    source_key: Mapped[str | None] = mapped_column(Text, comment="its key in the file it was imported from")

    __table_args__ = (
        # Deferred, so that one edit may swap the values of two variants.
        UniqueConstraint(
            "product_id",
            "options_key",
            name="uq_variant_product_id_options_key",
            deferrable=True,
            initially="DEFERRED",
        ),
        UniqueConstraint("product_id", "source_key"),
        CheckConstraint(
            f"price_minor BETWEEN 0 AND {MAX_PRICE_MINOR}"
            f" AND compare_at_minor BETWEEN 0 AND {MAX_PRICE_MINOR}"
            f" AND cost_minor BETWEEN 0 AND {MAX_PRICE_MINOR}",
            name="amounts_in_range",
        ),
        CheckConstraint(
            "currency IS NOT NULL OR coalesce(price_minor, compare_at_minor, cost_minor) IS NULL",
            name="currency_given",
        ),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        CheckConstraint("stock_policy IN ('deny', 'continue')", name="stock_policy_known"),
        CheckConstraint("weight_grams >= 0", name="weight_not_negative"),
        CheckConstraint(f"cardinality(option_values) <= {MAX_OPTIONS}", name="option_value_count"),
        CheckConstraint("length(sku) <= 255 AND length(barcode) <= 255", name="sku_and_barcode_length"),
        CheckConstraint("octet_length(source_key) <= 600", name="source_key_length"),
        Index("ix_variant_product_id_position", "product_id", "position", "id"),
        Index("ix_variant_sku", "sku"),
        Index("ix_variant_picture_id", "picture_id", postgresql_where=text("picture_id IS NOT NULL")),
    )


class ProductSearch(Base):
    """The search document of one product, kept by trigger; nobody writes it directly.

    It is a table of its own so that a change of price or stock rewrites no full-text index entry.
    """

    __tablename__ = "product_search"

    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id", ondelete="CASCADE"), primary_key=True)
    document: Mapped[Any] = mapped_column(TSVECTOR)

    __table_args__ = (Index("ix_product_search_document", "document", postgresql_using="gin"),)
