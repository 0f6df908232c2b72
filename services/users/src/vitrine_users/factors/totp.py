"""Time-based one-time codes (RFC 6238): seeds, the address an app scans, and which step a code belongs to."""

from __future__ import annotations

import hmac
import io
import secrets
from base64 import b32encode

import pyotp
import segno

STEP_S = 30
DIGITS = 6
SEED_BYTES = 20
"""160 bits: as long as the HMAC-SHA-1 that apps know (RFC 4226, section 4)."""
STEPS_BACK = 1
"""A code of the step before is taken, for a person takes some seconds to type; one of the future never."""


def new_seed() -> bytes:
    """A fresh seed."""
    return secrets.token_bytes(SEED_BYTES)


def text_of(seed: bytes) -> str:
    """The seed as people type it into an app that cannot scan."""
    return b32encode(seed).decode()


def address_of(seed: bytes, *, shop: str, email: str) -> str:
    """The `otpauth://` address that an app reads from the picture."""
    return pyotp.TOTP(text_of(seed), digits=DIGITS, interval=STEP_S).provisioning_uri(
        name=email, issuer_name=shop
    )


def picture_of(address: str) -> str:
    """The address as a QR code: an SVG element, black on white. Takes some milliseconds: not on the loop."""
    out = io.BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(out, kind="svg", scale=5, border=4, light="#fff", xmldecl=False, svgns=True, nl=False)
    return out.getvalue().decode()


def matching_step(seed: bytes, code: str, *, now_s: float) -> int | None:
    """The step this code belongs to, now or one back; None where it is of neither. Takes the same time always."""
    totp = pyotp.TOTP(text_of(seed), digits=DIGITS, interval=STEP_S)
    current = int(now_s) // STEP_S
    found = None
    for step in range(current - STEPS_BACK, current + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found
