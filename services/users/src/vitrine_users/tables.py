"""Every table of the schema: the features' own, and those of the kit that users needs."""

from vitrine_kit.events import outbox_table
from vitrine_kit.idempotency import idempotency_table
from vitrine_kit.jobs import worker_table
from vitrine_kit.limits import rate_limit_table

from vitrine_users.accounts.models import Account, FailedTries
from vitrine_users.applications.models import (
    Application,
    AuthorizationCode,
    Consent,
    Grant,
    IdTokenKey,
)
from vitrine_users.audit.models import AuditEntry, AuditHead
from vitrine_users.base import metadata
from vitrine_users.challenges.models import ChallengeEpisode, SpentChallenge
from vitrine_users.connections.models import Connection, ProviderVisit
from vitrine_users.devices.models import RememberedDevice
from vitrine_users.factors.models import PendingSignIn, RecoveryCode, TotpFactor
from vitrine_users.invitations.models import Invitation
from vitrine_users.links.models import LinkToken
from vitrine_users.mail.models import OutboxMail
from vitrine_users.passkeys.models import Passkey, PasskeyChallenge
from vitrine_users.personal_tokens.models import PersonalAccessToken
from vitrine_users.pictures.models import ProfilePicture
from vitrine_users.roles.models import AccountRole, Permission, Role, RolePermission
from vitrine_users.scim.models import ScimGroup, ScimUser
from vitrine_users.sessions.models import BrowserSession, SignInLink
from vitrine_users.tokens.models import RefreshFamily, SigningKey
from vitrine_users.webhooks.models import WebhookAttempt, WebhookCursor, WebhookDelivery, WebhookEndpoint

outbox = outbox_table(metadata)
idempotency = idempotency_table(metadata)
rate_limits = rate_limit_table(metadata)
workers = worker_table(metadata)

__all__ = [
    "Account",
    "AccountRole",
    "Application",
    "AuditEntry",
    "AuditHead",
    "AuthorizationCode",
    "BrowserSession",
    "ChallengeEpisode",
    "Connection",
    "Consent",
    "FailedTries",
    "Grant",
    "IdTokenKey",
    "Invitation",
    "LinkToken",
    "OutboxMail",
    "Passkey",
    "PasskeyChallenge",
    "PendingSignIn",
    "Permission",
    "PersonalAccessToken",
    "ProfilePicture",
    "ProviderVisit",
    "RecoveryCode",
    "RefreshFamily",
    "RememberedDevice",
    "Role",
    "RolePermission",
    "ScimGroup",
    "ScimUser",
    "SignInLink",
    "SigningKey",
    "SpentChallenge",
    "TotpFactor",
    "WebhookAttempt",
    "WebhookCursor",
    "WebhookDelivery",
    "WebhookEndpoint",
    "metadata",
]
