"""Looks at what a MongoDB says was done to it, or slowly: migrations, the profiler's records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from opsdeck.probes._mongo_client import Reader
from opsdeck.probes._mongo_json import plain
from opsdeck.probes._mongo_server import running_operations
from opsdeck.probes._mongo_values import count, number
from opsdeck.probes.base import Document, ProbeError, Target

MOST_FILES = 5_000


def migration_files(target: Target, pattern: str) -> list[str]:
    """The names of the migration files of this checkout; raises ProbeError where there are none."""
    glob = target.path(pattern)
    try:
        found = sorted(p.name for p in Path(glob.anchor).glob(str(glob.relative_to(glob.anchor))))
    except (OSError, ValueError, NotImplementedError) as error:
        raise ProbeError("missing", f"migrations {pattern!r} cannot be read: {error}") from None
    if not found:
        raise ProbeError(
            "missing",
            f"no file matches {pattern}: set path (the checkout) and migrations (a glob) in"
            f" [targets.{target.name}]",
        )
    return found[:MOST_FILES]


def migrations(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Which migration files the database has a finished record of, and which it has not."""
    collection, field = parameters["collection"] or "changelog", parameters["record_field"]
    done, begun = parameters["done_field"], set[str]()
    files: list[str] = parameters["names"]
    applied: dict[str, Any] = {}
    skip = 0
    while True:
        batch = _records(reader, database, collection, field, done, skip)
        for record in batch:
            name = str(record.get(field))
            (applied.__setitem__(name, record[done]) if record.get(done) else begun.add(name))
        skip += len(batch)
        if len(batch) < 100 or skip >= MOST_FILES:
            break
    names = {_stem(name) for name in applied}
    pending = [name for name in files if _stem(name) not in names]
    known = {_stem(name) for name in files}
    return {
        "database": database,
        "collection": collection,
        "files": len(files),
        "applied": len(applied),
        "pending": pending[:100],
        "unfinished": sorted(plain(name) for name in begun)[:100],
        "not_in_checkout": sorted(plain(n) for n in applied if _stem(n) not in known)[:100],
        "last_applied_at": plain(max((v for v in applied.values() if _is_date(v)), default=None)),
        "index_builds": [op for op in running_operations(reader) if op["index_build"]][:20],
    }


def profile(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """What the profiler of this database recorded as slow in the last hours."""
    state = reader.command(database, {"profile": -1})
    slower, hours = parameters["slower_than_ms"], parameters["within_h"]
    now = reader.hello.get("localTime")
    now = now if isinstance(now, datetime) else datetime.now(UTC).replace(tzinfo=None)
    asked = {"millis": {"$gte": slower}, "ts": {"$gte": now - timedelta(hours=hours)}}
    found = reader.find(database, "system.profile", asked, {"ts": -1}, 50)
    slow = [_slow(each) for each in found]
    return {
        "database": database,
        "level": number(state.get("was")),
        "slow_ms": number(state.get("slowms")),
        "sample_rate": number(state.get("sampleRate")),
        "slower_than_ms": slower,
        "within_h": hours,
        "slow": sorted(slow, key=lambda s: -(s["ms"] or 0)),
        "slowest_ms": max((s["ms"] or 0 for s in slow), default=None),
        "collection_scans": sum("COLLSCAN" in str(s["plan"]) for s in slow),
    }


def _slow(record: Mapping[str, Any]) -> Document:
    """One record, without what was asked for: that may be personal."""
    return {
        "at": plain(record.get("ts")),
        "op": plain(record.get("op")),
        "ns": plain(record.get("ns")),
        "ms": count(record.get("millis")),
        "plan": plain(record.get("planSummary")),
        "docs_examined": count(record.get("docsExamined")),
        "keys_examined": count(record.get("keysExamined")),
        "returned": count(record.get("nreturned")),
        "app": plain(record.get("appName")),
    }


def _records(
    reader: Reader, database: str, collection: str, field: str, done: str, skip: int
) -> list[dict[str, Any]]:
    stages: list[Any] = [{"$sort": {"_id": 1}}, {"$skip": skip}, {"$project": {field: 1, done: 1}}]
    return reader.aggregate(database, collection, stages, 100)


def _stem(name: str) -> str:
    """A migration's name without the suffix that says in which language it is written."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and suffix in ("js", "ts", "mjs", "cjs", "py", "json") else name


def _is_date(value: Any) -> bool:
    return isinstance(value, datetime)
