"""Webhooks for user events, and what SCIM clients said of people and groups."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCHEMA = "users"
OWNER_ID = "0192a000-0000-7000-8000-000000000001"
ADMIN_ID = "0192a000-0000-7000-8000-000000000002"
PERMISSIONS = {
    "users:webhooks": ("0192a000-0000-7000-8000-000000000140", "Have other systems told of what happens."),
    "users:scim": ("0192a000-0000-7000-8000-000000000141", "Keep people and groups in step by SCIM."),
}


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("include_email", sa.Boolean(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["users.accounts.id"],
            name=op.f("fk_webhook_endpoints_created_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_webhook_endpoints_created_by"), "webhook_endpoints", ["created_by"], schema=SCHEMA
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_duration_ms", sa.Integer(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["users.webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name=op.f("uq_webhook_deliveries_endpoint_id_event_id")
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "next_attempt_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_endpoint_id_id"),
        "webhook_deliveries",
        ["endpoint_id", "id"],
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_webhook_deliveries_created_at"), "webhook_deliveries", ["created_at"], schema=SCHEMA
    )
    op.create_index(
        op.f("ix_webhook_deliveries_subject_id"), "webhook_deliveries", ["subject_id"], schema=SCHEMA
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["users.webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_delivery_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_webhook_attempts_delivery_id"), "webhook_attempts", ["delivery_id"], schema=SCHEMA
    )
    op.create_table(
        "webhook_cursor",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_webhook_cursor_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_cursor")),
        schema=SCHEMA,
    )
    op.create_table(
        "scim_users",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["users.accounts.id"], name=op.f("fk_scim_users_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_scim_users")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_scim_users_external_id"), "scim_users", ["external_id"], schema=SCHEMA)
    op.create_table(
        "scim_groups",
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"], ["users.roles.id"], name=op.f("fk_scim_groups_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", name=op.f("pk_scim_groups")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_scim_groups_external_id"), "scim_groups", ["external_id"], schema=SCHEMA)
    # What happened before there were webhooks is told to nobody.
    op.execute(
        sa.text(
            f"INSERT INTO {SCHEMA}.webhook_cursor (id, position)"  # noqa: S608 - a constant
            f" SELECT 1, coalesce((SELECT position FROM {SCHEMA}.audit_head WHERE id = 1), 0)"
        )
    )
    seed()


def seed() -> None:
    """The new permissions, for owners and admins."""
    key = sa.Uuid(as_uuid=False)
    permissions = sa.table(
        "permissions", sa.column("id", key), sa.column("name"), sa.column("description"), schema=SCHEMA
    )
    grants = sa.table(
        "role_permissions", sa.column("role_id", key), sa.column("permission_id", key), schema=SCHEMA
    )
    op.bulk_insert(
        permissions,
        [{"id": key_, "name": name, "description": text} for name, (key_, text) in PERMISSIONS.items()],
    )
    op.bulk_insert(
        grants,
        [
            {"role_id": role, "permission_id": key_}
            for key_, _ in PERMISSIONS.values()
            for role in (OWNER_ID, ADMIN_ID)
        ],
    )


def downgrade() -> None:
    op.execute(
        sa.text(f"DELETE FROM {SCHEMA}.permissions WHERE name IN :names").bindparams(  # noqa: S608 - a constant
            sa.bindparam("names", tuple(PERMISSIONS), expanding=True)
        )
    )
    for table in (
        "scim_groups",
        "scim_users",
        "webhook_cursor",
        "webhook_attempts",
        "webhook_deliveries",
        "webhook_endpoints",
    ):
        op.drop_table(table, schema=SCHEMA)
