"""The two WebAuthn ceremonies: what a browser is asked for, and whether its answer holds; stores nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from vitrine_kit.offload import run_blocking
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

CHALLENGE_BYTES = 32
CHALLENGE_LIFE_S = 300
TRANSPORTS = frozenset(transport.value for transport in AuthenticatorTransport)


class BadAnswer(ValueError):
    """The browser's answer does not hold; the text says why, for the log and not for the client."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A key that has just been made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool
    user_verified: bool
    transports: list[str]


@dataclass(frozen=True, slots=True)
class Signed:
    """A challenge that was signed by a known key."""

    sign_count: int
    user_verified: bool
    """Whether the device knew its owner, by finger, face or PIN; without, the key is one factor only."""
    backed_up: bool


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What of a stored passkey a ceremony needs."""

    credential_id: bytes
    transports: Sequence[str]


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This shop towards authenticators; both values come from the settings, never from a request."""

    id: str
    origin: str
    name: str

    @classmethod
    def of(cls, public_url: str, name: str) -> RelyingParty:
        """The relying party at this public address."""
        return cls(id=urlsplit(public_url).hostname or "", origin=public_url, name=name)

    @property
    def works(self) -> bool:
        """Whether browsers make passkeys for this address: a domain's name, over https or on localhost."""
        try:
            ip_address(self.id)
        except ValueError:
            return self.origin.startswith("https://") or self.id == "localhost"
        return False

    def registration_options(
        self, challenge: bytes, *, user_id: UUID, email: str, name: str, known: Sequence[KnownKey]
    ) -> dict[str, Any]:
        """What `navigator.credentials.create` is called with; keys that are there already are left out."""
        options = webauthn.generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_id=user_id.bytes,
            user_name=email,
            user_display_name=name,
            challenge=challenge,
            timeout=CHALLENGE_LIFE_S * 1000,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return _plain(webauthn.options_to_json(options))

    def authentication_options(self, challenge: bytes, *, known: Sequence[KnownKey] = ()) -> dict[str, Any]:
        """What `navigator.credentials.get` is called with; without known keys, the person picks an account."""
        options = webauthn.generate_authentication_options(
            rp_id=self.id,
            challenge=challenge,
            timeout=CHALLENGE_LIFE_S * 1000,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return _plain(webauthn.options_to_json(options))

    async def registered(self, credential: dict[str, Any], challenge: bytes) -> NewPasskey:
        """The key that was made in answer to this challenge.

        Raises:
            BadAnswer: it was made for another challenge, origin or relying party, or is malformed.
        """
        try:
            done = await run_blocking(
                webauthn.verify_registration_response,
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
            )
        except Exception as error:
            raise BadAnswer(f"{type(error).__name__}: {error}") from error
        told = credential.get("response", {}).get("transports")
        named = [t for t in told if isinstance(t, str)] if isinstance(told, list) else []
        return NewPasskey(
            credential_id=done.credential_id,
            public_key=done.credential_public_key,
            sign_count=done.sign_count,
            backed_up=done.credential_backed_up,
            user_verified=done.user_verified,
            transports=sorted(TRANSPORTS.intersection(named)),
        )

    async def signed(
        self, credential: dict[str, Any], challenge: bytes, *, public_key: bytes, sign_count: int
    ) -> Signed:
        """What the answer to this challenge tells, signed by this key.

        Raises:
            BadAnswer: another challenge, origin, relying party or key; a count that went back; or malformed.
        """
        try:
            done = await run_blocking(
                webauthn.verify_authentication_response,
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=public_key,
                credential_current_sign_count=sign_count,
            )
        except Exception as error:
            raise BadAnswer(f"{type(error).__name__}: {error}") from error
        return Signed(done.new_sign_count, done.user_verified, done.credential_backed_up)


def new_challenge() -> bytes:
    """256 random bits."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def challenge_in(credential: dict[str, Any]) -> bytes:
    """The challenge that the answer says it signed; nothing is proved by it.

    Raises:
        BadAnswer: there is none to be read.
    """
    try:
        client_data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(client_data["challenge"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BadAnswer("no challenge in the answer") from error


def credential_id_in(credential: dict[str, Any]) -> bytes:
    """The id of the key that the answer says it comes from.

    Raises:
        BadAnswer: there is none to be read.
    """
    try:
        return base64url_to_bytes(credential["rawId"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer("no key in the answer") from error


def names_another(credential: dict[str, Any], user_id: UUID) -> bool:
    """Whether the answer says that the key belongs to another account than this one (WebAuthn 3, section 7.2)."""
    response = credential.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    if handle is None or handle == "":
        return False
    return not isinstance(handle, str) or handle.rstrip("=") != bytes_to_base64url(user_id.bytes)


def _descriptors(known: Sequence[KnownKey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=key.credential_id, transports=[AuthenticatorTransport(name) for name in key.transports]
        )
        for key in known
    ]


def _plain(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
