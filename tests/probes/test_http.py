"""The http kind against real servers: documents, bodies, connections."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.probes.partners_http import (
    Asked,
    good_tls,
    json_reply,
    look,
    look_at,
    partner,
    reply,
    target_at,
    trusted,
)


async def test_document_of_a_json_answer() -> None:
    """GIVEN a health endpoint WHEN looked at THEN the document says all that is promised."""
    answer = json_reply('{"status": "ok", "checks": {"db": {"status": "up"}}}', X_Twice="a")
    with partner({"/health": answer}) as server:
        document = await look_at(server.url, path="/health")
    assert document["status"] == 200
    assert document["reason"] == "Fine"
    assert document["body"] == {"status": "ok", "checks": {"db": {"status": "up"}}}
    assert document["dependencies"] == [{"name": "db", "ok": True, "state": "up"}]
    assert document["content_type"] == "application/json"
    assert document["headers"]["x-twice"] == "a"
    assert document["url"] == f"{server.url}/health"
    assert document["redirects"] == []
    assert document["http_version"] == "1.1"
    assert document["ip"] == "127.0.0.1"
    assert document["tls"] is None
    assert document["truncated"] is False
    assert 0 < document["latency_ms"] <= document["total_ms"] < 5_000


async def test_what_is_sent() -> None:
    """GIVEN a server WHEN looked at THEN it got a plain HTTP/1.1 request of ours."""
    with partner(reply("hello")) as server:
        document = await look_at(f"{server.url}/app/", path="/a b?q=ü&x=%20#part")
        asked = server.asked[0]
    assert document["body"] == "hello"
    assert asked.method == "GET"
    assert asked.target == "/app/a%20b?q=%C3%BC&x=%20"
    assert asked.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        "user-agent": "OpsDeck",
    }


async def test_repeated_headers_and_cookies() -> None:
    """GIVEN repeated headers and cookies THEN they are joined, cookies without their values."""
    lines = [
        ("X-A", "1"),
        ("x-a", "2"),
        ("Set-Cookie", "sid=s3cretvalue; Path=/; Secure; HttpOnly; SameSite=strict; Max-Age=60"),
        ("Set-Cookie", "theme=dark; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
    ]
    with partner(reply("x", headers=lines)) as server:
        document = await look_at(server.url)
    assert document["headers"]["x-a"] == "1, 2"
    assert "set-cookie" not in document["headers"]
    sid, theme = document["cookies"]
    assert sid == {
        "name": "sid",
        "length": 11,
        "secure": True,
        "httponly": True,
        "samesite": "Strict",
        "path": "/",
        "domain": None,
        "expires": None,
        "max_age_s": 60,
    }
    assert (theme["name"], theme["secure"], theme["samesite"]) == ("theme", False, None)
    assert theme["expires"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert "s3cretvalue" not in json.dumps(document)


async def test_cookie_value_that_shows_elsewhere_is_hidden() -> None:
    """GIVEN an answer that echoes its session cookie THEN the value is given to be blotted out."""
    answer = reply("your id is s3cretvalue", headers={"Set-Cookie": "sid=s3cretvalue; Secure"})
    with partner(answer) as server:
        async with target_at(server.url) as target:
            await look(target)
            assert target.secrets == {"s3cretvalue"}


ENCODINGS = [
    ("gzip", gzip.compress(b"hello " * 500, mtime=0)),
    ("deflate", zlib.compress(b"hello " * 500)),
    ("deflate", zlib.compress(b"hello " * 500)[2:-4]),
    ("identity", b"hello " * 500),
]


@pytest.mark.parametrize(
    ("encoding", "content"), ENCODINGS, ids=["gzip", "zlib", "deflate", "identity"]
)
async def test_encodings(encoding: str, content: bytes) -> None:
    """GIVEN packed content THEN the body is what was packed."""
    with partner(reply(content, headers={"Content-Encoding": encoding})) as server:
        document = await look_at(server.url)
    assert document["body"] == "hello " * 500
    assert document["body_bytes"] == 3_000


async def test_large_body_is_cut() -> None:
    """GIVEN 200 KB THEN 64 KB are kept, and the document says that there was more."""
    with partner(reply(b"x" * 200_000)) as server:
        document = await look_at(server.url)
    assert document["truncated"] is True
    assert document["body_bytes"] == len(document["body"]) == 65_536


async def test_connections_are_kept_across_looks() -> None:
    """GIVEN ten looks one after the other THEN they used one connection."""
    with partner(json_reply("{}")) as server:
        async with target_at(server.url) as target:
            for _ in range(10):
                await look(target)
        assert (server.connections, len(server.asked)) == (1, 10)


async def test_closed_kept_connection_is_replaced() -> None:
    """GIVEN a server that closes a kept connection on the next request THEN it is asked anew."""

    def once_a_connection(asked: Asked) -> bytes | Iterator[bytes]:
        mine = [a for a in server.asked if a.connection == asked.connection]
        return reply("hello") if len(mine) == 1 else iter(())

    with partner(once_a_connection) as server:
        async with target_at(server.url) as target:
            assert [(await look(target))["body"] for _ in range(3)] == ["hello"] * 3


async def test_a_hundred_looks_at_once() -> None:
    """GIVEN 100 looks at one target at once THEN all are answered."""
    with partner(json_reply("{}")) as server:
        async with target_at(server.url) as target:
            documents = await asyncio.gather(*(look(target, path=f"/{n}") for n in range(100)))
    assert {document["status"] for document in documents} == {200}


async def test_https_says_how_many_days_are_left(tmp_path: Path) -> None:
    """GIVEN a certificate of a named authority THEN the document says when it ends."""
    with partner(json_reply("{}"), good_tls(days=40)) as server:
        async with target_at(server.url, ca=trusted(tmp_path)) as target:
            document = await look(target)
    assert document["tls"]["days_left"] == 40.0
    assert document["tls"]["protocol"] == "TLSv1.3"
    assert document["tls"]["not_after"].endswith("Z")


async def test_host_override_leaves_tls_alone(tmp_path: Path) -> None:
    """GIVEN another Host THEN it is sent, and the certificate is still that of the url's host."""
    with partner(reply("x"), good_tls()) as server:
        async with target_at(server.url, ca=trusted(tmp_path)) as target:
            document = await look(target, host="evil.example")
        assert document["status"] == 200
        assert server.asked[0].headers["host"] == "evil.example"


async def test_head_and_options() -> None:
    """GIVEN HEAD THEN there is no body to wait for; OPTIONS is sent as it is."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Encoding: gzip\r\n\r\n"
    with partner(answer) as server:
        document = await look_at(server.url, method="HEAD")
        assert (document["status"], document["body"]) == (200, "")
    with partner(b"HTTP/1.1 204 OK\r\n\r\n") as server:
        assert (await look_at(server.url, method="OPTIONS"))["status"] == 204
        assert server.asked[0].method == "OPTIONS"


BODIES: list[tuple[Any, bytes, str | None]] = [
    ({"a": [1, None]}, b'{"a": [1, null]}', "application/json"),
    ([1], b"[1]", "application/json"),
    ("a=1&b=ü", "a=1&b=ü".encode(), None),
]


@pytest.mark.parametrize(("body", "sent", "content_type"), BODIES)
async def test_bodies(body: Any, sent: bytes, content_type: str | None) -> None:
    """GIVEN a table or a string THEN it is sent as JSON or as it is."""
    with partner(reply("", 201)) as server:
        await look_at(server.url, method="POST", body=body, changes=True)
    assert server.asked[0].body == sent
    assert server.asked[0].headers.get("content-type") == content_type


async def test_cancelling_ends_at_once() -> None:
    """GIVEN a look that waits WHEN it is cancelled THEN it ends at once, and the next one works."""

    def late(asked: Asked) -> bytes:
        time.sleep(0.3)
        return reply("late")

    with partner(late) as server:
        async with target_at(server.url) as target:
            task = asyncio.create_task(look(target))
            await asyncio.sleep(0.1)
            task.cancel()
            began = time.perf_counter()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.perf_counter() - began < 0.1
            assert (await look(target))["body"] == "late"
