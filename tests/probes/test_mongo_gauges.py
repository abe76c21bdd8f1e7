"""What the gauges of a MongoDB are told: each figure is the server's; what is patched (SecantusDB
tells neither limits, queues, caches, secondaries nor disks) stands in each test."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes._mongo_role import role_text
from opsdeck.probes.base import Document, ProbeError
from tests.probes import partners_mongo as partners
from tests.probes.test_mongo_errors import why
from tests.probes.test_mongo_looks import see

PROBE = {"look": "gauges"}
GB = 1024**3
FIELDS = {
    "connections_used_percent",
    "connections_current",
    "connections_limit",
    "operations_total",
    "queue",
    "lag_s",
    "oplog_window_h",
    "cache_dirty_percent",
    "cache_used_percent",
    "longest_operation_s",
    "longest_operation",
    "disk_free_bytes",
    "disk_used_percent",
    "uptime_s",
    "latency_ms",
    "not_seen",
}
FIGURES = FIELDS - {"latency_ms", "not_seen"}
NO_SET = partners.error(76, "not running with --replSet", "NoReplicationEnabled")
DENIED = partners.error(13, "not authorized on admin to execute command", "Unauthorized")


async def gauges(patches: partners.Patches, database: str = "shop") -> Document:
    """The document of the look at a server with these patches."""
    with partners.Proxy(patches) as proxy:
        found = await see(proxy.uri(database), PROBE)
    assert set(found) == FIELDS
    return found


def operation(seconds: Any, **more: Any) -> dict[str, Any]:
    """A client's operation under way, as `$currentOp` tells of it."""
    command = {"find": "orders", "filter": {"email": "private@example.com"}}
    shared = {"active": True, "desc": "conn17", "op": "query", "ns": "shop.orders"}
    return {**shared, "secs_running": seconds, "command": command, **more}


async def test_a_real_server_is_told_without_waiting() -> None:
    # GIVEN the real server, which knows neither the limit of connections nor caches nor disks
    with partners.database() as name:
        before = partners.admin().admin.command("serverStatus")["opcounters"]
        began = time.perf_counter()
        # WHEN it is looked at
        found = await see(partners.server_uri(name), PROBE)
        took = time.perf_counter() - began
        after = partners.admin().admin.command("serverStatus")["opcounters"]
    # THEN what it tells is there, what it does not tell is null, and there was nothing to wait for
    assert set(found) == FIELDS
    assert sum(before.values()) <= found["operations_total"] <= sum(after.values())
    assert found["connections_current"] > 0
    assert isinstance(found["uptime_s"], int)
    assert (found["longest_operation_s"], found["longest_operation"]) == (0, None)
    for name in ("queue", "cache_used_percent", "disk_free_bytes", "lag_s"):
        assert found[name] is None
    assert found["not_seen"] == []
    assert took < 2


async def test_one_pass_asks_little() -> None:
    """GIVEN one look WHEN it is done THEN each command was asked once, the large sections not."""
    with partners.Proxy() as proxy:
        await see(proxy.uri("shop"), PROBE)
    asked = [c for c in proxy.commands if "lsid" in c]
    names = [next(iter(c)) for c in asked]
    for name in ("serverStatus", "replSetGetStatus", "aggregate", "dbStats"):
        assert names.count(name) == 1
    assert names.count("find") == 2
    assert "replSetGetConfig" not in names
    status = next(c for c in asked if "serverStatus" in c)
    assert all(status[section] == 0 for section in ("metrics", "repl", "locks", "tcmalloc"))
    assert next(c for c in asked if "dbStats" in c)["$db"] == "shop"


async def test_the_status_of_the_server() -> None:
    # GIVEN (patched: these sections of serverStatus) a busy server
    counters = {"insert": 1, "query": 20, "update": 300, "delete": 4000, "getmore": 50_000}
    cache = {
        "maximum bytes configured": 4 * GB,
        "bytes currently in the cache": 3 * GB,
        "tracked dirty bytes in the cache": GB // 2,
    }
    patches = partners.status(
        connections={"current": 819, "available": 7373},
        opcounters={**counters, "command": 600_000, "deprecated": {"query": 7}},
        globalLock={"currentQueue": {"total": 9, "readers": 7, "writers": 2}},
        wiredTiger={"cache": cache},
        uptime=86_400.0,
    )
    found = await gauges(patches)
    # THEN
    assert found["connections_used_percent"] == 10.0
    assert (found["connections_current"], found["connections_limit"]) == (819, 8192)
    assert found["operations_total"] == 654_321
    assert found["queue"] == 9
    assert (found["cache_used_percent"], found["cache_dirty_percent"]) == (75.0, 12.5)
    assert found["uptime_s"] == 86_400


@pytest.mark.parametrize(
    ("sections", "queue"),
    [
        # 8.0: tickets below queues
        (
            {
                "queues": {
                    "execution": {
                        "read": {"normalPriority": {"queueLength": 30}, "out": 9},
                        "write": {
                            "normalPriority": {"queueLength": 4},
                            "lowPriority": {"queueLength": 1},
                        },
                    }
                }
            },
            35,
        ),
        # 7.0: tickets below wiredTiger
        ({"wiredTiger": {"concurrentTransactions": {"read": {"queueLength": 3}}}}, 3),
        # The server counts who waits for a ticket in currentQueue as well
        (
            {
                "globalLock": {"currentQueue": {"total": 40}},
                "queues": {"execution": {"read": {"normalPriority": {"queueLength": 35}}}},
            },
            40,
        ),
        ({"globalLock": {"currentQueue": {"total": 0}}}, 0),
        ({}, None),
    ],
    ids=["8.0", "7.0", "both", "nobody waits", "not told"],
)
async def test_the_queue_is_of_locks_and_tickets(
    sections: dict[str, Any], queue: int | None
) -> None:
    """GIVEN (patched: serverStatus) queues as this version tells them THEN nobody counts twice."""
    found = await gauges(partners.status(**sections))
    assert found["queue"] == queue


async def test_lag_and_oplog_of_a_set() -> None:
    # GIVEN (patched: replSetGetStatus, replSetGetConfig, the ends of the oplog) a set of three:
    # one 12 s behind, one an hour late on purpose
    members = [
        partners.member(0, "PRIMARY"),
        partners.member(1, lag_s=12),
        partners.member(2, lag_s=3600),
    ]
    late = partners.replica_set(members, m2={"secondaryDelaySecs": 3600})
    found = await gauges({**late, **partners.oplog(50)})
    # THEN
    assert (found["lag_s"], found["oplog_window_h"]) == (12.0, 50.0)
    # AND the one that is late counts where nobody may say that it is on purpose
    found = await gauges({**late, "replSetGetConfig": DENIED})
    assert found["lag_s"] == 3600.0
    assert found["not_seen"] == []
    # AND a set that is level has a lag of 0
    found = await gauges(partners.replica_set([members[0], partners.member(1)]))
    assert found["lag_s"] == 0.0


async def test_a_server_without_a_set_has_no_lag() -> None:
    """GIVEN (patched: replSetGetStatus, no oplog) a standalone THEN that is nothing unseen."""
    found = await gauges({"replSetGetStatus": NO_SET, "find:oplog.rs": partners.batch([])})
    assert (found["lag_s"], found["oplog_window_h"], found["not_seen"]) == (None, None, [])


async def test_a_router_is_asked_for_no_set() -> None:
    # GIVEN (patched: hello, serverStatus, dbStats, what a mongos refuses) a mongos with two shards
    refused = partners.error(125, "replSetGetStatus is not supported through mongos")
    status = {
        "connections": {"current": 10, "available": 90},
        "opcounters": dict.fromkeys(
            ("insert", "query", "update", "delete", "getmore", "command"), 5
        ),
        "uptime": 7.0,
    }
    raw = {
        "s0/a:1": {"fsUsedSize": 30.0 * GB, "fsTotalSize": 100.0 * GB},
        "s1/b:1": {"fsUsedSize": 45.0 * GB, "fsTotalSize": 50.0 * GB},
    }
    patches: partners.Patches = {
        "hello": partners.always(
            {"isWritablePrimary": True, "msg": "isdbgrid", "maxWireVersion": 21}
        ),
        "serverStatus": partners.always(status),
        "replSetGetStatus": refused,
        "find:oplog.rs": refused,
        "dbStats": partners.always({"raw": raw, "objects": 7}),
    }
    found = await gauges(patches)
    # THEN its own figures are there, and the disk is that of the fullest shard
    assert (found["connections_used_percent"], found["operations_total"]) == (10.0, 30)
    assert (found["disk_used_percent"], found["disk_free_bytes"]) == (90.0, 5 * GB)
    for name in ("lag_s", "oplog_window_h", "queue", "cache_used_percent", "cache_dirty_percent"):
        assert found[name] is None
    assert found["not_seen"] == []


async def test_the_longest_operation_is_a_clients() -> None:
    # GIVEN (patched: $currentOp) operations of the server, of OpsDeck, of drivers and of clients
    hello = {"hello": 1, "maxAwaitTimeMS": 10_000}
    running = [
        operation(9000, ns="local.oplog.rs", op="getmore"),
        operation(800, appName="opsdeck"),
        operation(700, command=hello, op="command", ns="admin.$cmd"),
        operation(600, desc="TTLMonitor", op="remove"),
        operation(500, desc="ReplWriterWorker-3"),
        operation(400, command={"createIndexes": "orders"}, op="command"),
        operation(31, opid=1),
        operation(12, op="command", command={"aggregate": "orders", "pipeline": []}),
    ]
    found = await gauges(partners.current_op(running))
    # THEN it is the query, told without what it asks for
    assert found["longest_operation_s"] == 31
    assert found["longest_operation"] == "query shop.orders"
    assert "private" not in json.dumps(found)
    # AND a command has its name
    found = await gauges(partners.current_op(running[-1:]))
    assert (found["longest_operation_s"], found["longest_operation"]) == (
        12,
        "aggregate shop.orders",
    )


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"op": "update", "command": {"q": {"email": "private"}, "u": {}}}, "update shop.orders"),
        ({"op": "command", "command": {"$truncated": "{ private }"}}, "command shop.orders"),
        ({"op": "command", "command": {}}, "command shop.orders"),
        ({"op": {"private": 1}, "ns": ["private"]}, None),
        ({"ns": "x" * 5000}, "query " + "x" * 114),
    ],
    ids=["update", "truncated", "no command", "no words", "long"],
)
async def test_an_operation_is_a_short_text(more: dict[str, Any], text: str | None) -> None:
    """GIVEN (patched: $currentOp) an odd operation THEN its text is short and without values."""
    found = await gauges(partners.current_op([operation(3, **more)]))
    assert (found["longest_operation_s"], found["longest_operation"]) == (3, text)


async def test_the_disk_of_the_database() -> None:
    """GIVEN (patched: dbStats) a file system 81 % full THEN so it is told."""
    stats = partners.merged({"fsUsedSize": 81e9, "fsTotalSize": 100e9})
    found = await gauges({"dbStats": stats})
    assert (found["disk_used_percent"], found["disk_free_bytes"]) == (81.0, 19_000_000_000)


PARTS = {
    "status": ("serverStatus", {"connections_current", "operations_total", "uptime_s"}),
    "operations": ("aggregate:$currentOp", {"longest_operation_s", "longest_operation"}),
    "replication": ("replSetGetStatus", {"lag_s"}),
    "oplog": ("find:oplog.rs", {"oplog_window_h"}),
    "disk": ("dbStats", {"disk_free_bytes", "disk_used_percent"}),
}


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_without_rights_is_named(part: str) -> None:
    # GIVEN (patched) a server on which all is told, and a user who may not ask for one part
    members = [partners.member(0, "PRIMARY"), partners.member(1)]
    whole = {
        **partners.replica_set(members),
        **partners.oplog(50),
        "dbStats": partners.merged({"fsUsedSize": 81e9, "fsTotalSize": 100e9}),
    }
    command, _ = PARTS[part]
    found = await gauges({**whole, command: DENIED})
    # THEN its figures are null, and it is named with the reason; all others are there
    [unseen] = found["not_seen"]
    assert unseen["part"] == part
    assert "not authorized" in unseen["why"]
    for other, (_, theirs) in PARTS.items():
        for name in theirs - {"longest_operation"}:
            assert (found[name] is None) == (other == part), name
    if part == "operations":
        assert found["longest_operation"] is None


async def test_without_any_right_there_is_a_document() -> None:
    """GIVEN (patched) a user who may only say hello THEN every figure is null and every part
    named."""
    found = await gauges(dict.fromkeys((command for command, _ in PARTS.values()), DENIED))
    assert {each["part"] for each in found["not_seen"]} == set(PARTS)
    assert all(found[name] is None for name in FIGURES)


async def test_a_part_that_hangs_does_not_hold_up_the_others() -> None:
    # GIVEN (patched) a server that takes longer over dbStats than anybody waits
    def slow(_command: dict[str, Any], real: dict[str, Any]) -> dict[str, Any]:
        time.sleep(4)
        return real

    found = await gauges({"dbStats": slow})
    assert [each["part"] for each in found["not_seen"]] == ["disk"]
    assert found["operations_total"] is not None


async def test_a_server_that_says_nothing_more_cannot_be_looked_at() -> None:
    # GIVEN a server that is gone after its first answers, before serverStatus
    with partners.Proxy() as proxy:

        def gone(*_: Any) -> dict[str, Any]:
            proxy.close()
            raise OSError

        proxy.patches["serverStatus"] = gone
        error = await why(proxy.uri("shop"), "gauges", timeout_s=2)
    # THEN that is no document of nulls
    assert isinstance(error, ProbeError)
    assert error.cause in ("refused", "protocol", "unreachable", "timeout")


NONSENSE: list[Any] = [None, "7", -1, [], {}, [None], {"a": "b"}, 2**62, True, float("nan")]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
async def test_nonsense_becomes_null(nonsense: Any) -> None:
    # GIVEN (patched) replies in which nothing is what it should be
    counters = ("insert", "query", "update", "delete", "getmore", "command")
    cache = ("maximum bytes configured", "bytes currently in the cache", "tracked dirty bytes")
    status = {
        "connections": dict.fromkeys(("current", "available"), nonsense),
        "opcounters": {**dict.fromkeys(counters, 5), "query": nonsense},
        "globalLock": {"currentQueue": {"total": nonsense}},
        "wiredTiger": {"cache": dict.fromkeys(cache, nonsense)},
        "queues": {"execution": {"read": nonsense, "write": {"normalPriority": nonsense}}},
        "uptime": nonsense,
    }
    members = [
        partners.member(0, "PRIMARY"),
        {**partners.member(1), "optimeDate": nonsense},
    ]
    patches: partners.Patches = {
        **partners.replica_set(members),
        "serverStatus": partners.always(status),
        "find:oplog.rs": partners.batch([{"ts": nonsense}]),
        "dbStats": partners.always({"fsUsedSize": nonsense, "fsTotalSize": nonsense}),
        "aggregate:$currentOp": partners.batch([operation(nonsense)]),
    }
    found = await gauges(patches)
    # THEN no figure is made of it; an operation of no known duration is none that runs long
    assert all(found[name] is None for name in FIGURES - {"longest_operation_s"})
    assert found["longest_operation_s"] == 0
    assert found["not_seen"] == []


async def test_figures_that_cannot_be_are_null() -> None:
    # GIVEN (patched) numbers that are too large to be true
    ages = datetime(9999, 1, 1, tzinfo=UTC)
    cache = {
        "maximum bytes configured": 1000,
        "bytes currently in the cache": 10**17,
        "tracked dirty bytes in the cache": 10**17,
    }
    primary = {**partners.member(0, "PRIMARY"), "optimeDate": ages}
    patches = {
        **partners.status(wiredTiger={"cache": cache}, uptime=10**17),
        **partners.replica_set([primary, partners.member(1)]),
        **partners.current_op([operation(10**17)]),
        "dbStats": partners.merged({"fsUsedSize": 2000, "fsTotalSize": 1000}),
    }
    found = await gauges(patches)
    for name in ("cache_used_percent", "cache_dirty_percent", "uptime_s", "lag_s"):
        assert found[name] is None
    assert (found["disk_free_bytes"], found["disk_used_percent"]) == (None, None)
    assert found["longest_operation_s"] == 0


def test_the_role_lets_every_part_be_seen() -> None:
    text = role_text([{"kind": "mongodb", **PROBE}], "shop")
    cluster = '"inprog", "replSetGetConfig", "replSetGetStatus", "serverStatus"'
    assert f'{{"resource": {{"cluster": true}}, "actions": [{cluster}]}}' in text
    assert '{"resource": {"db": "shop", "collection": ""}, "actions": ["dbStats"]}' in text
    assert '{"resource": {"db": "local", "collection": "oplog.rs"}, "actions": ["find"]}' in text


def test_the_page_names_every_field_and_part() -> None:
    """GIVEN the page of the kind THEN it has each field of the look, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "probes" / "mongodb.md").read_text()
    [row] = re.findall(r"^\| `gauges` \| (.*) \|$", page, re.MULTILINE)
    assert {*re.findall(r"`(\w+)`", row), "latency_ms"} == FIELDS
    [section] = re.findall(r"^### gauges\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    for name in (*FIELDS - {"latency_ms"}, *PARTS):
        assert f"`{name}`" in section
