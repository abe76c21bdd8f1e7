"""Look and read numbers: what gauges are fed with. Nothing is judged here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from opsdeck.checks.evidence import bounded
from opsdeck.checks.judge import value_of
from opsdeck.checks.reading import IN_ONE_CALL, OnReadings, Reading, Wanted
from opsdeck.probes.base import CUT_OFF, Document, ProbeError, Target
from opsdeck.probes.engine import LOCAL_KINDS, Engine, Round, Seen, seen_of
from opsdeck.probes.online import Connectivity

DOCUMENT_BYTES = 3_000
"""How much of a document comes along with the numbers in it, as JSON."""

WHOLE_BYTES = 200_000
"""The same for somebody who looks at the document itself."""

LARGEST = 1e300
"""JSON has integers of any size; what is beyond this is no measurement."""


class Reader:
    """Carries looks out with one engine and reads numbers from what they see."""

    def __init__(
        self, engine: Engine, online: Connectivity, *, now: Callable[[], datetime]
    ) -> None:
        self.engine = engine
        self.online = online
        self.now = now

    async def read(self, wanted: Sequence[Wanted], on_readings: OnReadings) -> None:
        """Look at all of these at once; each is told as it ends. Cancelling it stops them all.

        Looks that were cut off are told at the end: then it is known whether it is we who are.
        """
        a_round = Round(self.engine)
        silent: list[tuple[int, Seen]] = []

        def told(index: int, seen: Seen) -> None:
            abroad = wanted[index].probe.get("kind") not in LOCAL_KINDS
            if seen.document is None and seen.cause in CUT_OFF and abroad:
                silent.append((index, seen))
            else:
                on_readings(index, readings(wanted[index], seen))

        async def one(index: int) -> None:
            told(index, await a_round.look(wanted[index].probe))

        single, together = self._sorted(wanted, on_readings)
        waits = [one(index) for index in single]
        waits += [self._call(name, wanted, places, told) for name, places in together.items()]
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.gather(*tasks)
            if a_round.answered:
                self.online.heard()
            since = await self._offline_since() if silent and not a_round.answered else None
            for index, seen in silent:
                shown = seen if since is None else _offline(seen, since)
                on_readings(index, readings(wanted[index], shown))
        finally:
            for task in tasks:
                task.cancel()
            await a_round.stop()

    def _sorted(
        self, wanted: Sequence[Wanted], on_readings: OnReadings
    ) -> tuple[list[int], dict[str, list[int]]]:
        """Looks that stand alone, and by target those that are asked for in one call."""
        single: list[int] = []
        together: dict[str, list[int]] = {}
        for index, each in enumerate(wanted):
            if each.refusal is not None:
                refused = Reading(cause="untrusted", message=each.refusal)
                on_readings(index, [refused] * len(each.values))
            elif each.probe.get("kind") == IN_ONE_CALL:
                together.setdefault(str(each.probe.get("target", "")), []).append(index)
            else:
                single.append(index)
        return single, together

    async def _call(
        self,
        name: str,
        wanted: Sequence[Wanted],
        places: list[int],
        told: Callable[[int, Seen], None],
    ) -> None:
        """Many metrics of one account in as few calls as there can be."""
        from opsdeck.probes.blocking import import_module

        probes = [wanted[index].probe for index in places]
        try:
            timeout_s = max(self.engine.timeout_of(probe) for probe in probes)
            kind = await import_module("opsdeck.probes._aws_cloudwatch")
            target: Target = self.engine.target(name)
            found: list[Document | ProbeError] = await kind.look_many(target, probes, timeout_s)
            if len(found) != len(places):
                raise ProbeError("protocol", f"{name} did not answer each of the questions")
        except ProbeError as error:
            found = [error] * len(places)
        except Exception as error:  # a kind that cannot even be asked is no value either
            message = f"the look failed inside OpsDeck: {type(error).__name__}"
            found = [ProbeError("internal", message)] * len(places)
        redactor = self.engine.redactor()
        if any(not isinstance(each, ProbeError) for each in found):
            self.online.heard()
        for index, each in zip(places, found, strict=True):
            told(index, seen_of(each, redactor))

    async def _offline_since(self) -> datetime | None:
        await self.online.judge(self.now())
        return self.online.offline_since


def _offline(seen: Seen, since: datetime) -> Seen:
    return seen._replace(cause="offline", message=f"OpsDeck is offline since {since:%H:%M} UTC")


def readings(wanted: Wanted, seen: Seen) -> list[Reading]:
    """What a look says to each of the expressions."""
    if seen.document is None:
        missed = Reading(cause=seen.cause, message=seen.message, took_ms=seen.took_ms)
        return [missed] * len(wanted.values)
    most = WHOLE_BYTES if wanted.whole else DOCUMENT_BYTES
    kept = bounded(seen.redactor.value(seen.document), most)
    observed = seen.document.get("observed_s")
    observed = float(observed) if isinstance(observed, int | float) else None
    found = []
    for expression in wanted.values:
        value, message = number(expression, seen.document)
        cause = None if value is not None else "value"
        found.append(
            Reading(
                value=value,
                cause=cause,
                message=message,
                document=kept,
                took_ms=seen.took_ms,
                observed_s=observed,
            )
        )
    return found


def number(expression: str, document: Document) -> tuple[float | None, str]:
    """The number that an expression finds in a document, or why there is none.

    True counts as 1 and false as 0.
    """
    value, trouble = value_of(expression, document)
    if trouble:
        return None, f"{expression} {trouble}"
    if isinstance(value, bool | int | float):
        if abs(value) <= LARGEST:  # neither NaN nor infinity is
            return float(value), ""
        return None, f"{expression} is no number that can be shown"
    if value is None:
        return None, _unseen(expression, document)
    kinds = {"str": "a text", "list": "a list", "dict": "a table"}
    found_kind = kinds.get(type(value).__name__, "something else")
    return None, f"{expression} is {found_kind}, not a number"


def _unseen(expression: str, document: Document) -> str:
    """Why a document does not tell it, where it says so itself: `not_seen` names parts that could
    not be asked for, why, and the figures that are missing for that."""
    for part in document.get("not_seen") or ():
        if isinstance(part, dict) and expression in (part.get("figures") or ()):
            return str(part.get("why"))
    return f"the look tells no {expression}"
