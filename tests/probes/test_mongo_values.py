"""Parameters of the mongodb kind, BSON as JSON, and the role that the probes need."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest

from opsdeck.probes import registry
from opsdeck.probes._mongo_json import plain
from opsdeck.probes._mongo_role import role_text


@pytest.mark.parametrize(
    "probe",
    [
        {},
        {"look": "server", "command": {"ping": 1}},
        {"look": "server", "count": {}},
        {"collection": "jobs"},
        {"collection": "jobs", "count": {}, "find": {}},
        {"collection": "jobs", "find": {}, "limit": 21},
        {"look": "migrations"},
        {"look": "everything"},
        {"look": "indexes", "wanted": {"orders": [1]}},
        {"look": "indexes", "wanted": ["orders"]},
        {"look": "operations", "sample_s": -1},
    ],
    ids=str,
)
def test_what_cannot_be_right_is_said_at_load(probe: dict[str, Any]) -> None:
    assert list(registry.problems({"kind": "mongodb", "target": "db", **probe}))


def test_bson_becomes_json() -> None:
    document = {
        "id": bson.ObjectId("6b04cf6cbae3ba72843ae03b"),
        "at": datetime(2026, 11, 23, 2, 31),
        "money": bson.Decimal128("12.50"),
        "huge": bson.Decimal128("1E+6000"),
        "long": bson.Int64(7),
        "raw": b"12345",
        "nan": float("nan"),
        "inf": float("-inf"),
        "ts": bson.Timestamp(1_700_000_000, 3),
        "re": bson.Regex("^a", "i"),
        "min": bson.MinKey(),
        "code": bson.Code("function() {}"),
        "far": bson.DatetimeMS(2**60),
        "bad": "x\ud800\x1b[31m",
        "many": list(range(1000)),
        "long_text": "x" * 100_000,
    }
    found = plain(document)
    json.dumps(found, allow_nan=False)
    assert found["id"] == "6b04cf6cbae3ba72843ae03b"
    assert found["at"] == "2026-11-23T02:31:00.000Z"
    assert (found["money"], found["huge"], found["long"]) == (12.5, None, 7)
    assert found["raw"] == {"binary_bytes": 5}
    assert (found["nan"], found["inf"]) == (None, None)
    assert (found["re"], found["min"]) == ("/^a/", "MinKey")
    assert found["many"][-1] == "700 more left out"
    assert len(found["long_text"]) < 17_000
    found["bad"].encode()


def test_nesting_and_size_are_bounded() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": [deep]}
    wide = {f"k{i}": ["x" * 1000] * 300 for i in range(300)}
    assert len(json.dumps(plain(deep))) < 1000
    assert len(json.dumps(plain(wide))) < 2_000_000


def test_the_role_is_the_smallest_that_serves() -> None:
    probes: list[dict[str, Any]] = [
        {"kind": "mongodb", "look": "replication"},
        {"kind": "mongodb", "look": "indexes"},
        {"kind": "mongodb", "collection": "jobs", "count": {}},
        {"kind": "mongodb", "command": {"explain": {"find": "users"}}},
        {"kind": "mongodb", "database": "other", "command": {"dbStats": 1}},
        {"kind": "http"},
    ]
    text = role_text(probes, "shop")
    assert '"replSetGetConfig", "replSetGetStatus"' in text
    assert '{"resource": {"db": "local", "collection": "oplog.rs"}, "actions": ["find"]}' in text
    assert '"actions": ["collStats", "indexStats", "listCollections"]' in text
    assert '{"resource": {"db": "shop", "collection": "jobs"}, "actions": ["find"]}' in text
    assert '{"resource": {"db": "other", "collection": ""}, "actions": ["dbStats"]}' in text
    assert "serverStatus" not in text
    assert "insert" not in text
    assert role_text([{"kind": "mongodb", "look": "uri"}]) == ""


def test_recent_dates_stay_dates() -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    assert plain(later).endswith("Z")
