from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.probes import resolve
from opsdeck.probes.address import Address, address_of, ascii_host, parse_address
from opsdeck.probes.base import ProbeError, Target


@pytest.mark.parametrize(
    ("table", "parameters", "wanted"),
    [
        ({"url": "https://app.example.com/x?y=1"}, {}, "app.example.com:443"),
        ({"url": "https://app.example.com:8443"}, {}, "app.example.com:8443"),
        ({"url": "http://app.example.com"}, {}, "app.example.com:80"),
        ({"url": "http://app.example.com"}, {"secure": True}, "app.example.com:443"),
        ({"url": "http://app.example.com:80"}, {"secure": True}, "app.example.com:80"),
        ({"url": "https://[2001:db8::1]:8443/"}, {}, "[2001:db8::1]:8443"),
        ({"url": "https://[2001:db8::1]/"}, {}, "[2001:db8::1]:443"),
        ({"url": "https://user:pass@app.example.com/"}, {}, "app.example.com:443"),
        ({"uri": "mongodb://u:p@db1:27018,db2:27017/app?w=1"}, {}, "db1:27018"),
        ({"uri": "mongodb://u:p%40%2f@db1"}, {}, "db1:27017"),
        ({"uri": "mongodb://db1/?appName=a@b"}, {}, "db1:27017"),
        ({"uri": "mongodb+srv://u:p@cluster.example.com/"}, {"host": "db1", "port": 1}, "db1:1"),
        ({"host": "cache", "port": 6379}, {}, "cache:6379"),
        ({"host": "cache:6380"}, {}, "cache:6380"),
        ({"host": "::1", "port": "5"}, {}, "[::1]:5"),
        ({"url": "https://a"}, {"host": "b"}, "b:7"),
        ({"url": "https://a"}, {"port": 8}, "a:8"),
        ({"url": "https://a"}, {"host": "b:9"}, "b:9"),
        ({"url": "https://a"}, {"host": "[::1]:9"}, "[::1]:9"),
        ({"url": "https://a"}, {"host": "https://b.example"}, "b.example:443"),
    ],
)
def test_where_a_target_listens(
    table: dict[str, Any], parameters: dict[str, Any], wanted: str
) -> None:
    secure = bool(parameters.pop("secure", False))
    found = address_of(Target("t", table), parameters, default_port=7, secure=secure)
    assert str(found) == wanted


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"url": ""},
        {"url": "https:///path"},
        {"url": "https://a:0"},
        {"url": "https://a:70000"},
        {"url": "https://a:SEKRET"},
        {"url": "https://[::1"},
        {"url": "https://[SEKRET]:1"},
        {"url": "https://a b/"},
        {"uri": "mongodb://user:12/SEKRET@db/x"},
        {"uri": "mongodb://user:SE@KRET@db/x"},
        {"uri": "mongodb+srv://user:SEKRET@db/x"},
        {"uri": "mongodb://%2Ftmp%2Fmongodb-27017.sock/"},
        {"host": "a", "port": True},
        {"host": "a", "port": "x"},
    ],
)
def test_what_is_no_address_is_said_without_secrets(table: dict[str, Any]) -> None:
    with pytest.raises(ProbeError) as caught:
        address_of(Target("t", table), {})
    assert caught.value.cause == "missing"
    assert "SEKRET" not in str(caught.value)


def test_a_password_met_on_the_way_is_hidden() -> None:
    target = Target("t", {"uri": "mongodb://u:p%40ss@db/"})
    address_of(target, {})
    assert target.secrets == {"p%40ss", "p@ss"}


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for table in ({"url": text}, {"uri": f"mongodb://{text}"}, {"host": text}):
        try:
            found = address_of(Target("t", table), {}, default_port=1)
        except ProbeError:
            continue
        assert found.host
        assert 0 < found.port < 65536


@given(
    st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True), st.integers(1, 65535)
)
def test_an_address_is_read_back_as_it_was_written(host: str, port: int) -> None:
    assert parse_address(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("App.Example.COM.", "app.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("_db._tcp.example.com", "_db._tcp.example.com"),
        ("::1", "::1"),
    ],
)
async def test_names_become_what_the_network_knows(host: str, wanted: str) -> None:
    assert await ascii_host(host) == wanted


@pytest.mark.parametrize("host", ["", ".", "a..b", "a" * 64, ".".join(["a" * 60] * 5), "ü\u2024"])
async def test_what_can_be_no_name_is_refused(host: str) -> None:
    with pytest.raises(ProbeError):
        await ascii_host(host)


async def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a resolver that does not answer, WHEN a name is looked up, THEN it ends in time."""
    hung = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hung.wait(5))
    began = time.perf_counter()
    with pytest.raises(ProbeError, match="the resolver gave no answer") as caught:
        await resolve.endpoints_of("app.example.com", 1, 0.1)
    hung.set()
    assert time.perf_counter() - began < 0.4
    assert caught.value.cause == "dns"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (socket.EAI_NONAME, "there is no host named"),
        (socket.EAI_AGAIN, "cannot answer for"),
        (socket.EAI_FAIL, "cannot be resolved"),
    ],
)
async def test_a_resolvers_errors_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(code, "failure")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ProbeError, match=words) as caught:
        await resolve.endpoints_of("app.example.com", 1, 1)
    assert caught.value.cause == "dns"


async def test_a_number_is_not_resolved_and_a_crowd_is_cut() -> None:
    assert [end.ip for end in await resolve.endpoints_of("127.0.0.1", 5, 1)] == ["127.0.0.1"]
    assert [end.ip for end in await resolve.endpoints_of("::1", 5, 1)] == ["::1"]
