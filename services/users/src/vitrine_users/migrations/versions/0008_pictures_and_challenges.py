"""People's pictures, and challenges that were solved"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

SCHEMA = "users"


def upgrade() -> None:
    op.create_table(
        "profile_pictures",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(content) <= 262144", name=op.f("ck_profile_pictures_content_small")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_profile_pictures_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_profile_pictures")),
        sa.UniqueConstraint("id", name=op.f("uq_profile_pictures_id")),
        schema=SCHEMA,
    )
    op.create_table(
        "spent_challenges",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_challenges")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_spent_challenges_expires_at"), "spent_challenges", ["expires_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("spent_challenges", schema=SCHEMA)
    op.drop_table("profile_pictures", schema=SCHEMA)
