"""Worlds of certificates and ports: servers on loopback that are as they should be, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

from opsdeck.probes.kinds import tcp
from tests.probes import partners_tls as partners
from tests.probes.partners_tls import Issued, intermediate, issue, leaf, serving
from tests.worlds.harness import Setting, World

HOST = "127.0.0.1"
Setup = Callable[[Path], AbstractContextManager[Setting]]


def _web(port: int, **keys: Any) -> Setting:
    table = {"kind": "web", "url": f"https://{HOST}:{port}", "ca": str(partners.ca_file()), **keys}
    return Setting({"web": table})


def _site(issued: Issued, *chain: Issued) -> Setup:
    """A web origin that shows this certificate and the chain above it."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with serving(partners.server_context(issued, chain)) as server:
            yield _web(server.port)

    return setup


def _sites(*issued: Issued) -> Setup:
    """Several names, each with its own certificate, that the target lists."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with ExitStack() as stack:
            servers = [stack.enter_context(serving(partners.server_context(one))) for one in issued]
            hosts = [f"{HOST}:{server.port}" for server in servers]
            yield _web(servers[0].port, certificate_hosts=hosts)

    return setup


def _firewall(*states: Literal["open", "closed", "silent"], behind: bool = False) -> Setup:
    """A host whose web port is open and whose other ports are like this, seen from here; or one
    `behind` a balancer, that is named by itself."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        with ExitStack() as stack, _impatient():
            web = stack.enter_context(serving(partners.says_nothing))
            ports = [stack.enter_context(_port(state)) for state in states]
            keys = {"firewall_hosts": [f"{HOST}:{web.port}"]} if behind else {}
            yield _web(web.port, closed_ports=ports, **keys)

    return setup


@contextmanager
def _port(state: str) -> Iterator[int]:
    if state == "open":
        with serving(partners.says_nothing) as server:
            yield server.port
    elif state == "closed":
        with partners.closed_port() as port:
            yield port
    else:
        with partners.silent_port() as port:
            yield port


@contextmanager
def _impatient() -> Iterator[None]:
    """Silence is believed sooner than a real network allows."""
    patience_s, tcp.PATIENCE_S = tcp.PATIENCE_S, 0.1
    try:
        yield
    finally:
        tcp.PATIENCE_S = patience_s


def _database(host: str) -> Setup:
    """A database that is named by its address; nothing is sent there."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        yield Setting({"mongodb": {"kind": "mongodb", "uri": f"mongodb://{host}:27017/"}})

    return setup


def _worlds(
    item: str, rows: Sequence[tuple[Literal["passed", "failed"], str, Setup]]
) -> list[World]:
    return [World(item, verdict, about, setup) for verdict, about, setup in rows]


_BELOW = issue(HOST, issuer=intermediate(), names=[HOST])

WORLDS: list[World] = [
    *_worlds(
        "infrastructure/tls-certificate",
        [
            ("passed", "74 days left", _site(leaf(HOST))),
            ("passed", "31 days left", _site(leaf(HOST, days=31))),
            ("passed", "the whole chain is served", _site(_BELOW, intermediate())),
            ("failed", "29 days left", _site(leaf(HOST, days=29))),
            ("failed", "expired", _site(leaf(HOST, days=-1))),
            ("failed", "not valid yet", _site(leaf(HOST, since=1))),
            ("failed", "self-signed", _site(issue(HOST, names=[HOST]))),
            ("failed", "for another host", _site(leaf("app.example.com"))),
            ("failed", "the intermediate is missing", _site(_BELOW)),
        ],
    ),
    *_worlds(
        "weekly-operations/certificate-dates",
        [
            ("passed", "every name has weeks left", _sites(leaf(HOST), leaf(HOST, days=25))),
            ("failed", "a forgotten name ends in 12 days", _sites(leaf(HOST), leaf(HOST, days=12))),
            (
                "failed",
                "a forgotten name has expired",
                _sites(leaf(HOST), leaf(HOST, since=-90, days=-40)),
            ),
        ],
    ),
    *_worlds(
        "infrastructure/firewall-rules",
        [
            ("passed", "packets to private ports are dropped", _firewall("silent", "silent")),
            ("passed", "on the servers behind a balancer", _firewall("silent", behind=True)),
            ("failed", "not on a server behind it", _firewall("open", behind=True)),
            ("failed", "one private port answers", _firewall("silent", "open")),
            ("failed", "nothing drops packets to a free port", _firewall("silent", "closed")),
        ],
    ),
    *_worlds(
        "infrastructure/network-isolation",
        [
            ("passed", "the database has a private address", _database("10.0.3.7")),
            ("failed", "the database has a public address", _database("8.8.4.4")),
        ],
    ),
]
