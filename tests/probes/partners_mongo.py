"""Real partners for the mongodb kind: a wire server, a proxy in front of it, and bad company.

The server is SecantusDB. What it lacks or misleads about (TESTBED says what) a `Proxy` answers as
a mongod does: each patch takes the command and the server's own reply and gives the reply that the
client gets. Which are patched stands where a proxy is made.
"""

from __future__ import annotations

import atexit
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

import bson
from bson.timestamp import Timestamp
from pymongo import MongoClient
from secantus.server import SecantusDBServer  # type: ignore[import-untyped]

Reply = dict[str, Any]
Patch = Callable[[Reply, Reply], Reply]
Patches = dict[str, Patch]
"""`command`, `aggregate:$firstStage` or `find:collection` -> what becomes of its reply."""

OP_MSG = 2013
_numbers = count(1)


@cache
def server() -> SecantusDBServer:
    """The shared server, without authentication; it ends with the process."""
    made = SecantusDBServer(port=0, storage_path=":memory:")
    made.start()
    return made


@cache
def admin() -> MongoClient[Any]:
    """A client of the shared server, to put data there."""
    made: MongoClient[Any] = MongoClient(server_uri(), directConnection=True, timeoutMS=5000)
    atexit.register(made.close)
    return made


def server_uri(database: str = "") -> str:
    """The shared server's URI."""
    return f"mongodb://127.0.0.1:{server().port}/{database}"


@contextmanager
def database() -> Iterator[str]:
    """The name of a database of one's own, dropped afterwards."""
    name = f"shop{next(_numbers)}"
    try:
        yield name
    finally:
        admin().drop_database(name)


class Proxy:
    """Listens, passes everything on to the real server, and applies its patches to replies."""

    def __init__(self, patches: Patches | None = None, listen: int = 0) -> None:
        self.patches: Patches = dict(patches or {})
        self.behind: int = server().port
        self.delay_s = 0.0
        """How long each reply is held back."""
        self.commands: list[Reply] = []
        """What clients asked for, in order."""
        self._listener = socket.create_server(("127.0.0.1", listen))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self.port}"

    def uri(self, database: str = "", options: str = "directConnection=true") -> str:
        """How a client reaches the server through this proxy."""
        return f"mongodb://{self.address}/{database}?{options}"

    def close(self) -> None:
        """Listen no more and cut every connection."""
        # Only shutdown wakes a thread out of accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), closing(client):
            real = socket.create_connection(("127.0.0.1", self.behind))
            self._open.append(real)
            with closing(real):
                while True:
                    request = read_message(client)
                    real.sendall(request)
                    answer = self._patched(request, read_message(real))
                    time.sleep(self.delay_s)
                    client.sendall(answer)

    def _patched(self, request: bytes, answer: bytes) -> bytes:
        if struct.unpack_from("<i", request, 12)[0] != OP_MSG:
            return answer
        command = body(request)
        self.commands.append(command)
        patch = next((self.patches[k] for k in keys_of(command) if k in self.patches), None)
        if patch is None:
            return answer
        identity, to = struct.unpack_from("<ii", answer, 4)
        return message(patch(command, body(answer)), identity, to)


def keys_of(command: Mapping[str, Any]) -> list[str]:
    """The keys under which a patch for this command may stand, the most particular first."""
    name = next(iter(command))
    keys = ["hello" if name in ("ismaster", "isMaster") else name]
    if name == "aggregate" and command["pipeline"]:
        keys.insert(0, f"aggregate:{next(iter(command['pipeline'][0]))}")
    if name == "find":
        keys.insert(0, f"find:{command['find']}")
    return keys


def read_message(sock: socket.socket) -> bytes:
    """One whole message; raises EOFError at the end."""
    head = _exactly(sock, 4)
    return head + _exactly(sock, struct.unpack("<i", head)[0] - 4)


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = sock.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def body(raw: bytes) -> Reply:
    """The document of an OP_MSG."""
    size = struct.unpack_from("<i", raw, 21)[0]
    found: Reply = bson.decode(raw[21 : 21 + size])
    return found


def message(document: Mapping[str, Any], identity: int, to: int) -> bytes:
    """An OP_MSG with one document, in answer to the request `to`."""
    return packed(bson.encode(document), identity, to)


def packed(document: bytes, identity: int, to: int) -> bytes:
    """An OP_MSG with one encoded document, however wrong that may be."""
    return struct.pack("<iiiiIB", 21 + len(document), identity, to, OP_MSG, 0, 0) + document


def always(reply: Mapping[str, Any]) -> Patch:
    """Whatever the server said, the client gets this."""
    return lambda _command, _real: {"ok": 1.0, **reply}


def merged(extra: Mapping[str, Any]) -> Patch:
    """The server's own reply with some keys replaced."""
    return lambda _command, real: {**real, **extra}


def batch(documents: list[Reply], ns: str = "admin.$cmd.aggregate") -> Patch:
    """A cursor with these documents."""
    return always({"cursor": {"firstBatch": documents, "id": 0, "ns": ns}})


def error(code: int, text: str, name: str = "") -> Patch:
    """The server refuses."""
    return lambda *_: {"ok": 0.0, "errmsg": text, "code": code, "codeName": name}


def member(
    number: int, state: str = "SECONDARY", lag_s: float = 0.0, healthy: bool = True, **more: Any
) -> Reply:
    """One member as in the manual's example of replSetGetStatus."""
    now = datetime.now(UTC).replace(microsecond=0)
    at = now - timedelta(seconds=lag_s) if healthy else datetime(1970, 1, 1, tzinfo=UTC)
    return {
        "_id": number,
        "name": f"m{number + 1}.example.net:27017",
        "health": 1.0 if healthy else 0.0,
        "state": {"PRIMARY": 1, "SECONDARY": 2, "RECOVERING": 3, "ARBITER": 7}.get(state, 8),
        "stateStr": state,
        "uptime": 269_111 if healthy else 0,
        "optime": {"ts": Timestamp(int(at.timestamp()), 1), "t": 4},
        "optimeDate": at,
        "lastHeartbeat": now,
        "pingMs": 0,
        "lastHeartbeatMessage": "",
        "syncSourceHost": "" if state == "PRIMARY" else "m1.example.net:27017",
        "infoMessage": "",
        "configVersion": 3,
        **more,
    }


def replica_set(members: list[Reply], **config: Mapping[str, Any]) -> Patches:
    """Patches: replSetGetStatus and replSetGetConfig of a set (`config` by member number, `m0`),
    getDefaultRWConcern as a set of that make-up has it."""
    listed = [
        {
            "_id": m["_id"],
            "host": m["name"],
            "arbiterOnly": m["stateStr"] == "ARBITER",
            "hidden": False,
            "priority": 1.0,
            "tags": {},
            "secondaryDelaySecs": 0,
            "votes": 1,
            **config.get(f"m{m['_id']}", {}),
        }
        for m in members
    ]
    votes = sum(m["votes"] for m in listed)
    status = {"set": "rs0", "myState": 1, "votingMembersCount": votes, "members": members}
    return {
        "replSetGetStatus": always(status),
        "replSetGetConfig": always({"config": {"_id": "rs0", "version": 3, "members": listed}}),
        "getDefaultRWConcern": always({"defaultWriteConcern": {"w": "majority", "wtimeout": 0}}),
    }


def oplog(hours: float) -> Patches:
    """Patch: the two ends of local.oplog.rs lie so far apart."""

    def ends(command: Reply, _real: Reply) -> Reply:
        last = int(datetime.now(UTC).timestamp())
        first = command["sort"] == {"$natural": 1}
        at = last - int(hours * 3600) if first else last
        documents = [{"ts": Timestamp(at, 1)}]
        return {"ok": 1.0, "cursor": {"firstBatch": documents, "id": 0, "ns": "local.oplog.rs"}}

    return {"find:oplog.rs": ends}


def status(**sections: Any) -> Patches:
    """Patch: serverStatus with these sections as a mongod has them, the rest the server's."""
    return {"serverStatus": merged(sections)}


def index_stats(days: float, ops: Mapping[str, int] | None = None) -> Patches:
    """Patch: `$indexStats` with `since` so many days ago, and the accesses of indexes by name
    (1 where none is given); which indexes there are, and of which kind, the server says."""

    def patch(command: Reply, real: Reply) -> Reply:
        since = datetime.now(UTC) - timedelta(days=days)
        made = admin()[command["$db"]][command["aggregate"]].list_indexes()
        specs = {each["name"]: dict(each) for each in made}
        for each in real.get("cursor", {}).get("firstBatch", []):
            each["accesses"] = {"ops": (ops or {}).get(each["name"], 1), "since": since}
            each["spec"] = specs.get(each["name"], {})
        return real

    return {"aggregate:$indexStats": patch}


def coll_stats(sizes: Mapping[str, Mapping[str, Any]]) -> Patches:
    """Patch: `$collStats` with the sizes of these collections, as WiredTiger gives them."""

    def patch(command: Reply, real: Reply) -> Reply:
        for each in real.get("cursor", {}).get("firstBatch", []):
            each.setdefault("storageStats", {}).update(sizes.get(command["aggregate"], {}))
        return real

    return {"aggregate:$collStats": patch}


def current_op(operations: list[Reply]) -> Patches:
    """Patch: `$currentOp` lists these operations."""
    return {"aggregate:$currentOp": batch(operations)}


@contextmanager
def trio(down: tuple[int, ...] = (), patches: Patches | None = None) -> Iterator[list[Proxy]]:
    """Three proxies that say they are one replica set, the first its primary. Patched: hello."""
    proxies = [Proxy(patches) for _ in range(3)]
    for number, proxy in enumerate(proxies):
        proxy.patches["hello"] = merged(
            {
                "setName": "rs0",
                "hosts": [each.address for each in proxies],
                "me": proxy.address,
                "primary": proxies[0].address,
                "isWritablePrimary": number == 0,
                "ismaster": number == 0,
                "secondary": number != 0,
            }
        )
    for number in down:
        proxies[number].close()
    try:
        yield proxies
    finally:
        for proxy in proxies:
            proxy.close()


@contextmanager
def silent() -> Iterator[int]:
    """The port of somebody who accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def blackhole() -> Iterator[int]:
    """A port on which connecting never ends: its queue of connections is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for each in waiting:
                each.close()


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """The port of a server whose every reply is `answer(request)`, byte for byte."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with suppress(OSError, EOFError), closing(client):
            while True:
                client.sendall(answer(read_message(client)))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
