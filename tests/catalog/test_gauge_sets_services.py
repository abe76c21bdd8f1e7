"""The ready-made gauges of services are sound, whatever the table that asks for them says."""

from __future__ import annotations

import json
from typing import Any

import jmespath
import pytest
from rich.cells import cell_len

from opsdeck.catalog.gauge_sets_services import SETS
from opsdeck.catalog.validate import id_problem
from opsdeck.durations import parse_duration
from opsdeck.probes import registry

KEYS = {"id", "title", "probe", "value", "unit", "warn", "crit", "for", "every", "playbook"}
KEYS |= {"scale", "rate", "stat", "over"}
PLAYBOOKS = {
    "database-connection-pool-exhausted",
    "database-disk-space",
    "api-response-slowdown",
    "high-cpu-usage",
    "high-memory-usage",
}
SEEN: dict[str, dict[str, Any]] = {
    "mongodb": {
        "connections_used_percent": 10.0,
        "operations_total": 654_321,
        "queue": 9,
        "lag_s": 12.0,
        "oplog_window_h": 50.0,
        "cache_dirty_percent": 12.5,
        "longest_operation_s": 31,
        "disk_used_percent": 81.0,
    },
    "http": {"latency_ms": 9.3, "status": 200},
}
TABLES: list[dict[str, Any]] = [
    {},
    {"every": "30s"},
    {"path": "/health", "database": "shop"},
    {"path": "https://app.example.com/" + "x" * 500, "database": "ünï"},
]


def gauges(which: str, name: str = "Main_DB.1", **table: Any) -> list[dict[str, Any]]:
    """The gauges of a set for a target of this name."""
    return SETS[which](name, {"set": which, "target": name, **table}, {"kind": which})


def matches(threshold: Any) -> bool:
    """Whether a threshold is a number, or a text such as "< 24"."""
    if isinstance(threshold, str):
        sign, _, number = threshold.partition(" ")
        return sign == "<" and float(number) > 0
    return isinstance(threshold, int | float) and threshold > 0


@pytest.mark.parametrize("table", TABLES, ids=str)
@pytest.mark.parametrize("which", SETS)
def test_every_gauge_is_sound(which: str, table: dict[str, Any]) -> None:
    """GIVEN a set for a target WHEN its gauges are made THEN each could stand in the file."""
    found = gauges(which, **table)
    ids = [gauge["id"] for gauge in found]
    assert len(set(ids)) == len(ids)
    json.dumps(found, allow_nan=False)
    for gauge in found:
        assert set(gauge) <= KEYS
        assert id_problem(gauge["id"]) is None
        assert gauge["id"].startswith("main-db-1-")
        assert not set(gauge["id"]) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert 0 < cell_len(gauge["title"]) <= 20
        assert gauge.get("unit", "") in ("%", "/s", "s", "h", "ms", "", "B")
        assert list(registry.problems(gauge["probe"])) == []
        assert registry.consent_of(gauge["probe"]) is None
        assert parse_duration(gauge["every"]) == parse_duration(table.get("every", "10s"))
        assert parse_duration(gauge.get("for", "1m")) > 0
        assert gauge.get("playbook") in (None, *PLAYBOOKS)
        assert gauge.get("scale") == ([0, 100] if gauge.get("unit", "") == "%" else None)
        assert ("warn" in gauge) == ("crit" in gauge)
        assert all(matches(gauge[key]) for key in ("warn", "crit") if key in gauge)
        assert gauge.get("stat") in (None, "p50", "p95", "mean", "max", "errors")
        assert ("stat" in gauge) == ("over" in gauge)


@pytest.mark.parametrize("which", SETS)
def test_every_value_finds_its_figure(which: str) -> None:
    """GIVEN a document as the probe gives it THEN each expression finds something in it."""
    for gauge in gauges(which):
        value = jmespath.compile(gauge["value"]).search(SEEN[which])
        assert isinstance(value, bool if gauge.get("stat") == "errors" else int | float)


@pytest.mark.parametrize("which", SETS)
def test_one_look_serves_all(which: str) -> None:
    """GIVEN a set THEN all its gauges have the same probe, equal and not shared."""
    first, *others = gauges(which, path="/health", database="shop")
    assert others
    for gauge in others:
        assert gauge["probe"] == first["probe"]
        assert gauge["probe"] is not first["probe"]


def test_a_mongodb_has_eight() -> None:
    found = {gauge["id"]: gauge for gauge in gauges("mongodb", "db")}
    assert {
        name: (g.get("unit", ""), g.get("warn"), g.get("crit")) for name, g in found.items()
    } == {
        "db-connections": ("%", 80, 95),
        "db-operations": ("/s", None, None),
        "db-queue": ("", 10, 100),
        "db-longest": ("s", 30, 300),
        "db-lag": ("s", 10, 60),
        "db-oplog": ("h", "< 24", "< 6"),
        "db-dirty": ("%", 10, 20),
        "db-disk": ("%", 80, 90),
    }
    assert [name for name, gauge in found.items() if gauge.get("rate")] == ["db-operations"]
    probe = {"kind": "mongodb", "target": "db", "look": "gauges"}
    assert found["db-disk"]["probe"] == probe
    # AND the table may name another database
    [other, *_] = gauges("mongodb", "db", database="shop", every="1m")
    assert (other["id"], other["every"]) == ("db-shop-connections", "1m")
    assert other["probe"] == {**probe, "database": "shop"}


def test_a_web_target_has_latency_and_errors() -> None:
    found = gauges("http", "web")
    assert [(g["id"], g["stat"], g["over"], g["unit"]) for g in found] == [
        ("web-p50", "p50", 20, "ms"),
        ("web-p95", "p95", 20, "ms"),
        ("web-errors", "errors", 20, "%"),
    ]
    assert found[0]["probe"] == {"kind": "http", "target": "web", "path": "/"}
    # AND well is whatever is no error of the server
    well = jmespath.compile(found[2]["value"])
    assert [well.search({"status": status}) for status in (200, 404, 500, 503)] == [
        True,
        True,
        False,
        False,
    ]


def test_sets_of_one_target_have_ids_of_their_own() -> None:
    """GIVEN a set for each of several long paths THEN no two gauges have the same id."""
    paths = ["/", "/health", "/api/orders", *(f"/{'x' * 40}/{n}" for n in range(5))]
    ids = [gauge["id"] for path in paths for gauge in gauges("http", "web", path=path)]
    assert len(set(ids)) == len(ids)
    assert "web-health-p95" in ids


def test_what_is_written_wrongly_is_left_to_the_reader_of_the_file() -> None:
    """GIVEN values of the wrong type THEN there are gauges, and their probe says what is wrong."""
    for which, key in (("mongodb", "database"), ("http", "path")):
        [gauge, *_] = SETS[which]("main", {key: 5}, {})
        assert any(key in problem for problem in registry.problems(gauge["probe"]))


@pytest.mark.parametrize("which", SETS)
def test_a_name_without_letters_still_makes_an_id(which: str) -> None:
    for gauge in SETS[which]("ü", {}, {}):
        assert gauge["id"].startswith(f"{which}-")
