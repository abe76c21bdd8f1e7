"""The `mongodb` kind: read-only looks at a MongoDB server, replica set or database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsdeck.probes import (
    _mongo_gauges,
    _mongo_migrations,
    _mongo_replication,
    _mongo_server,
    _mongo_storage,
    _mongo_uri,
)
from opsdeck.probes._mongo_allow import pipeline_refusal, refusal
from opsdeck.probes._mongo_client import Reader, connection, uri_of
from opsdeck.probes._mongo_json import plain, reply
from opsdeck.probes._mongo_values import count
from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.blocking import import_module

ABOUT = "a MongoDB: version, replication, connections, indexes, sizes, read-only commands"
TARGETS = ("mongodb",)

LOOKS: dict[str, Callable[[Reader, str, Mapping[str, Any]], Document]] = {
    "connection": _mongo_server.connection,
    "server": _mongo_server.server,
    "connections": _mongo_server.connections,
    "operations": _mongo_server.operations,
    "replication": _mongo_replication.replication,
    "storage": _mongo_storage.storage,
    "indexes": _mongo_storage.indexes,
    "migrations": _mongo_migrations.migrations,
    "profile": _mongo_migrations.profile,
    "gauges": _mongo_gauges.gauges,
}

PARAMETERS = {
    "look": Parameter(
        (str,), "a ready-made look; or give command, or collection", choices=("uri", *LOOKS)
    ),
    "database": Parameter((str,), "instead of the URI's (else admin for command)"),
    "command": Parameter((dict,), "a read-only command, e.g. { serverStatus = 1 }"),
    "collection": Parameter((str,), "the collection to aggregate, count or find in"),
    "aggregate": Parameter((list,), "a pipeline of read-only stages"),
    "count": Parameter((dict,), "a filter: how many documents match"),
    "find": Parameter((dict,), "a filter: the documents that match"),
    "sort": Parameter((dict,), "for find: e.g. { created = -1 }"),
    "limit": Parameter((int,), "for find: at most so many documents, up to 20", 10),
    "expected": Parameter((str,), "connection: HOST/DATABASE that the URI should lead to"),
    "memory_gb": Parameter((int, float), "server: the memory it should have"),
    "cores": Parameter((int, float), "server: the cores it should have"),
    "processes": Parameter((int,), "connections: how many processes have a pool, at most"),
    "longer_than_s": Parameter((int, float), "operations: those that run so long are listed", 5),
    "sample_s": Parameter((int, float), "operations: rates are taken over so long", 1),
    "quiet_s": Parameter((int, float), "operations: while nothing is asked, for so long", 0),
    "wanted": Parameter(
        (dict, list), 'indexes that should be there: { orders = ["customer, -created"] }'
    ),
    "unused_days": Parameter((int, float), "indexes: unused means no access for so long", 30),
    "large": Parameter((int,), "indexes: a collection this large wants an index", 1000),
    "files": Parameter((str,), "migrations: a glob of the migration files in the checkout"),
    "record_field": Parameter((str,), "migrations: the field with the file's name", "fileName"),
    "done_field": Parameter((str,), "migrations: the field that a finished one has", "appliedAt"),
    "slower_than_ms": Parameter((int, float), "profile: what counts as slow", 100),
    "within_h": Parameter((int, float), "profile: how far back", 24),
}

_ASKING = ("look", "command", "collection")
_OF_COLLECTION = ("aggregate", "count", "find")
MOST_FOUND = 20


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right: two questions at once, or anything that might change data."""
    pipeline_alone = "aggregate" in parameters and parameters.get("database") == "admin"
    asking = [key for key in ("look", "command") if key in parameters]
    if not asking and not pipeline_alone and "collection" not in parameters:
        yield "a mongodb probe needs look, command, or collection with aggregate, count or find"
    if len(asking) == 2 or (asking and any(key in parameters for key in _OF_COLLECTION)):
        yield "a mongodb probe asks one thing: look, command, or a collection"
    if not asking and sum(key in parameters for key in _OF_COLLECTION) != 1:
        yield "a collection needs exactly one of aggregate, count and find"
    if parameters.get("look") == "migrations" and "files" not in parameters:
        yield "the look migrations needs files: a glob of the migration files"
    yield from _unsound(parameters)
    reason = _refused(parameters, filled=False)
    if reason is not None:
        yield reason


def _unsound(parameters: Mapping[str, Any]) -> Iterator[str]:
    limit = parameters.get("limit")
    if isinstance(limit, int) and not 1 <= limit <= MOST_FOUND:
        yield f"limit is {limit}; it must be 1 to {MOST_FOUND}"
    for key in (
        "longer_than_s",
        "sample_s",
        "quiet_s",
        "unused_days",
        "large",
        "slower_than_ms",
        "within_h",
    ):
        value = parameters.get(key)
        if isinstance(value, int | float) and not 0 <= value <= 1_000_000_000:
            yield f"{key} is {value}; it must not be below 0"
    wanted = parameters.get("wanted")
    if wanted is not None and not isinstance(wanted, str):
        try:
            _mongo_storage.wanted_indexes(wanted)
        except ValueError as error:
            yield f"wanted: {error}"


def _refused(parameters: Mapping[str, Any], *, filled: bool) -> str | None:
    """Why the command or pipeline is not one that only reads."""
    database = str(parameters.get("database") or "")
    command = parameters.get("command")
    if isinstance(command, Mapping):
        return refusal(command, database or "admin", filled=filled)
    if "aggregate" in parameters:
        return pipeline_refusal(parameters["aggregate"], database, filled=filled)
    tables = [parameters[key] for key in ("count", "find", "sort") if key in parameters]
    return refusal({"find": "", "filter": {"$and": tables}}, database, filled=filled)


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """One look within `timeout_s`; raises ProbeError when there is no answer to look at."""
    began = time.perf_counter()
    uri = uri_of(target)
    if parameters.get("look") == "uri":
        took = round((time.perf_counter() - began) * 1000, 1)
        return {"pool": _mongo_uri.pool(uri), "where": uri.where, "latency_ms": took}
    reason = _refused(parameters, filled=True)
    if reason is not None:
        raise ProbeError("untrusted", f"refused: {reason}")
    settled = dict(parameters)
    if parameters.get("look") == "migrations":
        settled["names"] = _mongo_migrations.migration_files(target, parameters["files"])
        settled.setdefault("collection", "")
    given = parameters.get("database") or target.values.get("database") or uri.database
    try:
        await import_module("pymongo")
    except ImportError:
        raise ProbeError("missing", "pymongo is not installed here: install OpsDeck anew") from None
    imported = time.perf_counter()
    way = await connection(target, uri)
    now = time.perf_counter()
    return await way.ask(
        lambda reader: _seen(reader, str(given or "admin"), settled),
        max(0.2, timeout_s - (now - began)),
        now - imported,
    )


def _seen(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """The document; runs in a thread."""
    name = parameters.get("look")
    if name is not None:
        document = LOOKS[name](reader, database, parameters)
    elif "command" in parameters:
        document = _commanded(reader, parameters)
    else:
        document = _asked(reader, database, parameters)
    document.setdefault("latency_ms", round(reader.ping_ms, 1))
    return document


def _commanded(reader: Reader, parameters: Mapping[str, Any]) -> Document:
    command = parameters["command"]
    database = parameters.get("database") or _home(command, reader.uri.database)
    found = reader.command(database, _bounded(command))
    document = reply(found)
    if "connections" in found and next(iter(command)) == "serverStatus":
        document["connections"] = {
            **document["connections"],
            "used_percent": _mongo_server.connection_counts(found)["used_percent"],
        }
    return document


def _home(command: Mapping[str, Any], database: str) -> str:
    """Commands about collections go to the URI's database, all others to admin."""
    name = next(iter(command))
    of_data = ("find", "aggregate", "count", "distinct", "explain", "listCollections", "profile")
    more = ("listIndexes", "dbStats", "collStats", "dataSize")
    return database if database and name in (*of_data, *more) else "admin"


def _bounded(command: Mapping[str, Any]) -> dict[str, Any]:
    """The command with its results limited to what a document holds."""
    bounded = dict(command)
    name = next(iter(command))
    if name == "find":
        asked = bounded.get("limit")
        limit = min(asked, 100) if isinstance(asked, int) and asked > 0 else 100
        bounded |= {"limit": limit, "batchSize": limit, "singleBatch": True}
    elif name == "aggregate" and "explain" not in bounded:
        stages = bounded.get("pipeline")
        kept = [*stages, {"$limit": 100}] if isinstance(stages, list) else []
        bounded |= {"pipeline": kept, "cursor": {"batchSize": 101}}
    elif name in ("listCollections", "listIndexes"):
        bounded |= {"cursor": {"batchSize": 300}}
    return bounded


def _asked(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    collection = parameters.get("collection", 1)
    if "count" in parameters:
        stages = [{"$match": parameters["count"]}, {"$count": "found"}]
        found = reader.aggregate(database, collection, stages, 1)
        return {"count": count(found[0].get("found")) if found else 0}
    if "find" in parameters:
        limit = parameters.get("limit", 10)
        documents = reader.find(
            database, collection, parameters["find"], parameters.get("sort"), limit
        )
    else:
        documents = reader.aggregate(database, collection, parameters["aggregate"])
    return {"documents": plain(documents), "returned": len(documents)}
