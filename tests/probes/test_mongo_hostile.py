"""Whoever answers in a MongoDB's place, and whatever: a look ends well, or says why not."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import bson
import pytest

from opsdeck.probes import registry
from opsdeck.probes.base import Target
from opsdeck.probes.kinds import mongodb
from tests.probes import partners_mongo as partners
from tests.probes.test_mongo_errors import why


def unlike(kind: str) -> Callable[[bytes], bytes]:
    """The reply of somebody who is hostile, or something else altogether."""

    def answer(request: bytes) -> bytes:
        identity = struct.unpack_from("<i", request, 4)[0]
        hello = bson.encode({"ok": 1, "isWritablePrimary": True, "maxWireVersion": 21})
        fields: dict[str, Any] = {
            "strings": dict.fromkeys(("ok", "maxWireVersion", "maxMessageSizeBytes"), "x"),
            "negative": {"ok": 1, "isWritablePrimary": True, "maxWireVersion": -5},
            "ancient": {"ok": 1, "isWritablePrimary": True, "maxWireVersion": 2},
            "not ok": {"ok": 0, "errmsg": "\x1b[31m" + "x" * 10_000, "code": 9_999_999},
            "sizes": {
                "ok": 1,
                "isWritablePrimary": True,
                "maxWireVersion": 21,
                "minWireVersion": 0,
                "maxBsonObjectSize": -1,
                "maxMessageSizeBytes": -1,
            },
            "hosts": {"ok": 1, "setName": "x", "hosts": [1, None], "maxWireVersion": 21},
            "big": {"ok": 1, "isWritablePrimary": True, "maxWireVersion": 21, "x": "y" * 9_000_000},
        }
        if kind in fields:
            return partners.message(fields[kind], 1, identity)
        raw = {
            "http": b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100,
            "nothing": b"",
            "zeros": bytes(64),
            "ones": b"\xff" * 64,
            "length negative": struct.pack("<iiii", -1, 1, identity, 2013) + b"x" * 64,
            "length small": struct.pack("<iiii", 3, 1, identity, 2013) + b"x" * 64,
            "length huge": struct.pack("<iiii", 2**31 - 1, 1, identity, 2013) + b"x" * 64,
            "other request": partners.packed(hello, 1, identity + 7),
            "opcode": struct.pack("<iiii", 32, 1, identity, 4711) + b"x" * 16,
            "bson cut": partners.packed(hello[:-9], 1, identity),
            "bson length": partners.packed(b"\xff\xff\xff\x7f" + hello[4:], 1, identity),
            "bson negative": partners.packed(b"\xff\xff\xff\xff" + hello[4:], 1, identity),
            "bson type": partners.packed(hello.replace(b"\x10max", b"\x77max"), 1, identity),
            "bson text": partners.packed(
                b"\x1e\x00\x00\x00\x02ok\x00\xff\xff\xff\x7f" + b"x" * 19, 1, identity
            ),
            "empty document": partners.packed(b"\x05\x00\x00\x00\x00", 1, identity),
            "compressed": struct.pack("<iiiiiiB", 41, 1, identity, 2012, 2013, 2**30, 2)
            + b"x" * 16,
            "two sections": partners.packed(hello, 1, identity)[:16] + b"\0\0\0\0\x05junk",
        }
        return raw[kind]

    return answer


KINDS = """strings,negative,ancient,not ok,sizes,hosts,big,http,nothing,zeros,ones,length negative,
length small,length huge,other request,opcode,bson cut,bson length,bson negative,bson type,
bson text,empty document,compressed,two sections"""
HOSTILE = [kind.strip() for kind in KINDS.split(",")]


async def test_hostile_replies_never_break_it() -> None:
    """GIVEN two dozen servers that answer nonsense THEN each is told, none hangs or crashes."""

    async def one(kind: str) -> tuple[str, str]:
        with partners.answering(unlike(kind)) as port:
            error = await why(f"mongodb://127.0.0.1:{port}/?directConnection=true", timeout_s=1)
        assert len(str(error)) < 500
        return kind, error.cause

    found: dict[str, str] = {}
    for first in range(0, len(HOSTILE), 6):  # not all at once: each has a second, on any machine
        found |= dict(await asyncio.gather(*(one(kind) for kind in HOSTILE[first : first + 6])))
    assert set(found.values()) <= {"protocol", "timeout", "missing", "unreachable"}, found
    for kind in ("http", "length negative", "opcode", "bson cut", "other request"):
        assert found[kind] == "protocol", found


NONSENSE: list[Any] = [None, "x", -1, [], {}, [[]], [None], {"a": "b"}, 2**62, True, float("nan")]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
async def test_nonsense_within_replies_becomes_none(nonsense: Any) -> None:
    """GIVEN replies whose fields are not what they should be THEN every look still ends well."""
    keys = ("connections", "opcounters", "opLatencies", "globalLock", "wiredTiger", "mem")
    status = dict.fromkeys(keys, nonsense)
    reply = {"set": nonsense, "members": nonsense, "config": nonsense, "votingMembersCount": -3}
    sizes = dict.fromkeys(("size", "storageSize", "freeStorageSize", "count"), nonsense)
    patches: partners.Patches = {
        "serverStatus": partners.always(status),
        "buildInfo": partners.always({"version": nonsense, "versionArray": nonsense}),
        "hostInfo": partners.always({"system": nonsense}),
        "replSetGetStatus": partners.always(reply),
        "replSetGetConfig": partners.always(reply),
        "dbStats": partners.always({"fsUsedSize": nonsense, "fsTotalSize": nonsense}),
        "connectionStatus": partners.always({"authInfo": nonsense}),
        "getParameter": partners.always({"featureCompatibilityVersion": nonsense}),
        "profile": partners.always({"was": nonsense, "slowms": nonsense}),
        "find": partners.batch([{"ts": nonsense, "millis": nonsense}]),
        "aggregate:$collStats": partners.batch([{"storageStats": sizes}]),
        "aggregate:$indexStats": partners.batch([{"name": nonsense, "accesses": nonsense}]),
        "aggregate:$currentOp": partners.batch([{"command": nonsense, "secs_running": nonsense}]),
        "listCollections": partners.batch([{"name": "orders", "type": "collection"}]),
    }
    with partners.Proxy(patches) as proxy:
        target = Target("mongodb", {"kind": "mongodb", "uri": proxy.uri("shop")})
        for name in mongodb.LOOKS:
            if name == "migrations":
                continue
            probe = {"kind": "mongodb", "look": name, "sample_s": 0}
            found = await mongodb.look(target, registry.parameters_of(probe), 5)
            assert isinstance(found, dict)
        await target.aclose()
