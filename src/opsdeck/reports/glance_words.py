"""What a glance says of gauges, in words that people and monitoring systems are both given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from opsdeck.catalog.gauges import HOST
from opsdeck.durations import format_duration
from opsdeck.gauges.levels import Level
from opsdeck.gauges.words import age_words, amount, limit_words
from opsdeck.reports.glance import GaugeSeen, Glance
from opsdeck.text import cells, cut, plural, visible

SLACK_S = 5.0
"""A value that is older than its interval by more than this is told with its age."""

ENOUGH = 3
"""So many values beside the reason are worth one line; fewer get a second one."""

_MORE = ", 9,999 more"
_SILENT = "no look has brought a value for some time"
"""What a gauge says of itself where the age of its value says as much."""
_MINOR = ("cores", "steal", "iowait", "inodes", "files", "io", "net")


class Told(NamedTuple):
    """One thing to say of gauges: `name` may be cut, `rest` is what matters of it.

    `last` says when the `values` were seen, where that is not now.
    """

    level: Level
    name: str
    rest: str
    last: str = ""
    values: tuple[str, ...] = ()
    gauges: int = 1


def told(glance: Glance) -> list[Told]:
    """Gauges that are not ok, the worst first; unknown ones of one source and reason together."""
    found = []
    groups: dict[tuple[str, str], list[GaugeSeen]] = {}
    for gauge in glance.bad_gauges():
        level = glance.level_of(gauge) or "unknown"
        if level == "unknown":
            reason = "" if gauge.text == _SILENT else gauge.text
            groups.setdefault((gauge.source, reason), []).append(gauge)
        else:
            found.append(_breach(gauge, level))
    return found + [_unknown(reason, group) for (_, reason), group in groups.items()]


def _breach(gauge: GaugeSeen, level: Level) -> Told:
    name, rest = visible(gauge.title), visible(gauge.text)
    rest = rest[len(name) :] if rest.startswith(name) else f": {rest}"
    return Told(level, _of_source(gauge) + name, rest + _age_note(gauge))


def pending(glance: Glance) -> list[Told]:
    """Gauges that are ok, and will not stay so: beyond a limit since a moment ago, or filling."""
    found = []
    for gauge in glance.gauges:
        if gauge.level != "ok":
            continue
        value = f" {amount(gauge.value, gauge.unit)}"
        if gauge.beyond_since is not None and (limit := _passed(gauge)):
            since = max(0.0, (glance.at - gauge.beyond_since).total_seconds())
            rest = f"{value}, limit {limit}, for {format_duration(since)} so far"
        elif gauge.forecast is not None:
            rest = f"{value}, {visible(gauge.text)}"
        else:
            continue
        found.append(Told("ok", _of_source(gauge) + visible(gauge.title), rest))
    return found


def _passed(gauge: GaugeSeen) -> str:
    """The graver of the limits that the value is beyond."""
    for limit in (gauge.crit, gauge.warn):
        if limit is not None and gauge.value is not None and limit.passed(gauge.value):
            return limit_words(limit, gauge.unit)
    return ""


def _unknown(reason: str, gauges: list[GaugeSeen]) -> Told:
    first = gauges[0]
    seen = sorted((g for g in gauges if g.value is not None), key=_is_minor)
    rest = f": {visible(reason)}" if reason else ""
    last = f"last seen {_ages(seen)}" if seen else "" if reason else "never seen"
    if len(gauges) == 1:
        values = tuple(amount(g.value, g.unit) for g in seen)
        name = _of_source(first) + visible(first.title)
    else:
        values = tuple(f"{visible(g.title)} {amount(g.value, g.unit)}" for g in seen)
        name = f"{plural(len(gauges), 'gauge')} of {source_words(first.source)}"
    return Told("unknown", name, rest, last, values, len(gauges))


def _ages(gauges: Sequence[GaugeSeen]) -> str:
    """How long ago these were seen; their ages as one where they hardly differ."""
    ages = sorted(gauge.age_s or 0.0 for gauge in gauges)
    newest, oldest = ages[0], ages[-1]
    if oldest < 10:
        return "just now"
    together = oldest - newest <= max(60.0, oldest / 10)
    return f"{'' if together else f'{age_words(newest)} to '}{age_words(oldest)} ago"


def source_words(source: str) -> str:
    """A gauge's source as people say it."""
    return "this machine" if source == HOST else visible(source)


def _of_source(gauge: GaugeSeen) -> str:
    return "" if gauge.source == HOST else f"{visible(gauge.source)}: "


def well(glance: Glance) -> list[str]:
    """The gauges that are ok, each with its value, those that say most first."""
    found = sorted((g for g in glance.gauges if g.level == "ok"), key=_is_minor)
    titles = Counter(g.title for g in found)
    return [
        f"{_qualified(g, titles)} {amount(g.value, g.unit)}{_age_note(g)}"
        for g in found
        if not _is_minor(g)
    ]


def _qualified(gauge: GaugeSeen, titles: Counter[str]) -> str:
    """A title, with its source where several gauges have the same."""
    alone = titles[gauge.title] == 1 or gauge.source == HOST
    return visible(gauge.title if alone else f"{gauge.source} {gauge.title}")


def _is_minor(gauge: GaugeSeen) -> bool:
    """Whether a gauge of this machine is worth a place only where there is much of it."""
    return gauge.source == HOST and any(gauge.id.startswith(f"host-{name}") for name in _MINOR)


def _age_note(gauge: GaugeSeen) -> str:
    if gauge.age_s is None or gauge.age_s <= gauge.every_s + SLACK_S:
        return ""
    return f" ({age_words(gauge.age_s)} ago)"


# Into so much room


def fitted(words: Iterable[str], room: int, *, besides: int = 0) -> str:
    """As many of these as fit whole, and how many there are more; never fewer than one.

    `besides`: so many more there are that are never named.
    """
    rest = list(words)
    line = ""
    while rest:
        longer = f"{line}, {rest[0]}" if line else rest[0]
        if line and cells(longer + _more(len(rest) - 1 + besides)) > room:
            break
        line = longer
        rest.pop(0)
    return line + _more(len(rest) + besides)


def _more(count: int) -> str:
    return f", {count:,} more" if count else ""


def trimmed(text: str, room: int) -> str:
    """The text, cut between two words where that leaves most of it."""
    short = cut(text, room)
    kept = short[:-1]
    if short == text or text[len(kept)].isspace():
        return short
    words = kept.rpartition(" ")[0].rstrip(" ,;:(")
    return f"{words}…" if cells(words) >= room // 2 else short


def joined(name: str, rest: str, room: int) -> str:
    """Both in so much room: what follows a long name matters more than all of the name."""
    least = min(cells(name), room // 3)
    return trimmed(trimmed(name, max(least, room - cells(rest))) + rest, room)


def wrapped(one: Told, room: int) -> Iterator[str]:
    """What there is to say, in one line where that is room enough, else in two."""
    if not one.last:
        yield joined(one.name, one.rest, room)
        return
    lead = f"{one.name}{one.rest}{'; ' if one.rest else ': '}{one.last}"
    if not one.values:
        yield trimmed(lead, room)
        return
    few = ", ".join(one.values[:ENOUGH]) + (_MORE if len(one.values) > ENOUGH else "")
    if cells(f"{lead}: {few}") <= room:
        yield f"{lead}: {fitted(one.values, room - cells(lead) - 2)}"
    elif one.rest:
        yield joined(one.name, one.rest, room)
        yield trimmed(f"{one.last}: {fitted(one.values, room - cells(one.last) - 2)}", room)
    else:
        yield joined(one.name, f": {one.last}", room)
        yield trimmed(fitted(one.values, room), room)
