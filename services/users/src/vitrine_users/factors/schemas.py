"""Factors, proofs and sign-ins half done, as they cross the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_users.accounts.schemas import GivenPassword, Name

MethodName = Literal["password", "totp", "recovery_code", "passkey"]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Opaque = Annotated[str, Field(min_length=1, max_length=128)]
Credential = Annotated[dict[str, Any], Field(max_length=32)]
"""What `navigator.credentials` gave, as its `toJSON()` writes it."""


class ProofIn(Schema):
    """A proof of who you are; send the member that the method asks for."""

    method: MethodName
    password: GivenPassword | None = None
    code: Code | None = None
    """The app's six digits, or a recovery code."""
    credential: Credential | None = None


class SecondProofIn(ProofIn):
    """The second proof of a sign-in whose first was right."""

    challenge: Opaque


class ChallengeIn(Schema):
    """A sign-in that waits for its second proof."""

    challenge: Opaque


class OptionsOut(Schema):
    """What `navigator.credentials` is called with."""

    public_key: dict[str, Any]


class TotpState(Schema):
    """Your authenticator app."""

    added_at: datetime
    last_used_at: datetime | None
    works: bool
    """False after too many wrong codes in a row: remove it, and add it anew."""


class PasskeyOut(Schema):
    """A passkey of yours."""

    id: UUID
    name: str
    backed_up: bool
    """Whether its device keeps a copy elsewhere."""
    created_at: datetime
    last_used_at: datetime | None


class FactorsOut(Schema):
    """How you can prove who you are."""

    has_password: bool
    totp: TotpState | None
    passkeys: list[PasskeyOut]
    recovery_codes: int
    """How many are left."""
    required: bool
    """Whether your roles ask for a second factor."""
    passkeys_work: bool
    """Whether browsers make passkeys for the shop's address."""


class TotpBegun(Schema):
    """A seed for your app, good once its first code has come."""

    secret: str
    """For apps that cannot scan."""
    uri: str
    qr_svg: str
    """The address as a picture."""


class TotpConfirm(Schema):
    """The first code that your app shows."""

    code: Code
    end_other_sessions: bool = False
    """Whether every other sign-in of the account ends."""


class CodesOut(Schema):
    """Your recovery codes, shown this once."""

    codes: list[str]


class PasskeyIn(Schema):
    """A passkey that the browser has just made."""

    name: Name = Field(max_length=60)
    credential: Credential
    end_other_sessions: bool = False
    """Whether every other sign-in of the account ends."""


class PasskeyPatch(Schema):
    """Another name."""

    name: Name = Field(max_length=60)
