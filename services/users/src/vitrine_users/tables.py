"""Every table of the schema: the features' own, and those of the kit that users needs."""

from vitrine_kit.events import outbox_table
from vitrine_kit.idempotency import idempotency_table
from vitrine_kit.jobs import worker_table
from vitrine_kit.limits import rate_limit_table

from vitrine_users.accounts.models import Account
from vitrine_users.base import metadata
from vitrine_users.roles.models import AccountRole, Permission, Role, RolePermission
from vitrine_users.sessions.models import BrowserSession, SignInLink
from vitrine_users.tokens.models import RefreshFamily, SigningKey

outbox = outbox_table(metadata)
idempotency = idempotency_table(metadata)
rate_limits = rate_limit_table(metadata)
workers = worker_table(metadata)

__all__ = [
    "Account",
    "AccountRole",
    "BrowserSession",
    "Permission",
    "RefreshFamily",
    "Role",
    "RolePermission",
    "SignInLink",
    "SigningKey",
    "metadata",
]
