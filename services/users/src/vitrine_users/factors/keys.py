"""The keys that seeds and recovery codes are kept under, made once from the installation's secret."""

from __future__ import annotations

from dataclasses import dataclass

from vitrine_users.secrets import derive_key


@dataclass(frozen=True, slots=True)
class FactorKeys:
    """None of them is in the database: a stolen table makes no codes."""

    seeds: bytes
    codes: bytes

    @classmethod
    def derive(cls, secret: str) -> FactorKeys:
        """The keys of an installation with this secret."""
        return cls(seeds=derive_key(secret, "totp-seeds"), codes=derive_key(secret, "recovery-codes"))
