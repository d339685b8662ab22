"""Rates from counters: wraps, resets, reboots, and never a negative number."""

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.probing.rates import UPTIME_WRAP_TICKS, Sample, rate, restarted

TOP32, TOP64 = 1 << 32, 1 << 64


@pytest.mark.parametrize(
    ("before", "after", "seconds", "bits", "ceiling", "expected", "why"),
    [
        (1_000, 2_000, 10.0, 64, None, 100.0, "the plain case"),
        (5, 5, 10.0, 32, None, 0.0, "standing still is a rate of nothing, not an unknown"),
        (TOP32 - 500, 500, 10.0, 32, None, 100.0, "a 32-bit counter went once around"),
        (TOP64 - 500, 500, 10.0, 64, None, 100.0, "a 64-bit counter may go around too"),
        (3_000_000_000, 5, 10.0, 32, 12_500_000, None, "no 100 Mbit/s line moves that much: it was cleared"),
        (1_000_000, 5, 10.0, 32, None, None, "more than half the range in one step is a reset"),
        (10**12, 5, 10.0, 64, None, None, "a 64-bit counter that goes back was reset"),
        (1_000, 2_000, 0.2, 64, None, None, "two looks this close make noise"),
        (1_000, 2_000, 7_200.0, 64, None, None, "an average over hours says nothing of now"),
        (0, 10, 400.0, 32, 125_000_000, None, "a gigabit line wraps 32 bits each 34 s: it may have gone around often"),
        (-1, 10, 10.0, 64, None, None, "no counter is negative"),
        (0, TOP32, 10.0, 32, None, None, "a value above the counter's range"),
    ],
)
def test_when_a_counter_is_read_twice_then_the_rate_is_told_or_left_out(
    before: int,
    after: int,
    seconds: float,
    bits: Literal[32, 64],
    ceiling: float | None,
    expected: float | None,
    why: str,
) -> None:
    assert rate(before, after, seconds=seconds, bits=bits, ceiling=ceiling) == expected, why


@given(
    before=st.integers(-5, TOP64 + 5),
    after=st.integers(-5, TOP64 + 5),
    seconds=st.floats(0, 1e6, allow_nan=False),
    bits=st.sampled_from([32, 64]),
    ceiling=st.none() | st.floats(1, 1e12),
)
def test_when_counters_are_anything_then_no_rate_is_negative_or_infinite(
    before: int, after: int, seconds: float, bits: Literal[32, 64], ceiling: float | None
) -> None:
    found = rate(before, after, seconds=seconds, bits=bits, ceiling=ceiling)
    assert found is None or (found >= 0 and math.isfinite(found))


@given(start=st.integers(0, TOP32 - 1), moved=st.integers(0, 10_000_000), seconds=st.floats(1, 3_600, allow_nan=False))
def test_when_a_counter_wraps_once_then_the_rate_is_that_of_the_distance(
    start: int, moved: int, seconds: float
) -> None:
    found = rate(start, (start + moved) % TOP32, seconds=seconds, bits=32)
    assert found is not None
    assert math.isclose(found, moved / seconds)


@pytest.mark.parametrize(
    ("ticks_before", "ticks_after", "elapsed", "expected", "why"),
    [
        (100_000, 101_000, 10.0, False, "ten seconds later it is up ten seconds longer"),
        (100_000, 500, 10.0, True, "it went back: a reboot"),
        (UPTIME_WRAP_TICKS - 500, 500, 10.0, False, "497 days are over: the number wrapped, the device did not stop"),
        (UPTIME_WRAP_TICKS - 500, 90_000, 10.0, True, "back, but not by the wrap"),
        (500, 3_000, 300.0, True, "up for less time than has passed: it restarted in between"),
        (100_000, 100_000, 10.0, False, "an agent that updates its uptime seldom"),
        (100_000, 100_400, 10.0, False, "an agent with a slow clock"),
        (None, 500, 10.0, False, "it does not tell its uptime"),
        (500, None, 10.0, False, "it no longer tells its uptime"),
    ],
)
def test_when_uptime_moves_then_a_restart_is_told_from_a_wrap(
    ticks_before: int | None, ticks_after: int | None, elapsed: float, expected: bool, why: str
) -> None:
    assert restarted(Sample(0.0, ticks_before), Sample(elapsed, ticks_after)) is expected, why


@given(ticks=st.integers(0, UPTIME_WRAP_TICKS - 1), elapsed=st.floats(1, 3_600))
def test_when_a_device_simply_runs_on_then_it_never_counts_as_restarted(ticks: int, elapsed: float) -> None:
    later = (ticks + round(elapsed * 100)) % UPTIME_WRAP_TICKS
    assert not restarted(Sample(0.0, ticks), Sample(elapsed, later))
