"""Since when challenges are asked for, and of whom"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SCHEMA = "users"


def upgrade() -> None:
    op.create_table(
        "challenge_episodes",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_challenge_episodes")),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_table("challenge_episodes", schema=SCHEMA)
