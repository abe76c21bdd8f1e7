"""What a probe may ask of a MongoDB: an allow-list of commands, their options and stages.

Everything that is not listed is refused, whatever it does. The first key of a command document is
the command, as the server reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANY = frozenset({"*"})
"""Options of any name (sections of serverStatus, conditions of currentOp)."""

NONE: frozenset[str] = frozenset()

COMMANDS: dict[str, frozenset[str]] = {
    "aggregate": frozenset(
        {"pipeline", "cursor", "hint", "collation", "let", "readConcern", "explain"}
    ),
    "balancerStatus": NONE,
    "buildInfo": NONE,
    "collStats": frozenset({"scale"}),
    "connPoolStats": NONE,
    "connectionStatus": frozenset({"showPrivileges"}),
    "count": frozenset({"query", "limit", "skip", "hint", "collation", "readConcern"}),
    "currentOp": ANY,
    "dataSize": frozenset({"keyPattern", "min", "max", "estimate"}),
    "dbStats": frozenset({"scale", "freeStorage"}),
    "distinct": frozenset({"key", "query", "hint", "collation", "readConcern"}),
    "explain": frozenset({"verbosity"}),
    "features": NONE,
    "find": frozenset(
        {"filter", "sort", "projection", "skip", "limit", "hint", "collation", "let", "max"}
        | {"min", "returnKey", "singleBatch", "batchSize", "readConcern"}
    ),
    "getDefaultRWConcern": frozenset({"inMemory"}),
    "getLog": NONE,
    "getParameter": ANY,
    "hello": NONE,
    "hostInfo": NONE,
    "isMaster": NONE,
    "listCollections": frozenset({"filter", "nameOnly", "authorizedCollections", "cursor"}),
    "listDatabases": frozenset({"filter", "nameOnly", "authorizedDatabases"}),
    "listIndexes": frozenset({"cursor", "includeIndexBuildInfo"}),
    "listShards": NONE,
    "lockInfo": NONE,
    "ping": NONE,
    "profile": NONE,
    "replSetGetConfig": frozenset({"commitmentStatus"}),
    "replSetGetStatus": frozenset({"initialSync"}),
    "rolesInfo": frozenset(
        {"showPrivileges", "showBuiltinRoles", "showAuthenticationRestrictions"}
    ),
    "serverStatus": ANY,
    "top": NONE,
    "whatsmyuri": NONE,
}
"""Command -> the options it may have besides `comment`."""

STAGES = frozenset(
    {"$addFields", "$bucket", "$bucketAuto", "$collStats", "$count", "$currentOp", "$densify"}
    | {"$documents", "$facet", "$fill", "$geoNear", "$graphLookup", "$group", "$indexStats"}
    | {"$limit", "$lookup", "$match", "$project", "$redact", "$replaceRoot", "$replaceWith"}
    | {"$sample", "$set", "$setWindowFields", "$skip", "$sort", "$sortByCount", "$unionWith"}
    | {"$unset", "$unwind"}
)

_NEVER = frozenset(
    {"$out", "$merge", "$where", "$function", "$accumulator", "$eval", "eval", "mapreduce"}
    | {"$changestream", "$changestreamsplitlargeevent", "$listsessions", "$listlocalsessions"}
    | {"$plancachestats", "$querystats", "$db", "$readpreference", "$clustertime"}
)
"""Keys that are refused at any depth, in any spelling of upper and lower case."""

_EXPLAINED = frozenset({"aggregate", "count", "distinct", "find"})
_DEEPEST = 60


def refusal(command: Mapping[str, Any], database: str, *, filled: bool = True) -> str | None:
    """Why this command is not carried out, or None when it only reads.

    `filled` is False while the catalog loads: then a string such as `{key}` may still become
    anything, and is looked at again when the target has filled it.
    """
    name = next(iter(command), None)
    if not isinstance(name, str) or name not in COMMANDS:
        return f"the command {_shown(name)} is not on the list of those that only read"
    reason = _forbidden(command)
    if reason is not None:
        return reason
    allowed = COMMANDS[name] | {"comment"}
    for key in list(command)[1:]:
        if allowed >= ANY:
            if key.startswith("$") and key not in ("$all", "$ownOps", "$and", "$or", "$nor"):
                return f"{name} may not have {_shown(key)}"
        elif key not in allowed:
            return f"{name} may not have the option {_shown(key)}"
    return _particular(name, command, database, filled)


def pipeline_refusal(stages: Any, database: str, *, filled: bool = True) -> str | None:
    """Why these stages are not carried out, or None when they only read."""
    return _forbidden(stages) or _stages(stages, database, filled)


def _particular(name: str, command: Mapping[str, Any], database: str, filled: bool) -> str | None:
    value = command[name]
    if name == "aggregate":
        return _stages(command.get("pipeline"), database, filled)
    if name == "explain":
        inner = value if isinstance(value, Mapping) else {}
        if next(iter(inner), None) not in _EXPLAINED:
            return f"explain may only explain {', '.join(sorted(_EXPLAINED))}"
        return refusal(inner, database, filled=filled)
    if name == "profile" and (isinstance(value, bool) or value != -1):
        return "profile may only be -1, which reads the level and leaves it"
    if name == "getLog" and value != "startupWarnings":
        return "getLog may only be startupWarnings: the others hold what users asked for"
    if name == "getParameter" and (isinstance(value, bool) or value != 1):
        return "getParameter may only be 1, with the parameters named"
    if name == "getParameter" and "allParameters" in command:
        return "getParameter may only be 1, with the parameters named"
    return None


def _stages(stages: Any, database: str, filled: bool) -> str | None:
    if _place(stages, filled):
        return None
    if not isinstance(stages, list | tuple):
        return "a pipeline must be a list of stages"
    for stage in stages:
        if _place(stage, filled):
            continue
        if not isinstance(stage, Mapping) or len(stage) != 1:
            return "each stage of a pipeline must be a table with one key"
        name, value = next(iter(stage.items()))
        if name not in STAGES:
            return f"the stage {_shown(name)} is not on the list of those that only read"
        if name == "$currentOp" and database != "admin" and not _place(database, filled):
            return '$currentOp needs database = "admin"'
        reason = _within(name, value, database, filled)
        if reason is not None:
            return reason
    return None


def _within(name: str, value: Any, database: str, filled: bool) -> str | None:
    """The pipelines inside a stage."""
    if not isinstance(value, Mapping):
        return None
    inner = list(value.values()) if name == "$facet" else []
    if name in ("$lookup", "$unionWith") and "pipeline" in value:
        inner.append(value["pipeline"])
    return next((why for each in inner if (why := _stages(each, database, filled))), None)


def _forbidden(value: Any, depth: int = 0) -> str | None:
    if depth > _DEEPEST:
        return "it is nested too deeply to be looked through"
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                return "a key is not a string"
            if key.lower() in _NEVER:
                return f"{_shown(key)} is refused wherever it stands: a probe only reads"
            if (reason := _forbidden(inner, depth + 1)) is not None:
                return reason
    elif isinstance(value, list | tuple):
        return next((why for each in value if (why := _forbidden(each, depth + 1))), None)
    return None


def _place(value: Any, filled: bool) -> bool:
    return not filled and isinstance(value, str) and value.startswith("{") and value.endswith("}")


def _shown(name: object) -> str:
    return f"{name!r}"[:60]
