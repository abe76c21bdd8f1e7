"""The Deck's own looks at the world: which items, with whose consent, and what is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from opsdeck.catalog.model import Checklist
from opsdeck.checks.checker import (
    Ask,
    Checker,
    OnResult,
    Refusal,
    Subject,
    asks_of,
    gauge_subject,
    unknown_result,
)
from opsdeck.checks.reader import Reader
from opsdeck.checks.reading import OnReadings, Reading, Wanted
from opsdeck.checks.recording import draft_of, is_news
from opsdeck.checks.remote import Remote, WorkerGoneError
from opsdeck.checks.result import Result
from opsdeck.checks.trust import Trust, trust_file
from opsdeck.checks.wire import Setting
from opsdeck.deck import Deck
from opsdeck.deck_facts import DeckFacts
from opsdeck.journal.writing import Draft
from opsdeck.probes.engine import JOBS, Engine
from opsdeck.probes.online import ANCHOR_PATIENCE_S, Connectivity, anchors
from opsdeck.probes.registry import consent_of
from opsdeck.text import cut, time_of_day

NOT_AGREED = "run it: open the gauge in the app and press y"

LONGEST_REFUSED = 100
"""Cells of a command that nobody agreed to."""


class Looks:
    """Checks items of a deck. It writes nothing: `drafts` are what to record."""

    def __init__(
        self,
        deck: Deck,
        environ: Mapping[str, str],
        *,
        jobs: int = JOBS,
        timeout_s: float | None = None,
        apart: bool = False,
    ) -> None:
        """`apart`: look in a process of its own, so that no look can cost the interface a key."""
        self.deck = deck
        self.environ = environ
        self.trust = Trust(trust_file(environ))
        self.agreed: set[str] = set()
        """What was agreed to for this time only, by fingerprint."""
        self.jobs = jobs
        self.timeout_s = timeout_s
        self._config = deck.config
        self.engine = self._engine()
        self._old: list[Engine] = []
        self.online = Connectivity([], ANCHOR_PATIENCE_S)
        self._anchored = False
        self._remote = Remote(environ) if apart else None

    @property
    def _folder(self) -> Path | None:
        file = self.deck.config.file
        return file.parent if file else None

    def _engine(self) -> Engine:
        return Engine(
            self._config.targets,
            environ=self.environ,
            folder=self._folder,
            facts=DeckFacts(self.deck),
            jobs=self.jobs,
            timeout_s=self.timeout_s,
        )

    def follow(self) -> None:
        """Go by the targets that the deck's configuration names now; looks under way go on."""
        if self._config is not self.deck.config:
            self._config = self.deck.config
            self._old.append(self.engine)
            self.engine = self._engine()
            self._anchored = False

    async def aclose(self) -> None:
        """Close every client, and the process that looks."""
        engines, self._old = [*self._old, self.engine], []
        for engine in engines:
            await engine.aclose()
        if self._remote is not None:
            await self._remote.aclose()

    def leave(self) -> None:
        """Let the process that looks end, without waiting for it."""
        if self._remote is not None:
            self._remote.leave()

    # Which items

    def subjects(
        self, checklists: Iterable[Checklist] | None = None, run: str | None = None
    ) -> list[Subject]:
        """The items with a probe that the team uses, of these lists (default: all).

        Those of a release list are checked for the current release; with none open for no run.
        """
        found = []
        for checklist in self.deck.catalog.checklists if checklists is None else checklists:
            view = self.deck.view(checklist, run)
            found += [
                Subject(checklist, item, view.run or "")
                for item, status in zip(view.checklist.items, view.statuses, strict=True)
                if item.probe is not None and status.state != "inactive"
            ]
        return found

    def missing_targets(self, subjects: Iterable[Subject]) -> dict[str, int]:
        """Targets that these need and opsdeck.toml does not name, each with how many need it."""
        needed = (str(s.probe["target"]) for s in subjects if s.probe.get("target"))
        return dict(Counter(name for name in needed if not self.engine.knows(name)))

    # Consent

    def asks(self, subjects: Iterable[Subject]) -> list[Ask]:
        """What must be agreed to before these are checked, and was not yet."""
        asks = asks_of(subjects, self.engine)
        return [
            ask
            for ask in asks
            if ask.fingerprint not in self.agreed
            and not (ask.consent.kind == "command" and ask.fingerprint in self.trust)
        ]

    def agree(self, asks: Iterable[Ask]) -> None:
        """The operator said yes, this time."""
        self.agreed |= {ask.fingerprint for ask in asks}

    def remember(self, asks: Iterable[Ask]) -> None:
        """The operator said yes for as long as the commands stay as they are.

        Raises NotSavedError; they are agreed to for this time even then.
        """
        asks = list(asks)
        self.agree(asks)
        commands = [ask for ask in asks if ask.consent.kind == "command"]
        if commands:
            self.trust.add(commands, self.deck.now())

    def permitted(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """These looks of gauges, each that runs something unagreed with the reason why it is not.

        A gauge asks nobody: a command must have been trusted before, for exactly this.
        """
        return [self._permitted(each) for each in wanted]

    def _permitted(self, wanted: Wanted) -> Wanted:
        if consent_of(wanted.probe) is None:
            return wanted
        asks = self.asks([gauge_subject("", "", wanted.probe)])
        if not asks:
            return wanted
        return msgspec.structs.replace(wanted, refusal=f"nobody here agreed to {NOT_AGREED}")

    # Checking

    async def check(self, subjects: Sequence[Subject], on_result: OnResult) -> None:
        """Look at these now; results come one by one. Cancelling it stops every look."""
        refused = {ask.subject.address: _refusal(ask) for ask in self.asks(subjects)}
        setting = self._setting()  # now: what was agreed to holds for the targets as they are now

        def refusal(subject: Subject) -> str | None:
            return refused.get(subject.address)

        if self._remote is None:
            await self._check_here(subjects, refusal, on_result)
            return
        # What looks at the deck itself has to look from here.
        here = [s for s in subjects if s.probe.get("kind") == "run"]
        apart = [s for s in subjects if s.probe.get("kind") != "run"]
        await self._check_here(here, refusal, on_result)
        if apart:
            await self._check_apart(self._remote, setting, apart, refusal, on_result)

    async def _check_here(
        self, subjects: Sequence[Subject], refusal: Refusal, on_result: OnResult
    ) -> None:
        await self._anchor()
        checker = Checker(
            self.engine, self.online, now=self.deck.now, clock=self._clock, refusal=refusal
        )
        await checker.check(subjects, on_result)

    async def _check_apart(
        self,
        remote: Remote,
        setting: Setting,
        subjects: list[Subject],
        refusal: Refusal,
        on_result: OnResult,
    ) -> None:
        missing = {s.address: s for s in subjects}

        def came(subject: Subject, result: Result) -> None:
            missing.pop(subject.address, None)
            on_result(subject, msgspec.structs.replace(result, at=self.deck.now()))

        try:
            since = await remote.check(setting, subjects, refusal, came)
            self.online.offline_since = since
        except (WorkerGoneError, OSError) as error:
            for subject in missing.values():
                said = f"the look was cut off: {error}; check again"
                on_result(subject, unknown_result(subject, said, "internal", self.deck.now()))

    async def read(self, wanted: Sequence[Wanted], on_readings: OnReadings) -> None:
        """Look and read numbers; each look is answered, if only with why it brought none."""
        missing = dict(enumerate(wanted))

        def came(index: int, readings: list[Reading]) -> None:
            missing.pop(index, None)
            on_readings(index, readings)

        if self._remote is None:
            await self._anchor()
            reader = Reader(self.engine, self.online, now=self.deck.now)
            await reader.read(wanted, came)
            return
        try:
            since = await self._remote.read(self._setting(), wanted, came)
            self.online.offline_since = since
        except (WorkerGoneError, OSError) as error:
            for index, each in missing.items():
                lost = Reading(cause="internal", message=f"the look was cut off: {error}")
                on_readings(index, [lost] * len(each.values))

    def _setting(self) -> Setting:
        folder = self._folder
        return Setting(
            targets=self._config.targets,
            anchors=list(self._config.anchors),
            folder=str(folder) if folder else None,
            zone=self.deck.config.timezone,
            jobs=self.jobs,
            timeout_s=self.timeout_s,
        )

    async def ask_anchors(self) -> None:
        """Find out whether this machine is still cut off."""
        self.follow()
        await self._anchor()
        await self.online.judge(self.deck.now())

    async def _anchor(self) -> None:
        """Find out, once, what tells whether this machine is cut off."""
        if not self._anchored:
            self._anchored = True
            config = self._config
            targets = [self.engine.target(name) for name in config.targets]
            self.online.anchors = await anchors(targets, config.anchors)

    def _clock(self, at: datetime) -> str:
        return time_of_day(at, self.deck.now(), self.deck.zone)

    # Recording

    def drafts(self, results: Iterable[Result], *, only_news: bool = False) -> list[Draft]:
        """What to write of these; of a watch only what is news."""
        kept = []
        for result in results:
            checklist = self.deck.catalog.checklist(result.checklist)
            item = checklist.item(result.item) if checklist else None
            if item is None or not result.run or self.deck.closed(result.run):
                continue
            entry = self.deck.state.entry(result.run, result.item)
            if not only_news or is_news(result, item, entry, self.deck.now()):
                kept.append(draft_of(result))
        return kept


def _refusal(ask: Ask) -> str:
    """Why it was not done; a script is not repeated in full: question and doctor show it."""
    first, *more = ask.kept.splitlines() or [""]
    kept = cut(first, LONGEST_REFUSED) + (" …" if more and len(first) <= LONGEST_REFUSED else "")
    match ask.consent.kind:
        case "command":
            return f"nobody here agreed to run: {kept}"
        case "change":
            return f"it may change something, and nobody agreed to: {kept}"
    return f"only when asked for by name: {kept}"
