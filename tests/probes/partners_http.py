"""HTTP partners on loopback: threaded servers that are as rude as a test wants them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsdeck.probes.base import Document, Target
from opsdeck.probes.kinds import http
from opsdeck.probes.registry import parameters_of


class Asked(NamedTuple):
    """A request as a partner received it."""

    method: str
    target: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    connection: int


Answering = Callable[[Asked], bytes | Iterable[bytes]]
"""Gives the bytes to send; after bytes the connection is kept, after pieces it is closed."""


def reply(
    body: bytes | str = b"",
    status: int = 200,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    reason: str = "Fine",
) -> bytes:
    """A well-formed answer."""
    content = body.encode() if isinstance(body, str) else body
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    names = {name.lower() for name, _ in pairs}
    if "content-length" not in names:
        pairs.append(("Content-Length", str(len(content))))
    head = "".join(f"{name}: {value}\r\n" for name, value in pairs)
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + content


def json_reply(text: str, status: int = 200, **headers: str) -> bytes:
    """A well-formed answer in JSON."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(text, status, {"Content-Type": "application/json", **more})


class Partner:
    """A server on a port of its own; `answer` may be exchanged at any time."""

    def __init__(self, answer: Answering, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.connections = 0
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address, by name where it speaks TLS."""
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop, and cut what is open."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
                self.connections += 1
            threading.Thread(
                target=self._serve, args=(connection, self.connections), daemon=True
            ).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        secured = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                secured = self._tls.wrap_socket(connection, server_side=True)
            with secured.makefile("rb") as incoming:
                while (asked := _read(incoming, number)) is not None:
                    self.asked.append(asked)
                    answer = self.answer(asked)
                    if not isinstance(answer, bytes):
                        for piece in answer:
                            secured.sendall(piece)
                        return
                    secured.sendall(answer)
        except (OSError, ValueError):
            return
        finally:
            with self._lock:
                self._open.discard(connection)
            secured.close()
            connection.close()


def _read(incoming: Any, number: int) -> Asked | None:
    line = incoming.readline(65_536).decode("latin-1").split()
    if len(line) < 3:
        return None
    headers: dict[str, str] = {}
    while (header := incoming.readline(65_536)) not in (b"\r\n", b""):
        name, _, value = header.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = incoming.read(int(headers.get("content-length", 0)))
    return Asked(line[0], line[1], headers, body, number)


@contextlib.contextmanager
def partner(
    answer: Answering | bytes | Mapping[str, bytes], tls: ssl.SSLContext | None = None
) -> Iterator[Partner]:
    """A partner for one test: answers by function, always the same, or by path (else 404)."""
    server = Partner(answering(answer), tls)
    try:
        yield server
    finally:
        server.close()


def answering(answer: Answering | bytes | Mapping[str, bytes]) -> Answering:
    """What partners may be given, as a function."""
    if isinstance(answer, bytes):
        return lambda asked: answer
    if isinstance(answer, Mapping):
        return lambda asked: answer.get(asked.target.partition("?")[0], reply(b"", 404))
    return answer


@cache
def authority() -> trustme.CA:
    """The certificate authority of the tests."""
    return trustme.CA()


def trusted(folder: Path) -> str:
    """A file with the authority's certificate, for a target's `ca`."""
    path = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(path))
    return str(path)


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@cache
def good_tls(host: str = "localhost", days: int = 40) -> ssl.SSLContext:
    """A certificate of the authority for a host, that ends in so many days and an hour."""
    now = datetime.now(UTC)
    ends = now + timedelta(days=days, hours=1)
    return context_of(
        authority().issue_cert(host, not_before=min(now, ends) - timedelta(days=30), not_after=ends)
    )


def stranger_tls() -> ssl.SSLContext:
    """A certificate of an authority that nobody knows."""
    return context_of(trustme.CA().issue_cert("localhost"))


def self_signed_tls(folder: Path) -> ssl.SSLContext:
    """A certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "self-signed.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@contextlib.contextmanager
def blackhole() -> Iterator[int]:
    """A port that takes no connection and refuses none: its queue is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    waiting = []
    try:
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            waiting.append(filler)
        yield port
    finally:
        for filler in waiting:
            filler.close()
        listener.close()


def free_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.asynccontextmanager
async def target_at(url: str, **keys: Any) -> Any:
    """A web target without anything of this machine's environment, closed afterwards."""
    environ = keys.pop("environ", {})
    target = Target("web", {"kind": "web", "url": url, **keys}, environ=environ)
    try:
        yield target
    finally:
        await target.aclose()


async def look(target: Target, timeout_s: float = 5.0, **parameters: Any) -> Document:
    """Look with these parameters and the defaults of the others."""
    return await http.look(target, parameters_of({"kind": "http", **parameters}), timeout_s)


async def look_at(url: str, timeout_s: float = 5.0, **parameters: Any) -> Document:
    """Look at an address once."""
    async with target_at(url) as target:
        return await look(target, timeout_s, **parameters)
