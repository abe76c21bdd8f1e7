"""How a gauge's numbers are told, in few cells and without false precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opsdeck.catalog.gauges import HOST, Limit
from opsdeck.durations import format_duration
from opsdeck.gauges.forecast import Forecast
from opsdeck.gauges.gauge import Gauge

LARGEST = 1e300
"""What is beyond this is no measurement."""

_STEPS = ("", "k", "M", "G", "T", "P", "E")


def amount(value: float | None, unit: str = "") -> str:
    """A value with its unit: `48 %`, `1,840 ms`, `1.8 GB`, `12 kB/s`, `0.42`; `-` for none."""
    if value is None:
        return "-"
    if unit in ("B", "B/s"):
        return scaled(value, unit)
    return f"{_number(value, unit)} {unit}".rstrip()


def _number(value: float, unit: str) -> str:
    size = abs(value)
    if size >= 1e15:
        return f"{value:.2e}"
    if unit in ("%", "ms") and (size >= 9.95 or size == 0 or (unit == "ms" and size >= 0.95)):
        return f"{value:,.0f}"
    if size >= 99.5 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 9.95 or unit else f"{value:.2f}"


def scaled(value: float, unit: str = "B") -> str:
    """Bytes with two figures that matter: `1.8 GB`, powers of 1,000 as disks are sold."""
    step = 0
    while abs(value) >= 999.5 and step < len(_STEPS) - 1:
        value /= 1_000
        step += 1
    text = f"{value:.1f}" if step and abs(value) < 9.95 else f"{value:.0f}"
    return f"{text} {_STEPS[step]}{unit}"


def limit_words(limit: Limit | None, unit: str = "") -> str:
    """A limit as it is meant: `80 %`, `below 20 %`."""
    if limit is None:
        return ""
    return f"below {amount(limit.at, unit)}" if limit.below else amount(limit.at, unit)


def forecast_words(forecast: Forecast | None) -> str:
    """`full in about 9 h`; "" for none."""
    if forecast is None:
        return ""
    if forecast.full_in_s < 60:
        return "full any moment"
    return f"full in about {format_duration(forecast.full_in_s)}"


def age_words(age_s: float | None) -> str:
    """How old a value is, in steps that do not change every second: `now`, `20 s`, `4 min`."""
    if age_s is None:
        return "never"
    if age_s < 10:
        return "now"
    if age_s < 60:
        return f"{int(age_s // 10) * 10} s"
    return format_duration(age_s)


def detail_words(gauge: Gauge) -> str:
    """What stands behind a number: `11.2 of 15.6 GB`; "" where there is nothing more to say."""
    detail = gauge.detail
    if isinstance(detail, str):
        return detail
    if gauge.spec.id == "host-load" and isinstance(detail, tuple):
        return "load " + " ".join(f"{part:.2f}" for part in detail)
    if hasattr(detail, "used") and hasattr(detail, "total"):
        if gauge.spec.id.startswith(("host-files", "host-inodes")):
            return f"{detail.used:,} of {detail.total:,}"
        return f"{scaled(detail.used)} of {scaled(detail.total)}"
    return ""


def sourced_title(gauge: Gauge) -> str:
    """A gauge's title; where it is not of this machine, after the name of its target."""
    source, title = gauge.spec.source, gauge.spec.title
    return title if source == HOST else f"{source}: {title}"


def breach_words(gauge: Gauge, now: float, title: str | None = None) -> str:
    """What is wrong: `CPU 97 %, limit 95 %, for 4 min`, `Disk /var 88 %, full in about 9 h`."""
    spec, memory = gauge.spec, gauge.memory
    words = [f"{title or spec.title} {amount(gauge.value, spec.unit)}"]
    limit = spec.crit if gauge.level == "critical" else spec.warn
    if memory.reason == "forecast":
        words.append(forecast_words(gauge.forecast))
    elif limit is not None:
        words.append(f"limit {limit_words(limit, spec.unit)}")
    since = now - memory.tally.began
    if memory.tally.began and since >= 60:
        words.append(f"for {format_duration(since)}")
    return ", ".join(word for word in words if word)


def turn_words(data: Mapping[str, Any]) -> str:
    """An event `gauge.changed`: `CPU: critical at 97 %, after 5 h warning (86 % to 97 %)`."""
    unit = str(data.get("unit", ""))
    words = [f"{data.get('title') or data.get('gauge')}: {data.get('to')}"]
    value, low, high = (_told(data.get(key)) for key in ("value", "min", "max"))
    if value is not None and data.get("to") != "unknown":
        words.append(f" at {amount(value, unit)}")
    lasted = _told(data.get("duration_s"))
    if lasted and data.get("from"):
        words.append(f", after {format_duration(max(1.0, lasted))} {data['from']}")
        if low is not None and high is not None:
            least, most = amount(low, unit), amount(high, unit)
            words.append(f" ({least})" if least == most else f" ({least} to {most})")
    if data.get("reason"):
        reason = "it will be full soon" if data["reason"] == "forecast" else data["reason"]
        words.append(f": {reason}")
    return "".join(words)


def _told(value: Any) -> float | None:
    """A number of an event; another writer may have written anything."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and abs(value) < LARGEST else None


def worst_words(gauges: Sequence[Gauge]) -> str:
    """How many are at which level: `1 critical, 2 warning, 1 unknown`; "" where all is well."""
    found = []
    for level in ("critical", "warning", "unknown"):
        count = sum(gauge.level == level for gauge in gauges)
        if count:
            found.append(f"{count} {level}")
    return ", ".join(found)
