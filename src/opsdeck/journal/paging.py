"""The whole journal from its newest event backwards, however long it is, a page at a time."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from opsdeck.journal.events import Recorded, decode_event

_BLOCK_BYTES = 1 << 16


def _lines_backwards(path: Path) -> Iterator[bytes]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    try:
        position = os.fstat(fd).st_size
        rest = b""
        while position > 0:
            start = max(0, position - _BLOCK_BYTES)
            block = os.pread(fd, position - start, start) + rest
            position = start
            lines = block.split(b"\n")
            rest = lines.pop(0)
            yield from (line for line in reversed(lines) if line)
        if rest:
            yield rest
    finally:
        os.close(fd)


def _events_backwards(path: Path) -> Iterator[Recorded]:
    for line in _lines_backwards(path):
        try:
            yield Recorded(path.stem, decode_event(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def newest_first(folder: Path) -> Iterator[Recorded]:
    """All events of the journal in `folder`, newest first; reads only as far as is asked for."""
    streams = [_events_backwards(p) for p in sorted(folder.glob("*.jsonl"))]
    return heapq.merge(*streams, key=lambda r: r.key, reverse=True)
