"""Calls from one service to another: time-outs, retries, breaker and bulkhead around one httpx client each."""

from vitrine_kit.outbound.batching import BatchLoader, Coalescer
from vitrine_kit.outbound.breaker import Breaker, BreakerState
from vitrine_kit.outbound.neighbour import Neighbour, NeighbourUnavailable, lifespan
from vitrine_kit.outbound.policy import Policy, RetryBudget
from vitrine_kit.outbound.transport import make_transport

__all__ = [
    "BatchLoader",
    "Breaker",
    "BreakerState",
    "Coalescer",
    "Neighbour",
    "NeighbourUnavailable",
    "Policy",
    "RetryBudget",
    "lifespan",
    "make_transport",
]
