"""Whatever a server answers, a look ends in time with a bounded, storable document or a cause."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from opsdeck.probes.base import Document, ProbeError
from tests.probes.partners_http import json_reply, look_at, partner, reply

SHORT_S = 0.6
LONG_S = 4.0
"""For answers that are over at once, also on a busy machine."""
SPARE_S = 0.5
LARGEST_DOCUMENT = 200_000
OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = 1_000_000

Pieces = bytes | Callable[[], Iterable[bytes]]


class Hostile(NamedTuple):
    """An answer, and what must come of it: a cause, or something about the document."""

    about: str
    sends: Pieces
    gives: str | Callable[[Document], object]


def dripping(pieces: Iterable[bytes], pause_s: float = 0.05) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        time.sleep(pause_s)


def repeated(head: bytes, piece: bytes, times: int = ENDLESS) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(times):
            yield piece

    return pieces


def bomb() -> Iterator[bytes]:
    """A gigabyte of zeros in a megabyte, sent for as long as somebody reads."""
    yield OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    packer = zlib.compressobj(9, wbits=31)
    for _ in range(1_000):
        if piece := packer.compress(bytes(1_000_000)):
            yield chunk(piece)


def empty_blocks() -> Iterator[bytes]:
    """Compressed data that never comes to anything."""
    yield OK + b"Content-Encoding: gzip\r\n\r\n" + bytes.fromhex("1f8b08000000000000ff")
    while True:
        yield b"\x00\x00\x00\xff\xff" * 4_000


def chunk(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


def headers(*lines: bytes) -> bytes:
    return OK + b"".join(line + b"\r\n" for line in lines) + b"Content-Length: 2\r\n\r\nok"


def to(location: bytes, status: int = 302) -> bytes:
    return (
        f"HTTP/1.1 {status} Go\r\nLocation: ".encode() + location + b"\r\nContent-Length: 0\r\n\r\n"
    )


def body(check: Callable[[Any], object]) -> Callable[[Document], object]:
    return lambda document: check(document["body"])


def status(wanted: int) -> Callable[[Document], object]:
    return lambda document: document["status"] == wanted


def stopped(part: str) -> Callable[[Document], object]:
    return lambda document: document["status"] == 302 and part in document["redirect_stopped"]


HOSTILE = [
    Hostile("nothing at all", lambda: [b""], "protocol"),
    Hostile("silence", lambda: dripping([b""] * 30), "timeout"),
    Hostile("headers byte by byte", lambda: dripping(bytes([c]) for c in OK * 9), "timeout"),
    Hostile(
        "a body byte by byte",
        lambda: dripping([OK + b"Content-Length: 500\r\n\r\n", *[b"x"] * 40]),
        "timeout",
    ),
    Hostile("a body without end", repeated(OK + b"\r\n", b"x" * 65_536), lambda d: d["truncated"]),
    Hostile(
        "chunks without end",
        repeated(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"x" * 16_384)),
        lambda d: d["truncated"] and d["body_bytes"] == 65_536,
    ),
    Hostile(
        "a byte a chunk without end",
        repeated(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"x") * 1_000),
        lambda d: d["truncated"],
    ),
    Hostile(
        "a chunk extension without end",
        repeated(OK + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x" * 65_536),
        "protocol",
    ),
    Hostile("a gzip bomb", bomb, lambda d: d["truncated"] and d["body_bytes"] == 65_536),
    Hostile(
        "a deflate bomb of ten megabytes",
        OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(bytes(10_000_000)),
        lambda d: d["truncated"] and d["body_bytes"] == 65_536,
    ),
    Hostile("gzip that unpacks to nothing, without end", empty_blocks, lambda d: d["truncated"]),
    Hostile(
        "gzip that is none",
        reply(b"plain", headers={"Content-Encoding": "gzip"}),
        "protocol",
    ),
    Hostile(
        "gzip that breaks off",
        reply(gzip.compress(b"x" * 9_000)[:20], headers={"Content-Encoding": "gzip"}),
        "protocol",
    ),
    Hostile(
        "an encoding nobody asked for",
        reply(b"\x8b\x02\x80x\x03", headers={"Content-Encoding": "br"}),
        body(lambda b: b is None),
    ),
    Hostile(
        "gzip in gzip",
        reply(b"\x1f\x8b", headers={"Content-Encoding": "gzip, gzip"}),
        body(lambda b: b is None),
    ),
    Hostile("headers without end", repeated(OK, b"X-More: and more\r\n" * 500), "protocol"),
    Hostile("one header without end", repeated(OK + b"X-Long: ", b"x" * 65_536), "protocol"),
    Hostile(
        "1,500 headers",
        headers(*[b"X-%d: y" % n for n in range(1_500)]),
        lambda d: len(d["headers"]) == 200 and d["left_out"]["headers"] == 1_301,
    ),
    Hostile("3,000 headers", headers(*[b"X-%d: y" % n for n in range(3_000)]), "protocol"),
    Hostile("10,000 headers", headers(*[b"X-%d: y" % n for n in range(10_000)]), "protocol"),
    Hostile(
        "one header 1,900 times",
        OK + b"X-Same: yyyyyyyyyyyyyyyyyyyy\r\n" * 1_900 + b"Content-Length: 0\r\n\r\n",
        lambda d: d["left_out"]["headers"] > 0,
    ),
    Hostile(
        "1,000 cookies",
        headers(*[b"Set-Cookie: c%d=%s" % (n, b"v" * 40) for n in range(1_000)]),
        lambda d: len(d["cookies"]) == 50 and d["left_out"]["cookies"] == 950,
    ),
    Hostile(
        "a cookie without name or sense",
        headers(b"Set-Cookie: ;;=;\xff\xfe; =;;max-age=99999999999999999999;expires=\x1b[2J"),
        lambda d: d["cookies"][0]["name"] == "",
    ),
    Hostile(
        "100 Continue without end",
        repeated(b"HTTP/1.1 100 Go on\r\n\r\n" * 500, b"HTTP/1.1 100 Go on\r\n\r\n" * 500),
        "protocol",
    ),
    Hostile("only one 103", b"HTTP/1.1 103 Early\r\n\r\n", "timeout"),
    Hostile("101 unasked", b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\nhello", "protocol"),
    Hostile("status 999", reply("?", 999), status(999)),
    Hostile("status 42", b"HTTP/1.1 42 Short\r\n\r\n", "protocol"),
    Hostile("status of letters", b"HTTP/1.1 abc\r\n\r\n", "protocol"),
    Hostile("HTTP/0.9", lambda: [b"<html>hello</html>\n"], "protocol"),
    Hostile("HTTP/3.7", b"HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n", lambda d: True),
    Hostile("a preface of HTTP/2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" * 9, "protocol"),
    Hostile("an SSH server", lambda: [b"SSH-2.0-OpenSSH_9.2\r\n"], "protocol"),
    Hostile("random bytes", lambda: [bytes(range(256)) * 40], "protocol"),
    Hostile("a malformed chunk", OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello", "protocol"),
    Hostile(
        "a chunk larger than it says",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        "protocol",
    ),
    Hostile(
        "a chunk of 2**80 bytes",
        lambda: [OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\nx"],
        "protocol",
    ),
    Hostile("a negative length", OK + b"Content-Length: -5\r\n\r\nhello", "protocol"),
    Hostile(
        "two lengths", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "protocol"
    ),
    Hostile(
        "a length of 10**30",
        lambda: [OK + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n"],
        "protocol",
    ),
    Hostile("a length too long", lambda: [OK + b"Content-Length: 99\r\n\r\nhello"], "protocol"),
    Hostile(
        "a length too short",
        reply("hello", headers={"Content-Length": "2"}),
        body(lambda b: b == "he"),
    ),
    Hostile("a close in the headers", lambda: [OK + b"X-Half"], "protocol"),
    Hostile("a header without colon", OK + b"nonsense\r\n\r\n", "protocol"),
    Hostile("a header with NUL", headers(b"X-Nul: a\x00b"), "protocol"),
    Hostile(
        "ESC, C1 and bidi in headers",
        headers(b"X-Evil: \x1b[2J\xc2\x9b31m\xe2\x80\xae", b"Server: \x1b]0;owned\x07"),
        lambda d: d["headers"]["x-evil"].startswith("\x1b"),
    ),
    Hostile(
        "Latin-1 in a header",
        headers(b"X-Name: caf\xe9"),
        lambda d: d["headers"]["x-name"] == "café",
    ),
    Hostile(
        "ESC, C1 and bidi in the reason",
        b"HTTP/1.1 200 \x1b[31m\xe2\x80\xae\r\nContent-Length: 0\r\n\r\n",
        lambda d: d["reason"] == "\x1b[31m\u202e",
    ),
    Hostile(
        "ESC, NUL and bidi in the body",
        reply(b"\x1b[2J\x1b]52;c;ZXZpbA==\x07\x00\xe2\x80\xae\xc2\x9b"),
        body(lambda b: "\x1b" in b),
    ),
    Hostile(
        "bytes that are no text",
        reply(b"\xff\xfe\xed\xa0\x80" * 20_000),
        body(lambda b: len(b.encode()) <= 65_536),
    ),
    Hostile(
        "a charset that is a program",
        reply(b"x", headers={"Content-Type": "text/plain; charset=zlib_codec"}),
        body(lambda b: b == "x"),
    ),
    Hostile(
        "a charset that does not exist",
        reply(b"x", headers={"Content-Type": "text/plain; charset=iso-8859-99"}),
        body(lambda b: b == "x"),
    ),
    Hostile(
        "JSON nested 30,000 deep",
        json_reply("[" * 30_000 + "]" * 30_000),
        body(lambda b: isinstance(b, str)),
    ),
    Hostile(
        "JSON nested 500 deep",
        json_reply("[" * 500 + "]" * 500),
        lambda d: d["left_out"]["body"] == 1,
    ),
    Hostile("JSON with 1e999", json_reply('{"n": 1e999}'), body(lambda b: b == {"n": "1e999"})),
    Hostile(
        "JSON with NaN", json_reply("[NaN, -Infinity]"), body(lambda b: b == ["NaN", "-Infinity"])
    ),
    Hostile(
        "JSON with 10**5000",
        json_reply('{"n": 1' + "0" * 5_000 + "}"),
        body(lambda b: len(b["n"]) == 5_001),
    ),
    Hostile(
        "JSON with 2**64",
        json_reply(f"[{2**64}, {2**64 - 1}]"),
        body(lambda b: b == [str(2**64), 2**64 - 1]),
    ),
    Hostile(
        "JSON with half a surrogate pair",
        json_reply(r'{"\ud800": "\udfff"}'),
        body(lambda b: b == {"?": "?"}),
    ),
    Hostile(
        "JSON with a key twice",
        json_reply('{"ok": true, "ok": false}'),
        body(lambda b: b == {"ok": False}),
    ),
    Hostile("JSON with a BOM", json_reply('\ufeff{"ok": true}'), body(lambda b: b == {"ok": True})),
    Hostile(
        "JSON in UTF-16",
        reply(
            '{"ok": true}'.encode("utf-16"),
            headers={"Content-Type": "application/json; charset=utf-16"},
        ),
        body(lambda b: b == {"ok": True}),
    ),
    Hostile("JSON that breaks off", json_reply('{"ok": tr'), body(lambda b: b == '{"ok": tr')),
    Hostile(
        "JSON with 5,000 entries",
        json_reply(json.dumps([1] * 5_000)),
        lambda d: len(d["body"]) == 500 and d["left_out"]["body"] == 4_500,
    ),
    Hostile(
        "JSON that would take far more memory than its text",
        json_reply(json.dumps([{}] * 15_000)),
        body(lambda b: isinstance(b, str) and b.startswith("[{}, {}")),
    ),
    Hostile(
        "JSON larger than 64 KB",
        json_reply(json.dumps(["x" * 100] * 900)),
        lambda d: d["truncated"],
    ),
    Hostile("redirects in a circle", to(b"/again"), stopped("more than 5")),
    Hostile("a redirect to a file", to(b"file:///etc/passwd"), stopped("file: address")),
    Hostile("a redirect to a script", to(b"javascript:alert(1)"), stopped("javascript: address")),
    Hostile("a redirect with ESC", to(b"http://evil\x1b[2J/"), stopped("leads nowhere")),
    Hostile(
        "a redirect to a path with ESC",
        to(b"/\x1b[2J\xe2\x80\xae"),
        lambda d: d["redirects"][0].endswith("/%1B[2J%E2%80%AE"),
    ),
    Hostile("a redirect to no port", to(b"http://localhost:99999/"), stopped("port")),
    Hostile("a redirect to half an IPv6", to(b"http://[::1/"), stopped("leads nowhere")),
    Hostile("a redirect of 20 KB", to(b"/" + b"x" * 20_000), stopped("characters")),
    Hostile("a redirect to nowhere", to(b""), stopped("more than 5")),
    Hostile(
        "an impossible Retry-After",
        reply("", 429, {"Retry-After": "Mon, 99 Foo 99999 99:99:99"}),
        lambda d: d["retry_after_s"] is None,
    ),
    Hostile(
        "an impossible Age",
        reply("", 200, {"Age": "9" * 50, "Cache-Control": "max-age=-1, =,,"}),
        lambda d: d["cache"]["age_s"] is None,
    ),
    Hostile(
        "a policy of nothing",
        reply("", 200, {"Content-Security-Policy": ";;,;, ;"}),
        lambda d: True,
    ),
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: h.about)
async def test_hostile_answer(hostile: Hostile) -> None:
    # GIVEN a server that answers like this
    sends = hostile.sends
    answer = sends if isinstance(sends, bytes) else lambda asked: sends()
    timeout_s = SHORT_S if hostile.gives == "timeout" else LONG_S
    with partner(answer) as server:
        # WHEN a look is taken
        began = time.perf_counter()
        outcome: Document | ProbeError
        try:
            outcome = await look_at(server.url, timeout_s)
        except ProbeError as error:
            outcome = error
        took_s = time.perf_counter() - began
    # THEN it ends in time, with the cause or a document that can be kept
    assert took_s < timeout_s + SPARE_S
    if isinstance(hostile.gives, str):
        assert isinstance(outcome, ProbeError), outcome
        assert outcome.cause == hostile.gives, str(outcome)
        assert len(str(outcome)) < 400
        str(outcome).encode()
    else:
        assert not isinstance(outcome, ProbeError), str(outcome)
        assert hostile.gives(outcome), outcome
        assert_storable(outcome)


def assert_storable(document: Document) -> None:
    json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    assert len(msgspec.json.encode(document)) < LARGEST_DOCUMENT
    assert depth(document) < 20


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


_LARGE = ("bomb", "without end", "JSON", "headers", "times", "cookies", "redirect")
ENORMOUS = [
    (number, hostile)
    for number, hostile in enumerate(HOSTILE)
    if any(word in hostile.about for word in _LARGE) and hostile.gives != "timeout"
]
MOST_BYTES = 1_048_576

SERVE = """
import sys
from tests.probes.partners_http import Partner
from tests.probes.test_hostile_answers import HOSTILE

last = [0]

def answer(asked):
    number = asked.target.strip("/")
    if number.isdigit():
        last[0] = int(number)  # what follows is where it redirects to
    sends = HOSTILE[last[0]].sends
    return sends if isinstance(sends, bytes) else sends()

server = Partner(answer)
print(server.url, flush=True)
sys.stdin.read()
server.close()
"""


@pytest.fixture(scope="module")
def far_end() -> Iterator[str]:
    """The same servers in a process of their own: what they hold is not the look's."""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")


@pytest.mark.parametrize(
    ("number", "hostile"), ENORMOUS, ids=[hostile.about for _, hostile in ENORMOUS]
)
async def test_a_look_takes_less_than_a_megabyte(
    number: int, hostile: Hostile, far_end: str
) -> None:
    # GIVEN a server that sends without end, or what unpacks to much (after a first look, for what
    # is imported and compiled once)
    await asyncio.gather(look_at(f"{far_end}/{number}", LONG_S), return_exceptions=True)
    tracemalloc.start()
    try:
        # WHEN a look is taken
        (outcome,) = await asyncio.gather(
            look_at(f"{far_end}/{number}", LONG_S), return_exceptions=True
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # THEN it saw what it should, and little memory was used for it
    if isinstance(outcome, ProbeError):
        assert outcome.cause == hostile.gives
    else:
        assert isinstance(outcome, dict)
        assert callable(hostile.gives)
        assert hostile.gives(outcome)
    assert peak < MOST_BYTES
