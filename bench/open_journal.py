"""Open a deck's journal in a process of its own and say what it cost; run by `million`.

`python -m bench.open_journal HOME [decode]`; with `decode` the lines are only decoded.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def load(home: Path) -> tuple[int, int]:
    """Open the journal as the app does: how many events, how many faults."""
    from opsdeck.journal.store import Journal

    loaded = Journal(home, "alice@bench").load()
    return loaded.state.count, len(loaded.faults)


def decode(home: Path) -> tuple[int, int]:
    """Read every line and decode it, a file at a time, and nothing else."""
    from opsdeck.journal.events import decode_event

    count = 0
    for path in sorted((home / "journal").glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            decode_event(line)
            count += 1
    return count, 0


def main() -> None:
    """Print seconds (imports included), peak MiB, events and faults as JSON."""
    home, work = Path(sys.argv[1]), decode if sys.argv[2:] == ["decode"] else load
    began = time.perf_counter()
    events, faults = work(home)
    cost = {
        "took_s": time.perf_counter() - began,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "events": events,
        "faults": faults,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main()
