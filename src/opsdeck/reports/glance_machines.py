"""The glance for programs: JSON, one line for Nagios, metrics for OpenMetrics and Prometheus."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from opsdeck.catalog.gauges import Limit
from opsdeck.journal.clock import wall_text
from opsdeck.reports.glance import CERTIFICATE_WARN_DAYS, EXIT, GaugeSeen, Glance
from opsdeck.reports.glance_words import fitted, told
from opsdeck.text import ascii_only, plural, visible

NAGIOS_LIMIT = 4_000
"""Characters; Nagios reads 4,096 of the first line."""
_TEXT_LIMIT = 1_000
_LONGEST = 200
_MOST = 3
_LEVELS = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}

Labels = dict[str, str]


def as_object(glance: Glance) -> dict[str, Any]:
    """The glance as JSON has it: `docs/glance.md` describes every field."""
    found: dict[str, Any] = _timed(msgspec.to_builtins(glance, builtin_types=(datetime,)))
    found["gauges"] = [_gauge_object(g) for g in glance.gauges]
    found["oldest_evidence"] = found.pop("oldest")
    return found


def _gauge_object(gauge: GaugeSeen) -> dict[str, Any]:
    plain: dict[str, Any] = _timed(msgspec.to_builtins(gauge, builtin_types=(datetime,)))
    plain["warn"] = _limit_text(gauge.warn)
    plain["crit"] = _limit_text(gauge.crit)
    full = gauge.forecast
    plain["full_in_s"] = round(full.full_in_s) if full is not None else None
    del plain["forecast"], plain["scale"]
    for key in ("value", "age_s"):
        plain[key] = _rounded(plain[key])
    return plain


def _timed(value: Any) -> Any:
    """The same with times as text."""
    if isinstance(value, dict):
        return {key: _timed(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_timed(each) for each in value]
    return wall_text(value) if isinstance(value, datetime) else value


def _limit_text(limit: Limit | None) -> str | None:
    return f"{limit.op} {_number(limit.at)}" if limit is not None else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


# Nagios


def as_nagios(glance: Glance) -> str:
    """One line: state, text, a bar, performance data; ASCII, at most 4 KB."""
    line = f"OPSDECK {glance.status.upper()} - {_cut(_told(glance), _TEXT_LIMIT)} |"
    for each in _perfdata(glance):
        if len(line) + len(each) + 1 > NAGIOS_LIMIT:
            break
        line += f" {each}"
    return f"{line}\n"


def nagios_trouble(message: str) -> str:
    """The line where there is no glance at all: a configuration with faults, for example."""
    said = " ".join(line.strip() for line in message.splitlines() if line.strip())
    return f"OPSDECK UNKNOWN - {_cut(_plain(said or 'nothing was seen'), _TEXT_LIMIT)}\n"


def _told(glance: Glance) -> str:
    bad = told(glance)
    parts = [
        one.name + one.rest + (f": {one.last}" if one.last else "") + _values(one.values)
        for one in bad[:_MOST]
    ]
    if left := sum(one.gauges for one in bad[_MOST:]):
        parts.append(f"{plural(left, 'gauge')} more")
    counted = (
        (glance.incidents, "incident open", "incidents open"),
        (glance.failing, "item failing", "items failing"),
        (glance.overdue, "review overdue", "reviews overdue"),
        (glance.missed, "run missed", "runs missed"),
        (glance.stale, "item stale", "items stale"),
        (glance.unknown, "item not seen", "items not seen"),
        (glance.waivers, "waiver about to end", "waivers about to end"),
    )
    parts += [plural(len(c), one, many) for c, one, many in counted if c]
    ending = [
        c for c in glance.certificates if c.days_left < CERTIFICATE_WARN_DAYS and not c.waived
    ]
    parts += [f"certificate of {c.host} {int(c.days_left)} d left" for c in ending[:_MOST]]
    if len(ending) > _MOST:
        parts.append(f"{plural(len(ending) - _MOST, 'certificate')} more")
    if glance.online is False:
        parts.append("offline, last known values")
    if not glance.gauges:
        parts.append("no gauge was ever seen")
    well = sum(g.level == "ok" for g in glance.gauges)
    kept = [_cut(_plain(part), _LONGEST) for part in parts]
    return ", ".join(kept) or f"{plural(well, 'gauge')} ok, nothing failing"


def _values(values: tuple[str, ...]) -> str:
    return f": {fitted(values, 60)}" if values else ""


def _plain(text: str) -> str:
    """One line of ASCII without the bar that ends the text: folding may make one, so it is last."""
    return ascii_only(visible(text)).replace("|", "/")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


_UNITS = {unit: unit for unit in ("%", "s", "ms", "us", "B", "KB", "MB", "GB", "TB")} | {"kB": "KB"}


def _perfdata(glance: Glance) -> Iterator[str]:
    """Counts first: of very many gauges the last do not fit."""
    yield f"failing={len(glance.failing)};;0;0"
    yield f"missed={len(glance.missed)};0;;0"
    for gauge in glance.gauges:
        if gauge.level is None:
            continue
        low, high = gauge.scale or ((0.0, 100.0) if gauge.unit == "%" else (None, None))
        signed = (low or 0.0) < 0 or (gauge.value or 0.0) < 0
        rest = [
            _range(gauge.warn, signed=signed),
            _range(gauge.crit, signed=signed),
            "" if low is None else _number(low),
            "" if high is None else _number(high),
        ]
        tail = ";".join(rest).rstrip(";")
        yield f"{_label(gauge.id)}={_value(gauge)}" + (f";{tail}" if tail else "")


def _label(name: str) -> str:
    return "'" + _plain(name).replace("=", "_").replace("'", "''") + "'"


def _value(gauge: GaugeSeen) -> str:
    """The value with its unit; U for one that is not known now."""
    if gauge.value is None or gauge.level == "unknown" or not math.isfinite(gauge.value):
        return "U"
    return f"{_number(gauge.value)}{_UNITS.get(gauge.unit, '')}"


def _range(limit: Limit | None, *, signed: bool) -> str:
    """A limit in the notation of monitoring plugins: what is outside of it is bad.

    A bare number means "from 0", so where values may be negative the range has to say so.
    """
    if limit is None or not math.isfinite(limit.at):
        return ""
    if limit.below:
        return f"{_number(limit.at)}:"
    return f"{'~:' if signed or limit.at < 0 else ''}{_number(limit.at)}"


def _number(value: float) -> str:
    """Six digits that matter, with a point and without an exponent, which not all can read."""
    if not math.isfinite(value):
        return str(value)
    size = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:.{min(12, max(0, 5 - size))}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


# OpenMetrics


def as_openmetrics(glance: Glance) -> str:
    """Metrics as text, for a scraper or the textfile folder of a node exporter."""
    lines: list[str] = []
    for name, about, samples in _families(glance):
        # Two samples of the same name and labels would make the whole file unreadable.
        unique = {_labels({"deck": glance.deck, **labels}): value for labels, value in samples}
        if unique:
            lines.append(f"# HELP opsdeck_{name} {about}")
            lines.append(f"# TYPE opsdeck_{name} gauge")
            lines += [f"opsdeck_{name}{labels} {value:.13g}" for labels, value in unique.items()]
    return "\n".join([*lines, "# EOF"]) + "\n"


Family = tuple[str, str, list[tuple[Labels, float]]]
"""A metric's name, its help, and what there is of it."""


def _families(glance: Glance) -> Iterator[Family]:
    yield from _gauge_families(glance)
    yield from _list_families(glance)
    yield _single("online", "1 unless OpsDeck itself is cut off.", glance.online)
    yield _single("status", "0 ok, 1 warning, 2 critical, 3 unknown.", EXIT[glance.status])
    yield _single("glance_timestamp_seconds", "When this was seen.", glance.at.timestamp())


def _single(name: str, about: str, value: float | None) -> Family:
    return name, about, [] if value is None else [({}, float(value))]


def _gauge_families(glance: Glance) -> Iterator[Family]:
    seen = [(_gauge_labels(g), g) for g in glance.gauges if g.level is not None]
    valued = [
        (labels, g, g.value) for labels, g in seen if g.value is not None and math.isfinite(g.value)
    ]
    yield (
        "gauge_value",
        "The newest value of a gauge.",
        [({**labels, "unit": g.unit}, value) for labels, g, value in valued],
    )
    yield (
        "gauge_level",
        "0 ok, 1 warning, 2 critical, 3 unknown.",
        [(labels, float(_LEVELS[g.level or "unknown"])) for labels, g in seen],
    )
    yield (
        "gauge_age_seconds",
        "How old the newest value is.",
        [(labels, g.age_s or 0.0) for labels, g, _ in valued],
    )


def _list_families(glance: Glance) -> Iterator[Family]:
    counts = (
        ("failing", glance.failing),
        ("overdue", glance.overdue),
        ("stale", glance.stale),
        ("unknown", glance.unknown),
        ("waiver_ends_soon", glance.waivers),
    )
    states: list[tuple[Labels, float]] = [({"state": name}, len(items)) for name, items in counts]
    yield "items", "Items that need somebody, by state.", states
    yield _single("runs_missed", "Periodic runs whose time ended.", len(glance.missed))
    yield (
        "run_open_items",
        "Items of a current periodic run that are not done.",
        [({"checklist": r.checklist}, float(r.total - r.done)) for r in glance.due],
    )
    yield (
        "certificate_days_left",
        "Days until a certificate ends, from the last look at it.",
        [({"host": c.host}, c.days_left) for c in glance.certificates],
    )
    oldest = glance.oldest.at if glance.oldest is not None else None
    age_s = None if oldest is None else max(0.0, (glance.at - oldest).total_seconds())
    yield _single("oldest_evidence_age_seconds", "Age of the oldest evidence that counts.", age_s)
    yield _single("incidents_open", "Open incidents.", len(glance.incidents))


def _gauge_labels(gauge: GaugeSeen) -> Labels:
    return {"gauge": gauge.id, "source": gauge.source}


def _labels(labels: Labels) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
