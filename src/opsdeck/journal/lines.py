"""Lines of the journal as they stand in its files, byte for byte, found by writer and number."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from opsdeck.journal.events import UNDECODABLE, decode_event
from opsdeck.journal.files import open_to_read

_HEAD = re.compile(rb'\{"seq":([0-9]{1,15}),')
_NEAR = 48
"""So many lines further on a line is found sooner by walking there than by bisection."""


def find_lines(folder: Path, wanted: Mapping[str, Collection[int]]) -> dict[str, bytes]:
    """`WRITER:SEQ` -> its line without the newline, for those of `wanted` (writer -> numbers) that
    are there.

    Lines stand in the order of their numbers: the next one is a few lines on, or found by
    bisection; in a damaged file one after the other.
    """
    found: dict[str, bytes] = {}
    for writer, numbers in wanted.items():
        if not numbers or "/" in writer:
            continue
        data = _content(folder / f"{writer}.jsonl")
        there = _in_order(data, sorted(set(numbers)))
        if missing := set(numbers) - there.keys():
            there |= _scanned(data, missing)
        found |= {f"{writer}:{seq}": line for seq, line in there.items()}
    return found


def _content(path: Path) -> bytes:
    """A file up to its last newline; b"" where it cannot be read."""
    try:
        fd = open_to_read(path)
    except (OSError, ValueError):  # ValueError: no file can have such a name
        return b""
    try:
        size = os.fstat(fd).st_size
        blocks = []
        while size > 0 and (block := os.read(fd, size)):
            blocks.append(block)
            size -= len(block)
    except OSError:
        return b""
    finally:
        os.close(fd)
    data = blocks[0] if len(blocks) == 1 else b"".join(blocks)
    return data[: data.rfind(b"\n") + 1]


def _in_order(data: bytes, numbers: Sequence[int]) -> dict[int, bytes]:
    """The lines of ascending numbers, as far as they are where they should be."""
    found: dict[int, bytes] = {}
    behind, last = 0, 0  # data[behind:] are the lines behind that of the number `last`
    for seq in numbers:
        at = _walked(data, behind, seq, seq - last) if seq - last <= _NEAR else None
        at = at or _bisected(data, behind, seq)
        if at is not None:
            start, end = at
            found[seq] = data[start:end]
            behind, last = end + 1, seq
    return found


def _walked(data: bytes, start: int, seq: int, count: int) -> tuple[int, int] | None:
    """Where the line with this number is, if it is the `count`-th from `start` on."""
    for _ in range(count - 1):
        start = data.find(b"\n", start) + 1
        if not start:
            return None
    end = data.find(b"\n", start)
    return (start, end) if end >= 0 and _number(data, start, end) == seq else None


def _number(data: bytes, start: int, end: int) -> int | None:
    """The number of the event in this line; None for what is none."""
    if head := _HEAD.match(data, start, end):
        return int(head[1])
    try:
        return decode_event(data[start:end]).seq
    except UNDECODABLE:
        return None


def _bisected(data: bytes, low: int, seq: int) -> tuple[int, int] | None:
    """Where the line with this number is, at `low` or behind it."""
    high = len(data)
    while low < high:
        middle = (low + high) // 2
        start = data.rfind(b"\n", low, middle) + 1 or low
        end = data.find(b"\n", middle)
        number = _number(data, start, end)
        if number is None:
            return None
        if number == seq:
            return start, end
        if number < seq:
            low = end + 1
        else:
            high = start
    return None


def _scanned(data: bytes, wanted: set[int]) -> dict[int, bytes]:
    """The lines of these numbers, wherever they are; of two with one number the first."""
    found: dict[int, bytes] = {}
    start = 0
    while start < len(data) and len(found) < len(wanted):
        end = data.index(b"\n", start)
        number = _number(data, start, end)
        if number is not None and number in wanted:
            found.setdefault(number, data[start:end])
        start = end + 1
    return found
