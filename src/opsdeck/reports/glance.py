"""The daily glance: what an operator, or a monitoring system, wants to know at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

import msgspec

from opsdeck.catalog.gauges import Limit
from opsdeck.deck import Deck
from opsdeck.gauges.board import Board
from opsdeck.gauges.forecast import Forecast
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.levels import RANK, Level
from opsdeck.gauges.words import breach_words, forecast_words
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.journal.paging import find_event
from opsdeck.runs.overview import Concern, concerns
from opsdeck.runs.progress import RunView

GlanceStatus = Literal["ok", "warning", "critical", "unknown"]
EXIT: dict[GlanceStatus, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
CERTIFICATE_WARN_DAYS = 30
CERTIFICATE_CRIT_DAYS = 7
MOST_CERTIFICATES = 20


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
    since: datetime | None
    warn: Limit | None
    crit: Limit | None
    scale: tuple[float, float] | None
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


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that some item looks at, by the evidence of its last look."""

    host: str
    days_left: float
    checklist: str
    item: str
    at: datetime


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `oldest` is the oldest evidence that anything current rests on."""

    status: GlanceStatus
    online: bool
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
    incidents: tuple[dict[str, Any], ...] = ()
    signoffs: tuple[dict[str, Any], ...] = ()

    def bad_gauges(self) -> list[GaugeSeen]:
        """Gauges that are not ok, the worst first."""
        found = [g for g in self.gauges if g.level not in (None, "ok")]
        return sorted(found, key=lambda g: -RANK[g.level or "ok"])


def glance_of(deck: Deck, board: Board, now: float, *, online: bool) -> Glance:
    """What the deck and its gauges say; `now` in seconds since the epoch."""
    at = deck.now()
    views = [deck.view(c) for c in deck.catalog.checklists]
    previous = [(c, deck.previous_run(c)) for c in deck.catalog.checklists]
    late = [v for v in (deck.view(c, run) for c, run in previous if run) if v.state == "missed"]
    found = concerns(views, late, at)
    gauges = tuple(_gauge(g, now, deck) for g in board.gauges())
    certificates = tuple(sorted(_certificates(deck, views), key=lambda c: c.days_left))
    failing = tuple(_items(found, "failed"))
    unknown = tuple(_items(found, "unknown"))
    stale = tuple(_items(found, "stale"))
    waivers = tuple(_items(found, "waiver"))
    status = _status(
        [g.level for g in gauges],
        failing=bool(failing),
        warning=bool(late or stale or waivers),
        unknown=bool(unknown) or not online,
        days=[c.days_left for c in certificates],
    )
    return Glance(
        status=status,
        online=online,
        deck=deck.config.name,
        at=at,
        gauges=gauges,
        due=tuple(_run(v) for v in views if v.due is not None and v.run is not None),
        missed=tuple(_run(v) for v in late),
        failing=failing,
        unknown=unknown,
        stale=stale,
        waivers=waivers,
        certificates=certificates[:MOST_CERTIFICATES],
        oldest=_oldest(views),
        release=deck.release(),
    )


def _status(
    levels: Iterable[Level | None],
    *,
    failing: bool,
    warning: bool,
    unknown: bool,
    days: list[float],
) -> GlanceStatus:
    """The worst of everything: critical, then warning, then unknown."""
    seen = set(levels)
    if "critical" in seen or failing or any(d < CERTIFICATE_CRIT_DAYS for d in days):
        return "critical"
    if "warning" in seen or warning or any(d < CERTIFICATE_WARN_DAYS for d in days):
        return "warning"
    return "unknown" if unknown or "unknown" in seen else "ok"


def _gauge(gauge: Gauge, now: float, deck: Deck) -> GaugeSeen:
    spec, memory = gauge.spec, gauge.memory
    zone = deck.now().tzinfo
    began = memory.tally.began or None
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
        at=datetime.fromtimestamp(gauge.at, zone) if gauge.at is not None else None,
        age_s=gauge.age_s(now),
        since=datetime.fromtimestamp(began, zone) if began is not None else None,
        warn=spec.warn,
        crit=spec.crit,
        scale=spec.scale,
        text=text,
        forecast=gauge.forecast,
        playbook=spec.playbook,
    )


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


# Certificates


def _certificates(deck: Deck, views: list[RunView]) -> Iterable[Certificate]:
    """Every certificate that an item's last look has seen, once a host."""
    seen: dict[str, Certificate] = {}
    for view in views:
        for item in view.checklist.items:
            kind = (item.probe or {}).get("kind")
            entry = deck.state.entry(view.run, item.id) if view.run else None
            mark = entry.verdict() if entry is not None else None
            if kind != "tls" or mark is None:
                continue
            for host, days in _days_left(deck, mark):
                at = parse_wall(mark.at) or deck.now()
                left = round(days - (deck.now() - at).total_seconds() / 86_400, 1)
                known = seen.get(host)
                if known is None or at > known.at:
                    seen[host] = Certificate(
                        host=host,
                        days_left=left,
                        checklist=view.checklist.id,
                        item=item.id,
                        at=at,
                    )
    return seen.values()


def _days_left(deck: Deck, mark: Mark) -> Iterable[tuple[str, float]]:
    """(host, days) in the evidence of a look, which may have been at several."""
    recorded = find_event(deck.journal.home / "journal", mark.writer, mark.seq)
    evidence = recorded.event.data.get("evidence") if recorded is not None else None
    document = evidence.get("document") if isinstance(evidence, dict) else None
    if not isinstance(document, dict):
        return
    several = document.get("hosts")
    for one in several if isinstance(several, list) else [document]:
        days = one.get("days_left") if isinstance(one, dict) else None
        if isinstance(days, int | float) and not isinstance(days, bool):
            yield str(one.get("host") or (evidence or {}).get("target") or ""), float(days)
