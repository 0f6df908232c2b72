"""Second factors, passkeys, remembered devices, pending sign-ins, and what sessions know of how they were proved."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "users"
SIGN_INS = ("browser_sessions", "refresh_families")


def _id() -> sa.Column:
    return sa.Column("id", sa.Uuid(), nullable=False)


def _account(*, nullable: bool = False) -> sa.Column:
    return sa.Column("account_id", sa.Uuid(), nullable=nullable)


def _moment(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_id")
    return sa.ForeignKeyConstraint(["account_id"], ["users.accounts.id"], name=name, ondelete="CASCADE")


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False, schema=SCHEMA)


def upgrade() -> None:
    for table in SIGN_INS:
        op.add_column(table, _moment("authenticated_at", now=True), schema=SCHEMA)
        assurance = sa.Column("assurance", sa.Integer(), server_default=sa.text("1"), nullable=False)
        op.add_column(table, assurance, schema=SCHEMA)
        # A sign-in of before was proved when it began, not at the moment of the migration.
        op.execute(sa.text(f"UPDATE {SCHEMA}.{table} SET authenticated_at = created_at"))  # noqa: S608 - our own names
    op.add_column("browser_sessions", _moment("seen_at", now=True), schema=SCHEMA)
    op.add_column(
        "refresh_families",
        sa.Column("method", sa.Text(), server_default=sa.text("'password'"), nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "totp_factors",
        _account(),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("retry_at", nullable=True),
        _moment("confirmed_at", nullable=True),
        _moment("disabled_at", nullable=True),
        _moment("last_used_at", nullable=True),
        _moment("created_at", now=True),
        _of_account("totp_factors"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp_factors")),
        schema=SCHEMA,
    )
    op.create_table(
        "recovery_codes",
        _id(),
        _account(),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _moment("used_at", nullable=True),
        _moment("created_at", now=True),
        _of_account("recovery_codes"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_recovery_codes_digest")),
        schema=SCHEMA,
    )
    op.create_table(
        "passkeys",
        _id(),
        _account(),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        _moment("created_at", now=True),
        _moment("last_used_at", nullable=True),
        _of_account("passkeys"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
        schema=SCHEMA,
    )
    op.create_table(
        "passkey_challenges",
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        _account(nullable=True),
        _moment("expires_at"),
        _of_account("passkey_challenges"),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_passkey_challenges")),
        schema=SCHEMA,
    )
    op.create_table(
        "remembered_devices",
        _id(),
        _account(),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        _moment("created_at", now=True),
        _moment("last_used_at", now=True),
        _moment("expires_at"),
        _of_account("remembered_devices"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered_devices")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_remembered_devices_secret_digest")),
        schema=SCHEMA,
    )
    op.create_table(
        "pending_sign_ins",
        _id(),
        _account(),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("proved", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("created_at", now=True),
        _moment("expires_at"),
        _of_account("pending_sign_ins"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_sign_ins")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_pending_sign_ins_secret_digest")),
        schema=SCHEMA,
    )
    op.create_table(
        "failed_tries",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("retry_at"),
        _moment("forget_at"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failed_tries")),
        schema=SCHEMA,
    )
    for table in (
        "recovery_codes",
        "passkeys",
        "passkey_challenges",
        "remembered_devices",
        "pending_sign_ins",
    ):
        _index(table, "account_id")
    _index("passkey_challenges", "expires_at")
    _index("failed_tries", "forget_at")


def downgrade() -> None:
    for table in (
        "failed_tries",
        "pending_sign_ins",
        "remembered_devices",
        "passkey_challenges",
        "passkeys",
        "recovery_codes",
        "totp_factors",
    ):
        op.drop_table(table, schema=SCHEMA)
    op.drop_column("refresh_families", "method", schema=SCHEMA)
    op.drop_column("browser_sessions", "seen_at", schema=SCHEMA)
    for table in SIGN_INS:
        op.drop_column(table, "assurance", schema=SCHEMA)
        op.drop_column(table, "authenticated_at", schema=SCHEMA)
