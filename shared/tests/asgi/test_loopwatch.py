"""The watch on the event loop: finds a stall and where it was, and is quiet otherwise."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from vitrine_kit.loopwatch import LoopWatch


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_stall_is_recorded_with_its_length_and_place(caplog: Any) -> None:
    caplog.set_level("WARNING", logger="vitrine.loopwatch")
    async with LoopWatch(150) as watch:
        await asyncio.sleep(0.05)
        hold_the_loop(0.3)
        await asyncio.sleep(0.05)
    assert len(watch.stalls) == 1
    assert 150 < watch.stalls[0].duration_ms < 2000
    assert "hold_the_loop(0.3)" in watch.stalls[0].stack
    assert "stood still" in caplog.text


async def test_a_loop_that_turns_is_left_in_peace() -> None:
    async with LoopWatch(500) as watch:
        for _ in range(20):
            await asyncio.sleep(0.005)
    assert watch.stalls == []


async def test_stopping_one_that_does_not_run_does_nothing() -> None:
    await LoopWatch().stop()


def test_the_watch_ends_with_the_loop() -> None:
    watch = LoopWatch(20)

    async def begin() -> None:
        watch.start()

    asyncio.run(begin())
    thread = watch._thread
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()


def test_a_threshold_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        LoopWatch(0)
