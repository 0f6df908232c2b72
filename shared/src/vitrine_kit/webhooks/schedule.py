"""When a webhook that failed is tried again: ten times over about a day, further apart each time."""

from __future__ import annotations

import random

MAX_ATTEMPTS = 10
FIRST_DELAY_S = 10.0
GROWTH = 3.0
JITTER = 0.2
LONGEST_ASKED_S = 3600.0


def delay_s(attempt: int, rng: random.Random, *, asked_s: float | None = None) -> float | None:
    """Seconds to wait after the failure of an attempt, 1 being the first; None after the last: it is given up.

    10 s, 30 s, 90 s and so on to 18 hours, some 27 hours in all; each a fifth longer or shorter at random, so that
    what failed together is not tried together.

    Args:
        attempt: how often it was tried.
        rng: where the jitter comes from.
        asked_s: what the receiver's Retry-After asks for; heeded up to an hour where it is the longer wait.
    """
    if attempt >= MAX_ATTEMPTS:
        return None
    own_s = FIRST_DELAY_S * GROWTH ** (attempt - 1) * rng.uniform(1 - JITTER, 1 + JITTER)
    return max(own_s, min(asked_s or 0.0, LONGEST_ASKED_S))
