"""One MongoDB client a target, asked from threads that may be left behind.

PyMongo's asyncio client resolves names in the loop's executor, which a resolver that does not
answer holds up when the program ends; the blocking client in daemon threads does not.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from opsdeck.probes import _mongo_uri
from opsdeck.probes._mongo_allow import refusal
from opsdeck.probes._mongo_errors import explain, silent, unresolved
from opsdeck.probes._mongo_heartbeats import Heartbeats, keep_quiet
from opsdeck.probes._mongo_uri import Uri
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.blocking import in_thread
from opsdeck.probes.resolve import endpoints_of

if TYPE_CHECKING:
    from pymongo import MongoClient

REACH_S = 2.0
"""So long a first answer may take; whoever gives none is not waited for."""

SELECT_S = 1.5
GRACE_S = 0.3
CONNECT_S = 1.0

MOST_DOCUMENTS = 100
LARGEST_REPLY = 4 * 1024 * 1024
"""Replies beyond it are not decoded: that would hold up every other thread."""

_COUNTED = frozenset({"aggregate", "count", "distinct", "explain", "find"})
"""Commands that a server counts as queries; aggregations it does so since 7.1."""

Result = TypeVar("Result")


def uri_of(target: Target) -> Uri:
    """The target's URI taken apart, its password hidden; raises ProbeError (missing)."""
    text = target.text("uri")
    for secret in _mongo_uri.secrets_in(text):
        target.hide(secret)
    try:
        return _mongo_uri.parse(text)
    except ValueError as error:
        raise ProbeError("missing", f"the uri of target {target.name}: {error}") from None


class Connection:
    """The client of one target: opened by the first look, closed with the target."""

    def __init__(self, target: Target, uri: Uri) -> None:
        self.uri = uri
        self._folder = target.folder
        ca = target.values.get("ca")
        self._ca = str(target.folder / ca) if isinstance(ca, str) and ca else None
        self._client: MongoClient[Any] | None = None
        self._closed = False
        self._heartbeats = Heartbeats()
        self._lock = threading.Lock()
        self.begun = self.ended = 0
        """How many queries were sent, and answered: the server counts them among the service's."""

    @contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Around a command of this name, in whichever thread."""
        counts = int(name in _COUNTED)
        with self._lock:
            self.begun += counts
        try:
            yield
        finally:
            with self._lock:
                self.ended += counts

    def open(self) -> None:
        """Make the client; blocks while `mongodb+srv` is resolved. Raises ProbeError."""
        try:
            client = self._make()
        except Exception as error:
            raise explain(error, self.uri) from None
        if self._closed:
            client.close()
        else:
            self._client = client

    def _make(self) -> MongoClient[Any]:
        from pymongo import MongoClient

        keep_quiet()
        options: dict[str, Any] = {} if self._ca is None else {"tlsCAFile": self._ca}
        if self.uri.option("readpreference") in (None, "primary"):
            options["readPreference"] = "primaryPreferred"
        return MongoClient(
            _mongo_uri.for_client(self.uri, self._folder),
            appname="opsdeck",
            connect=False,
            maxPoolSize=16,
            serverSelectionTimeoutMS=int(SELECT_S * 1000),
            connectTimeoutMS=int(CONNECT_S * 1000),
            waitQueueTimeoutMS=int(SELECT_S * 1000),
            timeoutMS=int(REACH_S * 1000),
            serverMonitoringMode="poll",
            event_listeners=[self._heartbeats.listener()],
            retryWrites=False,
            unicode_decode_error_handler="replace",
            datetime_conversion="DATETIME_AUTO",
            **options,
        )

    @property
    def client(self) -> MongoClient[Any]:
        """The open client."""
        if self._client is None:
            raise ProbeError("internal", "the MongoDB client is closed")
        return self._client

    async def close(self) -> None:
        """Close it in the background: a server that hangs must not hold this up."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await in_thread(client.close)

    async def ask(
        self, work: Callable[[Reader], Result], timeout_s: float, spent_s: float = 0.0
    ) -> Result:
        """What `work` makes of the server's answers; raises ProbeError within the timeout.

        `spent_s` is how long it took to open the client: that counts as waiting as well.
        """
        deadline = time.monotonic() + timeout_s
        reach = min(timeout_s, max(0.5, REACH_S - spent_s))
        reader = Reader(self, deadline)
        try:
            async with asyncio.timeout(reach + GRACE_S):
                await self._reached(reader, reach)
        except TimeoutError:
            raise silent(self.uri, reach) from None
        try:
            async with asyncio.timeout(max(0.05, deadline - time.monotonic() + 0.1)):
                return await in_thread(lambda: work(reader))
        except TimeoutError:
            raise silent(self.uri, timeout_s) from None

    async def _reached(self, reader: Reader, seconds: float) -> None:
        """Wait for the first answer, but not for hosts that all said no already."""
        began = time.monotonic()
        reaching = asyncio.ensure_future(in_thread(lambda: reader.reach(seconds)))
        try:
            while not (await asyncio.wait({reaching}, timeout=0.05))[0]:
                error = self._heartbeats.verdict(self.client.topology_description, began)
                found = None if error is None else explain(error, self.uri)
                if found is not None and found.cause != "timeout":
                    raise found
            await reaching
        finally:
            reaching.cancel()


async def connection(target: Target, uri: Uri) -> Connection:
    """The target's one connection."""

    async def make() -> Connection:
        await _resolvable(uri)
        found = Connection(target, uri)
        target.on_close(found.close)
        try:
            async with asyncio.timeout(REACH_S):
                await in_thread(found.open)
        except TimeoutError:
            raise unresolved(uri) from None
        return found

    return await target.shared("mongodb", make)


async def _resolvable(uri: Uri) -> None:
    """Raises ProbeError (dns) when no host of the string has an address.

    A resolver that does not answer would hold a thread of the driver, which then holds up the end
    of the program; SRV records are asked for by dnspython, which keeps its own time.
    """
    hosts = [host for host in uri.hosts if not uri.srv and not host.endswith(".sock")]
    asked = (endpoints_of(host.rpartition(":")[0].strip("[]"), 0, CONNECT_S) for host in hosts)
    found = await asyncio.gather(*asked, return_exceptions=True)
    failures = [each for each in found if isinstance(each, BaseException)]
    if failures and len(failures) == len(uri.hosts):
        raise failures[0]


class Reader:
    """Asks one server what the allow-list permits, until a deadline. Used in a thread."""

    def __init__(self, owner: Connection, deadline: float) -> None:
        self.uri = owner.uri
        self.deadline = deadline
        self.hello: dict[str, Any] = {}
        self.ping_ms = 0.0
        self._owner = owner

    @property
    def own_queries(self) -> tuple[int, int]:
        """How many queries all looks at the target have begun, and how many are answered."""
        return self._owner.begun, self._owner.ended

    @property
    def left_s(self) -> float:
        """What is left of the time."""
        return self.deadline - time.monotonic()

    def reach(self, seconds: float) -> None:
        """Connect if need be, and learn who answers and how far away it is."""
        until, self.deadline = self.deadline, time.monotonic() + seconds
        self.hello = self.command("admin", {"hello": 1})
        self.ping_ms = self.ping()
        self.deadline = until

    def ping(self) -> float:
        """The milliseconds of one round trip."""
        began = time.perf_counter()
        self.command("admin", {"ping": 1})
        return round((time.perf_counter() - began) * 1000, 2)

    def command(self, database: str, command: Mapping[str, Any]) -> dict[str, Any]:
        """The reply, decoded; raises ProbeError."""
        reason = refusal(command, database)
        if reason is not None:
            raise ProbeError("untrusted", f"refused: {reason}")
        return self._carried_out(database, dict(command))

    def _carried_out(self, database: str, command: dict[str, Any]) -> dict[str, Any]:
        import bson
        import pymongo
        from bson.codec_options import CodecOptions
        from bson.raw_bson import RawBSONDocument

        client, name = self._owner.client, next(iter(command))
        if self.left_s <= 0.01:
            raise silent(self.uri, 0)
        try:
            with pymongo.timeout(self.left_s), self._owner.noted(name):
                raw = client[database].command(
                    command,
                    read_preference=client.read_preference,
                    codec_options=CodecOptions(RawBSONDocument),
                )
            if len(raw.raw) > LARGEST_REPLY:
                raise ProbeError(
                    "protocol", f"the reply to {name} has {len(raw.raw):,} bytes: ask for less"
                )
            found: dict[str, Any] = bson.decode(raw.raw, client.codec_options)
            return found
        except Exception as error:
            raise explain(error, self.uri, what=name, known=client.topology_description) from None

    def maybe(self, database: str, command: Mapping[str, Any]) -> dict[str, Any]:
        """The reply, or {} where the server does not know the command or will not tell."""
        try:
            return self.command(database, command)
        except ProbeError as error:
            if error.cause in ("missing", "rights"):
                return {}
            raise

    def aggregate(
        self, database: str, collection: str | int, stages: list[Any], most: int = MOST_DOCUMENTS
    ) -> list[dict[str, Any]]:
        """At most `most` results of a pipeline."""
        command = {
            "aggregate": collection,
            "pipeline": [*stages, {"$limit": most}],
            "cursor": {"batchSize": most + 1},
        }
        return _batch(self.command(database, command))

    def find(
        self,
        database: str,
        collection: str,
        filter: Mapping[str, Any],
        sort: Mapping[str, Any] | None = None,
        limit: int = 20,
        projection: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """At most `limit` documents."""
        command: dict[str, Any] = {"find": collection, "filter": dict(filter)}
        command |= {"sort": dict(sort)} if sort else {}
        command |= {"projection": dict(projection)} if projection else {}
        limit = max(1, min(limit, MOST_DOCUMENTS))
        command |= {"limit": limit, "batchSize": limit, "singleBatch": True}
        return _batch(self.command(database, command))


def _batch(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = reply.get("cursor")
    batch = cursor.get("firstBatch") if isinstance(cursor, Mapping) else None
    return [each for each in batch if isinstance(each, dict)] if isinstance(batch, list) else []
