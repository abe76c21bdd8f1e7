"""Worlds of a MongoDB: a real server with real data, behind a proxy that patches what the server
of the tests lacks (which, stands beside each world), well or with exactly one thing wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.probes import partners_mongo as partners
from tests.probes.partners_mongo import Patches, member
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]
Data = dict[str, list[dict[str, Any]]]
"""Collection -> its documents."""

GB = 1024**3
SETTLED = "directConnection=true&maxPoolSize=20&waitQueueTimeoutMS=5000"


def _one(
    data: Data | None = None,
    patches: Patches | None = None,
    *,
    indexes: dict[str, list[Any]] | None = None,
    options: str = "directConnection=true",
    delay_s: float = 0.0,
    **keys: Any,
) -> Setup:
    """One server with this data; `{name}` and `{host}` in a key's text are its own."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with partners.database() as name, partners.Proxy(patches) as proxy:
            for collection, documents in (data or {}).items():
                partners.admin()[name][collection].insert_many([dict(d) for d in documents])
            for collection, made in (indexes or {}).items():
                for index in made:
                    partners.admin()[name][collection].create_index(index)
            proxy.delay_s = delay_s
            own = {"name": name, "host": proxy.address, "tmp": str(tmp_path)}
            table = {k: v.format(**own) if isinstance(v, str) else v for k, v in keys.items()}
            yield Setting(
                {"mongodb": {"kind": "mongodb", "uri": proxy.uri(name, options), **table}}
            )

    return setup


def _set(
    *members: tuple[str, float],
    named: int = 3,
    options: str = "replicaSet=rs0",
    window_h: float = 72,
) -> Setup:
    """Three servers that are a replica set (patched: hello, replSetGetStatus and replSetGetConfig,
    with these states and lags, the ends of the oplog); the URI names so many of them."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with partners.trio() as proxies:
            listed = [
                member(number, state, lag, name=proxy.address)
                for number, ((state, lag), proxy) in enumerate(zip(members, proxies, strict=False))
            ]
            for proxy in proxies:
                proxy.patches |= partners.replica_set(listed) | partners.oplog(window_h)
            hosts = ",".join(proxy.address for proxy in proxies[:named])
            uri = f"mongodb://{hosts}/shop?{options}"
            yield Setting({"mongodb": {"kind": "mongodb", "uri": uri}})

    return setup


FIRST, NEXT = ("PRIMARY", 0.0), ("SECONDARY", 0.0)
WELL = (FIRST, ("SECONDARY", 1.0), NEXT)


def _migrated(*applied: str, patches: Patches | None = None) -> Setup:
    """A checkout with two migrations, and a changelog that records these as done."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    inner = _one(
        {"changelog": [{"fileName": name, "appliedAt": at} for name in applied]},
        patches,
        path="{tmp}",
    )

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        (tmp_path / "migrations").mkdir()
        for name in ("1-names.js", "2-prices.js"):
            (tmp_path / "migrations" / name).write_text("module.exports = {}\n")
        with inner(tmp_path) as setting:
            yield setting

    return setup


def _busy(
    operations: list[dict[str, Any]],
    queued: int = 0,
    *,
    traffic: bool = True,
    every_s: float = 0.005,
) -> Setup:
    """A server that a service queries in earnest (patched: the queue, $currentOp)."""
    queue = {"currentQueue": {"total": queued, "readers": queued, "writers": 0}}
    patches = partners.status(globalLock=queue) | partners.current_op(operations)
    inner = _one({"orders": [{"a": 1}]}, patches, quiet_s=5 if traffic else 0)

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        over = threading.Event()

        def work() -> None:
            while not over.wait(every_s):
                partners.admin().shop.orders.find_one({"a": 1})

        with ExitStack() as stack:
            setting = stack.enter_context(inner(tmp_path))
            if traffic:
                thread = threading.Thread(target=work)
                thread.start()
                stack.callback(thread.join)
                stack.callback(over.set)
            yield setting

    return setup


def _counted(current: int, available: int) -> Patches:
    """Patched: the limit of connections, which the test server does not have."""
    return partners.status(connections={"current": current, "available": available})


def _ago(**past: float) -> datetime:
    return datetime.now(UTC) - timedelta(**past)


def _jobs(overdue_min: float = -30, finished_min: float = 5, locked_min: float = 1) -> Setup:
    """Agenda's collection: since when a job is due, finished, locked."""
    return _one(
        {
            "agendaJobs": [
                {
                    "name": "mail",
                    "nextRunAt": _ago(minutes=overdue_min),
                    "lastFinishedAt": _ago(minutes=finished_min),
                },
                {"name": "report", "nextRunAt": None, "lockedAt": _ago(minutes=locked_min)},
            ]
        },
        jobs_collection="agendaJobs",
    )


ORDERS = {"orders": [{"customer": n, "created": n, "note": "x"} for n in range(30)]}
ORDERS_INDEX = {"orders": [[("customer", 1), ("created", -1)]]}
WANTED = {"orders": ["customer, -created"]}
LARGE = {"events": [{"n": n} for n in range(1200)]}
NO_WASTE = {"size": 8 * GB, "storageSize": 4 * GB, "freeStorageSize": GB // 8}


def _kept(days: float = 45, ops: dict[str, int] | None = None, free: int = GB // 8) -> Patches:
    """Patched: since when and how often indexes were used, and sizes as WiredTiger gives them."""
    sizes = {"orders": {**NO_WASTE, "freeStorageSize": free}, "events": NO_WASTE}
    return partners.index_stats(days, ops) | partners.coll_stats(sizes)


def _machine(memory_gb: float, cache_gb: float, dirty: float = 0.01, cores: int = 4) -> Setup:
    """A server on such a machine (patched: hostInfo, the cache); 16 GB and 4 cores are wanted."""
    cache = {
        "maximum bytes configured": int(cache_gb * GB),
        "bytes currently in the cache": int(cache_gb * 0.8 * GB),
        "tracked dirty bytes in the cache": int(cache_gb * dirty * GB),
    }
    patches = partners.status(wiredTiger={"cache": cache})
    system = {"memSizeMB": int(memory_gb * 1024), "numCores": cores}
    patches["hostInfo"] = partners.merged({"system": system})
    return _one(None, patches, memory_gb=16, cores=4)


BUILD = {"op": "command", "ns": "shop.orders", "secs_running": 9, "command": {"createIndexes": "o"}}
LONG = {"op": "query", "ns": "shop.orders", "secs_running": 42, "command": {"find": "orders"}}
OLD = {"version": "6.0.14", "versionArray": [6, 0, 14, 0]}
LEVEL = {"featureCompatibilityVersion": {"version": "6.0"}}
SECONDARY = {"isWritablePrimary": False, "ismaster": False, "secondary": True}
SHOP: Data = {"orders": [{"a": 1}]}
HERE = "{host}/{name}"

_TABLE: list[tuple[str, list[tuple[str, str, Setup]]]] = [
    (
        "environment-configuration/db-connection-string",
        [
            ("passed", "it leads to the expected host and database", _one(SHOP, expected=HERE)),
            ("failed", "it leads to another host", _one(SHOP, expected="db1.example.com/{name}")),
            ("failed", "it leads to another database", _one(SHOP, expected="{host}/staging")),
            ("failed", "the database is empty", _one(expected=HERE)),
            (
                "failed",
                "it lowers the write concern",
                _one(SHOP, options="directConnection=true&w=1", expected=HERE),
            ),
        ],
    ),
    (
        "database-readiness/indexes-ready",
        [
            (
                "passed",
                "the wanted index is there",
                _one(ORDERS, _kept(), indexes=ORDERS_INDEX, wanted_indexes=WANTED),
            ),
            (
                "failed",
                "the wanted index is missing",
                _one(ORDERS, _kept(), indexes={"orders": ["created"]}, wanted_indexes=WANTED),
            ),
            (
                "failed",
                "an index is there twice over",
                _one(
                    ORDERS,
                    _kept(),
                    indexes={"orders": [*ORDERS_INDEX["orders"], "customer"]},
                    wanted_indexes=WANTED,
                ),
            ),
            (
                "failed",
                "a large collection has none",
                _one(ORDERS | LARGE, _kept(), indexes=ORDERS_INDEX, wanted_indexes=WANTED),
            ),
            ("failed", "nobody said which are wanted", _one(ORDERS, _kept(), wanted_indexes=[])),
        ],
    ),
    (
        "database-readiness/connection-pooling",
        [
            (
                "passed",
                "pool and waiting are bounded",
                _one(None, _counted(80, 720), options=SETTLED),
            ),
            ("failed", "no pool size in the URI", _one(None, _counted(80, 720))),
            (
                "failed",
                "waiting is not bounded",
                _one(None, _counted(80, 720), options="directConnection=true&maxPoolSize=20"),
            ),
            ("failed", "half the limit is used", _one(None, _counted(400, 400), options=SETTLED)),
        ],
    ),
    (
        "database-readiness/mongodb-version",
        [
            ("passed", "a server of version 8", _one()),
            ("failed", "version 6 (patched)", _one(None, {"buildInfo": partners.merged(OLD)})),
            (
                "failed",
                "feature level 6 (patched)",
                _one(None, {"getParameter": partners.always(LEVEL)}),
            ),
        ],
    ),
    (
        "database-readiness/replica-set",
        [
            ("passed", "three members, all well", _set(*WELL)),
            (
                "failed",
                "one is recovering",
                _set(FIRST, NEXT, ("RECOVERING", 0)),
            ),
            (
                "failed",
                "one is 45 s behind",
                _set(FIRST, ("SECONDARY", 45), NEXT),
            ),
            ("failed", "the URI names two of three", _set(*WELL, named=2)),
            ("failed", "two members only", _set(*WELL[:2])),
        ],
    ),
    (
        "before-going-live/db-connectivity",
        [
            ("passed", "a primary, near", _one()),
            ("failed", "a round trip of 25 ms", _one(delay_s=0.025)),
            ("failed", "no primary (patched)", _one(None, {"hello": partners.merged(SECONDARY)})),
        ],
    ),
    (
        "deployment-execution/migrations-completed",
        [
            ("passed", "each file is recorded", _migrated("1-names.js", "2-prices.js")),
            ("failed", "one file is not recorded", _migrated("1-names.js")),
            (
                "failed",
                "an index is being built (patched)",
                _migrated("1-names.js", "2-prices.js", patches=partners.current_op([BUILD])),
            ),
            (
                "failed",
                "the checkout is older than the database",
                _migrated("1-names.js", "2-prices.js", "3-new.js"),
            ),
        ],
    ),
    (
        "post-deployment-verification/db-queries",
        [
            ("passed", "queries are answered", _busy([])),
            ("passed", "one is answered now and then", _busy([], every_s=1.4)),
            ("failed", "nobody queries", _busy([], traffic=False)),
            ("failed", "one runs for 42 s (patched)", _busy([LONG])),
            ("failed", "seven wait (patched)", _busy([], queued=7)),
        ],
    ),
    (
        "post-deployment-verification/background-jobs",
        [
            ("passed", "jobs are done in time", _jobs()),
            ("failed", "a job is 20 minutes late", _jobs(overdue_min=20)),
            ("failed", "none finished for 3 hours", _jobs(finished_min=180)),
            ("failed", "one is locked since yesterday", _jobs(locked_min=1440)),
            ("failed", "there are no jobs", _one(jobs_collection="agendaJobs")),
        ],
    ),
    (
        "monthly-operations/database-optimization",
        [
            ("passed", "every index is used", _one(ORDERS, _kept(), indexes=ORDERS_INDEX)),
            (
                "failed",
                "one is not",
                _one(ORDERS, _kept(ops={"note_1": 0}), indexes={"orders": ["created", "note"]}),
            ),
            (
                "failed",
                "the counters are two days old",
                _one(ORDERS, _kept(days=2), indexes=ORDERS_INDEX),
            ),
            (
                "failed",
                "half of a file is free",
                _one(ORDERS, _kept(free=2 * GB), indexes=ORDERS_INDEX),
            ),
            ("failed", "a large collection has no index", _one(ORDERS | LARGE, _kept())),
            ("failed", "the database is empty", _one(None, _kept())),
        ],
    ),
    (
        "horizontal-scaling/connection-budget",
        [
            (
                "passed",
                "400 of 800 may be asked for",
                _one(None, _counted(80, 720), options=SETTLED, max_processes=20),
            ),
            (
                "failed",
                "800 of 800 may be asked for",
                _one(None, _counted(80, 720), options=SETTLED, max_processes=40),
            ),
            ("failed", "no pool size in the URI", _one(None, _counted(80, 720), max_processes=2)),
        ],
    ),
    (
        "horizontal-scaling/database-replication",
        [
            ("passed", "two secondaries, near", _set(*WELL)),
            (
                "failed",
                "one 30 s behind",
                _set(FIRST, ("SECONDARY", 30), NEXT),
            ),
            ("failed", "an oplog of 12 hours", _set(*WELL, window_h=12)),
            ("failed", "one secondary only", _set(*WELL[:2])),
        ],
    ),
    (
        "vertical-scaling/database-resources",
        [
            ("passed", "the cache grew with the machine", _machine(15.6, 7.3)),
            ("failed", "the cache is pinned", _machine(15.6, 3)),
            ("failed", "the machine is the old one", _machine(7.8, 3.4)),
            ("failed", "the cache is full of dirty pages", _machine(15.6, 7.3, dirty=0.2)),
            ("failed", "too few cores", _machine(15.6, 7.3, cores=2)),
        ],
    ),
    (
        "database-failure/database-replication",
        [
            ("passed", "three votes that hold data", _set(*WELL)),
            ("failed", "one of them an arbiter", _set(*WELL[:2], ("ARBITER", 0))),
            ("failed", "two members only", _set(*WELL[:2])),
            ("failed", "one is down", _set(*WELL[:2], ("(not reachable/healthy)", 0))),
        ],
    ),
    (
        "database-failure/connection-failover",
        [
            ("passed", "the URI names the whole set", _set(*WELL)),
            ("failed", "the URI names one of three", _set(*WELL, named=1)),
            (
                "failed",
                "writes are not tried again",
                _set(*WELL, options="replicaSet=rs0&retryWrites=false"),
            ),
            ("failed", "no replicaSet in the URI", _set(*WELL, options="appName=shop")),
        ],
    ),
]

WORLDS: list[World] = [
    World(item, "passed" if verdict == "passed" else "failed", about, setup)
    for item, worlds in _TABLE
    for verdict, about, setup in worlds
]
