"""How many items a configuration brings to life: those whose probe has something to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.catalog.config import Config
    from opsdeck.catalog.model import Catalog


def alive_lines(catalog: Catalog, config: Config) -> Iterator[str]:
    """What is verified now, and which targets and keys further items wait for."""
    from opsdeck.probes.targets import asked_keys

    alive: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    for checklist in catalog.checklists:
        for item in checklist.items:
            if not item.sensed or (item.uses and item.uses not in config.uses):
                continue
            probe = item.probe or {}
            name = str(probe.get("target", ""))
            values = config.targets.get(name, {} if name in ("", "host") else None)
            needs = {key for key, default in asked_keys(probe) if default is None}
            group = waiting if values is None else alive if needs <= values.keys() else lacking
            group[name or "this machine"] += 1
    listed = f" ({_listed(alive)})" if alive else ""
    total = catalog.item_count
    yield f"{plural(alive.total(), 'item')} of {total} can verify themselves now{listed}"
    if waiting:
        yield f"{plural(waiting.total(), 'item')} more with their targets: {_listed(waiting)}"
    if lacking:
        more = f"{plural(lacking.total(), 'item')} more with further keys: {_listed(lacking)}"
        yield f"{more} (`opsdeck doctor` names the keys)"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
