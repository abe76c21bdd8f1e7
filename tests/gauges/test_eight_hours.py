"""Eight hours of ticks: none missed or doubled, set clocks survived, memory flat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gauges.eight_hours import HOURS, SLEEP_S

ROOT = Path(__file__).resolve().parents[2]


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told() -> Any:
    """What eight hours came to; simulated in a process of its own, so that its memory is known."""
    argv = [sys.executable, "-m", "tests.gauges.eight_hours"]
    return json.loads(subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def test_no_tick_is_missed_or_doubled(told: Any) -> None:
    ticks = HOURS * 3_600
    assert told["looks"]["fast"] == ticks
    # AND what is due more rarely was looked at at its first moment and once an interval
    for name, every in (("slow", 5), ("look", 10), ("keep", 120)):
        assert told["looks"][name] == ticks // every + 1, name


def test_no_slot_of_the_past_is_missing_but_while_the_machine_slept(told: Any) -> None:
    for identity, gauge in told["gauges"].items():
        assert gauge["seen_s"] >= 6 * 3_600 - SLEEP_S - 10, identity
        # AND the clocks that were set left no gauge old, unknown or in the future
        assert 0 <= gauge["gap_s"] < 10, identity
        assert gauge["level"] != "unknown", identity


def test_memory_is_flat(told: Any) -> None:
    after_an_hour, *later = told["rss"]
    assert len(later) == HOURS - 1
    assert max(later) <= 1.05 * after_an_hour
    assert min(later) >= 0.95 * after_an_hour
