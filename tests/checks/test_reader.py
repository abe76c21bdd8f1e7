"""Numbers are read from what probes see; why there is none is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsdeck.checks.reader import Reader, number, readings
from opsdeck.checks.reading import Reading, Wanted
from opsdeck.probes.address import Address
from opsdeck.probes.engine import Engine, Seen, seen_of
from opsdeck.probes.online import Anchor, Connectivity
from tests.probes.partners_http import blackhole, json_reply, partner
from tests.probes.partners_tls import closed_port

AT = datetime(2026, 11, 23, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "value", "said"),
    [
        ("a", 5.0, ""),
        ("b.c[1]", 2.5, ""),
        ("length(b.c)", 2.0, ""),
        ("yes", 1.0, ""),
        ("no", 0.0, ""),
        ("gone", None, "the look tells no gone"),
        ("text", None, "text is a text, not a number"),
        ("b", None, "b is a table, not a number"),
        ("b.c", None, "b.c is a list, not a number"),
        ("huge", None, "huge is no number that can be shown"),
        ("inf", None, "inf is no number that can be shown"),
        ("lag", None, "not authorized"),
    ],
)
def test_a_number_or_why_there_is_none(expression: str, value: float | None, said: str) -> None:
    document: dict[str, Any] = {
        "a": 5,
        "b": {"c": [1, 2.5]},
        "yes": True,
        "no": False,
        "text": "12",
        "huge": 10**400,
        "inf": float("inf"),
        "lag": None,
        "not_seen": ["x", {"part": "p", "why": "not authorized", "figures": ["lag"]}, {}],
    }
    assert number(expression, document) == (value, said)


def test_an_expression_that_breaks_says_so() -> None:
    value, said = number("length(a)", {"a": 5})
    assert value is None
    assert said.startswith("length(a) ")


class Bench:
    """A reader with anchors of the test's own."""

    def __init__(self, targets: dict[str, dict[str, Any]], *anchors: Anchor, **env: str) -> None:
        self.engine = Engine(targets, environ=env)
        self.online = Connectivity(anchors, 0.3)
        self.reader = Reader(self.engine, self.online, now=lambda: AT)

    async def read(self, *wanted: Wanted) -> list[list[Reading]]:
        """What each look brought; each must be told exactly once."""
        found: dict[int, list[Reading]] = {}
        told: list[int] = []

        def came(index: int, brought: list[Reading]) -> None:
            told.append(index)
            found[index] = brought

        await self.reader.read(wanted, came)
        await self.engine.aclose()
        assert sorted(told) == list(range(len(wanted)))
        return [found[index] for index in range(len(wanted))]


def http(*values: str, path: str = "/", timeout: float = 2.0, **more: Any) -> Wanted:
    probe = {"kind": "http", "target": "web", "path": path, "timeout": timeout}
    return Wanted(probe=probe, values=values, **more)


async def test_one_look_brings_all_its_numbers_and_no_secret() -> None:
    # GIVEN a server that says its token back
    answer = json_reply('{"queue": {"waiting": 12}, "echo": "t0psecret-value"}')
    with partner(answer) as server:
        target = {"kind": "web", "url": server.url, "headers": {"X-Token": "${T}"}}
        bench = Bench({"web": target}, T="t0psecret-value")
        [[waiting, status]] = await bench.read(http("body.queue.waiting", "status"))
    assert (waiting.value, status.value, waiting.cause) == (12.0, 200.0, None)
    assert waiting.took_ms > 0
    # AND the document comes along without it
    assert waiting.document is not None
    assert "t0psecret" not in str(waiting.document)


async def test_what_nobody_agreed_to_is_not_even_tried() -> None:
    with partner(json_reply("{}")) as server:
        bench = Bench({"web": {"kind": "web", "url": server.url}})
        [[first], [second]] = await bench.read(
            http("status", refusal="nobody here agreed to run it"), http("status")
        )
        assert len(server.asked) == 1
    assert (first.cause, first.message) == ("untrusted", "nobody here agreed to run it")
    assert second.value == 200


async def test_a_target_that_refuses_is_down_and_we_are_not_offline() -> None:
    with closed_port() as port:
        bench = Bench({"web": {"kind": "web", "url": f"http://127.0.0.1:{port}"}})
        [[reading]] = await bench.read(http("status"))
    assert (reading.value, reading.cause) == (None, "refused")
    assert bench.online.offline_since is None


async def test_when_nobody_answers_and_no_anchor_it_is_we_who_are_cut_off() -> None:
    with blackhole() as port:
        anchor = Anchor("tcp", Address("127.0.0.1", port), local_counts=True)
        bench = Bench({"web": {"kind": "web", "url": f"http://127.0.0.1:{port}"}}, anchor)
        [[reading]] = await bench.read(http("status", timeout=0.3))
    assert reading.cause == "offline"
    assert reading.message == "OpsDeck is offline since 01:31 UTC"
    assert bench.online.offline_since == AT


def test_when_it_was_so_comes_along() -> None:
    redactor = Engine({}, environ={}).redactor()
    seen: Seen = seen_of({"value": 1.5, "observed_s": 1_795_400_000.0}, redactor)
    [reading] = readings(Wanted(probe={}, values=("value",)), seen)
    assert (reading.value, reading.observed_s) == (1.5, 1_795_400_000.0)


def test_a_document_is_bounded_unless_somebody_looks_at_it() -> None:
    redactor = Engine({}, environ={}).redactor()
    seen = seen_of({"value": 1, "text": "x" * 50_000}, redactor)
    [short] = readings(Wanted(probe={}, values=("value",)), seen)
    [whole] = readings(Wanted(probe={}, values=("value",), whole=True), seen)
    assert len(str(short.document)) < 4_000
    assert len(str(whole.document)) > 50_000
