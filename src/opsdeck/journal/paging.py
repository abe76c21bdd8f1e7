"""The whole journal from its newest event backwards, however long it is, a page at a time."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from pathlib import Path

from opsdeck.journal.clock import is_stamp
from opsdeck.journal.events import UNDECODABLE, Recorded, decode_event
from opsdeck.journal.files import open_to_read

_BLOCK_BYTES = 1 << 16


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Whole lines, last first; what stands behind the last newline is torn and left out."""
    try:
        fd = open_to_read(path)
    except OSError:
        return
    try:
        position = os.fstat(fd).st_size
        rest, size, torn = b"", _BLOCK_BYTES, True
        while position > 0:
            start = max(0, position - size)
            block = os.pread(fd, position - start, start) + rest
            position = start
            lines = block.split(b"\n")
            rest = lines.pop(0)
            if not lines:
                size *= 2  # a line longer than a block: do not look through it block by block
                continue
            size = _BLOCK_BYTES
            if torn:
                lines.pop()
                torn = False
            yield from (line for line in reversed(lines) if line)
        if rest and not torn:
            yield rest
    except OSError:
        return
    finally:
        os.close(fd)


def _events_backwards(path: Path) -> Iterator[Recorded]:
    for line in _lines_backwards(path):
        try:
            event = decode_event(line)
        except UNDECODABLE:
            continue
        if is_stamp(event.clock):
            yield Recorded(path.stem, event)


def newest_first(folder: Path) -> Iterator[Recorded]:
    """All events of the journal in `folder`, newest first; reads only as far as is asked for."""
    streams = [_events_backwards(p) for p in sorted(folder.glob("*.jsonl"))]
    return heapq.merge(*streams, key=lambda r: r.key, reverse=True)
