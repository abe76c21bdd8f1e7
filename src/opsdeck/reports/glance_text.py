"""The glance as one screen of plain text, at most 80 columns unless there are more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from opsdeck.durations import format_duration
from opsdeck.gauges.words import age_words, amount
from opsdeck.reports.glance import GaugeSeen, Glance, ItemSeen
from opsdeck.text import cells, cut, plural, visible

MOST = 6
"""Lines of one kind; the rest is counted."""
_WORDS = {"ok": "all well", "warning": "WARNING", "critical": "CRITICAL", "unknown": "UNKNOWN"}
_NAME = 12


def render(glance: Glance, zone: ZoneInfo, width: int = 80) -> str:
    """The lines, each at most `width` cells."""
    return "".join(f"{cut(line, width)}\n" for line in _lines(glance, zone))


def _lines(glance: Glance, zone: ZoneInfo) -> Iterator[str]:
    at = glance.at.astimezone(zone)
    online = "" if glance.online else "   OFFLINE: last known values"
    yield (f"{_WORDS[glance.status]}   {visible(glance.deck)}   {at:%a %d %b %Y %H:%M %Z}{online}")
    yield from _gauges(glance)
    yield from _items("failing", glance, glance.failing)
    for run in glance.missed:
        title = visible(f"{run.title}, {run.run.rpartition('/')[2]}")
        yield _line("missed", f"! {title}: {run.done} of {run.total} done")
    for run in glance.due:
        if run.done < run.total and run.due is not None:
            left = format_duration(max(0.0, (run.due - glance.at).total_seconds()))
            progress = f"{run.done} of {run.total}"
            yield _line("due", f"  {visible(run.title)}: {progress} done, due in {left}")
    yield from _items("stale", glance, glance.stale)
    yield from _items("not seen", glance, glance.unknown)
    for waiver in glance.waivers[:MOST]:
        ends = waiver.until or glance.at
        left = format_duration(max(0.0, (ends - glance.at).total_seconds()))
        yield _line("waiver", f"! {visible(waiver.text)}: ends in {left}")
    yield from _certificates(glance)
    if glance.oldest is not None and glance.oldest.at is not None:
        age = format_duration((glance.at - glance.oldest.at).total_seconds())
        yield _line("oldest", f"  {visible(glance.oldest.text)}: {glance.oldest.state} {age} ago")
    release = visible(glance.release) if glance.release else "none is open"
    yield _line("release", f"  {release}; signed off: {_signed(glance)}")
    yield _line("incidents", f"  {plural(len(glance.incidents), 'incident')} open")


def _signed(glance: Glance) -> str:
    return visible(str(glance.signoffs[0].get("release"))) if glance.signoffs else "none yet"


def _line(name: str, text: str) -> str:
    return f"{name:<{_NAME}}{text}"


def _gauges(glance: Glance) -> Iterator[str]:
    bad = glance.bad_gauges()
    for gauge in bad[:MOST]:
        yield _line("gauge", f"{_mark(gauge)} {gauge.level:<8}  {_told(gauge)}")
    if bad[MOST:]:
        yield _line("", f"  and {plural(len(bad) - MOST, 'gauge')} more")
    well = [g for g in glance.gauges if g.level == "ok"]
    shown = [f"{visible(g.title)} {amount(g.value, g.unit)}" for g in well if _is_in_short(g)]
    if shown:
        yield _line("gauges", f"+ {plural(len(well), 'gauge')} ok: {', '.join(shown[:6])}")
    soon = [g for g in well if g.forecast is not None]
    for gauge in soon[:MOST]:
        yield _line("", f"  {visible(gauge.title)}: {visible(gauge.text)}")


def _is_in_short(gauge: GaugeSeen) -> bool:
    hidden = ("cores", "steal", "iowait", "inodes", "files", "io", "net")
    return not any(gauge.id.startswith(f"host-{name}") for name in hidden)


def _mark(gauge: GaugeSeen) -> str:
    return {"critical": "x", "warning": "!", "unknown": "?"}.get(gauge.level or "", " ")


def _told(gauge: GaugeSeen) -> str:
    old = ""
    if gauge.level == "unknown":
        title = visible(gauge.title)
        if gauge.value is not None:
            last = f"{amount(gauge.value, gauge.unit)} {age_words(gauge.age_s)} ago"
            return f"{title}: last known {last}; {visible(gauge.text)}"
        return f"{title}: {visible(gauge.text)}"
    if gauge.age_s is not None and gauge.age_s >= 600:
        old = f" ({age_words(gauge.age_s)} ago)"
    return f"{visible(gauge.text)}{old}"


def _items(name: str, glance: Glance, items: tuple[ItemSeen, ...]) -> Iterator[str]:
    mark = {"failing": "x", "stale": "!", "not seen": "?"}[name]
    for item in items[:MOST]:
        text = visible(item.text)
        why = f": {visible(item.why)}" if item.why else _when(item, glance.at)
        yield _line(name, f"{mark} {cut(text, 40) if cells(text) > 40 and why else text}{why}")
    if items[MOST:]:
        yield _line("", f"  and {plural(len(items) - MOST, 'item')} more")


def _when(item: ItemSeen, now: datetime) -> str:
    if item.at is None:
        return ""
    return f", {format_duration((now - item.at).total_seconds())} ago"


def _certificates(glance: Glance) -> Iterator[str]:
    if glance.certificates:
        told = [f"{visible(c.host)} {c.days_left:.0f} d" for c in glance.certificates[:4]]
        mark = "!" if glance.certificates[0].days_left < 30 else " "
        yield _line("certificate", f"{mark} {', '.join(told)}")
