"""The numbers calls to a neighbour go by, and the budget that keeps retries from becoming a storm."""

from __future__ import annotations

import email.utils
import random
from dataclasses import dataclass

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a call may take and how often it is tried (docs/reference/resilience.md)."""

    connect_timeout_s: float = 0.25
    attempt_timeout_s: float = 0.8
    """One attempt, where a second one is possible; otherwise the one attempt has the whole call's time."""
    total_timeout_s: float = 2.0
    least_time_s: float = 0.02
    """With less left than this the call is not begun."""
    max_retries: int = 2
    retry_base_s: float = 0.05
    retry_cap_s: float = 1.0
    running_cap_s: float = 0.2
    """The longest wait between two looks at whether the same request, running there already, has ended."""
    retry_ratio: float = 0.1
    retry_reserve: int = 10
    """Retries that may be made before any request has earned one."""
    max_connections: int = 50
    connection_wait_s: float = 0.1
    idle_connection_s: float = 30.0
    """Shorter than the 75 s for which servers keep an idle connection, so that none is used as it is closed."""

    def backoff_s(self, retry: int, rng: random.Random) -> float:
        """How long to wait before the retry (1 is the first): anything from 0 to a bound that doubles each time."""
        bound: float = min(self.retry_cap_s, self.retry_base_s * 2 ** (retry - 1))
        return rng.uniform(0, bound)


class RetryBudget:
    """Lets at most one retry through for every ten requests, so that a neighbour in trouble gets no extra load."""

    def __init__(self, ratio: float, reserve: int) -> None:
        self._ratio = ratio
        self._reserve = float(reserve)
        self._balance = float(reserve)

    def earn(self) -> None:
        """Counts one request."""
        self._balance = min(self._reserve, self._balance + self._ratio)

    def spend(self) -> bool:
        """Whether one more retry may be made; it is then counted."""
        # The tenth part has no exact binary form, so ten of them may fall short of 1 by a hair.
        if self._balance < 1 - 1e-9:
            return False
        self._balance -= 1
        return True


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """The seconds a Retry-After header asks for (RFC 9110, section 10.2.3), None without one that can be read."""
    if not header:
        return None
    try:
        return max(0.0, float(int(header)))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now_s)
