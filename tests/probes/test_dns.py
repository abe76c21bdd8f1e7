from __future__ import annotations

import time
from typing import Any

import pytest

from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import dns
from tests.probes.partners_dns import DnsServer, Zone, dns_server

ZONE: Zone = {
    ("app.example.com.", "A"): (60, ["192.0.2.7", "192.0.2.5"]),
    ("app.example.com.", "AAAA"): (300, ["2001:db8::5"]),
    ("www.example.com.", "CNAME"): (30, ["app.example.com."]),
    ("example.com.", "MX"): (3600, ["10 mail.example.com."]),
    ("example.com.", "TXT"): (3600, ['"v=spf1 -all"', '"\\027[31m"']),
    ("example.com.", "NS"): (3600, ["ns1.example.com."]),
    ("example.com.", "CAA"): (3600, ['0 issue "letsencrypt.org"']),
    ("_db._tcp.example.com.", "SRV"): (5, ["0 0 27017 db1.example.com."]),
    ("xn--bcher-kva.example.", "A"): (5, ["192.0.2.9"]),
    ("many.example.com.", "A"): (5, [f"10.0.{i // 250}.{i % 250 + 1}" for i in range(400)]),
}


async def see(server: DnsServer, *, timeout_s: float = 2, **parameters: Any) -> Any:
    target = Target("web", {"kind": "web", "url": "https://app.example.com:8443/"})
    return await dns.look(target, {"server": server.address, **parameters}, timeout_s)


@pytest.mark.parametrize(
    ("parameters", "facts"),
    [
        ({}, {"addresses": ["192.0.2.5", "192.0.2.7"], "ttl_s": 60, "cname": None, "count": 2}),
        ({"type": "AAAA"}, {"addresses": ["2001:db8::5"], "ttl_s": 300, "type": "AAAA"}),
        (
            {"name": "www.example.com"},
            {"cname": "app.example.com", "ttl_s": 30, "addresses": ["192.0.2.5", "192.0.2.7"]},
        ),
        (
            {"name": "www.example.com", "type": "CNAME"},
            {"cname": "app.example.com", "records": ["app.example.com."]},
        ),
        ({"name": "example.com", "type": "MX"}, {"records": ["10 mail.example.com."]}),
        ({"name": "example.com", "type": "TXT"}, {"count": 2, "addresses": []}),
        ({"name": "example.com", "type": "CAA"}, {"records": ['0 issue "letsencrypt.org"']}),
        (
            {"name": "_db._tcp.example.com", "type": "SRV"},
            {"records": ["0 0 27017 db1.example.com."]},
        ),
        ({"name": "Bücher.example"}, {"name": "xn--bcher-kva.example", "count": 1}),
        ({"name": "many.example.com"}, {"count": 400}),
        (
            {"name": "app.example.com", "type": "MX"},
            {"exists": True, "nxdomain": False, "records": [], "rcode": "NOERROR", "ttl_s": None},
        ),
        (
            {"name": "gone.example.com"},
            {"exists": False, "nxdomain": True, "rcode": "NXDOMAIN", "addresses": []},
        ),
    ],
)
async def test_what_a_name_has_is_a_document(
    parameters: dict[str, Any], facts: dict[str, Any]
) -> None:
    """GIVEN a zone, WHEN a name is asked for, THEN its records, or that there are none."""
    with dns_server(ZONE) as server:
        document = await see(server, **parameters)
    assert {key: document[key] for key in facts} == facts
    assert len(document["records"]) <= 100
    assert document["authoritative"] is not document["nxdomain"]
    assert document["latency_ms"] >= 0


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    with dns_server(ZONE, "truncated") as server:
        document = await see(server)
    assert document["addresses"] == ["192.0.2.5", "192.0.2.7"]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("servfail", "no usable answer for app.example.com (SERVFAIL"),
        ("refused", "no usable answer for app.example.com (REFUSED"),
        ("junk", "app.example.com"),
        ("silent", "no DNS server answered for app.example.com within 0.4 s"),
        ("stranger", "app.example.com"),
    ],
)
async def test_a_server_without_an_answer_is_an_error_in_time(mode: str, words: str) -> None:
    with dns_server(ZONE, mode) as server:
        began = time.perf_counter()
        with pytest.raises(ProbeError) as caught:
            await see(server, timeout_s=0.4)
        assert time.perf_counter() - began < 0.7
    assert caught.value.cause == "dns"
    assert words in str(caught.value)


async def test_names_that_only_this_machine_knows_come_from_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GIVEN a resolver that is silent, WHEN localhost is looked at, THEN /etc/hosts answers."""
    with dns_server({}, "silent") as server:
        _resolve_by(monkeypatch, server)
        document = await dns.look(Target("", {}), {"name": "localhost", "type": "A"}, 0.4)
    assert document["addresses"] == ["127.0.0.1"]
    assert (document["source"], document["ttl_s"], document["exists"]) == ("system", None, True)


async def test_the_systems_resolver_is_asked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with dns_server(ZONE) as server:
        _resolve_by(monkeypatch, server)
        document = await dns.look(Target("", {}), {"name": "example.com", "type": "NS"}, 1)
    assert (document["records"], document["source"]) == (["ns1.example.com."], "dns")


def _resolve_by(monkeypatch: pytest.MonkeyPatch, server: DnsServer) -> None:
    import dns.asyncresolver

    class Resolver(dns.asyncresolver.Resolver):
        def __init__(self, configure: bool = True) -> None:
            super().__init__(configure=False)
            self.nameservers = ["127.0.0.1"]
            self.port = server.port

    monkeypatch.setattr(dns.asyncresolver, "Resolver", Resolver)


@pytest.mark.parametrize(
    ("host", "private"), [("10.1.2.3", True), ("192.168.0.9", True), ("8.8.8.8", False)]
)
async def test_a_target_known_by_its_address_is_asked_nothing(host: str, private: bool) -> None:
    target = Target("db", {"kind": "mongodb", "uri": f"mongodb://{host}:27017/"})
    document = await dns.look(target, {}, 1)
    assert (document["addresses"], document["private"]) == ([host], private)
    assert (document["source"], document["ttl_s"]) == ("address", None)
    assert list(dns.problems({"name": host}))
