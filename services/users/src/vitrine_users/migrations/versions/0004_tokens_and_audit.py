"""The audit log, personal access tokens, invitations, custom roles, suspension and impersonation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SCHEMA = "users"
OWNER_ID = "0192a000-0000-7000-8000-000000000001"
ADMIN_ID = "0192a000-0000-7000-8000-000000000002"
BUILT_IN = ("owner", "admin", "editor", "viewer", "customer")
PERMISSIONS = {
    "users:audit": ("0192a000-0000-7000-8000-000000000120", "Read and check the audit log."),
    "users:impersonate": ("0192a000-0000-7000-8000-000000000121", "See the shop as another person sees it."),
}
GRANTS = {"users:audit": (OWNER_ID, ADMIN_ID), "users:impersonate": (OWNER_ID,)}

# Whoever gets to run statements as the service can add to the log, and change nothing in it.
APPEND_ONLY = f"""
CREATE FUNCTION {SCHEMA}.audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""
APPEND_ONLY_TRIGGER = f"""
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE ON {SCHEMA}.audit_log
FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.audit_log_is_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_log")),
        schema=SCHEMA,
    )
    for columns in (["actor_id", "position"], ["subject_id", "position"], ["action", "position"]):
        op.create_index(
            op.f(f"ix_audit_log_{'_'.join(columns)}"), "audit_log", columns, unique=False, schema=SCHEMA
        )
    op.create_index(op.f("ix_audit_log_occurred_at"), "audit_log", ["occurred_at"], schema=SCHEMA)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        schema=SCHEMA,
    )
    op.execute(sa.text(f"INSERT INTO {SCHEMA}.audit_head (id, position, digest) VALUES (1, 0, '')"))  # noqa: S608 - a constant
    op.execute(sa.text(APPEND_ONLY))
    op.execute(sa.text(APPEND_ONLY_TRIGGER))
    op.create_table(
        "personal_access_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_address", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_personal_access_tokens_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_access_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_personal_access_tokens_digest")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_personal_access_tokens_account_id"), "personal_access_tokens", ["account_id"], schema=SCHEMA
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("role_names", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["users.accounts.id"], name=op.f("fk_invitations_invited_by"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
        sa.UniqueConstraint("email_key", name=op.f("uq_invitations_email_key")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_invitations_invited_by"), "invitations", ["invited_by"], schema=SCHEMA)
    op.add_column(
        "accounts", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True), schema=SCHEMA
    )
    op.add_column(
        "roles",
        sa.Column("built_in", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema=SCHEMA,
    )
    op.add_column("browser_sessions", sa.Column("impersonated_by", sa.Uuid(), nullable=True), schema=SCHEMA)
    op.create_foreign_key(
        op.f("fk_browser_sessions_impersonated_by"),
        "browser_sessions",
        "accounts",
        ["impersonated_by"],
        ["id"],
        source_schema=SCHEMA,
        referent_schema=SCHEMA,
        ondelete="CASCADE",
    )
    op.create_index(
        op.f("ix_browser_sessions_impersonated_by"), "browser_sessions", ["impersonated_by"], schema=SCHEMA
    )
    seed()


def seed() -> None:
    """The new permissions, who holds them, and which roles every shop has."""
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
            {"role_id": role, "permission_id": PERMISSIONS[name][0]}
            for name, roles in GRANTS.items()
            for role in roles
        ],
    )
    op.execute(
        sa.text(f"UPDATE {SCHEMA}.roles SET built_in = true WHERE name IN :names").bindparams(  # noqa: S608 - a constant
            sa.bindparam("names", BUILT_IN, expanding=True)
        )
    )


def downgrade() -> None:
    op.execute(
        sa.text(f"DELETE FROM {SCHEMA}.permissions WHERE name IN :names").bindparams(  # noqa: S608 - a constant
            sa.bindparam("names", tuple(PERMISSIONS), expanding=True)
        )
    )
    op.drop_index(op.f("ix_browser_sessions_impersonated_by"), "browser_sessions", schema=SCHEMA)
    op.drop_constraint(op.f("fk_browser_sessions_impersonated_by"), "browser_sessions", schema=SCHEMA)
    op.drop_column("browser_sessions", "impersonated_by", schema=SCHEMA)
    op.drop_column("roles", "built_in", schema=SCHEMA)
    op.drop_column("accounts", "suspended_at", schema=SCHEMA)
    op.drop_table("invitations", schema=SCHEMA)
    op.drop_table("personal_access_tokens", schema=SCHEMA)
    op.drop_table("audit_head", schema=SCHEMA)
    op.drop_table("audit_log", schema=SCHEMA)
    op.execute(sa.text(f"DROP FUNCTION {SCHEMA}.audit_log_is_append_only()"))
