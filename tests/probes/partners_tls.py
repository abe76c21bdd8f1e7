"""Certificates of every sort, and servers that show them, misbehave or say nothing."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KEY_FORMAT = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


class Issued(NamedTuple):
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@cache
def key_of(kind: str = "ec", which: int = 0) -> Key:
    """`ec`, `ec384` or the bits of an RSA key, made once."""
    if kind.startswith("ec"):
        return ec.generate_private_key(ec.SECP384R1() if kind == "ec384" else ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind))


def issue(
    common_name: str,
    *,
    issuer: Issued | None = None,
    names: Sequence[str] = (),
    days: tuple[float, float] = (-10, 74),
    not_after: datetime | None = None,
    ca: bool = False,
    key: str = "ec",
    which: int = 0,
) -> Issued:
    """A certificate valid from and until so many days from now; its own issuer without one."""
    own = key_of(key, which)
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    by = issuer or None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(not_after or now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
    )
    if by:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()),
            critical=False,
        )
    if ca:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    if names:
        general = [_general(name) for name in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    return Issued(builder.sign(by.key if by else own, hashes.SHA256()), own)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@cache
def authority() -> Issued:
    """The root that tests trust."""
    return issue("Test Root", ca=True, days=(-100, 3650), which=1)


@cache
def intermediate() -> Issued:
    """A CA below the root."""
    return issue("Test Intermediate", issuer=authority(), ca=True, days=(-50, 1000), which=2)


def leaf(*names: str, days: float = 74, since: float = -10, key: str = "ec") -> Issued:
    """A certificate by the root for these names, with so many days left."""
    return issue(names[0], issuer=authority(), names=names, days=(since, days), key=key)


@cache
def ca_file() -> Path:
    """The root as a PEM file, for as long as the process lives."""
    folder = tempfile.mkdtemp(prefix="opsdeck-ca-")
    path = Path(folder) / "ca.pem"
    path.write_bytes(authority().pem)
    return path


def server_context(
    issued: Issued,
    chain: Sequence[Issued] = (),
    *,
    lenient: bool = False,
    old_only: bool = False,
) -> ssl.SSLContext:
    """A server's context that shows a certificate and the chain above it.

    A `lenient` one speaks TLS 1.0 and 1.1 too, an `old_only` one nothing else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if lenient or old_only:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            if old_only:
                context.maximum_version = ssl.TLSVersion.TLSv1_1
    key = issued.key.private_bytes(*KEY_FORMAT)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(key + issued.pem + b"".join(one.pem for one in chain))
        file.flush()
        context.load_cert_chain(file.name)
    return context


Handler = Callable[[socket.socket], None]


class Server:
    """Listens on loopback and gives each connection to a handler in a thread of its own."""

    def __init__(self, handler: Handler, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._handler = handler
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True, name="partner").start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            sock.settimeout(10)
            self._handler(sock)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def shows(context: ssl.SSLContext) -> Handler:
    """Does the TLS handshake and waits for the client to go."""

    def handle(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            secure.recv(1)

    return handle


def says_nothing(sock: socket.socket) -> None:
    """Accepts, reads and never answers."""
    while sock.recv(4096):
        pass


def plain_text(sock: socket.socket) -> None:
    """Answers TLS as a plain web server does."""
    sock.recv(4096)
    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def hangs_up(sock: socket.socket) -> None:
    """Closes at the first byte."""
    sock.recv(1)


def resets(sock: socket.socket) -> None:
    """Resets at the first byte."""
    sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def drips(sock: socket.socket) -> None:
    """Begins an endless handshake record, a byte at a time."""
    sock.recv(1)
    sock.sendall(b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb")
    pause = threading.Event()
    while not pause.wait(0.05):
        sock.sendall(b"\x03")


@contextlib.contextmanager
def serving(handler: Handler | ssl.SSLContext, host: str = "127.0.0.1") -> Iterator[Server]:
    """A server for the length of a test; a context stands for `shows(context)`."""
    server = Server(shows(handler) if isinstance(handler, ssl.SSLContext) else handler, host)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on loopback where nothing listens, kept from others meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port on loopback that drops every packet, as a full backlog does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        try:
            yield port
        finally:
            for filler in fillers:
                filler.close()
