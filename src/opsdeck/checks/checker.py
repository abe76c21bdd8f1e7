"""Check items: look, judge, and say what came of each as soon as it is known."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from opsdeck.catalog.model import Checklist, Item
from opsdeck.checks.evidence import bounded
from opsdeck.checks.judge import judge, reason_of
from opsdeck.checks.result import Judged, Result, Verdict
from opsdeck.probes.address import address_of
from opsdeck.probes.base import ANSWERED, CUT_OFF, Consent, Document, ProbeError, Target
from opsdeck.probes.engine import LOCAL_KINDS, Engine, Round, Seen, filled_probe
from opsdeck.probes.online import Connectivity
from opsdeck.probes.redact import Redactor
from opsdeck.probes.registry import consent_of, problems

RETENTION_BYTES = 6_000
"""How much of a document is kept as evidence, as JSON."""


class Subject(NamedTuple):
    """An item with a probe, in the run it is checked for."""

    checklist: Checklist
    item: Item
    run: str

    @property
    def probe(self) -> Mapping[str, Any]:
        """Its probe; empty where it has none."""
        return self.item.probe or {}

    @property
    def address(self) -> str:
        """`CHECKLIST/ITEM`."""
        return f"{self.checklist.id}/{self.item.id}"


Refusal = Callable[[Subject], str | None]
"""Why a probe must not be carried out (nobody agreed to it); None when it may."""

OnResult = Callable[[Subject, Result], None]
"""Is told what came of an item, as soon as it is known."""


class Checker:
    """Checks items with one engine. Nothing is recorded here: results are handed over."""

    def __init__(
        self,
        engine: Engine,
        online: Connectivity,
        *,
        now: Callable[[], datetime],
        clock: Callable[[datetime], str],
        refusal: Refusal = lambda subject: None,
    ) -> None:
        """`clock` writes a time as the team reads it, e.g. `02:31`."""
        self.engine = engine
        self.online = online
        self.now = now
        self.clock = clock
        self.refusal = refusal

    async def check(self, subjects: Sequence[Subject], on_result: OnResult) -> None:
        """Check these items at once; `on_result` is called for each as it ends, in any order.

        Cancelling it stops every look; items without a result then have none.
        """
        a_round = Round(self.engine)
        asking = _Asking(self.online, self.now)

        async def one(subject: Subject) -> None:
            result = await self._result(subject, a_round, asking)
            on_result(subject, result)

        tasks = [asyncio.ensure_future(one(subject)) for subject in subjects]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            asking.stop()
            await a_round.stop()

    async def _result(self, subject: Subject, a_round: Round, asking: _Asking) -> Result:
        refusal = self.refusal(subject)
        if refusal is not None:
            return self._unknown(subject, refusal, "untrusted")
        seen = await a_round.look(subject.probe)
        if a_round.answered:
            self.online.heard()
        if seen.document is not None:
            return self._judged(subject, seen, seen.document)
        abroad = subject.probe.get("kind") not in LOCAL_KINDS
        if abroad and seen.cause in CUT_OFF and not a_round.answered:
            since = await asking.offline_since()
            if since is not None and not a_round.answered:
                message = f"OpsDeck is offline since {self.clock(since)}"
                return self._unknown(subject, message, "offline", seen.took_ms)
        if seen.cause in ANSWERED and subject.probe.get("must_answer"):
            return self._made(subject, "failed", seen.message, seen.cause, seen.took_ms)
        return self._unknown(subject, seen.message, seen.cause, seen.took_ms)

    def _judged(self, subject: Subject, seen: Seen, document: Document) -> Result:
        harmless = seen.redactor.value(document)
        judged = judge(subject.item.expect, document, harmless)
        verdict: Verdict = "passed" if judged and all(j.holds for j in judged) else "failed"
        if not judged:
            verdict = "unknown"
        reason = reason_of(judged) if judged else "nothing is expected of it"
        kept = bounded(harmless, RETENTION_BYTES)
        return self._made(subject, verdict, reason, None, seen.took_ms, judged, kept)

    def _unknown(
        self, subject: Subject, reason: str, cause: str | None, took_ms: float = 0.0
    ) -> Result:
        return unknown_result(subject, reason, cause, self.now(), took_ms)

    def _made(
        self,
        subject: Subject,
        verdict: Verdict,
        reason: str,
        cause: str | None,
        took_ms: float,
        judged: tuple[Judged, ...] = (),
        document: Document | None = None,
    ) -> Result:
        plain = unknown_result(subject, reason, cause, self.now(), took_ms)
        return msgspec.structs.replace(plain, verdict=verdict, expect=judged, document=document)


def unknown_result(
    subject: Subject, reason: str, cause: str | None, at: datetime, took_ms: float = 0.0
) -> Result:
    """That nothing could be found out about an item, and why."""
    probe, item, checklist = subject.probe, subject.item, subject.checklist
    return Result(
        checklist=checklist.id,
        section=checklist.section,
        item=item.id,
        text=item.text,
        run=subject.run,
        verdict="unknown",
        reason=reason,
        cause=cause,
        kind=str(probe.get("kind", "")),
        target=str(probe.get("target", "")),
        at=at,
        took_ms=took_ms,
        assist=item.assist,
    )


class _Asking:
    """Asks once a round whether this machine is cut off, however many looks failed."""

    def __init__(self, online: Connectivity, now: Callable[[], datetime]) -> None:
        self._online = online
        self._now = now
        self._task: asyncio.Task[None] | None = None

    async def offline_since(self) -> datetime | None:
        if self._task is None:
            self._task = asyncio.ensure_future(self._online.judge(self._now()))
        await asyncio.shield(self._task)
        return self._online.offline_since

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()


def fingerprint(probe: Mapping[str, Any], table: Mapping[str, Any], folder: Path) -> str:
    """What is agreed to when a probe that acts is trusted: exactly it, at exactly that target of
    the deck in that folder, for `./check.sh` is another program in another deck.

    SHA-256 (hex) of all as they are written, `${VARIABLES}` unfilled.
    """
    text = json.dumps([probe, table, str(folder.resolve())], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


class Ask(NamedTuple):
    """Something that needs the operator's word before an item can be checked.

    The text of the consent is without the secrets of any target; `kept` is it for files."""

    subject: Subject
    consent: Consent
    fingerprint: str
    place: str = ""
    """The folder in which a command would run, or HOST:PORT to which a request would go."""

    @property
    def about(self) -> str:
        """Which item asks, and where it would be done."""
        if not self.place:
            return self.subject.address
        way = "in" if self.consent.kind == "command" else "to"
        return f"{self.subject.address}, {way} {self.place}"

    @property
    def kept(self) -> str:
        """What would be done, also without all that looks like a secret: for files and reports."""
        return Redactor().text(self.consent.text)


def asks_of(subjects: Iterable[Subject], engine: Engine) -> list[Ask]:
    """What the operator must agree to before these are checked."""
    found = []
    for subject in subjects:
        if consent_of(subject.probe) is None:
            continue
        try:
            target = engine.target(str(subject.probe.get("target", "")))
            probe = filled_probe(subject.probe, target)
        except ProbeError:
            continue  # it cannot be carried out at all, and will say why
        if any(problems(probe)):
            continue  # nor can this
        redactor = engine.redactor()
        # Before the kind writes it down: a quoted secret is not recognised any more.
        consent = consent_of(redactor.exact(probe))
        if consent is not None:
            shown = consent._replace(text=redactor.exact(consent.text))
            mark = fingerprint(subject.probe, target.raw, target.folder)
            place = redactor.text(_place(consent, probe, target))
            found.append(Ask(subject, shown, mark, place))
    return found


def gauge_subject(identity: str, title: str, probe: Mapping[str, Any]) -> Subject:
    """A gauge's probe as something that may have to be agreed to."""
    item = Item(id=identity, text=title, probe=dict(probe))
    return Subject(
        Checklist(id="gauge", title="Gauges", section="", cadence="standing", items=(item,)),
        item,
        "",
    )


def _place(consent: Consent, probe: Mapping[str, Any], target: Target) -> str:
    """Where it would be done; "" where that is said already, or cannot be: the look says why."""
    if consent.kind == "command":
        return str(target.path(str(probe.get("cwd", "."))))
    if "url" in probe or "://" in str(probe.get("path", "")):
        return ""  # the text names it
    try:
        return str(address_of(target, {}, default_port=443))
    except ProbeError:
        return ""
