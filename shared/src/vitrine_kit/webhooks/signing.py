"""Secrets and signatures of webhooks (Standard Webhooks, scheme v1: HMAC-SHA-256); stores and sends nothing."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix by which a secret is recognised
SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret of 256 random bits: the prefix, then base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(given: Iterable[str], *, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature under each of these secrets, a blank between them.

    Args:
        given: secrets as `new_secret` makes them; during a rotation the new one and the old one.
        message_id: the value of `webhook-id`, the same however often the message is sent.
        timestamp_s: the value of `webhook-timestamp`, in seconds since 1970.
        body: the body, byte for byte.

    Raises:
        ValueError: one of them is no secret of this kind.
    """
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key_of(one), signed, "sha256")).decode() for one in given
    )


def _key_of(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("a webhook's secret begins with its prefix")
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
