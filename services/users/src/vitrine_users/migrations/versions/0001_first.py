"""The first tables: accounts, roles and permissions, sessions, tokens, and what the kit keeps in a schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from vitrine_kit import jobs

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "users"

# Fixed ids: a seed is the same row in every installation.
ROLES = {
    "owner": ("0192a000-0000-7000-8000-000000000001", "Owns the shop and may do everything."),
    "admin": ("0192a000-0000-7000-8000-000000000002", "Runs the shop and looks after its accounts."),
    "editor": ("0192a000-0000-7000-8000-000000000003", "Edits and imports the catalogue."),
    "viewer": ("0192a000-0000-7000-8000-000000000004", "Sees the catalogue with its drafts."),
    "customer": ("0192a000-0000-7000-8000-000000000005", "Has an account, and sees what everybody sees."),
}
PERMISSIONS = {
    "catalog:read_drafts": ("0192a000-0000-7000-8000-000000000101", "See products that are not published."),
    "catalog:write": ("0192a000-0000-7000-8000-000000000102", "Create, change and delete products."),
    "catalog:import": ("0192a000-0000-7000-8000-000000000103", "Bring in files of products."),
    "users:read": ("0192a000-0000-7000-8000-000000000104", "See accounts and roles."),
    "users:write": ("0192a000-0000-7000-8000-000000000105", "Change and erase accounts."),
    "users:roles": ("0192a000-0000-7000-8000-000000000106", "Give and take roles."),
}
GRANTS = {
    "owner": list(PERMISSIONS),
    "admin": [name for name in PERMISSIONS if name != "users:roles"],
    "editor": ["catalog:read_drafts", "catalog:write", "catalog:import"],
    "viewer": ["catalog:read_drafts"],
    "customer": [],
}


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email_key", name=op.f("uq_accounts_email_key")),
        schema=SCHEMA,
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
        schema=SCHEMA,
        comment="Answers to writes that came with an Idempotency-Key, kept for 24 hours.",
    )
    op.create_index(
        op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False, schema=SCHEMA
    )
    op.create_index(
        op.f("ix_idempotency_key_subject"), "idempotency_key", ["subject"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "occurred_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("delivered_to", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_id")),
        schema=SCHEMA,
        comment="Events not yet acknowledged by every service they are for; rows go when they are.",
    )
    op.create_index(
        op.f("ix_outbox_aggregate_id_position"),
        "outbox",
        ["aggregate_id", "position"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_table(
        "permissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permissions")),
        sa.UniqueConstraint("name", name=op.f("uq_permissions_name")),
        schema=SCHEMA,
    )
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.LargeBinary(), nullable=False, comment="SHA-256 of the key"),
        sa.Column("even_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limit")),
        schema=SCHEMA,
        comment="Rate limits: when each key is even again. Rows in the past say nothing and may go.",
    )
    op.create_index(op.f("ix_rate_limit_even_at"), "rate_limit", ["even_at"], unique=False, schema=SCHEMA)
    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
        schema=SCHEMA,
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("signs_from", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
        schema=SCHEMA,
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
        schema=SCHEMA,
        comment="Background workers; one that was not seen for 30 s is gone.",
    )
    op.create_table(
        "account_roles",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_account_roles_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["users.roles.id"], name=op.f("fk_account_roles_role_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("account_id", "role_id", name=op.f("pk_account_roles")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_account_roles_role_id"), "account_roles", ["role_id"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "browser_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_browser_sessions_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_sessions")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_browser_sessions_secret_digest")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_browser_sessions_account_id"),
        "browser_sessions",
        ["account_id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_table(
        "refresh_families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "rotated_at",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            server_default=sa.text("'{}'::timestamptz[]"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_refresh_families_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_families")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_refresh_families_account_id"),
        "refresh_families",
        ["account_id"],
        unique=False,
        schema=SCHEMA,
    )
    op.create_table(
        "role_permissions",
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.Column("permission_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["users.permissions.id"],
            name=op.f("fk_role_permissions_permission_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["users.roles.id"], name=op.f("fk_role_permissions_role_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "permission_id", name=op.f("pk_role_permissions")),
        schema=SCHEMA,
    )
    op.create_table(
        "sign_in_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_sign_in_links_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_links")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_sign_in_links_secret_digest")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_sign_in_links_account_id"), "sign_in_links", ["account_id"], unique=False, schema=SCHEMA
    )
    for statement in jobs.install_statements(SCHEMA):
        op.execute(sa.text(statement))
    seed()


def seed() -> None:
    """The roles every shop starts with, and what they may do."""
    key = sa.Uuid(as_uuid=False)
    roles = sa.table(
        "roles",
        sa.column("id", key),
        sa.column("name"),
        sa.column("description"),
        sa.column("position"),
        schema=SCHEMA,
    )
    permissions = sa.table(
        "permissions", sa.column("id", key), sa.column("name"), sa.column("description"), schema=SCHEMA
    )
    grants = sa.table(
        "role_permissions", sa.column("role_id", key), sa.column("permission_id", key), schema=SCHEMA
    )
    op.bulk_insert(
        roles,
        [
            {"id": role_id, "name": name, "description": description, "position": position}
            for position, (name, (role_id, description)) in enumerate(ROLES.items(), start=1)
        ],
    )
    op.bulk_insert(
        permissions,
        [
            {"id": permission_id, "name": name, "description": description}
            for name, (permission_id, description) in PERMISSIONS.items()
        ],
    )
    op.bulk_insert(
        grants,
        [
            {"role_id": ROLES[role][0], "permission_id": PERMISSIONS[permission][0]}
            for role, granted in GRANTS.items()
            for permission in granted
        ],
    )


def downgrade() -> None:
    for statement in jobs.uninstall_statements(SCHEMA):
        op.execute(sa.text(statement))
    for table in (
        "sign_in_links",
        "role_permissions",
        "refresh_families",
        "browser_sessions",
        "account_roles",
        "worker",
        "signing_keys",
        "roles",
        "rate_limit",
        "permissions",
        "outbox",
        "idempotency_key",
        "accounts",
    ):
        op.drop_table(table, schema=SCHEMA)
