"""Since when a webhook listens: what happened before it was last switched on is not told to it"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SCHEMA = "users"


def upgrade() -> None:
    # The release before inserts without it; a default is right for what is made now.
    op.add_column(
        "webhook_endpoints",
        sa.Column(
            "listens_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        schema=SCHEMA,
    )
    # What happened just before the migration is still to be told to those that listened then.
    op.execute(sa.text(f"UPDATE {SCHEMA}.webhook_endpoints SET listens_since = created_at"))  # noqa: S608 - our own names


def downgrade() -> None:
    op.drop_column("webhook_endpoints", "listens_since", schema=SCHEMA)
