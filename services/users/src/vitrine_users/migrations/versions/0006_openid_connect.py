"""connected accounts elsewhere, visits to providers, and applications people sign in to with their account here"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SCHEMA = "users"
OWNER_ID = "0192a000-0000-7000-8000-000000000001"
PERMISSION_ID = "0192a000-0000-7000-8000-000000000130"
PERMISSION = "users:applications"
TEXTS = postgresql.ARRAY(sa.Text())
NOW = sa.text("now()")


def moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=NOW if now else None, nullable=nullable)


def of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{SCHEMA}.{target}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["users.accounts.id"], name=op.f("fk_connections_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_connections_issuer_subject")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_connections_account_id"), "connections", ["account_id"], schema=SCHEMA)
    op.create_table(
        "provider_visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state_digest", sa.LargeBinary(), nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["users.accounts.id"],
            name=op.f("fk_provider_visits_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_visits")),
        sa.UniqueConstraint("state_digest", name=op.f("uq_provider_visits_state_digest")),
        schema=SCHEMA,
    )
    op.create_index(op.f("ix_provider_visits_account_id"), "provider_visits", ["account_id"], schema=SCHEMA)
    op.create_index(op.f("ix_provider_visits_expires_at"), "provider_visits", ["expires_at"], schema=SCHEMA)

    applications()
    seed()


def applications() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=True),
        sa.Column("redirect_uris", TEXTS, nullable=False),
        sa.Column("logout_uris", TEXTS, nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        moment("created_at", now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        schema=SCHEMA,
    )
    op.create_table(
        "application_consents",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        moment("granted_at", now=True),
        of("application_consents", "application_id", "applications"),
        of("application_consents", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("application_id", "account_id", name=op.f("pk_application_consents")),
        schema=SCHEMA,
    )
    op.create_table(
        "application_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "rotated_at",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            server_default=sa.text("'{}'::timestamptz[]"),
            nullable=False,
        ),
        moment("authenticated_at"),
        sa.Column("assurance", sa.Integer(), nullable=False),
        moment("created_at", now=True),
        moment("expires_at"),
        of("application_grants", "application_id", "applications"),
        of("application_grants", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_grants")),
        schema=SCHEMA,
    )
    op.create_table(
        "authorization_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        moment("authenticated_at"),
        sa.Column("assurance", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        moment("used_at", nullable=True),
        moment("expires_at"),
        of("authorization_codes", "application_id", "applications"),
        of("authorization_codes", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_authorization_codes_digest")),
        schema=SCHEMA,
    )
    op.create_table(
        "id_token_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        moment("created_at", now=True),
        moment("retired_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_id_token_keys")),
        schema=SCHEMA,
    )
    for table, columns in INDEXES.items():
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], schema=SCHEMA)


DROPPED = (
    "id_token_keys",
    "authorization_codes",
    "application_grants",
    "application_consents",
    "applications",
)

INDEXES = {
    "application_consents": ("account_id",),
    "application_grants": ("application_id", "account_id", "expires_at"),
    "authorization_codes": ("application_id", "account_id", "expires_at"),
}


def seed() -> None:
    """The permission to register applications, which owners hold."""
    key = sa.Uuid(as_uuid=False)
    permissions = sa.table(
        "permissions", sa.column("id", key), sa.column("name"), sa.column("description"), schema=SCHEMA
    )
    grants = sa.table(
        "role_permissions", sa.column("role_id", key), sa.column("permission_id", key), schema=SCHEMA
    )
    description = "Register applications that people sign in to with their account here."
    op.bulk_insert(permissions, [{"id": PERMISSION_ID, "name": PERMISSION, "description": description}])
    op.bulk_insert(grants, [{"role_id": OWNER_ID, "permission_id": PERMISSION_ID}])


def downgrade() -> None:
    op.execute(
        sa.text(f"DELETE FROM {SCHEMA}.permissions WHERE name = :name").bindparams(name=PERMISSION)  # noqa: S608 - a constant
    )
    for table in DROPPED:
        op.drop_table(table, schema=SCHEMA)
    op.drop_table("provider_visits", schema=SCHEMA)
    op.drop_table("connections", schema=SCHEMA)
