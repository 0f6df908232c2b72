"""Mail to be delivered, one-time links, and what accounts know of verification, language and leaving."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "users"
OWNER_ID = "0192a000-0000-7000-8000-000000000001"
PERMISSION_ID = "0192a000-0000-7000-8000-000000000107"


def upgrade() -> None:
    for column in (
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locale", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        sa.Column("time_zone", sa.Text(), server_default=sa.text("'UTC'"), nullable=False),
        sa.Column("erase_after", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("accounts", column, schema=SCHEMA)
    op.create_index(
        op.f("ix_accounts_erase_after"),
        "accounts",
        ["erase_after"],
        schema=SCHEMA,
        postgresql_where=sa.text("erase_after IS NOT NULL"),
    )
    op.create_table(
        "mail_outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["users.accounts.id"],
            name=op.f("fk_mail_outbox_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_outbox")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_mail_outbox_person_id"), "mail_outbox", ["person_id"], unique=False, schema=SCHEMA
    )
    op.create_index(
        op.f("ix_mail_outbox_created_at"), "mail_outbox", ["created_at"], unique=False, schema=SCHEMA
    )
    op.create_table(
        "link_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["users.accounts.id"],
            name=op.f("fk_link_tokens_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_tokens_digest")),
        schema=SCHEMA,
    )
    op.create_index(
        op.f("ix_link_tokens_person_id"), "link_tokens", ["person_id"], unique=False, schema=SCHEMA
    )
    op.create_index(
        op.f("ix_link_tokens_expires_at"), "link_tokens", ["expires_at"], unique=False, schema=SCHEMA
    )
    seed()


def seed() -> None:
    """Who reads the mail reads its links, and so could become anybody: only owners may."""
    key = sa.Uuid(as_uuid=False)
    permissions = sa.table(
        "permissions", sa.column("id", key), sa.column("name"), sa.column("description"), schema=SCHEMA
    )
    grants = sa.table(
        "role_permissions", sa.column("role_id", key), sa.column("permission_id", key), schema=SCHEMA
    )
    op.bulk_insert(
        permissions,
        [{"id": PERMISSION_ID, "name": "users:mail", "description": "Read the mail that waits to be sent."}],
    )
    op.bulk_insert(grants, [{"role_id": OWNER_ID, "permission_id": PERMISSION_ID}])


def downgrade() -> None:
    op.execute(
        sa.text("DELETE FROM users.permissions WHERE id = :id").bindparams(
            sa.bindparam("id", PERMISSION_ID, sa.Uuid(as_uuid=False))
        )
    )
    op.drop_table("link_tokens", schema=SCHEMA)
    op.drop_table("mail_outbox", schema=SCHEMA)
    op.drop_index(op.f("ix_accounts_erase_after"), "accounts", schema=SCHEMA)
    for column in ("erase_after", "time_zone", "locale", "email_verified_at"):
        op.drop_column("accounts", column, schema=SCHEMA)
