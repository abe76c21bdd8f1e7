"""The daily glance: what an operator, or a monitoring system, wants to know at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from opsdeck.catalog.gauges import Limit
from opsdeck.deck import Deck
from opsdeck.gauges.board import Board
from opsdeck.gauges.forecast import Forecast
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.levels import RANK, Level
from opsdeck.gauges.words import breach_words, forecast_words
from opsdeck.reports.glance_certificates import Certificate, certificates
from opsdeck.reports.glance_signoffs import signoffs
from opsdeck.runs.overview import Concern, concerns
from opsdeck.runs.progress import RunView

GlanceStatus = Literal["ok", "warning", "critical", "unknown"]
EXIT: dict[GlanceStatus, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
CERTIFICATE_WARN_DAYS = 30
CERTIFICATE_CRIT_DAYS = 7


class GaugeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A gauge at the time of the glance; `level` is null for one that was never looked at."""

    id: str
    title: str
    source: str
    value: float | None
    unit: str
    level: Level | None
    at: datetime | None
    age_s: float | None
    every_s: float
    since: datetime | None
    warn: Limit | None
    crit: Limit | None
    scale: tuple[float, float] | None
    beyond_since: datetime | None
    """Since when it is beyond a limit that does not count yet, for `for` has not passed."""
    text: str
    forecast: Forecast | None
    playbook: str | None


class DueRun(msgspec.Struct, frozen=True, kw_only=True):
    """A periodic run: current, or missed."""

    checklist: str
    title: str
    run: str
    state: str
    done: int
    total: int
    due: datetime | None


class ItemSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An item that needs somebody."""

    checklist: str
    item: str
    text: str
    run: str
    state: str
    why: str
    at: datetime | None
    until: datetime | None = None


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `oldest` is the oldest evidence that anything current rests on.

    `looked`: whether gauges were looked at, or shown as last known; `online` is null then.
    """

    status: GlanceStatus
    looked: bool
    online: bool | None
    deck: str
    at: datetime
    gauges: tuple[GaugeSeen, ...]
    due: tuple[DueRun, ...]
    missed: tuple[DueRun, ...]
    failing: tuple[ItemSeen, ...]
    unknown: tuple[ItemSeen, ...]
    stale: tuple[ItemSeen, ...]
    waivers: tuple[ItemSeen, ...]
    certificates: tuple[Certificate, ...]
    oldest: ItemSeen | None
    release: str | None
    overdue: tuple[ItemSeen, ...] = ()
    incidents: tuple[dict[str, Any], ...] = ()
    signoffs: tuple[dict[str, Any], ...] = ()

    def bad_gauges(self) -> list[GaugeSeen]:
        """Gauges that are not ok, the worst first."""
        found = [g for g in self.gauges if self.level_of(g) not in (None, "ok")]
        return sorted(found, key=lambda g: -RANK[self.level_of(g) or "ok"])

    def level_of(self, gauge: GaugeSeen) -> Level | None:
        """What a gauge counts as: of one that was never seen nothing is known."""
        return "unknown" if gauge.level is None and not self.looked else gauge.level


def glance_of(
    deck: Deck, board: Board, now: float, *, online: bool | None, looked: bool = True
) -> Glance:
    """What the deck and its gauges say; `now` in seconds since the epoch."""
    at = deck.now()
    views = [deck.view(c) for c in deck.catalog.checklists]
    previous = [(c, deck.previous_run(c)) for c in deck.catalog.checklists]
    late = [v for v in (deck.view(c, run) for c, run in previous if run) if v.state == "missed"]
    found = concerns(views, late, at, deck.reviews().overdue(views, at))
    seen = Glance(
        status="ok",
        looked=looked,
        online=online,
        deck=deck.config.name,
        at=at,
        gauges=tuple(_gauge(g, now) for g in board.gauges()),
        due=tuple(_run(v) for v in views if v.due is not None and v.run is not None),
        missed=tuple(_run(v) for v in late),
        failing=tuple(_items(found, "failed")),
        unknown=tuple(_items(found, "unknown")),
        stale=tuple(_items(found, "stale")),
        waivers=tuple(_items(found, "waiver")),
        certificates=certificates(deck, views),
        oldest=_oldest(views),
        release=deck.release(),
        overdue=tuple(_overdue(found, deck)),
        incidents=_incidents(deck),
        signoffs=signoffs(deck),
    )
    return msgspec.structs.replace(seen, status=status_of(seen))


def status_of(glance: Glance) -> GlanceStatus:
    """The worst of everything: critical, then warning, then unknown."""
    levels = {glance.level_of(gauge) for gauge in glance.gauges}
    days = [c.days_left for c in glance.certificates if not c.waived]
    if "critical" in levels or glance.failing or any(d < CERTIFICATE_CRIT_DAYS for d in days):
        return "critical"
    late = glance.missed or glance.stale or glance.waivers or glance.incidents or glance.overdue
    if "warning" in levels or late or any(d < CERTIFICATE_WARN_DAYS for d in days):
        return "warning"
    nothing_known = not glance.looked and not glance.gauges
    if "unknown" in levels or glance.unknown or glance.online is False or nothing_known:
        return "unknown"
    return "ok"


def _incidents(deck: Deck) -> tuple[dict[str, Any], ...]:
    """Those that are not resolved, the newest first."""
    if not deck.state.incidents.heads:
        return ()
    from opsdeck.incidents.view import open_heads  # where there never was one, nothing of them

    keys = ("id", "title", "severity", "state", "started_at")
    return tuple({key: getattr(one, key) for key in keys} for one in open_heads(deck.state))


def _gauge(gauge: Gauge, now: float) -> GaugeSeen:
    spec, memory = gauge.spec, gauge.memory
    if gauge.level in ("warning", "critical"):
        text = breach_words(gauge, now)
    elif gauge.level == "unknown":
        text = memory.reason
    else:
        text = forecast_words(gauge.forecast)
    return GaugeSeen(
        id=spec.id,
        title=spec.title,
        source=spec.source,
        value=gauge.value,
        unit=spec.unit,
        level=gauge.level,
        at=_moment(gauge.at),
        age_s=gauge.age_s(now),
        every_s=spec.every_s,
        since=_moment(memory.tally.began or None),
        warn=spec.warn,
        crit=spec.crit,
        scale=spec.scale,
        beyond_since=_moment(memory.judge.beyond_since()),
        text=text,
        forecast=gauge.forecast,
        playbook=spec.playbook,
    )


def _moment(at: float | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at is not None else None


def _run(view: RunView) -> DueRun:
    return DueRun(
        checklist=view.checklist.id,
        title=view.checklist.title,
        run=view.run or "",
        state=view.state,
        done=view.done,
        total=view.total,
        due=view.due,
    )


def _items(found: list[Concern], kind: str) -> Iterable[ItemSeen]:
    for concern in found:
        if concern.kind == kind:
            for item, status in concern.items:
                yield ItemSeen(
                    checklist=concern.view.checklist.id,
                    item=item.id,
                    text=item.text,
                    run=concern.view.run or "",
                    state=status.state,
                    why=status.why,
                    at=status.at,
                    until=status.until,
                )


def _overdue(found: list[Concern], deck: Deck) -> Iterable[ItemSeen]:
    """Reviews past their day; `until` is when that ended."""
    due = {one.item.id: one.due for one in deck.reviews().found}
    for seen in _items(found, "overdue"):
        yield msgspec.structs.replace(seen, until=due.get(seen.item))


def _oldest(views: list[RunView]) -> ItemSeen | None:
    """The oldest pass or attestation that counts."""
    oldest: ItemSeen | None = None
    for view in views:
        for item, status in zip(view.checklist.items, view.statuses, strict=True):
            if status.state not in ("passed", "attested") or status.at is None:
                continue
            if oldest is None or oldest.at is None or status.at < oldest.at:
                oldest = ItemSeen(
                    checklist=view.checklist.id,
                    item=item.id,
                    text=item.text,
                    run=view.run or "",
                    state=status.state,
                    why=status.why,
                    at=status.at,
                )
    return oldest
