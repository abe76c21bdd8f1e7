"""The smallest MongoDB role that the probes in use need, as commands for mongosh."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

_CLUSTER = {
    "connection": (),
    "server": ("serverStatus", "hostInfo", "getParameter"),
    "connections": ("serverStatus",),
    "replication": ("replSetGetStatus", "replSetGetConfig", "getDefaultRWConcern"),
    "operations": ("serverStatus", "inprog"),
    "gauges": ("serverStatus", "inprog", "replSetGetStatus", "replSetGetConfig"),
    "migrations": ("serverStatus", "inprog"),
}
"""Look -> actions on the cluster. hello, ping, buildInfo and connectionStatus need none."""

_DATABASE = {
    "connection": ("listCollections",),
    "indexes": ("listCollections", "indexStats", "collStats"),
    "storage": ("listCollections", "dbStats", "collStats"),
    "gauges": ("dbStats",),
    "migrations": ("find",),
}

_COMMANDS = {
    "currentOp": "inprog",
    "serverStatus": "serverStatus",
    "hostInfo": "hostInfo",
    "getParameter": "getParameter",
    "getLog": "getLog",
    "top": "top",
    "connPoolStats": "connPoolStats",
    "lockInfo": "serverStatus",
    "listDatabases": "listDatabases",
    "listShards": "listShards",
    "replSetGetStatus": "replSetGetStatus",
    "replSetGetConfig": "replSetGetConfig",
    "getDefaultRWConcern": "getDefaultRWConcern",
}
_ON_DATABASE = {
    "dbStats": "dbStats",
    "collStats": "collStats",
    "listCollections": "listCollections",
    "listIndexes": "listIndexes",
    "rolesInfo": "viewRole",
}

Need = tuple[str, str]
"""(database, collection); ("", "") is the cluster, a collection of "" any of the database."""


def role_text(probes: Iterable[Mapping[str, Any]], database: str = "DATABASE") -> str:
    """mongosh commands that make a role and a user for what these probes look at.

    `probes` are tables as they stand in the catalog; those of other kinds are passed over.
    `database` is the one the URI names. "" when no probe needs any right.
    """
    needs: dict[Need, set[str]] = {}
    for probe in probes:
        if probe.get("kind") == "mongodb":
            for need, actions in _needs(probe, str(probe.get("database") or database)):
                needs.setdefault(need, set()).update(actions)
    privileges = [
        {"resource": _resource(need), "actions": sorted(actions)}
        for need, actions in sorted(needs.items())
        if actions
    ]
    if not privileges:
        return ""
    lines = ",\n    ".join(json.dumps(each) for each in privileges)
    return (
        "use admin\n"
        f'db.createRole({{ role: "opsdeck", roles: [], privileges: [\n    {lines}\n] }})\n'
        'db.createUser({ user: "opsdeck", pwd: passwordPrompt(), roles: ["opsdeck"] })\n'
        "// or, with more rights than needed, the built-in roles:"
        f' ["clusterMonitor", {{ role: "read", db: {json.dumps(database)} }},'
        ' { role: "read", db: "local" }]\n'
    )


def _needs(probe: Mapping[str, Any], database: str) -> Iterable[tuple[Need, Iterable[str]]]:
    look, collection = probe.get("look"), str(probe.get("collection") or "")
    command = probe.get("command")
    if isinstance(command, Mapping):
        yield from _of_command(command, database)
    elif look is not None:
        yield ("", ""), _CLUSTER.get(look, ())
        yield (database, ""), _DATABASE.get(look, ())
        if look in ("replication", "gauges"):
            yield ("local", "oplog.rs"), ("find",)
        if look == "profile":
            yield (database, "system.profile"), ("find",)
    elif "aggregate" in probe and not collection:
        yield ("", ""), ("inprog",)
    else:
        yield (database, "" if "{" in collection else collection), ("find",)
        for other in _looked_up(probe.get("aggregate")):
            yield (database, other), ("find",)


def _of_command(command: Mapping[str, Any], database: str) -> Iterable[tuple[Need, Iterable[str]]]:
    name = next(iter(command), "")
    if name == "explain" and isinstance(command[name], Mapping):
        yield from _of_command(command[name], database)
    elif name in _COMMANDS:
        yield ("", ""), (_COMMANDS[name],)
    elif name in _ON_DATABASE:
        yield (database, ""), (_ON_DATABASE[name],)
    elif name in ("find", "aggregate", "count", "distinct", "dataSize"):
        yield (database, str(command[name])), ("find",)


def _looked_up(stages: Any) -> Iterable[str]:
    """The other collections that a pipeline reads."""
    if isinstance(stages, list):
        for each in stages:
            yield from _looked_up(each)
    elif isinstance(stages, Mapping):
        for name, value in stages.items():
            if name in ("$lookup", "$graphLookup", "$unionWith"):
                other = (
                    value.get("from", value.get("coll")) if isinstance(value, Mapping) else value
                )
                if isinstance(other, str):
                    yield other
            yield from _looked_up(value)


def _resource(need: Need) -> dict[str, Any]:
    return {"db": need[0], "collection": need[1]} if need != ("", "") else {"cluster": True}
