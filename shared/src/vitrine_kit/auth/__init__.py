"""Who is asking: access tokens and service credentials, signed and verified here; it knows no accounts."""

from vitrine_kit.auth.principals import (
    INTERNAL,
    PUBLIC,
    SIGNED_IN,
    Principal,
    ServicePrincipal,
    authenticate,
    authorize,
    current_principal,
    register,
    require,
    require_service,
    set_principal,
)
from vitrine_kit.auth.services import SERVICE_HEADER, ServiceIdentity, ServiceVerifier
from vitrine_kit.auth.tokens import (
    ACCESS_TOKEN_LIFETIME_S,
    ALGORITHM,
    AUDIENCE,
    TokenSigner,
    TokenVerifier,
    new_signing_key,
    public_jwks,
    sign_access_token,
)

__all__ = [
    "ACCESS_TOKEN_LIFETIME_S",
    "ALGORITHM",
    "AUDIENCE",
    "INTERNAL",
    "PUBLIC",
    "SERVICE_HEADER",
    "SIGNED_IN",
    "Principal",
    "ServiceIdentity",
    "ServicePrincipal",
    "ServiceVerifier",
    "TokenSigner",
    "TokenVerifier",
    "authenticate",
    "authorize",
    "current_principal",
    "new_signing_key",
    "public_jwks",
    "register",
    "require",
    "require_service",
    "set_principal",
    "sign_access_token",
]
