"""Ready-made gauges of services: what `[[gauge]]` tables with `set = "mongodb"` or `"http"` become.

A set is a pure function of the target's name, of the `[[gauge]]` table that asks for it and of the
target's table. All gauges of a MongoDB have the same probe, so one look serves them all; so have
those of a web target.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

GaugeTable = dict[str, Any]
"""One `[[gauge]]` table, as somebody might have written it."""

EVERY = "10s"
OVER = 20
"""So many looks the figures of a web target are computed over: 200 s."""

LONGEST_NAME = 32
_PERCENT: GaugeTable = {"unit": "%", "scale": [0, 100]}


def mongodb(name: str, table: Mapping[str, Any], target: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The eight gauges of a MongoDB; `table` may set `every` and `database`."""
    probe: GaugeTable = {"kind": "mongodb", "target": name, "look": "gauges"}
    if "database" in table:
        probe["database"] = table["database"]
    prefix = _prefix("mongodb", name, table.get("database"))
    return _complete([*_load(), *_data()], prefix, probe, table)


def http(name: str, table: Mapping[str, Any], target: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Latency and errors of a web target; `table` may set `every` and `path`."""
    path = table.get("path", "/")
    probe: GaugeTable = {"kind": "http", "target": name, "path": path}
    latency: GaugeTable = {"value": "latency_ms", "unit": "ms", "over": OVER, "for": "1m"}
    slow = {"playbook": "api-response-slowdown"}
    gauges: list[GaugeTable] = [
        {"id": "p50", "title": "Latency p50", **latency, "stat": "p50", "warn": 300, "crit": 1000}
        | slow,
        {"id": "p95", "title": "Latency p95", **latency, "stat": "p95", "warn": 1000, "crit": 3000}
        | slow,
        {
            "id": "errors",
            "title": "Errors",
            "value": "status < `500`",
            "stat": "errors",
            "over": OVER,
            **_PERCENT,
            # One look of twenty is 5 %, and may get lost anywhere: it takes two to be shown.
            "warn": 5,
            "crit": 25,
            "for": "30s",
            **slow,
        },
    ]
    return _complete(gauges, _prefix("http", name, path), probe, table)


def _load() -> list[GaugeTable]:
    """What is asked of a MongoDB, and what has to wait."""
    return [
        {
            "id": "connections",
            "title": "Connections used",
            "value": "connections_used_percent",
            **_PERCENT,
            "warn": 80,
            "crit": 95,
            "for": "1m",
            "playbook": "database-connection-pool-exhausted",
        },
        {
            "id": "operations",
            "title": "Operations",
            "value": "operations_total",
            "unit": "/s",
            "rate": True,
        },
        {
            "id": "queue",
            "title": "Queue",
            "value": "queue",
            "warn": 10,
            "crit": 100,
            "for": "1m",
            "playbook": "api-response-slowdown",
        },
        {
            "id": "longest",
            "title": "Longest operation",
            "value": "longest_operation_s",
            "unit": "s",
            "warn": 30,
            "crit": 300,
            "for": "1m",
            "playbook": "api-response-slowdown",
        },
    ]


def _data() -> list[GaugeTable]:
    """Where a MongoDB's data are: on secondaries, in the oplog, in the cache, on disk."""
    return [
        {
            "id": "lag",
            "title": "Replication lag",
            "value": "lag_s",
            "unit": "s",
            "warn": 10,
            "crit": 60,
            "for": "1m",
        },
        {
            "id": "oplog",
            "title": "Oplog window",
            "value": "oplog_window_h",
            "unit": "h",
            "warn": "< 24",
            "crit": "< 6",
            "for": "5m",
        },
        {
            "id": "dirty",
            "title": "Cache dirty",
            "value": "cache_dirty_percent",
            **_PERCENT,
            # WiredTiger's documented defaults: beyond eviction_dirty_target (5 %) its own threads
            # write pages out, which is ordinary while much is written; beyond
            # eviction_dirty_trigger (20 %) the threads of the clients must help, and everybody
            # waits. At twice the target its own threads do not keep up.
            "warn": 10,
            "crit": 20,
            "for": "1m",
            "playbook": "api-response-slowdown",
        },
        {
            "id": "disk",
            "title": "Database disk used",
            "value": "disk_used_percent",
            **_PERCENT,
            "warn": 80,
            "crit": 90,
            "for": "5m",
            "playbook": "database-disk-space",
        },
    ]


def _complete(
    gauges: list[GaugeTable], prefix: str, probe: GaugeTable, table: Mapping[str, Any]
) -> list[GaugeTable]:
    every = table.get("every", EVERY)
    return [
        {**gauge, "id": f"{prefix}-{gauge['id']}", "probe": dict(probe), "every": every}
        for gauge in gauges
    ]


def _prefix(kind: str, name: str, part: Any) -> str:
    """What the ids begin with: the target, and what of it is looked at where the table says so,
    so that a target may have a set for each path or database."""
    words = (_slug(name) or kind, _slug(part) if isinstance(part, str) else "")
    return "-".join(word for word in words if word)


def _slug(text: str) -> str:
    """The text in the letters of an id; a long one is cut and keeps a checksum of the whole."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(found) <= LONGEST_NAME:
        return found
    return f"{found[: LONGEST_NAME - 9].rstrip('-')}-{zlib.crc32(text.encode()):08x}"


SETS: dict[str, Callable[[str, Mapping[str, Any], Mapping[str, Any]], list[dict[str, Any]]]] = {
    "mongodb": mongodb,
    "http": http,
}
"""The name in `set` -> its gauges."""
