"""Top processes: real ones, ordered as asked, hostile names shown harmlessly."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsdeck.screens.gauges import GaugesScreen
from opsdeck.screens.processes import ProcessesScreen
from tests.screens.desk import AppPilot, says, shown, until
from tests.screens.gauge_desk import GaugeDesk, open_gauges

EVIL = "\x1b[31m[b]e\u202ev"
WORK = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None)
libc.prctl(15, sys.argv[1].encode(), 0, 0, 0)
files = [open(os.devnull) for _ in range(int(sys.argv[2]))]
memory = bytearray(int(sys.argv[3]) * 1_000_000)
print(flush=True)
while True:
    if sys.argv[4] == "spin":
        sum(range(10_000))
    else:
        time.sleep(0.1)
"""


KINDS = {
    "spins": ("10", "1", "spin"),
    "eats": ("10", "300", "rest"),
    "opens": ("900", "1", "rest"),
    EVIL: ("10", "250", "rest"),
}


@contextlib.contextmanager
def at_work(folder: Path, *names: str) -> Iterator[dict[str, int]]:
    """A process of each of these kinds, once it is at work: pid by name."""
    file = folder / "work.py"
    file.write_text(WORK, encoding="utf-8")
    started = {}
    try:
        for name in names:
            process = subprocess.Popen(
                [sys.executable, "-S", str(file), name, *KINDS[name]], stdout=subprocess.PIPE
            )
            started[name] = process
            assert process.stdout is not None
            process.stdout.readline()
        yield {name: process.pid for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.communicate()


@pytest.fixture
def work(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Four processes: one that spins, one with memory, one with files, one with a wild name."""
    with at_work(tmp_path, *KINDS) as started:
        yield started


@pytest.fixture
def evil(tmp_path: Path) -> Iterator[int]:
    """Only the one with a wild name: nothing spins."""
    with at_work(tmp_path, EVIL) as started:
        yield started[EVIL]


def rows(pilot: AppPilot) -> list[tuple[int, str]]:
    """(pid, the whole line) of each process on screen."""
    found = [re.match(r" +(\d+)  \S", line) for line in shown(pilot)]
    return [(int(m[1]), m.string) for m in found if m]


async def top(pilot: AppPilot) -> ProcessesScreen:
    """Open the screen and wait for the first look."""
    await open_gauges(pilot)
    await pilot.press("t")
    await until(pilot, lambda: isinstance(pilot.app.screen, ProcessesScreen))
    await until(pilot, lambda: rows(pilot), 20)
    screen = pilot.app.screen
    assert isinstance(screen, ProcessesScreen)
    return screen


def place(pilot: AppPilot, pid: int) -> int:
    """Where a process stands; far away where it does not."""
    return next((n for n, (each, _) in enumerate(rows(pilot)) if each == pid), 999)


async def test_who_takes_most_comes_first(gauge_desk: GaugeDesk, work: dict[str, int]) -> None:
    async with gauge_desk.app().run_test(size=(120, 40)) as pilot:
        await top(pilot)
        # THEN the one that spins leads, among the few that do
        await until(pilot, lambda: place(pilot, work["spins"]) < 6, 15)
        assert says(pilot, "Top processes by processor")
        line = rows(pilot)[place(pilot, work["spins"])][1]
        assert re.search(r" \d+ % +[\d.]+ MB +\d+ .* spins$", line)
        # WHEN ordered by memory
        await pilot.press("m")
        await until(pilot, lambda: says(pilot, "Top processes by memory"))
        assert place(pilot, work["eats"]) < place(pilot, work["spins"])
        assert re.search(r" 3\d\d(\.\d)? MB", rows(pilot)[place(pilot, work["eats"])][1])
        # AND by open files, as the kernel lists them
        await pilot.press("f")
        await until(pilot, lambda: says(pilot, "Top processes by open files"))
        assert place(pilot, work["opens"]) < place(pilot, work["eats"])
        files = len(list(Path(f"/proc/{work['opens']}/fd").iterdir()))
        assert files > 900
        assert f" {files:,} " in rows(pilot)[place(pilot, work["opens"])][1]


async def test_a_hostile_name_is_harmless(gauge_desk: GaugeDesk, evil: int) -> None:
    async with gauge_desk.app().run_test(size=(80, 24)) as pilot:
        await top(pilot)
        await pilot.press("m")
        await until(pilot, lambda: place(pilot, evil) < 999, 15)
        line = rows(pilot)[place(pilot, evil)][1]
        assert "[31m[b]e" in line
        assert not set("".join(shown(pilot))) & set("\x1b\u202e")
        assert all(len(line) <= 80 for line in shown(pilot))


async def test_keys_answer_while_it_looks_and_esc_goes_back(
    gauge_desk: GaugeDesk, work: dict[str, int]
) -> None:
    async with gauge_desk.app().run_test(size=(80, 24)) as pilot:
        await top(pilot)
        first = rows(pilot)
        await pilot.press("down", "down", "up", "pagedown", "pageup", "c", "m", "f", "c")
        await until(pilot, lambda: says(pilot, "Top processes by processor"))
        assert first
        # WHEN a process ends THEN it is soon gone from the list
        os.kill(work["spins"], 9)
        await until(pilot, lambda: place(pilot, work["spins"]) == 999, 15)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, GaugesScreen))


async def test_it_is_not_looked_at_behind_another_screen(gauge_desk: GaugeDesk) -> None:
    async with gauge_desk.app().run_test(size=(80, 24)) as pilot:
        screen = await top(pilot)
        await pilot.press("?")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await until(pilot, lambda: not screen._looking, 20)
        screen._look()
        assert not screen._looking
        # AND again once it is in front
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await until(pilot, lambda: screen._looking, 10)
