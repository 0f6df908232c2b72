"""The puzzles themselves: made, signed and checked (ALTCHA, version 1); knows no database and no request."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from urllib.parse import parse_qs

import orjson
from altcha.v1 import ChallengeOptions, PayloadType, create_challenge, verify_solution
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vitrine_users.challenges.schemas import ChallengeOut
from vitrine_users.secrets import derive_key, digest_of, keyed_digest
from vitrine_users.settings import UsersSettings

Purpose = Literal["sign-in", "register", "reset"]

MAX_SOLUTION_CHARS = 2000
ALGORITHM: Final = "SHA-256"


class _Work(BaseModel):
    """What a client sends that has found the number."""

    model_config = ConfigDict(extra="ignore", strict=True)
    algorithm: Literal["SHA-256"]
    challenge: str = Field(max_length=64)
    number: int = Field(ge=0, le=2**31)
    salt: str = Field(max_length=400)
    signature: str = Field(max_length=64)


class _Wait(BaseModel):
    """What a client sends that has waited instead."""

    model_config = ConfigDict(extra="ignore", strict=True)
    ticket: str = Field(max_length=600)


@dataclass(frozen=True, slots=True)
class Solved:
    """A challenge of ours for this purpose, not too old; whether it was used is not known here."""

    digest: bytes
    expires_at: datetime
    waited: bool
    wait_s: float = 0.0
    """How long is still to be waited, where no work was done."""
    ticket: str = ""


class Puzzles:
    """Makes puzzles and tells whether they were solved; each is bound to its purpose and ends by itself."""

    def __init__(self, settings: UsersSettings) -> None:
        secret = settings.secret_key.get_secret_value()
        self._work_key = derive_key(secret, "challenges").hex()
        self._wait_key = derive_key(secret, "challenge-tickets")
        self._most = settings.challenge_work
        self._wait_s = settings.challenge_wait_s
        self._life_s = settings.challenge_life_s

    def make(self, purpose: Purpose, *, again: Solved | None = None) -> ChallengeOut:
        """A fresh puzzle; `again` keeps the ticket of somebody who has come back too soon, and their wait."""
        now = datetime.now(UTC)
        expires_at = now + timedelta(seconds=self._life_s)
        params = {"purpose": purpose, "from": f"{now.timestamp():.3f}"}
        made = create_challenge(
            ChallengeOptions(
                algorithm=ALGORITHM,
                max_number=self._most,
                salt_length=16,
                hmac_key=self._work_key,
                expires=expires_at,
                params=params,
            )
        )
        return ChallengeOut(
            algorithm=ALGORITHM,
            challenge=made.challenge,
            salt=made.salt,
            signature=made.signature,
            maxnumber=made.max_number,
            ticket=f"{made.salt}{self._seal(made.salt)}" if again is None else again.ticket,
            wait_s=self._wait_s if again is None else max(1, int(again.wait_s + 1)),
        )

    def read(self, text: str, purpose: Purpose) -> Solved | None:
        """What was sent as a solution; None where it is worth nothing: forged, for something else, or too old."""
        try:
            sent = orjson.loads(base64.b64decode(text, altchars=b"-_"))
            if isinstance(sent, dict) and "ticket" in sent:
                return self._read_wait(_Wait.model_validate(sent).ticket, purpose)
            return self._read_work(_Work.model_validate(sent), purpose)
        except (binascii.Error, ValueError, ValidationError, OverflowError):
            return None

    def _read_work(self, work: _Work, purpose: Purpose) -> Solved | None:
        payload: PayloadType = {
            "algorithm": work.algorithm,
            "challenge": work.challenge,
            "number": work.number,
            "salt": work.salt,
            "signature": work.signature,
        }
        right, _reason = verify_solution(payload, self._work_key)
        if not right:
            return None
        return self._solved(work.salt, purpose, waited=False)

    def _read_wait(self, ticket: str, purpose: Purpose) -> Solved | None:
        salt, ampersand, seal = ticket.rpartition("&")
        salt += ampersand
        if not hmac.compare_digest(seal.encode(), self._seal(salt).encode()):
            return None
        return self._solved(salt, purpose, waited=True, ticket=ticket)

    def _solved(self, salt: str, purpose: Purpose, *, waited: bool, ticket: str = "") -> Solved | None:
        given = parse_qs(salt.partition("?")[2])
        begun = datetime.fromtimestamp(float(given["from"][0]), UTC)
        expires_at = datetime.fromtimestamp(int(given["expires"][0]), UTC)
        now = datetime.now(UTC)
        if given["purpose"] != [purpose] or expires_at <= now:
            return None
        left_s = self._wait_s - (now - begun).total_seconds() if waited else 0.0
        return Solved(digest_of(salt), expires_at, waited, max(0.0, left_s), ticket)

    def _seal(self, salt: str) -> str:
        return keyed_digest(self._wait_key, salt).hex()
