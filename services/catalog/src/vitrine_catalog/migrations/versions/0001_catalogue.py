"""the tables of the catalogue

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "category",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("description_html", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name=op.f("ck_category_name_length")),
        sa.CheckConstraint("length(slug) BETWEEN 1 AND 200", name=op.f("ck_category_slug_length")),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_category_not_its_own_parent")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["catalog.category.id"], name=op.f("fk_category_parent_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint(
            "parent_id", "name", name=op.f("uq_category_parent_id_name"), postgresql_nulls_not_distinct=True
        ),
        sa.UniqueConstraint("slug", name=op.f("uq_category_slug")),
        schema="catalog",
    )
    op.create_index(
        "ix_category_parent_id_position",
        "category",
        ["parent_id", "position", "id"],
        unique=False,
        schema="catalog",
    )
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="SHA-256 of subject, route and key"),
        sa.Column(
            "subject", sa.Text(), nullable=False, comment="Whose key it is: user:…, service:… or address:…"
        ),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="HMAC of the request"),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_key")),
        schema="catalog",
        comment="Answers to writes that came with an Idempotency-Key, kept for 24 hours.",
    )
    op.create_index(
        op.f("ix_idempotency_key_created_at"),
        "idempotency_key",
        ["created_at"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        op.f("ix_idempotency_key_subject"), "idempotency_key", ["subject"], unique=False, schema="catalog"
    )
    op.create_table(
        "import_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="the file's name as it was sent"),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("format", sa.Text(), nullable=False, comment="shopify, shopify-template or woocommerce"),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("delimiter", sa.CHAR(length=1), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column(
            "keep_good_rows",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="import what stands before a fault",
        ),
        sa.Column("file_name", sa.Text(), nullable=False, comment="name below the spool directory"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.CHAR(length=64), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_read", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True, comment="known once the file has been read"),
        sa.Column("products_total", sa.Integer(), nullable=True, comment="known once the file has been read"),
        sa.Column(
            "merged_through",
            sa.BigInteger(),
            server_default=sa.text("-1"),
            nullable=False,
            comment="last import_row.group_seq that is merged",
        ),
        sa.Column("products_created", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("products_updated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("products_unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("products_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("variants_created", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("variants_updated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("variants_unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("variants_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("images_created", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("images_updated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("images_unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("images_failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problems_total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "error",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="why it failed: title, detail, line, column",
        ),
        sa.Column(
            "attempt",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="raised by each worker that takes the job up",
        ),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True, comment="a person of users; NULL once erased"),
        sa.CheckConstraint(
            "status IN ('queued', 'reading', 'merging', 'done', 'failed', 'cancelled')",
            name=op.f("ck_import_job_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
        schema="catalog",
    )
    op.create_index(
        "ix_import_job_created_at", "import_job", ["created_at", "id"], unique=False, schema="catalog"
    )
    op.create_index(
        "ix_import_job_created_by",
        "import_job",
        ["created_by"],
        unique=False,
        schema="catalog",
        postgresql_where=sa.text("created_by IS NOT NULL"),
    )
    op.create_table(
        "import_row",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="order in the file"),
        sa.Column(
            "group_seq",
            sa.BigInteger(),
            nullable=True,
            comment="seq of the first record of the same product; NULL while its parent is not found",
        ),
        sa.Column(
            "refs",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="what later or earlier rows may call it by",
        ),
        sa.Column("parent_ref", sa.Text(), nullable=True, comment="what it calls the product it belongs to"),
        sa.Column(
            "record", sa.LargeBinary(), nullable=False, comment="reading.records.ProductRecord as JSON"
        ),
        sa.PrimaryKeyConstraint("job_id", "seq", name=op.f("pk_import_row")),
        schema="catalog",
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        "ix_import_row_job_id_group_seq",
        "import_row",
        ["job_id", "group_seq", "seq"],
        unique=False,
        schema="catalog",
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column(
            "received_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        schema="catalog",
        comment="Events already taken, so that a repetition changes nothing.",
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"], unique=False, schema="catalog")
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "title_key",
            sa.Text(),
            sa.Computed("left(lower(title), 100)", persisted=True),
            nullable=False,
            comment="what lists sort titles by; cut so that a cursor can hold it",
        ),
        sa.Column("description_html", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("vendor", sa.Text(), server_default="", nullable=False),
        sa.Column("product_type", sa.Text(), server_default="", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("seo_title", sa.Text(), nullable=True),
        sa.Column("seo_description", sa.Text(), nullable=True),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="[{name, values: […]}] in display order",
        ),
        sa.Column(
            "extra",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="fields an import brought that have no column",
        ),
        sa.Column(
            "source_system", sa.Text(), nullable=True, comment="where an import found it: shopify, woo …"
        ),
        sa.Column("source_key", sa.Text(), nullable=True, comment="its key there: handle, id …"),
        sa.Column(
            "source_hash",
            sa.LargeBinary(),
            nullable=True,
            comment="digest of what was imported last; NULL for hand-made products",
        ),
        sa.Column("price_min_minor", sa.BigInteger(), nullable=True),
        sa.Column("price_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("in_stock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True, comment="a person of users; NULL once erased"),
        sa.Column("updated_by", sa.Uuid(), nullable=True, comment="a person of users; NULL once erased"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'active', 'archived')", name=op.f("ck_product_status_known")),
        sa.CheckConstraint(
            "(source_system IS NULL) = (source_key IS NULL)", name=op.f("ck_product_source_complete")
        ),
        sa.CheckConstraint("jsonb_array_length(options) <= 10", name=op.f("ck_product_option_count")),
        sa.CheckConstraint("length(slug) BETWEEN 1 AND 200", name=op.f("ck_product_slug_length")),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 500", name=op.f("ck_product_title_length")),
        sa.CheckConstraint(
            "length(vendor) <= 255 AND length(product_type) <= 255",
            name=op.f("ck_product_vendor_and_type_length"),
        ),
        sa.CheckConstraint("octet_length(source_key) <= 600", name=op.f("ck_product_source_key_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("slug", name=op.f("uq_product_slug")),
        sa.UniqueConstraint("source_system", "source_key", name=op.f("uq_product_source_system_source_key")),
        schema="catalog",
    )
    op.create_index("ix_product_created_at", "product", ["created_at", "id"], unique=False, schema="catalog")
    op.create_index(
        "ix_product_created_by",
        "product",
        ["created_by"],
        unique=False,
        schema="catalog",
        postgresql_where=sa.text("created_by IS NOT NULL"),
    )
    op.create_index(
        "ix_product_status_created_at",
        "product",
        ["status", "created_at", "id"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        "ix_product_status_price",
        "product",
        ["status", sa.literal_column("coalesce(price_min_minor, '4611686018427387904'::bigint)"), "id"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        "ix_product_status_price_desc",
        "product",
        ["status", sa.literal_column("coalesce(price_min_minor, '-1'::bigint)"), "id"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        "ix_product_status_title_key",
        "product",
        ["status", "title_key", "id"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        "ix_product_status_updated_at",
        "product",
        ["status", "updated_at", "id"],
        unique=False,
        schema="catalog",
    )
    op.create_index(
        "ix_product_tags", "product", ["tags"], unique=False, schema="catalog", postgresql_using="gin"
    )
    op.create_index("ix_product_updated_at", "product", ["updated_at", "id"], unique=False, schema="catalog")
    op.create_index(
        "ix_product_updated_by",
        "product",
        ["updated_by"],
        unique=False,
        schema="catalog",
        postgresql_where=sa.text("updated_by IS NOT NULL"),
    )
    op.create_index(
        "ix_product_vendor", "product", ["vendor", "created_at", "id"], unique=False, schema="catalog"
    )
    op.create_table(
        "worker",
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False, comment="Jobs running"),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_worker")),
        schema="catalog",
        comment="Background workers; one that was not seen for 30 s is gone.",
    )
    op.create_table(
        "import_problem",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False, comment="physical line the row starts on"),
        sa.Column("stage", sa.SmallInteger(), nullable=False, comment="0 reading, 1 merging"),
        sa.Column("seq", sa.Integer(), nullable=False, comment="order of finding within the stage"),
        sa.Column(
            "field", sa.Text(), nullable=False, comment="the column's header, or empty for the whole row"
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.CheckConstraint("severity IN ('error', 'warning')", name=op.f("ck_import_problem_severity_known")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["catalog.import_job.id"], name=op.f("fk_import_problem_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "line", "stage", "seq", name=op.f("pk_import_problem")),
        schema="catalog",
    )
    op.create_table(
        "picture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("alt", sa.Text(), server_default="", nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True, comment="where it was referenced from"),
        sa.Column(
            "file_name",
            sa.Text(),
            nullable=True,
            comment="path below the media root, derived from the content's SHA-256; shared by equal pictures",
        ),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True, comment="pixels"),
        sa.Column("height", sa.Integer(), nullable=True, comment="pixels"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "file_name IS NOT NULL OR source_url IS NOT NULL", name=op.f("ck_picture_has_a_place")
        ),
        sa.CheckConstraint("length(alt) <= 1000", name=op.f("ck_picture_alt_length")),
        sa.CheckConstraint("octet_length(source_url) <= 2000", name=op.f("ck_picture_source_url_length")),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_picture_measures_positive")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog.product.id"], name=op.f("fk_picture_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picture")),
        sa.UniqueConstraint("product_id", "source_url", name=op.f("uq_picture_product_id_source_url")),
        schema="catalog",
    )
    op.create_index(
        "ix_picture_file_name",
        "picture",
        ["file_name"],
        unique=False,
        schema="catalog",
        postgresql_where=sa.text("file_name IS NOT NULL"),
    )
    op.create_index(
        "ix_picture_product_id_position",
        "picture",
        ["product_id", "position", "id"],
        unique=False,
        schema="catalog",
    )
    op.create_table(
        "product_category",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column(
            "position",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="order of the product's categories",
        ),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["catalog.category.id"],
            name=op.f("fk_product_category_category_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog.product.id"],
            name=op.f("fk_product_category_product_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", "category_id", name=op.f("pk_product_category")),
        schema="catalog",
    )
    op.create_index(
        "ix_product_category_category_id",
        "product_category",
        ["category_id", "product_id"],
        unique=False,
        schema="catalog",
    )
    op.create_table(
        "product_search",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalog.product.id"],
            name=op.f("fk_product_search_product_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_search")),
        schema="catalog",
    )
    op.create_index(
        "ix_product_search_document",
        "product_search",
        ["document"],
        unique=False,
        schema="catalog",
        postgresql_using="gin",
    )
    op.create_table(
        "variant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True, comment="not unique: real shops repeat them"),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column(
            "option_values",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="in the order of product.options",
        ),
        sa.Column(
            "options_key",
            sa.Uuid(),
            sa.Computed(
                "(md5(coalesce(option_values[1], '') || chr(31) || coalesce(option_values[2], '') || chr(31) || coalesce(option_values[3], '') || chr(31) || coalesce(option_values[4], '') || chr(31) || coalesce(option_values[5], '') || chr(31) || coalesce(option_values[6], '') || chr(31) || coalesce(option_values[7], '') || chr(31) || coalesce(option_values[8], '') || chr(31) || coalesce(option_values[9], '') || chr(31) || coalesce(option_values[10], '')))::uuid",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("compare_at_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True, comment="ISO 4217; of all three amounts"),
        sa.Column("stock_tracked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("stock_on_hand", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "stock_policy",
            sa.Text(),
            server_default="deny",
            nullable=False,
            comment="continue sells on at zero stock",
        ),
        sa.Column("weight_grams", sa.Integer(), nullable=True),
        sa.Column("requires_shipping", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("taxable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("picture_id", sa.Uuid(), nullable=True),
        sa.Column(
            "extra", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("source_key", sa.Text(), nullable=True, comment="its key in the file it was imported from"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_variant_currency_code")),
        sa.CheckConstraint(
            "stock_policy IN ('deny', 'continue')", name=op.f("ck_variant_stock_policy_known")
        ),
        sa.CheckConstraint("cardinality(option_values) <= 10", name=op.f("ck_variant_option_value_count")),
        sa.CheckConstraint(
            "currency IS NOT NULL OR coalesce(price_minor, compare_at_minor, cost_minor) IS NULL",
            name=op.f("ck_variant_currency_given"),
        ),
        sa.CheckConstraint(
            "length(sku) <= 255 AND length(barcode) <= 255", name=op.f("ck_variant_sku_and_barcode_length")
        ),
        sa.CheckConstraint("octet_length(source_key) <= 600", name=op.f("ck_variant_source_key_length")),
        sa.CheckConstraint(
            "price_minor BETWEEN 0 AND 99999999999999 AND compare_at_minor BETWEEN 0 AND 99999999999999 AND cost_minor BETWEEN 0 AND 99999999999999",
            name=op.f("ck_variant_amounts_in_range"),
        ),
        sa.CheckConstraint("weight_grams >= 0", name=op.f("ck_variant_weight_not_negative")),
        sa.ForeignKeyConstraint(
            ["picture_id"], ["catalog.picture.id"], name=op.f("fk_variant_picture_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["catalog.product.id"], name=op.f("fk_variant_product_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant")),
        sa.UniqueConstraint(
            "product_id",
            "options_key",
            deferrable=True,
            initially="DEFERRED",
            name="uq_variant_product_id_options_key",
        ),
        sa.UniqueConstraint("product_id", "source_key", name=op.f("uq_variant_product_id_source_key")),
        schema="catalog",
    )
    op.create_index(
        "ix_variant_picture_id",
        "variant",
        ["picture_id"],
        unique=False,
        schema="catalog",
        postgresql_where=sa.text("picture_id IS NOT NULL"),
    )
    op.create_index(
        "ix_variant_product_id_position",
        "variant",
        ["product_id", "position", "id"],
        unique=False,
        schema="catalog",
    )
    op.create_index("ix_variant_sku", "variant", ["sku"], unique=False, schema="catalog")


def downgrade() -> None:
    op.drop_index("ix_variant_sku", table_name="variant", schema="catalog")
    op.drop_index("ix_variant_product_id_position", table_name="variant", schema="catalog")
    op.drop_index(
        "ix_variant_picture_id",
        table_name="variant",
        schema="catalog",
        postgresql_where=sa.text("picture_id IS NOT NULL"),
    )
    op.drop_table("variant", schema="catalog")
    op.drop_index(
        "ix_product_search_document", table_name="product_search", schema="catalog", postgresql_using="gin"
    )
    op.drop_table("product_search", schema="catalog")
    op.drop_index("ix_product_category_category_id", table_name="product_category", schema="catalog")
    op.drop_table("product_category", schema="catalog")
    op.drop_index("ix_picture_product_id_position", table_name="picture", schema="catalog")
    op.drop_index(
        "ix_picture_file_name",
        table_name="picture",
        schema="catalog",
        postgresql_where=sa.text("file_name IS NOT NULL"),
    )
    op.drop_table("picture", schema="catalog")
    op.drop_table("import_problem", schema="catalog")
    op.drop_table("worker", schema="catalog")
    op.drop_index("ix_product_vendor", table_name="product", schema="catalog")
    op.drop_index(
        "ix_product_updated_by",
        table_name="product",
        schema="catalog",
        postgresql_where=sa.text("updated_by IS NOT NULL"),
    )
    op.drop_index("ix_product_updated_at", table_name="product", schema="catalog")
    op.drop_index("ix_product_tags", table_name="product", schema="catalog", postgresql_using="gin")
    op.drop_index("ix_product_status_updated_at", table_name="product", schema="catalog")
    op.drop_index("ix_product_status_title_key", table_name="product", schema="catalog")
    op.drop_index("ix_product_status_price_desc", table_name="product", schema="catalog")
    op.drop_index("ix_product_status_price", table_name="product", schema="catalog")
    op.drop_index("ix_product_status_created_at", table_name="product", schema="catalog")
    op.drop_index(
        "ix_product_created_by",
        table_name="product",
        schema="catalog",
        postgresql_where=sa.text("created_by IS NOT NULL"),
    )
    op.drop_index("ix_product_created_at", table_name="product", schema="catalog")
    op.drop_table("product", schema="catalog")
    op.drop_index(op.f("ix_inbox_received_at"), table_name="inbox", schema="catalog")
    op.drop_table("inbox", schema="catalog")
    op.drop_index("ix_import_row_job_id_group_seq", table_name="import_row", schema="catalog")
    op.drop_table("import_row", schema="catalog")
    op.drop_index(
        "ix_import_job_created_by",
        table_name="import_job",
        schema="catalog",
        postgresql_where=sa.text("created_by IS NOT NULL"),
    )
    op.drop_index("ix_import_job_created_at", table_name="import_job", schema="catalog")
    op.drop_table("import_job", schema="catalog")
    op.drop_index(op.f("ix_idempotency_key_subject"), table_name="idempotency_key", schema="catalog")
    op.drop_index(op.f("ix_idempotency_key_created_at"), table_name="idempotency_key", schema="catalog")
    op.drop_table("idempotency_key", schema="catalog")
    op.drop_index("ix_category_parent_id_position", table_name="category", schema="catalog")
    op.drop_table("category", schema="catalog")
