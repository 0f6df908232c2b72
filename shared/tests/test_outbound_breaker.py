"""The breaker and the retry budget, second by second."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from vitrine_kit.outbound import Breaker, BreakerState, Policy, RetryBudget
from vitrine_kit.outbound.policy import retry_after_s


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def report(breaker: Breaker, *, good: int = 0, bad: int = 0) -> None:
    for failed in [False] * good + [True] * bad:
        assert breaker.allow()
        (breaker.fail if failed else breaker.succeed)()


def test_it_opens_at_half_failures_of_twenty_calls(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    report(breaker, good=10, bad=9)
    assert breaker.state is BreakerState.CLOSED
    report(breaker, bad=1)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.allow()


def test_few_calls_say_nothing(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    report(breaker, bad=19)
    assert breaker.state is BreakerState.CLOSED


def test_fewer_than_half_do_not_open_it(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    report(breaker, good=51, bad=49)
    assert breaker.state is BreakerState.CLOSED


def test_failures_are_forgotten_after_ten_seconds(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    report(breaker, bad=19)
    clock.now += 10
    report(breaker, bad=19)
    assert breaker.state is BreakerState.CLOSED
    clock.now += 9
    report(breaker, bad=1)
    assert breaker.state is BreakerState.OPEN


def test_one_probe_after_five_seconds_decides(clock: Clock) -> None:
    seen: list[BreakerState] = []
    breaker = Breaker(clock=clock, on_change=seen.append)
    report(breaker, bad=20)
    clock.now += 4.9
    assert not breaker.allow()
    assert breaker.retry_after_s() == pytest.approx(0.1)
    clock.now += 0.1
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.allow()
    assert not breaker.allow(), "a second call must wait for the probe"

    breaker.fail()
    assert breaker.state is BreakerState.OPEN
    clock.now += 5
    assert breaker.allow()
    breaker.succeed()

    assert breaker.state is BreakerState.CLOSED
    assert breaker.retry_after_s() == 0
    assert seen == [BreakerState.OPEN, BreakerState.OPEN, BreakerState.CLOSED]
    report(breaker, bad=18)  # with the probe, 19 calls
    assert breaker.state is BreakerState.CLOSED, "it starts with a clean slate"


def test_answers_to_calls_made_before_it_opened_do_not_close_it(clock: Clock) -> None:
    breaker = Breaker(clock=clock)
    assert breaker.allow()
    report(breaker, bad=20)
    breaker.succeed()
    breaker.fail()
    assert breaker.state is BreakerState.OPEN


def test_the_retry_budget_pays_one_retry_for_ten_requests() -> None:
    budget = RetryBudget(0.1, reserve=3)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    for _ in range(9):
        budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_waits_between_tries_double_up_to_a_second() -> None:
    policy, rng = Policy(), random.Random(7)
    for retry, bound in [(1, 0.05), (2, 0.1), (3, 0.2), (6, 1.0), (60, 1.0)]:
        waits = [policy.backoff_s(retry, rng) for _ in range(500)]
        assert 0 <= min(waits) < bound * 0.1
        assert bound * 0.9 < max(waits) <= bound


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    earlier = format_datetime(now - timedelta(seconds=90), usegmt=True)

    assert retry_after_s("7", now.timestamp()) == 7
    assert retry_after_s(later, now.timestamp()) == 90
    assert retry_after_s(earlier, now.timestamp()) == 0
    assert retry_after_s("-3", now.timestamp()) == 0
    for nothing in (None, "", "soon"):
        assert retry_after_s(nothing, now.timestamp()) is None
