from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import tcp
from opsdeck.probes.knock import knock
from opsdeck.probes.resolve import Endpoint
from tests.probes import partners_tls as partners


class Ports(NamedTuple):
    open: int
    closed: int
    silent: int


@pytest.fixture(scope="module")
def ports() -> Iterator[Ports]:
    with (
        partners.serving(partners.says_nothing) as server,
        partners.closed_port() as closed,
        partners.silent_port() as silent,
    ):
        yield Ports(server.port, closed, silent)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "PATIENCE_S", 0.15)


async def see(*, timeout_s: float = 0.5, **parameters: Any) -> Any:
    return await tcp.look(Target("web", {"host": "127.0.0.1"}), parameters, timeout_s)


async def test_one_port_is_open_or_closed(ports: Ports) -> None:
    """GIVEN a server, WHEN its port and one where nothing listens are looked at, THEN both
    are documents, for either can be the wish."""
    document = await see(port=ports.open)
    assert (document["open"], document["closed"]) == (True, False)
    assert document["ports"] == {str(ports.open): "open"}
    assert (document["ip"], document["witness"]) == ("127.0.0.1", None)
    document = await see(port=ports.closed)
    assert (document["open"], document["closed"]) == (False, True)
    assert document["ports"] == {str(ports.closed): "closed"}


async def test_several_ports_are_looked_at_together(ports: Ports) -> None:
    """GIVEN open, closed and silent ports of one host, WHEN all are looked at, THEN the silent one
    is known to be closed, because the others answered."""
    document = await see(ports=list(ports))
    assert list(document["ports"].values()) == ["open", "closed", "silent"]
    assert (document["open"], document["closed"]) == (False, False)
    assert document["open_ports"] == [ports.open]
    counts = [document[f"{state}_count"] for state in ("open", "closed", "silent")]
    assert counts == [1, 1, 1]


async def test_silence_proves_nothing_without_a_witness(ports: Ports) -> None:
    with pytest.raises(ProbeError, match="does not answer within") as caught:
        await see(port=ports.silent, timeout_s=0.2)
    assert caught.value.cause == "timeout"


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_silence_is_closed_beside_an_open_witness(ports: Ports, elsewhere: bool) -> None:
    """GIVEN a port that drops packets, WHEN another one answers, THEN it is closed, in the time
    a lost packet needs and not in the whole timeout."""
    witness = f"localhost:{ports.open}" if elsewhere else ports.open
    began = time.perf_counter()
    document = await see(port=ports.silent, witness=witness, timeout_s=5)
    assert time.perf_counter() - began < 1
    assert (document["closed"], document["silent_count"]) == (True, 1)
    assert document["witness"] == (witness if elsewhere else f"127.0.0.1:{ports.open}")


@pytest.mark.parametrize(("which", "cause"), [("closed", "refused"), ("silent", "timeout")])
async def test_without_its_witness_nothing_is_proved(ports: Ports, which: str, cause: str) -> None:
    with pytest.raises(ProbeError, match="the witness must be open") as caught:
        await see(port=ports.closed, witness=getattr(ports, which), timeout_s=0.2)
    assert caught.value.cause == cause


async def test_the_first_address_that_answers_is_taken(ports: Ports) -> None:
    """GIVEN a host with a dead, a closed and a living address, WHEN knocked at, THEN it is open;
    without the living one the dead one keeps it from being called closed."""
    import socket

    dead, closed, living = (
        Endpoint(socket.AF_INET, ("127.0.0.1", port))
        for port in (ports.silent, ports.closed, ports.open)
    )
    result = await knock([dead, closed, living], 2)
    assert result.state == "open"
    assert result.sock is not None
    result.sock.close()
    assert (await knock([closed], 1)).state == "closed"
    assert (await knock([dead, closed], 0.4)).state == "silent"
    nowhere = Endpoint(socket.AF_INET6, ("2001:db8::1", ports.open, 0, 0))
    result = await knock([closed, nowhere], 0.6)
    if result.error is not None and result.state != "silent":  # no IPv6 route on this machine
        assert result.state == "closed"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.ENETUNREACH, "unreachable"),
        (errno.EPERM, "rights"),
        (errno.EMFILE, "internal"),
        (errno.ETIMEDOUT, "timeout"),
    ],
)
async def test_errors_of_this_machine_are_told_apart(
    ports: Ports, monkeypatch: pytest.MonkeyPatch, code: int, cause: str
) -> None:
    """GIVEN a kernel that says no, WHEN a port is looked at, THEN in words of the right cause."""
    import asyncio

    async def refuse(*_: Any) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", refuse)
    with pytest.raises(ProbeError) as caught:
        await see(port=ports.open)
    assert caught.value.cause == cause


@pytest.mark.parametrize(
    "parameters",
    [{"port": 0}, {"ports": []}, {"ports": list(range(1, 66))}, {"ports": [80, 70_000]},
     {"witness": -1}, {"port": 1, "ports": [2]}],
)  # fmt: skip
def test_what_cannot_be_right_is_said(parameters: dict[str, Any]) -> None:
    assert list(tcp.problems(parameters))
    assert not list(tcp.problems({"ports": [1, 2], "witness": "{witness|443}"}))
