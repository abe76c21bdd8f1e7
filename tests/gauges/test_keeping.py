"""What outlasts a restart, and what damage may be done to it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

from opsdeck.catalog.gauges import Gauges
from opsdeck.checks.reading import Reading
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board, Sample
from opsdeck.gauges.gauge import Memory
from opsdeck.gauges.keeping import LAST, SERIES, Lease
from opsdeck.gauges.levels import Judge, Latch
from tests.gauges.made import START, above, own, spec

CPU = own("host-cpu", title="CPU", every_s=1.0, **above(85, 95))
PROBED = Gauges(specs=(spec("g", unit="ms", **above(50, 90)),))


def kept(folder: Path, value: float = 60.0) -> Board:
    """A board that saw something, and wrote it."""
    board = Board(PROBED)
    for second in range(0, 300, 5):
        board.take_samples([Sample(CPU, 10.0)], START + second)
        board.take_readings(board.watches()[0], [Reading(value=value)], START + second)
    keeping.write(folder, LAST, keeping.dump_last(board, START + 300))
    keeping.write(folder, SERIES, keeping.dump_series(board, START + 300))
    return board


def restored(folder: Path, now: float = START + 400) -> Board:
    board = Board(PROBED)
    last, past = keeping.read_kept(folder)
    keeping.restore(board, last, past, now)
    return board


def test_values_stand_with_their_age_after_a_restart(tmp_path: Path) -> None:
    kept(tmp_path)
    found = restored(tmp_path)
    # THEN this machine's own gauges are there before it was looked at
    assert {g.spec.id: (g.value, g.level) for g in found.gauges()} == {
        "host-cpu": (10.0, "ok"),
        "g": (60.0, "warning"),
    }
    for gauge in found.gauges():
        assert gauge.age_s(START + 400) == 105
        stats = gauge.series.stats(START + 300, 300)
        assert stats is not None
        assert stats.seen_s >= 295
    # AND going on with the same value is no change
    assert found.take_readings(found.watches()[0], [Reading(value=60.0)], START + 401) == []


@pytest.mark.parametrize("name", [LAST, SERIES])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"\x00" * 10_000,
        lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
        lambda content: content + b"more",
    ],
    ids=["cut", "half", "empty", "zeros", "flipped", "longer"],
)
def test_a_damaged_file_is_passed_over(tmp_path: Path, name: str, damage: object) -> None:
    kept(tmp_path)
    file = tmp_path / name
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    found = restored(tmp_path)
    gauge = found.gauge("g")
    assert gauge is not None
    # THEN without the last values nothing is known; without the past only that is gone
    assert (gauge.value is None) == (name == LAST)
    assert gauge.series.stats(START + 300, 300) is None


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LAST)
    (tmp_path / SERIES).mkdir()
    assert keeping.read_kept(tmp_path) == (None, None)


def test_a_whole_file_with_values_that_make_no_sense_is_not_believed(tmp_path: Path) -> None:
    # GIVEN files as somebody else may have written them
    for part, field, number in (
        ("", "value", math.nan),
        ("", "at", 1e300),
        ("", "at", -5.0),
        ("tally", "began", math.inf),
        ("judge.warn", "since", math.nan),
    ):
        board = kept(tmp_path)
        gauge = board.gauge("g")
        assert gauge is not None
        whole = attrgetter(part)(gauge.memory) if part else gauge.memory
        setattr(whole, field, number)
        keeping.write(tmp_path, LAST, keeping.dump_last(board, START + 300))
        again = restored(tmp_path).gauge("g")
        assert again is not None
        assert again.value is None
        assert restored(tmp_path).gauge("host-cpu") is not None


def test_a_clock_that_was_set_back_leaves_nothing_in_the_future(tmp_path: Path) -> None:
    kept(tmp_path)
    now = START - 86_400
    for gauge in restored(tmp_path, now).gauges():
        assert gauge.at is not None
        assert gauge.at <= now
        stats = gauge.series.stats(now, 400)
        assert stats is not None
        assert stats.seen_s >= 200


def test_the_journal_knows_a_level_that_the_cache_lost(tmp_path: Path) -> None:
    board = Board(PROBED)
    turned = {"g": Memory(level="critical", judge=Judge(Latch(on=True), Latch(on=True)))}
    keeping.restore(board, None, None, START, turned)
    # WHEN it is well again
    [change] = board.take_readings(board.watches()[0], [Reading(value=1.0)], START)
    assert (change.before, change.after) == ("critical", "ok")


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    keeping.write(tmp_path / "cache", LAST, b"x")
    lease = Lease(tmp_path / "cache")
    assert not lease.take()
    assert not lease.held


OTHER = """
import sys, pathlib
from opsdeck.gauges.keeping import Lease
lease = Lease(pathlib.Path(sys.argv[1]))
print(lease.take(), flush=True)
sys.stdin.read()
"""


def test_one_process_at_a_time_keeps_the_gauges(tmp_path: Path) -> None:
    # GIVEN another process that does
    argv = [sys.executable, "-c", OTHER, str(tmp_path)]
    lease = Lease(tmp_path)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"True\n"
        assert not lease.take()
        # WHEN it is killed, however suddenly
        other.kill()
        other.wait()
    assert lease.take()
    assert lease.take()
    # AND a cache that somebody deletes does not leave two of them
    (tmp_path / keeping.LOCK).unlink()
    second = Lease(tmp_path)
    assert second.take()
    assert not lease.take()
    second.release()
    assert lease.take()
    lease.release()
