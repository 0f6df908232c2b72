"""which request an event was written in, so that its receiver logs under the same id"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SCHEMA = "users"


def upgrade() -> None:
    op.add_column(
        "outbox",
        sa.Column(
            "request_id",
            sa.Text(),
            nullable=True,
            comment="The request in which it was written; it is delivered under the same",
        ),
        schema=SCHEMA,
    )


def downgrade() -> None:
    op.drop_column("outbox", "request_id", schema=SCHEMA)
