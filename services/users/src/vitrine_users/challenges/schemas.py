"""Challenges as they cross the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict
from vitrine_kit.openapi import ProblemDocument, Schema


class ChallengeOut(Schema):
    """A puzzle, as ALTCHA clients know it, and a ticket for whoever would rather wait.

    Find the whole number from 0 to `maxnumber` for which the hexadecimal SHA-256 of `salt` followed by the number is
    `challenge`. Repeat the request with the header `Challenge-Solution`: the base64 of a JSON object with `algorithm`,
    `challenge`, `number`, `salt` and `signature`. Or wait `wait_s` seconds and send the base64 of `{"ticket": …}`.
    """

    algorithm: Literal["SHA-256"]
    challenge: str
    salt: str
    signature: str
    maxnumber: int
    ticket: str
    wait_s: int


class ChallengeProblem(ProblemDocument):
    """A problem document; of the type `/problems/challenge-required` with the challenge to solve first."""

    model_config = ConfigDict(extra="allow", title="ChallengeProblem")
    challenge: ChallengeOut | None = None
