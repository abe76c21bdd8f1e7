"""AWS to test against: moto as a process of its own, and a stub that answers as it is told.

`moto()` starts the first when it is first asked for, once a process; `reset()` empties it. What a
test wants to be there is put there with `moto().client("ec2")`, a plain boto3 client.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opsdeck.probes.base import Target

REGION = "eu-central-1"
KEY_ID, SECRET = "AKIAOPSDECKTEST00000", "planted+secret/of+the+aws+tests/0123456"
KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
NO_FILES = {
    "AWS_CONFIG_FILE": "/nonexistent/config",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
}


_SETTINGS = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "MOTO_ACM_VALIDATION_WAIT": "0",
    "TZ": "UTC",  # moto compares the times of traces with local ones
}


class Moto:
    """A moto server: AWS as far as the probes need it, without asking for rights."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environ = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            env={**environ, **_SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self.stop)
        self._clients: dict[tuple[str, str], Any] = {}
        self._awake: set[str] = set()
        self._await()

    def _await(self) -> None:
        for _ in range(300):
            if self._process.poll() is not None:
                raise RuntimeError("moto did not start: is moto[server] installed?")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise RuntimeError("moto did not listen within 15 s")

    def reset(self) -> None:
        """Empty every account and region."""
        self.post("/moto-api/reset")

    def post(self, path: str, body: bytes = b"", headers: Mapping[str, str] = {}) -> None:
        """Send something by hand, and let it have the time it needs."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", path, body, dict(headers))
        connection.getresponse().read()
        connection.close()

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client, with time enough for moto's first answer."""
        found = self._clients.get((service, region))
        if found is None:
            boto3 = importlib.import_module("boto3")
            found = self._clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=KEY_ID,
                aws_secret_access_key=SECRET,
            )
        return found

    def awake(self, *services: str) -> None:
        """Have moto load what it needs to answer for these: the first answer takes seconds."""
        for service in set(services) - self._awake:
            self._awake.add(service)
            name = self.client(service).meta.service_model.signing_name
            scope = f"{KEY_ID}/20260101/{REGION}/{name}/aws4_request"
            signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
            self.post("/", b"Action=None&Version=2011-01-01", {"Authorization": signed})

    def target(self, **values: Any) -> Target:
        """The target that looks at it."""
        return aws_target(self.url, **values)

    def stop(self) -> None:
        """End the process; the port is free then."""
        self._process.kill()
        self._process.wait()
        for client in self._clients.values():
            client.close()
        self._clients.clear()


@cache
def moto() -> Moto:
    """The moto server of this process."""
    return Moto()


@pytest.fixture
def aws() -> Moto:
    """An AWS with nothing in it but what every account has."""
    server = moto()
    server.reset()
    return server


def aws_target(url: str, environ: Mapping[str, str] = KEYS, **values: Any) -> Target:
    """A target named aws that knows nothing of this machine's own AWS configuration."""
    table = {"kind": "aws", "region": REGION, "endpoint_url": url, **values}
    return Target("aws", table, environ={**NO_FILES, **environ}, folder=Path("/nonexistent"))


class Told(NamedTuple):
    """What the stub answers: status, body and headers."""

    status: int
    body: bytes | str = b""
    headers: Mapping[str, str] = {}


class Stub(ThreadingHTTPServer):
    """A small HTTP server in AWS's place; `say` decides what it answers to each request.

    `say` may also write to the handler's `wfile` itself and return None.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, say: Callable[[BaseHTTPRequestHandler, bytes], Told | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.say = say
        self.requests: list[tuple[str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up early is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.path, body))
        told = self.server.say(self, body)
        if told is None:
            self.close_connection = True
            return
        content = told.body.encode() if isinstance(told.body, str) else told.body
        self.send_response(told.status)
        for key, value in told.headers.items():
            self.send_header(key, value)
        if "Transfer-Encoding" not in told.headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_HEAD = do_PUT = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Tests keep the terminal for themselves."""


@contextlib.contextmanager
def stub(*answers: Told | Callable[[BaseHTTPRequestHandler, bytes], Told | None]) -> Iterator[Stub]:
    """A stub that gives these answers in turn, the last of them for ever."""
    left = list(answers)

    def say(handler: BaseHTTPRequestHandler, body: bytes) -> Told | None:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return answer if isinstance(answer, Told) else answer(handler, body)

    server = Stub(say)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def in_front(server: Moto, edit: Callable[[bytes], bytes]) -> Iterator[Stub]:
    """A stub that passes every request on to moto and lets `edit` change the answer: for the few
    fields that moto fills in the same way whatever the world is like."""

    def say(handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        headers = {key: value for key, value in handler.headers.items() if key != "Host"}
        connection.request(handler.command, handler.path, body, headers)
        response = connection.getresponse()
        answer = edit(response.read())
        connection.close()
        kept = {"Content-Type": response.headers.get("Content-Type", "")}
        return Told(response.status, answer, kept)

    with stub(say) as front:
        yield front
