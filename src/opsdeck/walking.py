"""Walking an incident: what the app and the command line both do with playbooks and commands.

It reads and writes through the Deck; who calls gives it the looks, a way to save events, and the
gauges' values. Everything runs on one event loop.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opsdeck.catalog.playbook import Command, Diagnostic, Playbook, Step
from opsdeck.checks.reading import Reading, Wanted
from opsdeck.errors import UsageError
from opsdeck.gauges.words import amount, sourced_title
from opsdeck.incidents import acts, commands
from opsdeck.incidents.commands import Ended, Printed, Ready, Running
from opsdeck.incidents.found import Found, found_of
from opsdeck.incidents.model import Incident
from opsdeck.incidents.trust import PlaybookTrust
from opsdeck.incidents.variables import names_in
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.known_incidents import KnownIncidents
from opsdeck.probes.known_secrets import session_secrets
from opsdeck.probes.redact import Redactor

if TYPE_CHECKING:
    from opsdeck.deck import Deck
    from opsdeck.gauges.board import Board
    from opsdeck.looking import Looks

SETTLE_WITHIN = timedelta(days=2)
"""Commands of incidents that were resolved longer ago are no longer asked after."""

UNHEARD_S = 3.0
READ_ONLY = "read-only: nothing can be run here (--read-only, or read_only in [deck])"

Commit = Callable[[list[Draft]], Awaitable[bool]]
"""Puts events on disk; False where that failed, which the operator was told."""


class Walking(KnownIncidents):
    """Incidents of one deck, for one operator at one machine."""

    def __init__(
        self,
        deck: Deck,
        environ: Mapping[str, str],
        looks: Callable[[], Awaitable[Looks]],
        commit: Commit,
        board: Callable[[], Board | None] = lambda: None,
    ) -> None:
        super().__init__(deck)
        self.environ = environ
        self.trust = PlaybookTrust(environ)
        self.host = socket.gethostname()
        self.running: dict[str, Running] = {}
        """Commands that were started here and have not ended, by number."""
        self._looks = looks
        self._commit = commit
        self._board = board
        self._unheard: dict[str, float] = {}

    # Starting

    def start(
        self,
        *,
        title: str,
        severity: str = "",
        playbook: Playbook | None = None,
        gauge: str = "",
        targets: Sequence[str] = (),
        began: datetime | None = None,
    ) -> tuple[str, list[Draft]]:
        """The id of a new incident and what to save for it; raises UsageError.

        `began` is when the trouble itself began, where somebody knows that.
        """
        deck = self.deck
        now = deck.now()
        identity = acts.new_id(now, deck.state.incidents.heads)
        board = self._board()
        known = board.gauge(gauge) if board is not None and gauge else None
        if known is not None and known.level in ("warning", "critical"):
            began_s = known.memory.tally.began
            since = now.timestamp() - began_s
            alarmed = now - timedelta(seconds=since) if began_s and since > 0 else None
            began = began or alarmed
            source = known.spec.source
            targets = targets or ((source,) if source in deck.config.targets else ())
        drafts = acts.start(
            identity,
            title=title,
            severity=severity or (playbook.severity if playbook is not None else ""),
            playbook=playbook,
            gauge=gauge,
            targets=targets,
            began=began,
            operator=deck.operator,
        )
        present = Draft(ev.INCIDENT_PRESENT, {"incident": identity, "here": True})
        return identity, [*drafts, present]

    def values(
        self, playbook: Playbook | None, one: Incident | None = None
    ) -> list[dict[str, Any]]:
        """The playbook's gauges, and the incident's own, as they are now."""
        board = self._board()
        if board is None:
            return []
        wanted = [*(playbook.gauges if playbook is not None else ()), one.gauge if one else ""]
        named = [g.spec.id for g in board.gauges() if playbook and g.spec.playbook == playbook.id]
        found = []
        for identity in dict.fromkeys([*wanted, *named]):
            gauge = board.gauge(identity) if identity else None
            if gauge is not None and gauge.value is not None and gauge.level != "unknown":
                found.append(
                    {
                        "id": identity,
                        "title": sourced_title(gauge),
                        "value": round(gauge.value, 3),
                        "text": amount(gauge.value, gauge.spec.unit),
                        "unit": gauge.spec.unit,
                        "level": gauge.level or "unknown",
                    }
                )
        return found[:12]

    # Looking

    async def look(
        self, diagnostics: Sequence[Diagnostic], on_found: Callable[[int, Found], None]
    ) -> None:
        """Look with these, all at once; each is told as it comes."""
        now = self.deck.now
        askable = [n for n, each in enumerate(diagnostics) if not each.fault]
        for number, each in enumerate(diagnostics):
            if each.fault:
                on_found(number, Found(at=now(), cause=each.fault))
        if not askable:
            return

        def came(index: int, readings: list[Reading]) -> None:
            number = askable[index]
            on_found(number, found_of(diagnostics[number], readings[0], now()))

        looks = await self._looks()
        wanted = [Wanted(probe=diagnostics[n].probe, values=("`0`",), whole=True) for n in askable]
        await looks.read(looks.permitted(wanted), came)

    # Commands

    def variables(self, one: Incident, playbook: Playbook) -> dict[str, str]:
        """What placeholders stand for: what was said in this incident, else in the playbook."""
        own = {"incident": one.id, "operator": self.deck.operator}
        return {**own, **playbook.variables, **one.variables}

    def missing(self, one: Incident, playbook: Playbook, command: Command) -> list[str]:
        """Placeholders of a command that nobody has said anything of."""
        known = self.variables(one, playbook)
        texts = [command.text, command.cwd, *command.env.values()]
        return [name for name in names_in(texts) if not known.get(name, "").strip()]

    def ready(
        self, one: Incident, playbook: Playbook, command: Command, text: str | None = None
    ) -> Ready:
        """A command exactly as it would be run; raises UsageError where it cannot be."""
        known = self.variables(one, playbook)
        return commands.made_ready(command, known, self.folder, text)

    def refusal(self, playbook: Playbook) -> str:
        """Why nothing of this playbook may be run now; "" where it may."""
        if self.deck.read_only:
            return READ_ONLY
        if self.trust.state(playbook) != "trusted":
            return "this content of the playbook was not trusted yet"
        return ""

    async def began(
        self, one: Incident, playbook: Playbook, step: Step, ready: Ready
    ) -> str | None:
        """Save that a command is about to be run; its number, None where that could not be saved.

        A step that nobody had begun is begun with it. Raises UsageError where it may not be run.
        """
        if reason := self.refusal(playbook):
            raise UsageError(reason)
        own = self.deck.journal.writer
        for ran in one.runs_of(playbook.id, step.id, ready.name):
            if ran.outcome == "running" and ran.began.writer.partition("~")[0] == own:
                raise UsageError(f"{ready.name} is running already: x on its page stops it")
        return await self.begin_act(
            *(one, playbook, step, ready.name, ready.text),
            cwd=str(ready.cwd),
            risk=ready.risk or "",
            holds=ready.interactive,
        )

    async def begin_act(
        self,
        one: Incident,
        playbook: Playbook,
        step: Step,
        name: str,
        text: str,
        *,
        cwd: str = "",
        risk: str = "",
        holds: bool = True,
    ) -> str | None:
        """Save that something is about to be done, by a command or by OpsDeck itself (`holds`: by
        this process, not by a keeper)."""
        if self.deck.read_only:
            raise UsageError(READ_ONLY)
        looks = await self._looks()
        number, values = commands.new_number(), self.values(playbook, one)
        data: dict[str, Any] = {
            "incident": one.id,
            "command": number,
            "playbook": playbook.id,
            "step": step.id,
            "name": name,
            "text": Redactor(self._secrets(looks)).text(text),
            "cwd": cwd,
            "host": self.host,
        }
        if risk:
            data["risk"] = risk
        if values:
            data["gauges"] = values
        walk = one.walks.get(playbook.id)
        state = walk.step(step.id).state if walk is not None else "to do"
        first = state in ("to do", "skipped")
        drafts = [acts.step(one, playbook, step, "doing", gauges=values)] if first else []
        if holds:
            await asyncio.to_thread(commands.hold, self.deck.journal.home, number)
        saved = await self._commit([*drafts, Draft(ev.COMMAND_BEGAN, data)])
        if holds and not saved:
            await asyncio.to_thread(commands.forget, self.deck.journal.home, number)
        return number if saved else None

    async def run(
        self,
        one: Incident,
        playbook: Playbook,
        step: Step,
        ready: Ready,
        on_output: Callable[[Printed], None] = lambda printed: None,
        on_number: Callable[[str], None] = lambda number: None,
    ) -> Ended | None:
        """Run a command to its end, both ends of it saved; None where its beginning could not be.

        What is run is on disk before it is started. Raises UsageError where it may not be run.
        """
        number = await self.began(one, playbook, step, ready)
        if number is None:
            return None
        running = self.running[number] = Running(ready, number)
        on_number(number)
        looks = await self._looks()
        secrets = self._secrets(looks)
        try:
            home = self.deck.journal.home
            ended = await running.run(home, self.environ, secrets, on_output)
            # Until its end is saved it is this session's: `settle` must not save it as well.
            await self.ended(one.id, playbook, step.id, number, ended)
        finally:
            self.running.pop(number, None)
        return ended

    async def ended(
        self, incident: str, playbook: Playbook | None, step: str, number: str, ended: Ended
    ) -> bool:
        """Save how a command ended, with the gauges as they are then."""
        one = self.incident(incident)
        draft = await self._ended_draft(incident, step, number, ended, playbook)
        values = self.values(playbook, one)
        if values:
            draft.data["gauges"] = values
        saved = await self._commit([draft])
        if saved:
            await asyncio.to_thread(commands.forget, self.deck.journal.home, number)
        return saved

    async def _ended_draft(
        self, incident: str, step: str, number: str, ended: Ended, playbook: Playbook | None
    ) -> Draft:
        looks = await self._looks()
        redactor = Redactor(self._secrets(looks))
        output = await asyncio.to_thread(redactor.text, ended.output)
        data: dict[str, Any] = {
            "incident": incident,
            "command": number,
            "playbook": playbook.id if playbook is not None else "",
            "step": step,
            "outcome": ended.outcome,
            "exit_code": ended.exit_code,
            "duration_s": ended.duration_s,
            "output": output[-commands.KEPT_CHARACTERS :],
            "output_bytes": ended.output_bytes,
        }
        if ended.reason:
            data["reason"] = redactor.text(ended.reason)
        return Draft(ev.COMMAND_ENDED, data)

    def _secrets(self, looks: Looks) -> set[str]:
        """What commands may print and the journal must not keep: the secrets of targets, and those
        of this session, which every command can read."""
        return looks.engine.secrets() | session_secrets(self.environ)

    # After a drop

    def left_running(self) -> list[tuple[Incident, str, str]]:
        """(incident, number, step) of commands begun on this machine by this writer, of whose end
        nothing is known and which were not started by this session."""
        found = []
        now, writer = self.deck.now(), self.deck.journal.writer
        for head in self.incidents():
            if head.over and head.resolved_at and now - head.resolved_at > SETTLE_WITHIN:
                continue
            one = self.incident(head.id)
            if one is None:
                continue
            for ran in one.running():
                own = ran.began.writer.partition("~")[0] == writer
                if own and ran.number not in self.running:
                    found.append((one, ran.number, str(ran.began.data.get("step", ""))))
        return found

    def _is_too_early(self, number: str, ended: Ended) -> bool:
        """Another session here may just be starting it, or saving how it ended: what nobody knows
        anything of is asked after twice before that is said."""
        if ended.outcome != "unknown":
            return False
        now = time.monotonic()
        return now - self._unheard.setdefault(number, now) < UNHEARD_S

    async def settle(self) -> list[str]:
        """Save how commands ended that a session which is gone had begun; their numbers.

        One that still runs is left to run, and asked after again with the next call.
        """
        settled = []
        for one, number, step in self.left_running():
            home = self.deck.journal.home
            ended = await asyncio.to_thread(commands.heard_of, home, number)
            if ended is None or number in self.running or self._is_too_early(number, ended):
                continue
            ran = one.ran[number]
            playbook = self.playbook(str(ran.began.data.get("playbook", "")))
            if await self.ended(one.id, playbook, step, number, ended):
                settled.append(number)
        return settled
