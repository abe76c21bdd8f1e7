"""The glance for programs: JSON, one line for Nagios, metrics for OpenMetrics and Prometheus."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from opsdeck.catalog.gauges import Limit
from opsdeck.gauges.words import limit_words
from opsdeck.reports.glance import EXIT, GaugeSeen, Glance
from opsdeck.text import ascii_only, cut, plural, visible

NAGIOS_LIMIT = 4_000
_TEXT_LIMIT = 1_000
_LEVELS = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}


def as_object(glance: Glance) -> dict[str, Any]:
    """The glance as JSON has it: `docs/glance.md` describes every field."""
    found: dict[str, Any] = msgspec.to_builtins(glance)
    found["gauges"] = [_gauge_object(g) for g in glance.gauges]
    found["oldest_evidence"] = found.pop("oldest")
    return found


def _gauge_object(gauge: GaugeSeen) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(gauge)
    plain["warn"] = _limit_text(gauge.warn)
    plain["crit"] = _limit_text(gauge.crit)
    full = gauge.forecast
    plain["full_in_s"] = round(full.full_in_s) if full is not None else None
    del plain["forecast"], plain["scale"]
    for key in ("value", "age_s"):
        plain[key] = _rounded(plain[key])
    return plain


def _limit_text(limit: Limit | None) -> str | None:
    return f"{limit.op} {_number(limit.at)}" if limit is not None else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


# Nagios


def as_nagios(glance: Glance) -> str:
    """One line: state, text, a bar, performance data; ASCII, at most 4 KB."""
    head = f"OPSDECK {glance.status.upper()} - {cut(_told(glance), _TEXT_LIMIT)} |"
    line = ascii_only(head)
    for each in _perfdata(glance):
        if len(line) + len(each) + 1 > NAGIOS_LIMIT:
            break
        line += f" {each}"
    return f"{line}\n"


def _told(glance: Glance) -> str:
    parts = [g.text or f"{g.title} {g.level}" for g in glance.bad_gauges()[:3]]
    counted = (
        (glance.failing, "item failing", "items failing"),
        (glance.missed, "run missed", "runs missed"),
        (glance.stale, "item stale", "items stale"),
        (glance.unknown, "item not seen", "items not seen"),
        (glance.waivers, "waiver about to end", "waivers about to end"),
    )
    parts += [f"{len(c)} {one if len(c) == 1 else many}" for c, one, many in counted if c]
    parts += [
        f"certificate of {c.host} {c.days_left:.0f} d left"
        for c in glance.certificates
        if c.days_left < 30
    ]
    if not glance.online:
        parts.append("offline, last known values")
    well = sum(g.level == "ok" for g in glance.gauges)
    text = ", ".join(parts) or f"{plural(well, 'gauge')} ok, nothing failing"
    return visible(text).replace("|", "/")


_UNITS = {"%": "%", "s": "s", "ms": "ms", "B": "B"}


def _perfdata(glance: Glance) -> Iterator[str]:
    for gauge in glance.gauges:
        if gauge.value is None or gauge.level is None:
            continue
        low, high = gauge.scale or ((0.0, 100.0) if gauge.unit == "%" else (None, None))
        rest = [
            _range(gauge.warn),
            _range(gauge.crit),
            "" if low is None else _number(low),
            "" if high is None else _number(high),
        ]
        tail = ";".join(rest).rstrip(";")
        value = f"{_number(gauge.value)}{_UNITS.get(gauge.unit, '')}"
        yield f"'{gauge.id}'={value}" + (f";{tail}" if tail else "")
    yield f"failing={len(glance.failing)};;1"
    yield f"missed={len(glance.missed)};1"


def _range(limit: Limit | None) -> str:
    """A limit in the notation of monitoring plugins: what is outside of it is bad."""
    if limit is None:
        return ""
    return f"{_number(limit.at)}:" if limit.below else _number(limit.at)


def _number(value: float) -> str:
    return f"{value:.6g}" if abs(value) < 1e6 or value != int(value) else f"{int(value)}"


# OpenMetrics


def as_openmetrics(glance: Glance) -> str:
    """Metrics as text, for a scraper or the textfile folder of a node exporter."""
    lines: list[str] = []

    def family(name: str, about: str, samples: list[tuple[dict[str, str], float]]) -> None:
        if samples:
            lines.append(f"# HELP opsdeck_{name} {about}")
            lines.append(f"# TYPE opsdeck_{name} gauge")
            lines.extend(
                f"opsdeck_{name}{_labels(labels)} {value:.10g}" for labels, value in samples
            )

    seen = [g for g in glance.gauges if g.level is not None]
    valued = [g for g in seen if g.value is not None and math.isfinite(g.value)]
    named = [({"gauge": g.id, "source": g.source, "unit": g.unit}, g) for g in valued]
    family("gauge_value", "The newest value of a gauge.", [(n, g.value or 0.0) for n, g in named])
    family(
        "gauge_level",
        "0 ok, 1 warning, 2 critical, 3 unknown.",
        [({"gauge": g.id, "source": g.source}, _LEVELS[g.level or "unknown"]) for g in seen],
    )
    family(
        "gauge_age_seconds",
        "How old the newest value is.",
        [({"gauge": g.id, "source": g.source}, g.age_s or 0.0) for g in valued],
    )
    counts = (
        ("failing", glance.failing),
        ("stale", glance.stale),
        ("unknown", glance.unknown),
        ("waiver_ends_soon", glance.waivers),
    )
    family(
        "items",
        "Items that need somebody, by state.",
        [({"state": name}, len(items)) for name, items in counts],
    )
    family("runs_missed", "Periodic runs whose time ended.", [({}, len(glance.missed))])
    family(
        "run_open_items",
        "Items of a current periodic run that are not done.",
        [({"checklist": r.checklist}, r.total - r.done) for r in glance.due],
    )
    family(
        "certificate_days_left",
        "Days until a certificate ends, from the last look at it.",
        [({"host": c.host}, c.days_left) for c in glance.certificates],
    )
    family("incidents_open", "Open incidents.", [({}, len(glance.incidents))])
    family("online", "1 unless OpsDeck itself is cut off.", [({}, float(glance.online))])
    family("status", "0 ok, 1 warning, 2 critical, 3 unknown.", [({}, EXIT[glance.status])])
    family("glance_timestamp_seconds", "When this was seen.", [({}, glance.at.timestamp())])
    return "\n".join([*lines, "# EOF"]) + "\n"


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def limits_text(gauge: GaugeSeen) -> str:
    """Both limits, for people."""
    words = [limit_words(limit, gauge.unit) for limit in (gauge.warn, gauge.crit)]
    return ", ".join(word for word in words if word)
