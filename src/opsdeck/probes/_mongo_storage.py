"""Looks at a MongoDB database's collections and indexes: sizes, use, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from opsdeck.probes._mongo_client import Reader
from opsdeck.probes._mongo_json import iso, plain
from opsdeck.probes._mongo_server import collection_names
from opsdeck.probes._mongo_values import count, percent, table
from opsdeck.probes.base import Document, ProbeError

MOST_COLLECTIONS = 300
MOST_INDEXES = 300

_SIZES = ("count", "size", "storageSize", "totalIndexSize", "freeStorageSize")
_SPECIAL = ("unique", "sparse", "partialFilterExpression", "expireAfterSeconds", "collation")


class Index(NamedTuple):
    """One index as `$indexStats` tells of it."""

    collection: str
    name: str
    key: tuple[tuple[str, Any], ...]
    spec: Mapping[str, Any]
    ops: int | None
    since: datetime | None
    building: bool


def storage(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Sizes of the database, of its collections, and of the file system it is on."""
    stats = reader.command(database, {"dbStats": 1})
    names = collection_names(reader, database)
    sizes, skipped = _sizes(reader, database, names)
    return {
        "database": database,
        "documents": count(stats.get("objects")),
        "data_bytes": count(stats.get("dataSize")),
        "storage_bytes": count(stats.get("storageSize")),
        "index_bytes": count(stats.get("indexSize")),
        "fs_total_bytes": count(stats.get("fsTotalSize")),
        "fs_used_bytes": count(stats.get("fsUsedSize")),
        "fs_used_percent": percent(stats.get("fsUsedSize"), stats.get("fsTotalSize")),
        "collections": sizes,
        "collections_left_out": skipped,
    }


def indexes(reader: Reader, database: str, parameters: Mapping[str, Any]) -> Document:
    """Which indexes there are, which nobody used, and which are wanted and not there."""
    names = collection_names(reader, database)
    found: list[Index] = []
    seen: list[str] = []
    for name in names[:MOST_COLLECTIONS]:
        if reader.left_s < 0.5:
            break
        stats = reader.aggregate(database, name, [{"$indexStats": {}}], 500)
        found += _merged(name, stats)
        seen.append(name)
    sizes, _ = _sizes(reader, database, seen)
    now = _now(reader)
    large = parameters["large"]
    lone = {name for name in seen if not any(_own(i) for i in found if i.collection == name)}
    wanted = wanted_indexes(parameters.get("wanted"))
    listed = [_shown(index, now) for index in found]
    days = [index["days"] for index in listed if index["days"] is not None]
    return {
        "database": database,
        "collections": sizes,
        "collections_left_out": len(names) - len(sizes),
        "indexes": listed[:MOST_INDEXES],
        "indexes_left_out": max(0, len(listed) - MOST_INDEXES),
        "counted_days": max(days, default=None),
        "unused_days": parameters["unused_days"],
        "unused_indexes": [
            i for i in listed if i["ops"] == 0 and _old(i, parameters) and i["droppable"]
        ][:MOST_INDEXES],
        "duplicate_indexes": list(_duplicates(found))[:MOST_INDEXES],
        "large": large,
        "unindexed_collections": [
            c for c in sizes if c["name"] in lone and (c["documents"] or 0) >= large
        ],
        "wanted": [f"{collection}: {', '.join(key)}" for collection, key in wanted],
        "missing_indexes": [
            {"collection": collection, "key": ", ".join(key)}
            for collection, key in wanted
            if not any(_serves(i, key) for i in found if i.collection == collection)
        ],
        "building": [f"{i.collection}.{i.name}" for i in found if i.building],
    }


def wanted_indexes(wanted: Any) -> list[tuple[str, tuple[str, ...]]]:
    """`{orders = ["customer, -created"]}` or `["orders: customer, -created"]` -> pairs.

    Raises ValueError for anything else.
    """
    pairs: list[tuple[Any, Any]] = []
    if isinstance(wanted, Mapping):
        for collection, keys in wanted.items():
            each = [keys] if isinstance(keys, str) else keys
            pairs += [(collection, key) for key in each] if isinstance(each, list) else [("", "")]
    elif isinstance(wanted, list):
        for text in wanted:
            collection, _, key = str(text).partition(":")
            pairs.append((collection.strip(), key))
    elif wanted is not None:
        raise ValueError("it must be a table of lists, or a list")
    result = []
    for collection, key in pairs:
        fields = (
            tuple(f.strip() for f in key.split(",") if f.strip()) if isinstance(key, str) else ()
        )
        if not collection or not fields:
            raise ValueError(
                'each wanted index must name its fields: orders = ["customer, -created"]'
            )
        result.append((str(collection), fields))
    return result


def _sizes(reader: Reader, database: str, names: list[str]) -> tuple[list[Document], int]:
    """The collections with their sizes, largest first, and how many there was no time for."""
    project = {"$project": {f"storageStats.{key}": 1 for key in _SIZES}}
    found: list[Document] = []
    for name in names[:MOST_COLLECTIONS]:
        if reader.left_s < 0.3:
            break
        try:
            stages = [{"$collStats": {"storageStats": {}}}, project]
            shards = reader.aggregate(database, name, stages)
        except ProbeError as error:
            if error.cause != "missing":  # dropped meanwhile, or not a thing with sizes
                raise
            continue
        found.append(_collection(name, [table(each, "storageStats") for each in shards]))
    found.sort(key=lambda c: (-(c["size_bytes"] or 0), c["name"]))
    return found, len(names) - len(found)


def _collection(name: str, shards: list[Document]) -> Document:
    documents, size, stored, index, free = (
        _sum(shard.get(key) for shard in shards) for key in _SIZES
    )
    return {
        "name": plain(name),
        "documents": documents,
        "size_bytes": size,
        "storage_bytes": stored,
        "index_bytes": index,
        "reusable_bytes": free,
        "reusable_percent": percent(free, stored),
    }


def _sum(values: Iterator[Any]) -> int | None:
    found = [each for value in values if (each := count(value)) is not None]
    return sum(found) if found else None


def _merged(collection: str, stats: list[dict[str, Any]]) -> list[Index]:
    """The indexes of one collection; what several shards say of one is added up."""
    found: dict[str, Index] = {}
    for each in stats:
        key = each.get("key")
        name, access = str(each.get("name")), table(each, "accesses")
        since = access.get("since")
        index = Index(
            collection,
            name,
            tuple(key.items()) if isinstance(key, dict) else (),
            table(each, "spec"),
            count(access.get("ops")),
            since if isinstance(since, datetime) else None,
            each.get("building") is True,
        )
        other = found.get(name)
        if other is not None:
            index = index._replace(ops=(other.ops or 0) + (index.ops or 0))
        found[name] = index
    return list(found.values())


def _shown(index: Index, now: datetime) -> Document:
    days = (now - index.since).total_seconds() / 86_400 if index.since else None
    return {
        "collection": plain(index.collection),
        "name": plain(index.name),
        "key": ", ".join(f"{'-' if way == -1 else ''}{plain(field)}" for field, way in index.key),
        "ops": index.ops,
        "since": iso(index.since) if index.since else None,
        "days": round(days, 1) if days is not None and days >= 0 else None,
        "ttl_s": count(index.spec.get("expireAfterSeconds")),
        "unique": index.spec.get("unique") is True,
        "droppable": _own(index)
        and not index.spec.get("unique")
        and "expireAfterSeconds" not in index.spec,
    }


def _own(index: Index) -> bool:
    """Whether somebody made this index, rather than the server."""
    return index.name != "_id_" and [field for field, _ in index.key] != ["_id"]


def _old(index: Document, parameters: Mapping[str, Any]) -> bool:
    return index["days"] is not None and index["days"] >= parameters["unused_days"]


def _duplicates(found: list[Index]) -> Iterator[Document]:
    """Indexes whose keys another index of the collection begins with."""
    plainly = [i for i in found if _own(i) and not any(s in i.spec for s in _SPECIAL)]
    for index in plainly:
        for other in found:
            same = other.collection == index.collection and other.name != index.name
            if not same or not _own(other) or any(s in other.spec for s in _SPECIAL[1:]):
                continue
            begins = other.key[: len(index.key)] == index.key
            twin = other.key == index.key and "unique" not in other.spec
            if begins and (not twin or other.name < index.name):
                yield {
                    "collection": plain(index.collection),
                    "name": plain(index.name),
                    "covered_by": plain(other.name),
                }
                break


def _serves(index: Index, key: tuple[str, ...]) -> bool:
    """Whether an index begins with these fields, in these directions or all turned about."""
    start = index.key[: len(key)]
    if [field for field, _ in start] != [field.lstrip("-+") for field in key]:
        return False
    ways = [way if isinstance(way, int | float) else 1 for _, way in start]
    asked = [-1 if field.startswith("-") else 1 for field in key]
    partial = "partialFilterExpression" in index.spec
    return not partial and not index.building and (ways == asked or [-way for way in ways] == asked)


def _now(reader: Reader) -> datetime:
    """The server's clock, naive UTC as the driver decodes dates; ours where it has none."""
    found = reader.hello.get("localTime")
    return found if isinstance(found, datetime) else datetime.now(UTC).replace(tzinfo=None)
