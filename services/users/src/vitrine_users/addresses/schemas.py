"""Confirmations and changes of addresses as they cross the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import Email, GivenPassword

LinkSecret = Annotated[str, Field(min_length=1, max_length=128)]


class LinkRef(Schema):
    """The secret of a link, as its address ends with it."""

    token: LinkSecret


class AddressRef(Schema):
    """An address that a mail is asked for."""

    email: Email


class AddressChange(Schema):
    """Another address, and the proof that it is really you."""

    email: Email
    password: GivenPassword | None = None
    """May be left out only by an account that has no password yet."""


class ConfirmedAddress(Schema):
    """The address that was confirmed."""

    email: str
