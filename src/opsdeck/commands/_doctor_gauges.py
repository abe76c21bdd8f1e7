"""Doctor: the gauges: what they read, what cannot be read, and what CloudWatch costs a day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from opsdeck.checks.reading import IN_ONE_CALL, Reading
from opsdeck.gauges.board import Board, Watch
from opsdeck.gauges.words import amount
from opsdeck.probes._aws_cost import metric_cost_per_day, request_cost_per_day
from opsdeck.reports.findings import Finding, Level
from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.deck import Deck
    from opsdeck.looking import Looks

PART = "gauges"
PATIENCE_S = 10.0
DAY_S = 86_400
DEAR_USD = 5.0
"""More than this a day is worth a word."""
_TOLD = frozenset({"offline"})
"""Causes that were told with the targets."""


def cost_findings(deck: Deck) -> Iterator[Finding]:
    """What the gauges of each AWS target cost a day, by the public price list."""
    board = Board(deck.config.gauges)
    for name, table in deck.config.targets.items():
        if table.get("kind") != "aws":
            continue
        mine = [w for w in board.watches() if w.wanted.probe.get("target") == name]
        metrics = [w.every_s for w in mine if w.wanted.probe.get("kind") == IN_ONE_CALL]
        others = [
            w.every_s
            for w in mine
            if w.wanted.probe.get("kind") == "aws" and w.wanted.probe.get("service") == "cloudwatch"
        ]
        if metrics or others:
            yield _cost(name, metrics, others)


def _cost(name: str, metrics: list[float], others: list[float]) -> Finding:
    told = [(metrics, "metric"), (others, "other question")]
    asked = " and ".join(
        f"{plural(len(each), noun)}, {sum(DAY_S / every for every in each):,.0f} times a day"
        for each, noun in told
        if each
    )
    cost = metric_cost_per_day(metrics) + request_cost_per_day(others)
    what = (
        f"CloudWatch is asked for {asked} while OpsDeck runs:"
        f" about {cost:.2f} USD a day, {cost * 30:.0f} USD in 30 days"
    )
    level: Level = "warn" if cost >= DEAR_USD else "ok"
    todo = "a longer period, or fewer metrics, cost less" if level == "warn" else ""
    return _finding(level, name, what, todo)


async def reading_findings(looks: Looks) -> list[Finding]:
    """Look at every gauge once, as far as nobody's consent is needed, and tell what is blind."""
    board = Board(looks.deck.config.gauges)
    watches = board.watches()
    if not watches:
        return []
    told: dict[int, list[Reading]] = {}
    wanted = looks.permitted([watch.wanted for watch in watches])
    try:
        async with asyncio.timeout(PATIENCE_S):
            await looks.read(wanted, told.__setitem__)
    except TimeoutError:
        pass  # what has not answered is told below
    return list(_of_readings(board, watches, told))


def _of_readings(
    board: Board, watches: Iterable[Watch], told: dict[int, list[Reading]]
) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[str]] = {}
    seen: list[str] = []
    for index, watch in enumerate(watches):
        readings = told.get(index) or [Reading(cause="timeout", message="no answer in time")] * len(
            watch.gauges
        )
        for identity, reading in zip(watch.gauges, readings, strict=False):
            gauge = board.gauge(identity)
            if gauge is None or reading.cause in _TOLD:
                continue
            if reading.value is None:
                key = (gauge.spec.source, reading.cause or "", reading.message)
                groups.setdefault(key, []).append(identity)
            else:
                seen.append(f"{gauge.spec.title} {amount(reading.value, gauge.spec.unit)}")
    if seen:
        yield _finding("ok", "gauges", f"{plural(len(seen), 'gauge')} could be read")
    for (source, cause, message), identities in groups.items():
        level: Level = "bad" if cause in ("rights", "auth", "internal") else "warn"
        yield Finding(
            level=level,
            part=PART,
            where=source,
            what=f"{cause}: {message}",
            todo=_todo(cause),
            items=tuple(identities),
        )


def _todo(cause: str) -> str:
    match cause:
        case "value":
            return "the look came, but without this number: see its document with e in the app"
        case "untrusted":
            return "open the gauge in the app and press y, after reading what it runs"
    return ""


def _finding(level: Level, where: str, what: str, todo: str = "") -> Finding:
    return Finding(level=level, part=PART, where=where, what=what, todo=todo)


def gauge_probes(deck: Deck) -> list[dict[str, Any]]:
    """The probes of gauges, for the rights they need; a metric is a question to CloudWatch."""
    found = []
    for spec in deck.config.gauges.specs:
        probe = dict(spec.probe)
        if probe.get("kind") == IN_ONE_CALL:
            probe = {
                "kind": "aws",
                "target": probe.get("target"),
                "service": "cloudwatch",
                "operation": "GetMetricData",
            }
        found.append(probe)
    return found
