"""A mongodb probe only reads: by an allow-list, at load and again when it looks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.probes import registry
from opsdeck.probes._mongo_allow import COMMANDS, STAGES, pipeline_refusal, refusal
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import mongodb
from tests.probes import partners_mongo as partners

OUT = {"$out": "stolen"}
MERGE = {"$merge": {"into": "orders"}}
JS = {"$function": {"body": "function() { return 1 }", "args": [], "lang": "js"}}

REFUSED_COMMANDS: list[dict[str, Any]] = [
    {"insert": "orders", "documents": [{}]},
    {"update": "orders", "updates": []},
    {"delete": "orders", "deletes": []},
    {"findAndModify": "orders", "remove": True},
    {"findandmodify": "orders", "remove": True},
    {"drop": "orders"},
    {"dropDatabase": 1},
    {"create": "orders"},
    {"createIndexes": "orders", "indexes": []},
    {"dropIndexes": "orders", "index": "*"},
    {"renameCollection": "a.b", "to": "a.c"},
    {"collMod": "orders"},
    {"compact": "orders"},
    {"validate": "orders"},
    {"mapReduce": "orders", "map": "", "reduce": "", "out": "x"},
    {"mapreduce": "orders"},
    {"eval": "1"},
    {"$eval": "1"},
    {"killOp": 1, "op": 1},
    {"killCursors": "orders", "cursors": []},
    {"killAllSessions": []},
    {"shutdown": 1},
    {"fsync": 1, "lock": True},
    {"setParameter": 1, "logLevel": 5},
    {"replSetStepDown": 60},
    {"replSetReconfig": {}},
    {"createUser": "x", "pwd": "x", "roles": ["root"]},
    {"usersInfo": 1, "showCredentials": True},
    {"getCmdLineOpts": 1},
    {"getMore": 1, "collection": "orders"},
    {"bulkWrite": 1, "ops": []},
    {"configureFailPoint": "failCommand", "mode": "alwaysOn"},
    {"saslStart": 1, "mechanism": "PLAIN", "payload": ""},
    {"logRotate": 1},
    {"PING": 1},
    {"ServerStatus": 1},
    {" ping": 1},
    {"": 1},
    {},
    {"comment": "x", "ping": 1},
    {"ping": 1, "drop": "orders"},
    {"ping": 1, "$db": "admin"},
    {"hello": 1, "speculativeAuthenticate": {}},
    {"profile": 2},
    {"profile": -1, "slowms": 1},
    {"profile": True},
    {"getLog": "global"},
    {"getParameter": "*"},
    {"getParameter": 1, "allParameters": True},
    {"find": "orders", "filter": {"$where": "sleep(1000)"}},
    {"find": "orders", "filter": {"$or": [{"a": 1}, {"$WHERE": "1"}]}},
    {"find": "orders", "filter": {"$expr": JS}},
    {"find": "orders", "tailable": True},
    {"find": "orders", "lsid": {}},
    {"find": "orders", "startTransaction": True},
    {"find": "orders", "maxTimeMS": 0},
    {"count": "orders", "query": {"$where": "1"}},
    {"distinct": "orders", "key": "a", "query": {"$where": "1"}},
    {"aggregate": "orders", "pipeline": [OUT]},
    {"aggregate": "orders", "pipeline": [], "writeConcern": {"w": 1}},
    {"explain": {"update": "orders", "updates": []}},
    {"explain": {"aggregate": "orders", "pipeline": [OUT]}},
    {"explain": {"explain": {"find": "orders"}}},
    {"explain": "find"},
]

REFUSED_PIPELINES: list[Any] = [
    [OUT],
    [MERGE],
    [{"$OUT": "x"}],
    [{"$Merge": "x"}],
    [{"$match": {}}, OUT],
    [{"$facet": {"a": [OUT]}}],
    [{"$facet": {"a": [{"$match": {}}], "b": [{"$match": {}}, MERGE]}}],
    [{"$lookup": {"from": "b", "pipeline": [OUT], "as": "x"}}],
    [{"$lookup": {"from": "b", "as": "x", "pipeline": [{"$unionWith": {"pipeline": [OUT]}}]}}],
    [{"$unionWith": {"coll": "b", "pipeline": [MERGE]}}],
    [{"$unionWith": {"coll": "b", "pipeline": [{"$changeStream": {}}]}}],
    [{"$facet": {"a": [{"$lookup": {"from": "b", "pipeline": [{"$facet": {"c": [OUT]}}]}}]}}],
    [{"$changeStream": {}}],
    [{"$changestream": {}}],
    [{"$match": {"$where": "1"}}],
    [{"$match": {"$expr": JS}}],
    [{"$group": {"_id": 1, "n": {"$accumulator": {"init": "", "lang": "js"}}}}],
    [{"$project": {"x": {"$map": {"input": [], "in": JS}}}}],
    [{"$addFields": {"x": {"$cond": [1, JS, 2]}}}],
    [{"$currentOp": {"allUsers": True}}],
    [{"$listSessions": {"allUsers": True}}],
    [{"$listLocalSessions": {}}],
    [{"$queryStats": {}}],
    [{"$planCacheStats": {}}],
    [{"$unknown": {}}],
    [{"$lookup": {"from": "b", "pipeline": [{"$unknown": {}}], "as": "x"}}],
    [{"$unionWith": {"coll": "b", "pipeline": [{"$currentOp": {}}]}}],
    [{"$match": {}, "$out": "x"}],
    [{}],
    ["$out"],
    [[OUT]],
    OUT,
    "{anything}",
]

ALLOWED: list[dict[str, Any]] = [
    {"ping": 1, "comment": "hello"},
    {"serverStatus": 1, "repl": 0, "metrics": 0},
    {"getParameter": 1, "featureCompatibilityVersion": 1},
    {"profile": -1},
    {"getLog": "startupWarnings"},
    {"currentOp": 1, "$all": True, "secs_running": {"$gt": 5}},
    {"explain": {"find": "orders", "filter": {"a": 1}}, "verbosity": "executionStats"},
    {
        "aggregate": "orders",
        "pipeline": [
            {"$match": {"$expr": {"$lt": ["$at", {"$subtract": ["$$NOW", 1000]}]}}},
            {"$lookup": {"from": "b", "pipeline": [{"$match": {}}], "as": "b"}},
            {"$facet": {"a": [{"$count": "n"}], "b": [{"$sortByCount": "$a"}]}},
            {"$replaceRoot": {"newRoot": {"$mergeObjects": ["$a", "$b"]}}},
        ],
        "cursor": {},
    },
]


@pytest.mark.parametrize("command", REFUSED_COMMANDS, ids=str)
async def test_a_command_that_is_not_listed_is_refused_twice(command: dict[str, Any]) -> None:
    # GIVEN a probe with a command that might do more than read
    probe = {"kind": "mongodb", "target": "db", "command": command}
    # THEN the catalog says so when it loads
    assert list(registry.problems(probe))
    # AND the look refuses it, though the server would be there
    target = Target("db", {"kind": "mongodb", "uri": partners.server_uri("shop")})
    with pytest.raises(ProbeError, match="refused"):
        await mongodb.look(target, registry.parameters_of(probe), 2)
    await target.aclose()


@pytest.mark.parametrize("pipeline", REFUSED_PIPELINES, ids=str)
async def test_a_pipeline_that_might_write_is_refused_twice(pipeline: Any) -> None:
    probe = {"kind": "mongodb", "target": "db", "collection": "orders", "aggregate": pipeline}
    if not isinstance(pipeline, str):  # that one may be filled by the target
        assert list(registry.problems(probe))
    target = Target("db", {"kind": "mongodb", "uri": partners.server_uri("shop")})
    with pytest.raises(ProbeError, match="refused"):
        await mongodb.look(target, registry.parameters_of(probe), 2)


@pytest.mark.parametrize("command", ALLOWED, ids=str)
def test_what_only_reads_is_carried_out(command: dict[str, Any]) -> None:
    assert refusal(command, "admin") is None


def test_current_operations_are_the_admin_databases() -> None:
    assert pipeline_refusal([{"$currentOp": {}}], "admin") is None
    assert pipeline_refusal([{"$currentOp": {}}], "shop") is not None


@pytest.mark.parametrize("key", ["count", "find"])
def test_filters_of_a_collection_are_looked_through(key: str) -> None:
    probe = {"kind": "mongodb", "collection": "orders", key: {"a": [{"$where": "1"}]}}
    assert list(registry.problems(probe))


def test_placeholders_wait_for_the_target() -> None:
    """GIVEN a stage the target fills in THEN loading accepts it and looking checks it."""
    stages = ["{stage}", {"$match": {"age": {"$gt": "{hours|3}"}}}]
    assert pipeline_refusal(stages, "shop", filled=False) is None
    assert pipeline_refusal(stages, "shop") is not None


WORDS = st.sampled_from([*COMMANDS, "insert", "drop", "$where", "a", "filter", "pipeline"])
NESTS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
FORBIDDEN = st.sampled_from(["$out", "$merge", "$where", "$function", "$accumulator", "$eval"])


@given(st.dictionaries(WORDS, NESTS, max_size=4))
def test_only_listed_commands_ever_pass(command: dict[str, Any]) -> None:
    if refusal(command, "admin") is None:
        assert next(iter(command)) in COMMANDS
        assert "$where" not in str(command)


@given(st.sampled_from(sorted(STAGES)), FORBIDDEN, st.lists(st.sampled_from("abc"), max_size=6))
def test_nothing_forbidden_passes_however_deep(stage: str, key: str, path: list[str]) -> None:
    value: Any = {key: 1}
    for name in path:
        value = [value] if name == "c" else {name: value}
    assert pipeline_refusal([{stage: value}], "admin") is not None
    assert refusal({"aggregate": 1, "pipeline": [{stage: value}]}, "admin") is not None
