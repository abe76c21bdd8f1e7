"""An incident as it stands, made of what happened in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from opsdeck.journal.happenings import Happening

IncidentState = Literal["open", "mitigated", "resolved", "reopened"]
STATES: tuple[IncidentState, ...] = ("open", "mitigated", "resolved", "reopened")

StepState = Literal["to do", "doing", "done", "skipped", "failed"]
STEP_STATES: tuple[StepState, ...] = ("to do", "doing", "done", "skipped", "failed")

SEVERITIES = ("critical", "high", "medium", "low")

ROLES = ("commander", "scribe")

Outcome = Literal["running", "exited", "timeout", "stopped", "unknown", "not started"]
OUTCOMES: tuple[Outcome, ...] = (
    "running",
    "exited",
    "timeout",
    "stopped",
    "unknown",
    "not started",
)

HERE_FOR = timedelta(minutes=15)
"""Who did nothing for so long is no longer said to be here."""
RENEWED_AFTER = timedelta(minutes=5)
"""Who reads the incident's screen says again that they are here, once so long has passed."""


class StepWalked(msgspec.Struct, frozen=True, kw_only=True):
    """How a step stands; `gauges` are the values seen when that was said."""

    state: StepState = "to do"
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    gauges: tuple[dict[str, Any], ...] = ()
    before: tuple[dict[str, Any], ...] = ()
    """The values when the step was begun."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was begun, and how it ended as far as is known.

    `began` is its event; `number` names it on its host while it runs. `output` is the end of what
    it printed, of `output_bytes` in all.
    """

    number: str
    began: Happening
    ended: Happening | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended; running, where nothing is known of an end."""
        found = self.ended.data.get("outcome") if self.ended is not None else "running"
        return found if found in OUTCOMES else "unknown"

    @property
    def exit_code(self) -> int | None:
        """Its exit status, where it came to one; negative for the signal that ended it."""
        found = self.ended.data.get("exit_code") if self.ended is not None else None
        return found if type(found) is int else None

    @property
    def well(self) -> bool:
        """Whether it ended as commands that did their work end."""
        return self.outcome == "exited" and self.exit_code == 0


class Walk(msgspec.Struct, kw_only=True):
    """One playbook of an incident and how far it is; steps by id."""

    playbook: str
    title: str
    digest: str = ""
    steps: dict[str, StepWalked] = {}
    titles: dict[str, str] = {}
    ticks: set[tuple[str, str]] = set()
    """(step, text) of the ticks that are set."""
    at: str = ""
    """The step that was last worked on."""

    def step(self, identity: str) -> StepWalked:
        """How a step stands."""
        return self.steps.get(identity, StepWalked())


class Incident(msgspec.Struct, kw_only=True):
    """All of an incident. Times are aware UTC; `began_at` is when the trouble itself began."""

    id: str
    title: str = ""
    severity: str = ""
    state: IncidentState = "open"
    started_at: datetime | None = None
    started_by: str = ""
    began_at: datetime | None = None
    gauge: str = ""
    targets: tuple[str, ...] = ()
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    updated_at: datetime | None = None
    """When stakeholders were last told anything."""
    walks: dict[str, Walk] = {}
    current: str = ""
    """The playbook that is being walked."""
    roles: dict[str, str] = {}
    handovers: list[Happening] = []
    variables: dict[str, str] = {}
    present: dict[str, datetime] = {}
    """Who is here, and since when nothing was heard of them."""
    ran: dict[str, Ran] = {}
    reported: list[Happening] = []
    happenings: list[Happening] = []
    corrections: dict[str, list[Happening]] = {}

    @property
    def over(self) -> bool:
        """Whether it is resolved."""
        return self.state == "resolved"

    @property
    def walk(self) -> Walk | None:
        """The playbook that is being walked, as far as it is."""
        return self.walks.get(self.current)

    def running(self) -> list[Ran]:
        """Commands of whose end nothing is known."""
        return [ran for ran in self.ran.values() if ran.outcome == "running"]

    def runs_of(self, playbook: str, step: str, name: str) -> list[Ran]:
        """The runs of one command of a step, in order."""

        def is_its(ran: Ran) -> bool:
            data, its = ran.began.data, (playbook, step, name)
            return (data.get("playbook"), data.get("step"), data.get("name")) == its

        return [ran for ran in self.ran.values() if is_its(ran)]

    def here(self, now: datetime) -> list[str]:
        """Who takes part at the moment."""
        return sorted(name for name, at in self.present.items() if now - at < HERE_FOR)

    def fades(self, name: str, now: datetime, typed_at: datetime | None) -> bool:
        """Whether somebody is about to be taken for gone although they pressed keys since."""
        heard = self.present.get(name)
        if self.over or typed_at is None or now - typed_at >= RENEWED_AFTER:
            return False
        return heard is None or (typed_at > heard and now - heard >= RENEWED_AFTER)
