"""End one operation of a MongoDB: the only thing that OpsDeck itself does to a target.

It is asked for by a person, who saw the operation's text a second time; it is looked up once more
right before, and left alone when another one has its number by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from opsdeck.errors import UsageError
from opsdeck.probes import _mongo_uri
from opsdeck.probes._mongo_client import uri_of
from opsdeck.probes.base import Target
from opsdeck.probes.blocking import in_thread
from opsdeck.probes.redact import Redactor

TIMEOUT_MS = 5_000
LONGEST_QUERY = 2_000


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation as it runs: `query` is what was asked, bounded and without secrets."""

    opid: int | str
    ns: str = ""
    op: str = ""
    running_s: float | None = None
    client: str = ""
    query: str = ""

    @property
    def text(self) -> str:
        """It in words, and the act."""
        seconds = f", running for {self.running_s:.0f} s" if self.running_s is not None else ""
        about = f"{self.op} on {self.ns}{seconds}, from {self.client or 'an unknown client'}"
        return f"db.killOp({json.dumps(self.opid)})  # {about}\n# {self.query}"


def opid_of(row: Mapping[str, Any]) -> int | str | None:
    """The number of the operation that a row of a table is about; None where it is none."""
    found = row.get("opid")
    return found if isinstance(found, int | str) and not isinstance(found, bool) else None


async def seen(target: Target, opid: int | str, redactor: Redactor) -> Operation:
    """The operation as it runs now; raises UsageError where it has ended."""
    return await in_thread(lambda: _seen(target, opid, redactor))


async def kill(target: Target, meant: Operation, redactor: Redactor) -> str:
    """End it, if it still is the same; what the server says. Raises UsageError."""
    return await in_thread(lambda: _kill(target, meant, redactor))


def _client(target: Target) -> Any:
    from pymongo import MongoClient

    ca = target.values.get("ca")
    options: dict[str, Any] = {}
    if isinstance(ca, str) and ca:
        options["tlsCAFile"] = str(target.folder / ca)
    return MongoClient(
        _mongo_uri.for_client(uri_of(target), target.folder),
        appname="opsdeck",
        serverSelectionTimeoutMS=TIMEOUT_MS,
        connectTimeoutMS=TIMEOUT_MS,
        timeoutMS=TIMEOUT_MS,
        maxPoolSize=1,
        unicode_decode_error_handler="replace",
        datetime_conversion="DATETIME_AUTO",
        **options,
    )


def _seen(target: Target, opid: int | str, redactor: Redactor) -> Operation:
    try:
        with _client(target) as client:
            return _found(client, opid, redactor)
    except UsageError:
        raise
    except Exception as error:  # PyMongo's own errors and everything that a server may answer
        raise UsageError(_why(target, error, redactor)) from None


def _kill(target: Target, meant: Operation, redactor: Redactor) -> str:
    try:
        with _client(target) as client:
            now = _found(client, meant.opid, redactor)
            if (now.ns, now.op, now.query) != (meant.ns, meant.op, meant.query):
                raise UsageError(f"operation {meant.opid} is another one by now: nothing was ended")
            answer = client.admin.command({"killOp": 1, "op": meant.opid})
    except UsageError:
        raise
    except Exception as error:  # as above
        raise UsageError(_why(target, error, redactor)) from None
    said = answer.get("info") if isinstance(answer, Mapping) else None
    return redactor.text(str(said or "the server was told to end it"))


def _found(client: Any, opid: int | str, redactor: Redactor) -> Operation:
    stages = [
        {"$currentOp": {"allUsers": True, "idleConnections": False}},
        {"$match": {"opid": opid}},
    ]
    found = list(client.admin.aggregate(stages))
    if not found:
        raise UsageError(f"operation {opid} has ended by itself: nothing is to be done")
    op = found[0]
    query = json.dumps(op.get("command") or {}, default=str, ensure_ascii=False)
    seconds = op.get("secs_running")
    return Operation(
        opid=opid,
        ns=str(op.get("ns", "")),
        op=str(op.get("op", "")),
        running_s=float(seconds) if isinstance(seconds, int | float) else None,
        client=str(op.get("client") or op.get("client_s") or ""),
        query=redactor.text(query)[:LONGEST_QUERY],
    )


def _why(target: Target, error: Exception, redactor: Redactor) -> str:
    words = " ".join(redactor.text(str(error)).split())[:300]
    return f"{target.name}: {words or type(error).__name__}"
