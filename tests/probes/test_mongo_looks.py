"""What the mongodb kind sees of a real server; what is patched stands in each test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes import registry
from opsdeck.probes.base import Document, ProbeError, Target
from opsdeck.probes.kinds import mongodb
from tests.probes import partners_mongo as partners


async def see(uri: str, probe: Mapping[str, Any], **target: Any) -> Document:
    """The document of a probe at a target with this uri."""
    probe = {"kind": "mongodb", **probe}
    assert list(registry.problems(probe)) == []
    where = Target("mongodb", {"kind": "mongodb", "uri": uri, **target})
    try:
        found = await mongodb.look(where, registry.parameters_of(probe), 5)
    finally:
        await where.aclose()
    json.dumps(found, allow_nan=False)
    assert isinstance(found["latency_ms"], float)
    return found


async def test_connection_says_where_the_string_leads() -> None:
    # GIVEN a database with one collection
    with partners.database() as name:
        partners.admin()[name].orders.insert_one({"a": 1})
        # WHEN the connection is looked at
        expected = f"127.0.0.1/{name}"
        found = await see(partners.server_uri(name), {"look": "connection", "expected": expected})
    # THEN it says who answered, from which database, how fast
    assert found["database"] == name == found["expected_database"]
    assert found["host_as_expected"] is True
    assert found["collections"] == 1
    assert found["writable"] is True
    assert found["authenticated"] is False
    assert 0 < found["round_trip_ms"]["min"] <= found["round_trip_ms"]["median"]


async def test_connection_notices_another_host() -> None:
    found = await see(
        partners.server_uri("shop"), {"look": "connection", "expected": "db.example.com/shop"}
    )
    assert found["host_as_expected"] is False


async def test_server_has_its_version_as_numbers() -> None:
    # GIVEN (patched) a cache as WiredTiger has it, half of what 16 GB of memory suggests
    gb = 1024**3
    cache = {
        "maximum bytes configured": int(3.75 * gb),
        "bytes currently in the cache": 3 * gb,
        "tracked dirty bytes in the cache": int(0.1 * gb),
    }
    patches = partners.status(wiredTiger={"cache": cache}, uptime=5.0)
    patches["hostInfo"] = partners.merged({"system": {"memSizeMB": 16384, "numCores": 4}})
    with partners.Proxy(patches) as proxy:
        found = await see(proxy.uri(), {"look": "server", "memory_gb": 16})
    assert found["version"] == [8, 2, 11]
    assert found["version_text"] == "8.2.11"
    assert found["feature_version"] == [8, 2]
    assert (found["memory_gb"], found["wanted_memory_gb"], found["cores"]) == (16.0, 16, 4)
    assert found["cache"]["of_usual_percent"] == 50.0
    assert found["cache"]["dirty_percent"] == 2.7


async def test_connections_are_counted_against_the_limit() -> None:
    # GIVEN (patched) a server with 819 connections and its limit
    patches = partners.status(
        connections={"current": 819, "available": 7373, "totalCreated": 9000, "active": 12}
    )
    with partners.Proxy(patches) as proxy:
        # WHEN 40 processes have a pool of 20 each
        uri = proxy.uri(options="directConnection=true&maxPoolSize=20")
        found = await see(uri, {"look": "connections", "processes": 40})
        raw = await see(proxy.uri(), {"command": {"serverStatus": 1}})
    # THEN
    assert found["connections"]["used_percent"] == 10.0
    assert (found["asked_connections"], found["asked_percent"]) == (800, 9.8)
    assert raw["connections"]["used_percent"] == 10.0


async def test_operations_tell_rates_and_what_runs_long() -> None:
    # GIVEN (patched) counters that grow, one long query, one index build, our own look
    calls = iter(range(100))

    def counting(_command: dict[str, Any], real: dict[str, Any]) -> dict[str, Any]:
        n = next(calls)
        work = {"query": 1000 + 50 * n, "insert": 10, "update": 5, "delete": 0}
        reads = {"latency": 1_000_000 + 80_000 * n, "ops": 500 + 40 * n}
        return {
            **real,
            "opcounters": work,
            "opLatencies": {"reads": reads, "writes": {"latency": 0, "ops": 0}},
            "globalLock": {"currentQueue": {"total": 2, "readers": 2, "writers": 0}},
        }

    slow = {
        "opid": 77,
        "active": True,
        "op": "query",
        "ns": "shop.orders",
        "secs_running": 31,
        "appName": "shop",
        "command": {"find": "orders", "filter": {"email": "private@example.com"}},
        "planSummary": "COLLSCAN",
    }
    build = {"op": "command", "ns": "shop.orders", "command": {"createIndexes": "orders"}}
    own = {"op": "command", "ns": "admin.$cmd", "appName": "opsdeck", "secs_running": 60}
    tail = {"op": "getmore", "ns": "local.oplog.rs", "secs_running": 9000}
    patches = partners.current_op([slow, build | {"secs_running": 8}, own, tail])
    with partners.Proxy({**patches, "serverStatus": counting}) as proxy:
        found = await see(proxy.uri(), {"look": "operations", "sample_s": 0.1})
    # THEN
    assert found["rates"]["query_s"] > 100
    assert found["rates"]["work_s"] == found["rates"]["query_s"]
    assert found["average_ms"] == {"reads": 2.0, "writes": None}
    assert found["queued"] == {"readers": 2, "writers": 0, "total": 2}
    assert [(op["opid"], op["running_s"]) for op in found["long_running"]] == [(77, 31)]
    assert len(found["index_builds"]) == 1
    assert "private" not in json.dumps(found)


async def test_its_own_queries_are_no_traffic() -> None:
    """GIVEN (patched) a server that counts aggregations and finds as queries, as 7.1 does
    WHEN only OpsDeck looks THEN there is no work."""
    asked = ("aggregate", "find")

    def counting(_command: dict[str, Any], real: dict[str, Any]) -> dict[str, Any]:
        queries = sum(next(iter(c)) in asked for c in proxy.commands)
        return {**real, "opcounters": {"query": queries, "insert": 0, "update": 0, "delete": 0}}

    with partners.Proxy({"serverStatus": counting}) as proxy:
        where = Target("mongodb", {"kind": "mongodb", "uri": proxy.uri("shop")})
        probes: list[dict[str, Any]] = [
            {"look": "operations", "sample_s": 0.3},
            *[{"look": "replication"}] * 20,
        ]
        parameters = [registry.parameters_of({"kind": "mongodb", **probe}) for probe in probes]
        found = await asyncio.gather(*(mongodb.look(where, each, 5) for each in parameters))
        await where.aclose()
    assert found[0]["rates"]["query_s"] == 0.0
    assert found[0]["rates"]["work_s"] == 0.0


async def test_replication_tells_lag_votes_and_window() -> None:
    # GIVEN (patched) a set of three: one 12 s behind, one an hour late on purpose; 50 h of oplog
    members = [
        partners.member(0, "PRIMARY"),
        partners.member(1, lag_s=12),
        partners.member(2, lag_s=3600),
    ]
    patches = partners.replica_set(members, m2={"secondaryDelaySecs": 3600, "hidden": True})
    with partners.Proxy({**patches, **partners.oplog(50)}) as proxy:
        found = await see(proxy.uri(), {"look": "replication"})
    # THEN
    assert found["set"] == "rs0"
    assert [m["lag_s"] for m in found["members"]] == [0.0, 12.0, 3600.0]
    assert found["lag_s"] == 12.0
    assert (found["primaries"], found["secondaries"], found["voters"]) == (1, 2, 3)
    assert found["unhealthy"] == []
    assert found["oplog"]["window_h"] == 50.0
    assert found["default_write_concern"] == "majority"
    assert found["members"][2]["delay_s"] == 3600


async def test_replication_names_members_that_are_not_well() -> None:
    members = [
        partners.member(0, "PRIMARY"),
        partners.member(1, "(not reachable/healthy)", healthy=False),
        partners.member(2, "RECOVERING", lag_s=900),
    ]
    with partners.Proxy(partners.replica_set(members)) as proxy:
        found = await see(proxy.uri(), {"look": "replication"})
    assert found["unhealthy"] == ["m2.example.net:27017", "m3.example.net:27017"]
    assert [m["lag_s"] for m in found["members"]] == [0.0, None, None]
    assert found["lag_s"] is None


async def test_a_standalone_server_has_no_set() -> None:
    # GIVEN (patched) what a mongod without --replSet says
    text = "not running with --replSet"
    patches = {"replSetGetStatus": partners.error(76, text, "NoReplicationEnabled")}
    with partners.Proxy(patches) as proxy:
        found = await see(proxy.uri(), {"look": "replication"})
    assert (found["set"], found["members"], found["primaries"]) == (None, [], 0)


async def test_a_real_set_is_read_from_a_secondary_when_its_primary_is_down() -> None:
    # GIVEN (patched: hello) a set of three whose first two members do not answer
    with partners.trio(down=(0, 1)) as proxies:
        uri = f"mongodb://{','.join(p.address for p in proxies)}/shop?replicaSet=rs0"
        # THEN there is an answer, and it says that nobody can be written to
        found = await see(uri, {"look": "connection"})
    assert found["writable"] is False


async def test_indexes_unused_duplicate_missing() -> None:
    # GIVEN two large collections, (patched) accesses counted for 40 days
    with partners.database() as name:
        db = partners.admin()[name]
        db.orders.insert_many([{"a": n, "b": n % 3} for n in range(60)])
        db.lone.insert_many([{"a": n} for n in range(60)])
        db.orders.create_index([("a", 1), ("b", -1)])
        db.orders.create_index("a")
        db.orders.create_index("email", unique=True, sparse=True)
        patches = partners.index_stats(40, {"a_1": 0, "email_1": 0})
        wanted = {"orders": ["a, -b", "b", "-a, b"], "users": "email"}
        with partners.Proxy(patches) as proxy:
            probe = {"look": "indexes", "wanted": wanted, "large": 50}
            found = await see(proxy.uri(name), probe)
            young = await see(proxy.uri(name), {"look": "indexes", "unused_days": 90})
    # THEN
    assert [i["name"] for i in found["unused_indexes"]] == ["a_1"]
    assert found["duplicate_indexes"] == [
        {"collection": "orders", "name": "a_1", "covered_by": "a_1_b_-1"}
    ]
    assert found["missing_indexes"] == [
        {"collection": "orders", "key": "b"},
        {"collection": "users", "key": "email"},
    ]
    assert [c["name"] for c in found["unindexed_collections"]] == ["lone"]
    assert found["counted_days"] == 40.0
    assert found["collections_left_out"] == 0
    assert young["unused_indexes"] == []


async def test_storage_tells_sizes_and_the_file_system() -> None:
    # GIVEN (patched) sizes as WiredTiger gives them, and a file system 81 % full
    patches = partners.coll_stats(
        {"orders": {"size": 8000, "storageSize": 4000, "freeStorageSize": 1000}}
    )
    patches["dbStats"] = partners.merged({"fsUsedSize": 81e9, "fsTotalSize": 100e9})
    with partners.database() as name, partners.Proxy(patches) as proxy:
        partners.admin()[name].orders.insert_one({"a": 1})
        found = await see(proxy.uri(name), {"look": "storage"})
    assert found["fs_used_percent"] == 81.0
    assert found["collections"][0]["size_bytes"] == 8000
    assert found["collections"][0]["reusable_percent"] == 25.0


async def test_profile_lists_slow_queries_without_what_they_ask() -> None:
    # GIVEN the real profiler at level 2, and one query that took long (patched)
    record = {
        "ts": datetime.now(UTC),
        "op": "query",
        "ns": "shop.orders",
        "millis": 812,
        "planSummary": "COLLSCAN",
        "docsExamined": 90_000,
        "command": {"find": "orders", "filter": {"email": "private@example.com"}},
    }
    with partners.database() as name:
        partners.admin()[name].command({"profile": 2, "slowms": 50})
        patch = {"find:system.profile": partners.batch([record])}
        with partners.Proxy(patch) as proxy:
            found = await see(proxy.uri(name), {"look": "profile", "slower_than_ms": 100})
        real = await see(
            partners.server_uri(name), {"look": "profile", "slower_than_ms": 0, "within_h": 1}
        )
        partners.admin()[name].command({"profile": 0})
    assert (found["level"], found["slow_ms"]) == (2.0, 50.0)
    assert (found["slowest_ms"], found["collection_scans"]) == (812, 1)
    assert "private" not in json.dumps(found)
    assert real["slow"] == [] or real["slow"][0]["ms"] >= 0


async def test_migrations_are_held_against_the_files(tmp_path: Path) -> None:
    # GIVEN three migration files, of which one is recorded as done and one as begun
    (tmp_path / "migrations").mkdir()
    for number in (1, 2, 3):
        (tmp_path / "migrations" / f"{number}-step.js").write_text("")
    with partners.database() as name:
        partners.admin()[name].changelog.insert_many(
            [
                {"fileName": "1-step.js", "appliedAt": datetime(2026, 11, 1, tzinfo=UTC)},
                {"fileName": "2-step.js", "appliedAt": None},
                {"fileName": "0-gone.js", "appliedAt": datetime(2026, 10, 1, tzinfo=UTC)},
            ]
        )
        probe = {"look": "migrations", "files": "migrations/*.js"}
        found = await see(partners.server_uri(name), probe, path=str(tmp_path))
        # AND nothing to hold against is no answer
        with pytest.raises(ProbeError, match="no file matches"):
            await see(partners.server_uri(name), probe, path=str(tmp_path / "nowhere"))
    assert found["pending"] == ["2-step.js", "3-step.js"]
    assert found["unfinished"] == ["2-step.js"]
    assert found["not_in_checkout"] == ["0-gone.js"]
    assert (found["files"], found["applied"]) == (3, 2)
    assert found["last_applied_at"].startswith("2026-11-01T")


async def test_collections_are_counted_found_and_aggregated() -> None:
    with partners.database() as name:
        uri = partners.server_uri(name)
        partners.admin()[name].jobs.insert_many([{"n": n, "late": n > 7} for n in range(250)])
        few = await see(uri, {"collection": "jobs", "find": {"late": True}, "sort": {"n": -1}})
        many = await see(uri, {"collection": "jobs", "aggregate": [{"$match": {}}]})
        raw = await see(uri, {"command": {"find": "jobs", "filter": {}}})
        counted = await see(uri, {"collection": "jobs", "count": {"late": False}})
        nothing = await see(uri, {"collection": "jobs", "count": {"n": -1}})
    assert [d["n"] for d in few["documents"]] == list(range(249, 239, -1))
    assert many["returned"] == 100
    assert len(raw["cursor"]["firstBatch"]) == 100
    assert (counted["count"], nothing["count"]) == (8, 0)


async def test_every_command_is_bounded_in_time_and_says_who_asks() -> None:
    with partners.Proxy() as proxy:
        await see(proxy.uri("shop"), {"look": "storage"})
    asked = [c for c in proxy.commands if "lsid" in c]
    assert asked
    assert all(0 < c["maxTimeMS"] <= 5000 for c in asked)
    names = {c["client"]["application"]["name"] for c in proxy.commands if "client" in c}
    assert names == {"opsdeck"}
