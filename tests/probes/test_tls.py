from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.certificate import covers
from opsdeck.probes.kinds import tls
from tests.probes import partners_tls as partners
from tests.probes.partners_tls import Issued, authority, intermediate, issue, leaf, serving

NAME = "app.example.com"


async def see(port: int, *, timeout_s: float = 5, **parameters: Any) -> Any:
    table = {"kind": "web", "url": f"https://127.0.0.1:{port}/", "ca": str(partners.ca_file())}
    return await tls.look(Target("web", table), parameters, timeout_s)


class Case(NamedTuple):
    what: str
    issued: Issued
    facts: dict[str, Any]
    why: str | None = None
    chain: tuple[Issued, ...] = ()


def cases() -> Iterator[Case]:
    yield Case("trusted", leaf(NAME), {"trusted": True, "key_type": "EC", "key_bits": 256})
    yield Case("a wildcard", leaf("*.example.com"), {"trusted": True, "sans": ["*.example.com"]})
    yield Case("RSA 2048", leaf(NAME, key="2048"), {"key_type": "RSA", "key_bits": 2048})
    yield Case("EC 384", leaf(NAME, key="ec384"), {"key_type": "EC", "key_bits": 384})
    yield Case("31 days left", leaf(NAME, days=31.04), {"trusted": True, "days_left": 31.0})
    yield Case("expired for days", leaf(NAME, days=-3.2), {"days_left": -3.2}, "expired 3 days ago")
    yield Case("expired today", leaf(NAME, days=-0.25), {}, "expired 6 hours ago")
    yield Case(
        "not yet valid", leaf(NAME, since=2), {"hostname_matches": True}, "not valid before 2"
    )
    yield Case(
        "self-signed",
        issue(NAME, names=[NAME]),
        {"self_signed": True, "hostname_matches": True},
        "self-signed",
    )
    yield Case(
        "self-signed and expired",
        issue(NAME, names=[NAME], days=(-9, -2.5)),
        {"self_signed": True, "days_left": -2.5},
        "self-signed; expired 2 days ago",
    )
    yield Case(
        "for another host",
        leaf("other.example.net", "10.0.0.7"),
        {"hostname_matches": False, "sans": ["other.example.net", "10.0.0.7"]},
        f"does not cover {NAME} (it is for other.example.net, 10.0.0.7)",
    )
    yield Case(
        "a common name alone",
        issue(NAME, issuer=authority()),
        {"hostname_matches": False, "sans": []},
        f"does not cover {NAME} (it is for no name at all)",
    )
    below = issue(NAME, issuer=intermediate(), names=[NAME])
    yield Case("a chain", below, {"trusted": True, "chain_length": 2}, chain=(intermediate(),))
    yield Case(
        "the intermediate missing",
        below,
        {"chain_length": 1},
        "unknown issuer CN=Test Intermediate (intermediate missing?)",
    )
    stranger = issue("Stranger Root", ca=True, which=5)
    yield Case(
        "the root of strangers",
        issue(NAME, issuer=stranger, names=[NAME]),
        {"self_signed": False},
        "issued by a CA this machine does not trust (CN=Stranger Root)",
        chain=(stranger,),
    )
    gone = issue("Old Intermediate", issuer=authority(), ca=True, days=(-50, -1), which=6)
    yield Case(
        "an expired intermediate",
        issue(NAME, issuer=gone, names=[NAME]),
        {"days_left": 74.0},
        "a certificate above it in the chain has expired",
        chain=(gone,),
    )
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    yield Case(
        "the year 9999",
        issue(NAME, issuer=authority(), names=[NAME], not_after=last),
        {"trusted": True, "not_after": "9999-12-31T23:59:59Z"},
    )
    many = [f"n{i}.example.com" for i in range(500)]
    yield Case("500 names", leaf(NAME, *many), {"trusted": True, "sans_count": 501})


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.what)
async def test_every_certificate_is_a_document(case: Case) -> None:
    """GIVEN a server with a certificate, WHEN looked at, THEN its facts and why it is (not)
    trusted are there, and the document is JSON within its bounds."""
    context = partners.server_context(case.issued, case.chain)
    with serving(context) as server:
        document = await see(server.port, sni=NAME)
    assert {key: document[key] for key in case.facts} == case.facts
    if case.why is None:
        assert document["trusted"] is True
        assert document["why_not"] is None
        assert document["hostname_matches"] is True
    else:
        assert document["trusted"] is False
        assert document["why_not"].startswith(case.why)
    assert len(document["sans"]) <= 100
    assert document["protocol"] == "TLSv1.3"
    assert document["latency_ms"] >= document["connect_ms"] >= 0
    assert len(json.dumps(document, allow_nan=False)) < 20_000


async def test_an_address_is_checked_against_the_addresses_in_the_certificate() -> None:
    with serving(partners.server_context(leaf("127.0.0.1"))) as server:
        document = await see(server.port)
    assert (document["trusted"], document["host"]) == (True, "127.0.0.1")
    with serving(partners.server_context(leaf("::1")), "::1") as server:
        document = await see(0, host=f"[::1]:{server.port}")
    assert (document["trusted"], document["ip"]) == (True, "::1")


async def test_an_international_name_is_asked_for_and_checked_in_its_ascii_form() -> None:
    with serving(partners.server_context(leaf("xn--bcher-kva.example"))) as server:
        document = await see(server.port, sni="Bücher.example.")
    assert (document["trusted"], document["host"]) == (True, "xn--bcher-kva.example")


async def test_without_the_ca_a_private_root_is_not_trusted() -> None:
    with serving(partners.server_context(leaf(NAME), (authority(),))) as server:
        table = {"kind": "web", "host": "127.0.0.1", "port": server.port}
        document = await tls.look(Target("web", table), {"sni": NAME}, 5)
    assert document["why_not"].startswith("issued by a CA this machine does not trust")


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (["*.example.com"], "a.example.com", True),
        (["*.example.com"], "a.b.example.com", False),
        (["*.example.com"], "example.com", False),
        (["*.com"], "example.com", False),
        (["w*.example.com"], "www.example.com", False),
        (["EXAMPLE.com."], "example.com", True),
        (["127.0.0.1"], "127.0.0.1", True),
        (["*.0.0.1"], "127.0.0.1", False),
        (["0:0:0:0:0:0:0:1"], "::1", True),
        (["10.0.0.1"], "::1", False),
        ([], "example.com", False),
    ],
)
def test_names_cover_as_browsers_see_it(names: list[str], host: str, covered: bool) -> None:
    assert covers(names, host) is covered


async def test_old_protocols_are_told_from_refused_ones() -> None:
    """GIVEN one server of today and one that speaks TLS 1.0 and 1.1 too, WHEN both are tried,
    THEN only the first refuses them."""
    today = partners.server_context(leaf(NAME))
    lenient = partners.server_context(leaf(NAME), lenient=True)
    for context, refused in ((today, True), (lenient, False)):
        with serving(context) as server:
            document = await see(server.port, sni=NAME, old_protocols=True)
        assert document["old_protocols_refused"] is refused
        assert document["protocol"] == "TLSv1.3"


@pytest.mark.parametrize(
    ("handler", "cause", "words"),
    [
        (partners.plain_text, "tls", "does not speak TLS"),
        (partners.hangs_up, "tls", "closes the connection during the TLS handshake"),
        (partners.resets, "tls", "closes the connection during the TLS handshake"),
        (partners.says_nothing, "timeout", "does not answer the TLS handshake"),
        (partners.drips, "timeout", "does not answer the TLS handshake"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_no_handshake_is_no_document(
    handler: partners.Handler, cause: str, words: str
) -> None:
    with serving(handler) as server:
        began = time.perf_counter()
        with pytest.raises(ProbeError, match=words) as caught:
            await see(server.port, sni=NAME, timeout_s=0.4)
        assert time.perf_counter() - began < 0.6
    assert caught.value.cause == cause


async def test_only_old_protocols_is_a_failure_of_tls() -> None:
    context = partners.server_context(leaf(NAME), old_only=True)
    with serving(context) as server, pytest.raises(ProbeError, match=r"no TLS 1\.2") as caught:
        await see(server.port, sni=NAME)
    assert caught.value.cause == "tls"


async def test_refused_silent_and_nameless_hosts_are_told_apart() -> None:
    with partners.closed_port() as closed, partners.silent_port() as silent:
        for parameters, cause in (
            ({"host": f"127.0.0.1:{closed}"}, "refused"),
            ({"host": f"127.0.0.1:{silent}"}, "timeout"),
            ({"host": "no..name"}, "missing"),
            ({"ca": "/nowhere/ca.pem"}, "missing"),
            ({"ca": __file__}, "missing"),
        ):
            with pytest.raises(ProbeError) as caught:
                await see(closed, timeout_s=0.3, **parameters)
            assert caught.value.cause == cause


async def test_several_hosts_make_one_document_with_the_soonest_end() -> None:
    """GIVEN two servers, WHEN both are looked at, THEN the document has both and the worst of
    them; and one that cannot be looked at makes the whole unknown, not good."""
    good = partners.server_context(leaf("127.0.0.1", days=80.04))
    soon = partners.server_context(leaf("127.0.0.1", days=12.04))
    with serving(good) as first, serving(soon) as second, partners.closed_port() as closed:
        hosts = [f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"]
        document = await see(first.port, hosts=hosts)
        own = await see(first.port, hosts=[])
        with pytest.raises(ProbeError, match="nothing listens"):
            await see(first.port, hosts=[*hosts, f"127.0.0.1:{closed}"])
    assert (document["trusted"], document["days_left"], document["count"]) == (True, 12.0, 2)
    assert document["soonest"] == hosts[1]
    assert (own["count"], own["soonest"]) == (1, hosts[0])
    assert [one["days_left"] for one in document["certificates"]] == [80.0, 12.0]


async def test_a_cancelled_look_leaves_no_connection() -> None:
    with serving(partners.says_nothing) as server:
        task = asyncio.create_task(see(server.port, sni=NAME))
        while server.connections == 0:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("parameters", [{"port": 0}, {"hosts": ["a"] * 33}, {"hosts": [7]}])
def test_what_cannot_be_right_is_said(parameters: dict[str, Any]) -> None:
    assert list(tls.problems(parameters))


@pytest.mark.slow
async def test_a_4096_bit_key_is_read() -> None:
    with serving(partners.server_context(leaf(NAME, key="4096"))) as server:
        document = await see(server.port, sni=NAME)
    assert (document["key_bits"], document["trusted"]) == (4096, True)
    assert document["signature_algorithm"] == "ecdsa-with-SHA256"
