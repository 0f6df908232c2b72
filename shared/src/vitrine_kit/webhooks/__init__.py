"""Webhooks after Standard Webhooks: how a message is signed, and how it is sent to an address that people gave."""

from vitrine_kit.webhooks.schedule import MAX_ATTEMPTS, delay_s
from vitrine_kit.webhooks.sending import Message, Outcome, Sender
from vitrine_kit.webhooks.signing import SECRET_PREFIX, new_secret, sign

__all__ = [
    "MAX_ATTEMPTS",
    "SECRET_PREFIX",
    "Message",
    "Outcome",
    "Sender",
    "delay_s",
    "new_secret",
    "sign",
]
