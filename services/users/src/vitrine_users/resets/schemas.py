"""Resets of passwords as they cross the wire."""

from __future__ import annotations

from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import NewPassword
from vitrine_users.addresses.schemas import LinkSecret


class NewPasswordByLink(Schema):
    """Another password, and the secret of the link that lets it be set."""

    token: LinkSecret
    new_password: NewPassword
