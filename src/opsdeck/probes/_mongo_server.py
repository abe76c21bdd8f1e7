"""Looks at one MongoDB server: the way to it, its version and size, connections, operations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from opsdeck.probes import _mongo_uri
from opsdeck.probes._mongo_client import MOST_DOCUMENTS, Reader
from opsdeck.probes._mongo_json import plain
from opsdeck.probes._mongo_values import count, number, percent, table
from opsdeck.probes.base import Document, ProbeError

PINGS = 10
GB = 1024**3

_COUNTERS = ("query", "insert", "update", "delete", "getmore", "command")
_WORK = ("query", "insert", "update", "delete")

_GREETINGS = ("hello", "isMaster", "ismaster")
"""What every driver has under way all the time, for seconds: the server holds the answer back."""


def connection(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Where the connection string leads, as whom, and how far away that is."""
    hello = reader.hello
    trips = sorted(reader.ping() for _ in range(PINGS))
    who = table(reader.maybe("admin", {"connectionStatus": 1}), "authInfo")
    users = [u for u in _list(who.get("authenticatedUsers")) if isinstance(u, dict)]
    roles = [r for r in _list(who.get("authenticatedUserRoles")) if isinstance(r, dict)]
    names = _collections(reader, database)
    known = [reader.uri.hosts, _list(hello.get("hosts")), [hello.get("me"), hello.get("primary")]]
    hosts = sorted({str(host) for group in known for host in group if host})
    expected = str(parameters.get("expected") or "")
    host, _, name = expected.partition("/")
    return {
        "latency_ms": round(median(trips), 1),
        "round_trip_ms": {"min": trips[0], "median": median(trips), "max": trips[-1]},
        "answered_by": plain(hello.get("me")) or reader.uri.hosts[0],
        "hosts": [plain(host) for host in hosts][:50],
        "replica_set": plain(hello.get("setName")),
        "writable": hello.get("isWritablePrimary") is True,
        "database": database,
        "database_in_uri": bool(reader.uri.database),
        "collections": None if names is None else len(names),
        "authenticated": bool(users),
        "users": [plain(f"{u.get('user')}@{u.get('db')}") for u in users[:20]],
        "roles": [plain(f"{r.get('role')}@{r.get('db')}") for r in roles[:50]],
        "expected_host": host or None,
        "expected_database": name or None,
        "host_as_expected": bool(host) and any(_same_host(host, each) for each in hosts),
        "tls": reader.uri.tls,
        "pool": _mongo_uri.pool(reader.uri),
    }


def server(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Version, feature level, memory, cores and cache."""
    build = reader.command("admin", {"buildInfo": 1})
    status = reader.maybe("admin", {"serverStatus": 1})
    host = table(reader.maybe("admin", {"hostInfo": 1}), "system")
    level = {"getParameter": 1, "featureCompatibilityVersion": 1}
    feature = table(reader.maybe("admin", level), "featureCompatibilityVersion").get("version")
    total = count(host.get("memLimitMB")) or count(host.get("memSizeMB"))
    memory = total * 1024 * 1024 if total else None
    wanted = number(parameters.get("memory_gb"))
    return {
        "version": _version(build.get("versionArray"), build.get("version")),
        "version_text": plain(build.get("version")),
        "feature_version": _version(None, feature),
        "storage_engine": plain(table(status, "storageEngine").get("name")),
        "replica_set": plain(reader.hello.get("setName")),
        "uptime_s": count(status.get("uptime")),
        "memory_bytes": memory,
        "memory_gb": round(memory / GB, 1) if memory else None,
        "cores": count(host.get("numCores")),
        "wanted_memory_gb": wanted,
        "memory_of_wanted_percent": percent(
            (memory or 0) / GB or None, parameters.get("memory_gb")
        ),
        "wanted_cores": number(parameters.get("cores")),
        "resident_bytes": (count(table(status, "mem").get("resident")) or 0) * 1024 * 1024 or None,
        "cache": _cache(table(status, "wiredTiger", "cache"), memory),
    }


def connections(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """How many connections are open, how many there may be, and what the pools may ask for."""
    status = reader.command("admin", {"serverStatus": 1})
    found = connection_counts(status)
    pool = _mongo_uri.pool(reader.uri)
    processes = count(parameters.get("processes"))
    asked = processes * pool["max_pool_size"] if processes and pool["max_pool_size"] else None
    return {
        "connections": found,
        "pool": pool,
        "processes": processes,
        "asked_connections": asked,
        "asked_percent": percent(asked, found["limit"]),
    }


def connection_counts(status: Mapping[str, Any]) -> Document:
    """The connections section of serverStatus, with the limit and how much of it is used."""
    section = table(dict(status), "connections")
    current, available = count(section.get("current")), count(section.get("available"))
    limit = current + available if current is not None and available is not None else None
    return {
        "current": current,
        "available": available,
        "limit": limit,
        "active": count(section.get("active")),
        "total_created": count(section.get("totalCreated")),
        "used_percent": percent(current, limit),
    }


def operations(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """What the server does: rates over a short sample, queues, operations that run long.

    While nothing is asked of it the sample goes on, up to `quiet_s`.
    """
    longer = parameters["longer_than_s"]
    running = running_operations(reader)
    (_, answered), began = reader.own_queries, time.monotonic()
    before = _work(reader)
    while True:
        time.sleep(min(float(parameters["sample_s"]), max(0.05, reader.left_s - 0.5)))
        after, seconds = _work(reader), time.monotonic() - began
        own = reader.own_queries[0] - answered
        after[0]["query"] = (count(after[0].get("query")) or 0) - own
        if _worked(before[0], after[0]) or seconds >= min(
            parameters["quiet_s"], seconds + reader.left_s - 1.0
        ):
            break
    rates = {f"{k}_s": _rate(before[0], after[0], k, seconds) for k in _COUNTERS}
    work = [rates[f"{k}_s"] for k in _WORK]
    listed = [op for op in running if op["running_s"] is not None and op["running_s"] >= longer]
    return {
        "sample_s": round(seconds, 2),
        "rates": {**rates, "work_s": round(sum(r or 0.0 for r in work), 2)},
        "average_ms": {k: _average(before[1], after[1], k) for k in ("reads", "writes")},
        "queued": {k: count(after[2].get(k)) for k in ("readers", "writers", "total")},
        "longer_than_s": longer,
        "long_running": [op for op in listed if not op["index_build"]][:50],
        "index_builds": [op for op in running if op["index_build"]][:20],
        "running": len(running),
    }


def running_operations(
    reader: Reader, most: int = MOST_DOCUMENTS, *, of_clients: bool = False
) -> list[Document]:
    """Operations under way, without what they ask for; not those that are meant to last.

    `of_clients` leaves out what the server's own threads do.
    """
    never = {f"command.{name}": {"$exists": False} for name in _GREETINGS}
    lasting = {"cursor.tailable": {"$ne": True}, "appName": {"$ne": "opsdeck"}, **never}
    stages = [
        {"$currentOp": {"allUsers": True, "idleConnections": False}},
        {"$match": {"active": True, "op": {"$ne": "none"}, **lasting}},
        {"$sort": {"secs_running": -1}},
    ]
    found = reader.aggregate("admin", 1, stages, most)
    if of_clients:
        found = [op for op in found if str(op.get("desc") or "conn").lower().startswith("conn")]
    return [_operation(op) for op in found if not _own_or_internal(op)]


def _own_or_internal(op: Mapping[str, Any]) -> bool:
    ns = str(op.get("ns", ""))
    first = next(iter(table(dict(op), "command")), "")
    return (
        op.get("appName") == "opsdeck"
        or ns.startswith(("local.", "config."))
        or first in _GREETINGS
        or str(op.get("desc", "")).startswith(("repl", "Repl", "NoopWriter", "Checkpointer"))
    )


def _operation(op: Mapping[str, Any]) -> Document:
    command = table(dict(op), "command")
    message = str(op.get("msg", ""))
    return {
        "opid": plain(op.get("opid")),
        "op": plain(op.get("op")),
        "command": plain(next(iter(command), None)),
        "ns": plain(op.get("ns")),
        "running_s": count(op.get("secs_running")),
        "app": plain(op.get("appName")),
        "client": plain(op.get("client") or op.get("client_s")),
        "waiting_for_lock": op.get("waitingForLock") is True,
        "plan": plain(op.get("planSummary")),
        "index_build": "createIndexes" in command or message.startswith("Index Build"),
    }


def _work(reader: Reader) -> tuple[Document, Document, Document]:
    status = reader.command("admin", {"serverStatus": 1})
    queue = table(status, "globalLock", "currentQueue")
    return table(status, "opcounters"), table(status, "opLatencies"), queue


def _worked(before: Document, after: Document) -> bool:
    """Whether anything was asked or written between two looks."""
    return any((count(after.get(k)) or 0) > (count(before.get(k)) or 0) for k in _WORK)


def _rate(before: Document, after: Document, key: str, seconds: float) -> float | None:
    a, b = count(before.get(key)), count(after.get(key))
    return round(max(0, b - a) / seconds, 2) if a is not None and b is not None else None


def _average(before: Document, after: Document, key: str) -> float | None:
    """The mean latency in milliseconds of what was done between two looks."""
    old, new = table(before, key), table(after, key)
    spent = (number(new.get("latency")) or 0) - (number(old.get("latency")) or 0)
    done = (number(new.get("ops")) or 0) - (number(old.get("ops")) or 0)
    return round(spent / done / 1000, 2) if done > 0 and spent >= 0 else None


def _cache(section: Document, memory: int | None) -> Document:
    most = count(section.get("maximum bytes configured"))
    usual = max(GB // 4, (memory - GB) // 2) if memory else None
    return {
        "max_bytes": most,
        "used_percent": percent(section.get("bytes currently in the cache"), most),
        "dirty_percent": percent(section.get("tracked dirty bytes in the cache"), most),
        "of_usual_percent": percent(most, usual),
    }


def _version(numbers: Any, text: Any) -> list[int] | None:
    given = numbers if isinstance(numbers, list) else str(text or "").partition("-")[0].split(".")
    found = [int(n) for n in given[:3] if str(n).isdecimal()]
    return found or None


def _collections(reader: Reader, database: str) -> list[str] | None:
    try:
        return collection_names(reader, database)
    except ProbeError as error:
        if error.cause == "rights":
            return None
        raise


def collection_names(reader: Reader, database: str) -> list[str]:
    """The collections of a database, without views and those of the system."""
    command = {"listCollections": 1, "nameOnly": True, "cursor": {"batchSize": 2000}}
    cursor = table(reader.command(database, command), "cursor")
    found = [each for each in _list(cursor.get("firstBatch")) if isinstance(each, dict)]
    names = [str(c.get("name")) for c in found if c.get("type", "collection") == "collection"]
    return sorted(name for name in names if not name.startswith("system."))


def _same_host(expected: str, host: str) -> bool:
    if ":" in expected:
        return expected.lower() == host.lower()
    return expected.lower() == host.lower().rpartition(":")[0] or expected.lower() == host.lower()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
