from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes import online
from opsdeck.probes.address import Address
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.online import Anchor, Connectivity, anchors, configured_anchor, is_online
from tests.probes import partners_tls as partners
from tests.probes.partners_dns import dns_server


def target(**table: Any) -> Target:
    return Target("t", table)


@pytest.fixture
def resolv_conf(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("# by hand\nsearch example.com\nnameserver 192.0.2.53\nnameserver ::1\n")
    return path


async def test_anchors_are_the_targets_and_the_resolvers(resolv_conf: Path) -> None:
    """GIVEN a deck, WHEN nothing is configured, THEN its network targets away from this machine and
    its resolvers are the anchors, whatever cannot be read left out."""
    targets = [
        target(kind="web", url="https://app.example.com"),
        target(kind="web", url="https://app.example.com/other"),
        target(kind="mongodb", uri="mongodb://u:p@db.example.com/"),
        target(kind="mongodb", uri="${NOT_SET}"),
        target(kind="repository", path="."),
        target(kind="web", url="http://localhost:3000"),
    ]
    found = await anchors(targets, resolv_conf=resolv_conf)
    assert [str(anchor) for anchor in found] == [
        "dns:192.0.2.53:53",
        "dns:[::1]:53",
        "app.example.com:443",
        "db.example.com:27017",
    ]


@pytest.mark.parametrize(
    ("urls", "conf", "count"),
    [
        (["http://127.0.0.1:1", "http://localhost:2", "http://[::1]:3"], True, 0),
        ([], True, 2),
        ([], False, 0),
    ],
    ids=["only this machine", "no target", "nothing at all"],
)
async def test_a_deck_of_this_machine_alone_is_never_offline(
    resolv_conf: Path, urls: list[str], conf: bool, count: int
) -> None:
    path = resolv_conf if conf else Path("/nowhere/resolv.conf")
    found = await anchors([target(url=url) for url in urls], resolv_conf=path)
    assert len(found) == count
    assert await is_online([]) is True


async def test_configured_anchors_take_the_place_of_the_others(resolv_conf: Path) -> None:
    texts = ["gw.example.com:22", "dns:9.9.9.9", "dns:[::1]:5353", "https://example.com"]
    found = await anchors([target(url="https://a")], texts, resolv_conf=resolv_conf)
    assert [str(anchor) for anchor in found] == [
        "gw.example.com:22",
        "dns:9.9.9.9:53",
        "dns:[::1]:5353",
        "example.com:443",
    ]
    for text in ("example.com", "", "dns:", "a b:1"):
        with pytest.raises(ProbeError):
            configured_anchor(text)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("", True), ("servfail", False), ("refused", False), ("junk", False), ("silent", False),
     ("stranger", False)],
)  # fmt: skip
async def test_a_resolver_counts_when_it_answers_for_the_root(mode: str, expected: bool) -> None:
    zone = {(".", "NS"): (60, ["a.root-servers.net."])}
    with dns_server(zone, mode) as server:
        anchor = configured_anchor(f"dns:{server.address}")
        began = time.perf_counter()
        assert await is_online([anchor], 0.2) is expected
        assert time.perf_counter() - began < 0.4


async def test_no_such_root_is_an_answer_and_a_closed_resolver_is_none() -> None:
    with dns_server({}) as server:
        assert await is_online([configured_anchor(f"dns:{server.address}")], 0.3) is True
    assert await is_online([configured_anchor(f"dns:{server.address}")], 0.3) is False


async def test_this_machine_counts_only_where_it_was_configured() -> None:
    """GIVEN a server on this machine, WHEN asked, THEN it says nothing about the network unless it
    was named as an anchor; and that it refuses never says anything."""
    with partners.serving(partners.says_nothing) as server, partners.closed_port() as closed:
        here = Address("127.0.0.1", server.port)
        assert await is_online([Anchor("tcp", here)], 0.3) is False
        assert await is_online([configured_anchor(str(here))], 0.3) is True
        assert await is_online([configured_anchor(f"127.0.0.1:{closed}")], 0.3) is False


async def test_the_first_answer_ends_it() -> None:
    with dns_server({}) as good, dns_server({}, "silent") as silent:
        both = [configured_anchor(f"dns:{server.address}") for server in (silent, good)]
        began = time.perf_counter()
        assert await is_online(both, 1.5) is True
        assert time.perf_counter() - began < 0.5


async def test_offline_since_is_the_moment_it_was_first_found_so() -> None:
    """GIVEN a resolver that is gone and comes back, WHEN judged again and again, THEN the first
    moment stays until something answers."""
    first = datetime(2026, 11, 23, 2, 31, tzinfo=UTC)
    with dns_server({}, "silent") as server:
        net = Connectivity([configured_anchor(f"dns:{server.address}")], 0.1)
        assert net.offline_since is None
        await net.judge(first)
        await net.judge(first + timedelta(minutes=5))
        assert net.offline_since == first
        server.mode = ""
        await net.judge(first + timedelta(minutes=6))
        assert net.offline_since is None
        server.mode = "silent"
        await net.judge(first + timedelta(minutes=7))
        assert net.offline_since == first + timedelta(minutes=7)
        net.heard()
        assert net.offline_since is None


_CUT_OFF = """
import asyncio, subprocess, time
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
from opsdeck.probes.online import Anchor, configured_anchor, is_online
from opsdeck.probes.address import Address
texts = ["192.0.2.1:443", "dns:192.0.2.53", "https://app.example.com", "dns:127.0.0.53"]
began = time.perf_counter()
print(asyncio.run(is_online([configured_anchor(text) for text in texts], 1.0)))
print(time.perf_counter() - began < 1.3)
"""

_JOINED = """
import asyncio, subprocess, sys, time
def ip(*words): subprocess.run(["ip", *words], check=True)
peer = subprocess.Popen(["unshare", "-n", "sleep", "20"])
try:
    time.sleep(0.2)
    ip("link", "set", "lo", "up")
    ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(peer.pid))
    ip("addr", "add", "10.9.0.1/24", "dev", "near")
    ip("link", "set", "near", "up")
    for words in (["addr", "add", "10.9.0.2/24", "dev", "far"], ["link", "set", "far", "up"],
                  ["link", "set", "lo", "up"]):
        subprocess.run(["nsenter", "-t", str(peer.pid), "-n", "ip", *words], check=True)
    from opsdeck.probes.online import Anchor, is_online
    from opsdeck.probes.address import Address
    def ask(host): return asyncio.run(is_online([Anchor("tcp", Address(host, 9))], 1.0))
    print(ask("10.9.0.2"), ask("10.9.0.1"), ask("10.9.0.3"), ask("127.0.0.1"))
finally:
    peer.kill()
"""


def _in_a_namespace(script: str) -> list[str]:
    """What a script prints in a network namespace of its own; skips where there is none."""
    command = ["unshare", "-rn", sys.executable, "-c", script]
    probe = subprocess.run(["unshare", "-rn", "ip", "link"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("network namespaces (unshare -rn, ip) are not permitted here")
    source = str(Path(online.__file__).parents[2])
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": source},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.mark.slow
def test_a_machine_without_a_network_is_offline_in_time() -> None:
    """GIVEN a network namespace with nothing but loopback, WHEN asked, THEN offline, in time."""
    assert _in_a_namespace(_CUT_OFF) == ["False", "True"]


@pytest.mark.slow
def test_a_neighbour_that_refuses_is_the_network_and_this_machine_is_not() -> None:
    """GIVEN two machines on one wire, WHEN the other one refuses, THEN online; this machine's own
    address and one where nobody is are no answer."""
    assert _in_a_namespace(_JOINED) == ["True", "False", "False", "False"]
