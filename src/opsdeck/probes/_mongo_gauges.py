"""The figures that the gauges of a MongoDB show: one cheap pass that may be repeated for ever.

Whatever is not told, or makes no sense, is None. A part that could not be asked for is named in
`not_seen`; the others do not suffer from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from opsdeck.probes._mongo_client import Reader
from opsdeck.probes._mongo_replication import oplog, worst_lag
from opsdeck.probes._mongo_server import connection_counts, running_operations
from opsdeck.probes._mongo_values import count, number, percent, table
from opsdeck.probes.base import Document, ProbeError

_UNUSED = (
    "catalogStats",
    "electionMetrics",
    "indexStats",
    "locks",
    "metrics",
    "opLatencies",
    "oplogTruncation",
    "readConcernCounters",
    "repl",
    "security",
    "sharding",
    "tcmalloc",
    "transactions",
)
"""The sections of serverStatus that are large or dear, and of which nothing is shown. A server
passes over names that it does not know."""

_COUNTERS = ("query", "insert", "update", "delete", "getmore", "command")
_TICKETS = (("queues", "execution"), ("wiredTiger", "concurrentTransactions"))
"""Where the queues before the storage engine stand: since 8.0, and in 7."""
_PRIORITIES: tuple[tuple[str, ...], ...] = ((), ("normalPriority",), ("lowPriority",))

_FIGURES = {
    "status": (
        "connections_used_percent",
        "connections_current",
        "connections_limit",
        "operations_total",
        "queue",
        "cache_dirty_percent",
        "cache_used_percent",
        "uptime_s",
    ),
    "operations": ("longest_operation_s", "longest_operation"),
    "replication": ("lag_s",),
    "oplog": ("oplog_window_h",),
    "disk": ("disk_free_bytes", "disk_used_percent"),
}
"""What each part tells."""

MOST_OPERATIONS = 20
LONGEST_TEXT = 120
LONGEST_S = 1e10
"""Three hundred years: a longer time is none."""

MOST_PERCENT = 200.0
"""A cache may be somewhat above its size; beyond this it is no figure."""

Answer = TypeVar("Answer")


def gauges(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Connections, operations, queue, lag, oplog, cache and disk in a handful of commands.

    Raises ProbeError only when the server answers neither serverStatus nor hello.
    """
    parts = _Parts(reader)
    status = parts.ask("status", lambda: _server_status(reader)) or {}
    running = parts.ask(
        "operations", lambda: running_operations(reader, MOST_OPERATIONS, of_clients=True)
    )
    # A router belongs to no set and has no oplog.
    router = reader.hello.get("msg") == "isdbgrid"
    lag = None if router else parts.ask("replication", lambda: worst_lag(reader))
    window = None if router else parts.ask("oplog", lambda: _window(reader))
    disk = parts.ask("disk", lambda: reader.command(database, {"dbStats": 1})) or {}
    return {
        **_of_status(status),
        "lag_s": _seconds(lag),
        "oplog_window_h": window,
        **_longest(running),
        **_disk(disk),
        "not_seen": parts.not_seen,
    }


class _Parts:
    """Asks for one part after the other and keeps what could not be seen, and why."""

    def __init__(self, reader: Reader) -> None:
        self.not_seen: list[Document] = []
        self._reader = reader

    def ask(self, part: str, ask: Callable[[], Answer]) -> Answer | None:
        """The answer; None where there is none within half of the time that is left."""
        reader, until = self._reader, self._reader.deadline
        reader.deadline = time.monotonic() + reader.left_s / 2
        try:
            return ask()
        except ProbeError as error:
            reader.deadline = until
            if part == "status":
                _alive(reader, error)
            figures = list(_FIGURES[part])
            self.not_seen.append({"part": part, "why": str(error)[:300], "figures": figures})
            return None
        finally:
            reader.deadline = until


def _alive(reader: Reader, error: ProbeError) -> None:
    """Raises `error` where the server does not even say who it is."""
    if error.cause in ("rights", "auth", "missing"):
        return  # it answered
    try:
        reader.command("admin", {"hello": 1})
    except ProbeError:
        raise error from None


def _server_status(reader: Reader) -> dict[str, Any]:
    return reader.command("admin", {"serverStatus": 1, **dict.fromkeys(_UNUSED, 0)})


def _of_status(status: dict[str, Any]) -> Document:
    connections = connection_counts(status)
    cache = table(status, "wiredTiger", "cache")
    most = cache.get("maximum bytes configured")
    return {
        "connections_used_percent": connections["used_percent"],
        "connections_current": connections["current"],
        "connections_limit": connections["limit"],
        "operations_total": _operations_total(table(status, "opcounters")),
        "queue": _queue(status),
        "cache_dirty_percent": _share(cache.get("tracked dirty bytes in the cache"), most),
        "cache_used_percent": _share(cache.get("bytes currently in the cache"), most),
        "uptime_s": _seconds(count(status.get("uptime"))),
    }


def _operations_total(counters: Document) -> int | None:
    """Everything asked of the server since it started; None where a counter is missing, as a sum
    without it would jump when it is back."""
    found = [count(counters.get(name)) for name in _COUNTERS]
    known = [each for each in found if each is not None]
    return sum(known) if len(known) == len(found) else None


def _queue(status: dict[str, Any]) -> int | None:
    """How many operations wait for a lock or a ticket.

    A server counts those that wait for a ticket in `currentQueue` too, so the two are not added.
    """
    locks = count(table(status, "globalLock", "currentQueue").get("total"))
    known = [each for each in (locks, *_tickets(status)) if each is not None]
    return max(known) if known else None


def _tickets(status: dict[str, Any]) -> Iterator[int]:
    """How many wait for a ticket, for each place that tells it."""
    for place in _TICKETS:
        ways = [(*place, way, *of) for way in ("read", "write") for of in _PRIORITIES]
        found = [count(table(status, *way).get("queueLength")) for way in ways]
        known = [each for each in found if each is not None]
        if known:
            yield sum(known)


def _window(reader: Reader) -> float | None:
    found = oplog(reader)
    hours = number(found["window_h"]) if found else None
    return hours if hours is not None and hours * 3600 <= LONGEST_S else None


def _longest(running: list[Document] | None) -> Document:
    """The operation of a client that has been running longest; building an index is none."""
    if running is None:
        return {"longest_operation_s": None, "longest_operation": None}
    timed = [
        (seconds, op)
        for op in running
        if not op["index_build"] and (seconds := _seconds(op["running_s"])) is not None
    ]
    seconds, op = max(timed, key=lambda each: each[0], default=(0, None))
    return {"longest_operation_s": seconds, "longest_operation": _text(op) if op else None}


def _text(op: Document) -> str | None:
    """What is done to what, without the values that are asked for."""
    name, kind = op["command"], op["op"]
    named = kind == "command" and isinstance(name, str) and not name.startswith("$")
    words = [word for word in (name if named else kind, op["ns"]) if isinstance(word, str)]
    return " ".join(words)[:LONGEST_TEXT] or None


def _disk(stats: dict[str, Any]) -> Document:
    """The file system of the database; behind a router that of the fullest shard."""
    shards = [each for each in table(stats, "raw").values() if isinstance(each, dict)]
    found = [_file_system(each) for each in shards or [stats]]
    return max(found, key=lambda each: each["disk_used_percent"] or 0.0)


def _file_system(stats: dict[str, Any]) -> Document:
    used, total = count(stats.get("fsUsedSize")), count(stats.get("fsTotalSize"))
    if used is None or not total or used > total:
        return {"disk_free_bytes": None, "disk_used_percent": None}
    return {"disk_free_bytes": total - used, "disk_used_percent": percent(used, total)}


def _share(part: Any, whole: Any) -> float | None:
    found = percent(part, whole)
    return found if found is not None and found <= MOST_PERCENT else None


def _seconds(value: float | None) -> float | None:
    return value if value is not None and value <= LONGEST_S else None
