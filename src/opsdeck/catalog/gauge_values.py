"""The values that any `[[gauge]]` block may set: limits, durations, scale and the like."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

from opsdeck.catalog.faults import shown
from opsdeck.catalog.gauges import DEFAULT_EVERY_S, DEFAULT_OVER, STATS, Limit
from opsdeck.catalog.validate import Table

LEAST_EVERY_S = 1.0
MOST_OVER = 1_000
LARGEST = 1e18
LONGEST_TITLE = 60
LONGEST_UNIT = 8

_LIMIT = re.compile(r"(<=|>=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)")


def title_of(table: Table) -> str | None:
    """What it is called."""
    title = table.line("title")
    if title is not None and len(title) > LONGEST_TITLE:
        table.fault(f"has {len(title)} characters; a title has at most {LONGEST_TITLE}", "title")
    return title


def common(table: Table) -> dict[str, Any]:
    """What every kind of block may say, as fields of a GaugeSpec."""
    unit = table.line("unit") or ""
    if len(unit) > LONGEST_UNIT:
        table.fault(f"has {len(unit)} characters; a unit has at most {LONGEST_UNIT}", "unit")
    every_s = table.duration("every") or DEFAULT_EVERY_S
    if every_s < LEAST_EVERY_S:
        table.fault("is too often: at most once a second", "every")
    warn, crit = _limits(table)
    return {
        "unit": unit,
        "warn": warn,
        "crit": crit,
        "for_s": table.duration("for") or 0.0,
        "every_s": max(LEAST_EVERY_S, every_s),
        "playbook": table.line("playbook"),
        "scale": _scale(table),
        "stat": table.choice("stat", STATS) or "last",
        "over": _over(table),
        "rate": table.boolean("rate") or False,
        "fills": table.boolean("fills") or False,
    }


def _limits(table: Table) -> tuple[Limit | None, Limit | None]:
    """Both limits, looking the same way; two bare numbers say by their order which way."""
    written = {key: table.values.get(key) for key in ("warn", "crit")}
    numbers = [float(v) for v in written.values() if is_number(v)]
    low_is_bad = len(numbers) == 2 and numbers[1] < numbers[0]
    found: dict[str, Limit | None] = {}
    for key, value in written.items():
        if value is None:
            found[key] = None
        elif is_number(value):
            found[key] = Limit("<=" if low_is_bad else ">=", float(value))
        else:
            found[key] = _written_limit(value)
            if found[key] is None:
                table.fault(
                    f'is {shown(value)}; write a number, or for example "> 80" or "< 20"', key
                )
    warn, crit = found["warn"], found["crit"]
    if warn and crit and warn.below != crit.below:
        table.fault("looks the other way than warn: both must be above, or both below", "crit")
        crit = None
    if warn and crit and not warn.before(crit):
        table.fault("lies before warn: a critical value must be the worse one", "crit")
    return warn, crit


def _written_limit(value: Any) -> Limit | None:
    """A limit with its direction, such as `< 20`."""
    match = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    return Limit(match[1], float(match[2])) if match and is_number(float(match[2])) else None


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether it is a number that can be measured: TOML knows infinity and integers of any size."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _scale(table: Table) -> tuple[float, float] | None:
    value = table.raw("scale", list, "two numbers, such as [0, 100]")
    if value is None:
        return None
    if len(value) != 2 or not all(map(is_number, value)) or not value[0] < value[1]:
        table.fault(f"is {shown(value)}; write two numbers, the lower first: [0, 100]", "scale")
        return None
    return (float(value[0]), float(value[1]))


def _over(table: Table) -> int:
    value = table.raw("over", int, "a number of looks, such as 20")
    if value is not None and not 1 <= value <= MOST_OVER:
        table.fault(f"is {value}; it must be 1 to {MOST_OVER:,}", "over")
        return DEFAULT_OVER
    return value or DEFAULT_OVER
