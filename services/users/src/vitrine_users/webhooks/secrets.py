"""How the secrets of endpoints are kept: encrypted, each tied to its endpoint."""

from __future__ import annotations

from uuid import UUID

from pydantic import SecretStr

from vitrine_users.secrets import derive_key, seal, unseal


class EndpointSecrets:
    """Seals and unseals under a key that is derived from the installation's secret and is in no database."""

    def __init__(self, secret: SecretStr) -> None:
        self._key = derive_key(secret.get_secret_value(), "webhook-secrets")

    def seal(self, endpoint_id: UUID, secret: str) -> bytes:
        """A secret as it is stored."""
        return seal(self._key, secret.encode(), str(endpoint_id))

    def unseal(self, endpoint_id: UUID, sealed: bytes) -> str:
        """The secret that was stored.

        Raises:
            cryptography.exceptions.InvalidTag: it was sealed under another installation's secret, or changed.
        """
        return unseal(self._key, sealed, str(endpoint_id)).decode()
