"""`[[gauge]]` blocks: what is measured again and again, and from when on it matters.

A block has a probe of its own, or names a ready-made set (`set = "ec2"`), or changes one of the
gauges that this machine has without any configuration (an id that begins with `host-`).
`docs/gauges.md` describes every key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from opsdeck.catalog.faults import shown
from opsdeck.catalog.validate import Table, id_problem

Stat = Literal["last", "mean", "max", "p50", "p95", "errors"]
STATS: tuple[Stat, ...] = ("last", "mean", "max", "p50", "p95", "errors")
"""What of the last looks is shown: the newest, or something of the last `over` of them."""

GAUGE_KEYS = (
    "id",
    "title",
    "probe",
    "value",
    "unit",
    "warn",
    "crit",
    "for",
    "every",
    "playbook",
    "scale",
    "stat",
    "over",
    "rate",
    "fills",
    "hide",
)
_OWN = "host-"
DEFAULT_EVERY_S = 10.0
LEAST_EVERY_S = 1.0
DEFAULT_OVER = 20
MOST_OVER = 1_000
MOST_GAUGES = 2_000
LONGEST_TITLE = 60
LONGEST_UNIT = 8

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
"""A JMESPath that is nothing but a path needs no parser to be known as one."""

_LIMIT = re.compile(r"(<=|>=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)")


class Limit(msgspec.Struct, frozen=True, array_like=True):
    """From where on a value matters: `op` is `>=`, `>`, `<=` or `<`."""

    op: str
    at: float

    @property
    def below(self) -> bool:
        """Whether low values are the bad ones."""
        return self.op[0] == "<"

    def passed(self, value: float, margin: float = 0.0) -> bool:
        """Whether a value is beyond it; with a margin it stays so until it is well inside."""
        at = self.at + margin if self.below else self.at - margin
        match self.op:
            case ">=":
                return value >= at
            case ">":
                return value > at
            case "<=":
                return value <= at
        return value < at


class GaugeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One gauge as it was written: a probe, the number in its document, and its limits.

    `for_s` is how long a value must stay beyond a limit before it counts, `every_s` how often it
    is looked at; `scale` what an empty and a full bar mean. `fills`: what it measures can run
    full, so that its trend is worth a forecast. `rate`: the value is a counter, and its rise a
    second is what is shown.
    """

    id: str
    title: str
    source: str
    """The target's name; `host` for this machine."""
    probe: dict[str, Any] = {}
    value: str = "value"
    unit: str = ""
    warn: Limit | None = None
    crit: Limit | None = None
    for_s: float = 0.0
    every_s: float = DEFAULT_EVERY_S
    playbook: str | None = None
    scale: tuple[float, float] | None = None
    stat: Stat = "last"
    over: int = DEFAULT_OVER
    rate: bool = False
    fills: bool = False

    @property
    def full(self) -> tuple[float, float]:
        """What an empty and a full bar mean; for a gauge without a scale, as far as is known."""
        if self.scale is not None:
            return self.scale
        if self.unit == "%":
            return (0.0, 100.0)
        tops = [limit.at for limit in (self.warn, self.crit) if limit is not None]
        top = max(tops, default=0.0)
        return (0.0, top * 1.25) if top > 0 else (0.0, 0.0)


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What a `[[gauge]]` block without a probe changes of one of this machine's own gauges."""

    id: str
    hide: bool = False
    changes: dict[str, Any] = {}

    def applied(self, spec: GaugeSpec) -> GaugeSpec:
        """The gauge with what this says of it."""
        return msgspec.structs.replace(spec, **self.changes)


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """All of `[[gauge]]`."""

    specs: tuple[GaugeSpec, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()


def read_gauges(top: Table, targets: Mapping[str, Mapping[str, Any]]) -> Gauges:
    """The gauges of a file; what is wrong with them is noted in its report."""
    specs: dict[str, GaugeSpec] = {}
    adjustments: dict[str, Adjustment] = {}
    lines: dict[str, int] = {}
    for place, values in top.tables("gauge", "[[gauge]] blocks"):
        table = Table(top.report, values, ("gauge", place), prefix="gauge.")
        if "set" in values:
            found = _of_set(table, targets)
        elif "probe" not in values and _is_own(values):
            adjustment = _adjustment(table)
            if adjustment is not None:
                adjustments[adjustment.id] = adjustment
            continue
        else:
            spec = _spec(table, targets)
            found = [spec] if spec is not None else []
        for spec in found:
            if spec.id in specs:
                table.fault(
                    f'duplicate gauge id "{spec.id}" (first in [[gauge]] block {lines[spec.id]});'
                    " give each gauge its own",
                    "id" if "id" in values else None,
                )
            elif len(specs) < MOST_GAUGES:
                specs[spec.id] = spec
                lines[spec.id] = place + 1
            else:
                table.fault(f"is more than {MOST_GAUGES:,} gauges: leave some out")
                return Gauges(specs=tuple(specs.values()))
    return Gauges(specs=tuple(specs.values()), adjustments=tuple(adjustments.values()))


def _is_own(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("id"), str) and values["id"].startswith(_OWN)


# One block


def _spec(table: Table, targets: Mapping[str, Mapping[str, Any]]) -> GaugeSpec | None:
    table.only(GAUGE_KEYS)
    identity = table.identifier("id", required=True)
    if identity is not None and identity.startswith(_OWN):
        table.fault(f"begins with {_OWN}, as this machine's own gauges do; choose another", "id")
    title = table.line("title") or identity
    probe = _probe(table, targets)
    value = _value(table)
    common = _common(table)
    if identity is None or probe is None or title is None:
        return None
    source = str(probe.get("target") or probe.get("kind"))
    return GaugeSpec(
        id=identity, title=title, source=source, probe=probe, value=value or "value", **common
    )


def _adjustment(table: Table) -> Adjustment | None:
    table.only(tuple(key for key in GAUGE_KEYS if key not in ("probe", "value", "rate", "stat")))
    identity = table.identifier("id", required=True)
    changes = {
        field: value for field, value in _common(table).items() if _WRITTEN[field] in table.values
    }
    title = table.line("title")
    if title is not None:
        changes["title"] = title
    hide = table.boolean("hide") or False
    return None if identity is None else Adjustment(id=identity, hide=hide, changes=changes)


_WRITTEN = {
    "unit": "unit",
    "warn": "warn",
    "crit": "crit",
    "for_s": "for",
    "every_s": "every",
    "playbook": "playbook",
    "scale": "scale",
    "stat": "stat",
    "over": "over",
    "rate": "rate",
    "fills": "fills",
}
"""Field of a GaugeSpec -> the key of the file that sets it."""


def _common(table: Table) -> dict[str, Any]:
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
    numbers = [float(v) for v in written.values() if v is not None and _is_number(v)]
    low_is_bad = len(numbers) == 2 and numbers[1] < numbers[0]
    found: dict[str, Limit | None] = {}
    for key, value in written.items():
        if value is None:
            found[key] = None
        elif _is_number(value):
            found[key] = Limit("<=" if low_is_bad else ">=", float(value))
        else:
            match = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
            if match is None:
                table.fault(
                    f'is {shown(value)}; write a number, or for example "> 80" or "< 20"', key
                )
            found[key] = Limit(match[1], float(match[2])) if match else None
    warn, crit = found["warn"], found["crit"]
    if warn and crit and warn.below != crit.below:
        table.fault("looks the other way than warn: both must be above, or both below", "crit")
        crit = None
    if warn and crit and ((crit.at > warn.at) if warn.below else (crit.at < warn.at)):
        table.fault("lies before warn: a critical value must be the worse one", "crit")
    return warn, crit


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scale(table: Table) -> tuple[float, float] | None:
    value = table.raw("scale", list, "two numbers, such as [0, 100]")
    if value is None:
        return None
    if len(value) != 2 or not all(map(_is_number, value)) or not value[0] < value[1]:
        table.fault(f"is {shown(value)}; write two numbers, the lower first: [0, 100]", "scale")
        return None
    return (float(value[0]), float(value[1]))


def _over(table: Table) -> int:
    value = table.raw("over", int, "a number of looks, such as 20")
    if value is not None and not 1 <= value <= MOST_OVER:
        table.fault(f"is {value}; it must be 1 to {MOST_OVER:,}", "over")
        return DEFAULT_OVER
    return value or DEFAULT_OVER


def _value(table: Table) -> str | None:
    value = table.line("value", required=True)
    if value is not None and not _PATH.fullmatch(value) and not table.report.proven:
        from opsdeck.catalog.expectations import expectation_problem

        problem = expectation_problem(value)
        if problem is not None:
            table.fault(problem.removeprefix("expectation "), "value")
    return value


def _probe(table: Table, targets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    probe = table.table("probe", 'probe = { kind = "http", target = "web" }')
    if probe is None:
        if "probe" not in table.values:
            table.missing("probe")
        return None
    kind, target = probe.get("kind"), probe.get("target")
    if not isinstance(kind, str) or not kind.strip():
        table.fault('has no kind; write for example { kind = "http", target = "web" }', "probe")
        return None
    if target is not None and target != "host" and target not in targets:
        table.fault(f"there is no target {shown(target)}: add [targets.NAME] for it", "probe")
    if not table.report.proven:
        _check_probe(table, probe)
    return probe


def _check_probe(table: Table, probe: Mapping[str, Any]) -> None:
    """What its kind says against the probe, and whether it may be repeated unasked at all."""
    # Imported here: a file that was checked before must not pay for it.
    from opsdeck.probes import registry

    found = list(registry.problems(probe))
    for problem in found:
        table.fault(problem, "probe")
    consent = registry.consent_of(probe) if not found else None
    if consent is not None and consent.kind != "command":
        table.fault("may change its target; a gauge only looks", "probe")


# A ready-made set


def _of_set(table: Table, targets: Mapping[str, Mapping[str, Any]]) -> list[GaugeSpec]:
    from opsdeck.catalog.gauge_sets import SETS

    name = table.choice("set", tuple(SETS), required=True)
    target = table.string("target", required=True)
    if name is None or target is None:
        return []
    if target not in targets:
        table.fault(f"there is no target {shown(target)}: add [targets.{target}]", "target")
        return []
    try:
        made = SETS[name](target, table.values, targets[target])
    except ValueError as error:
        table.fault(str(error))
        return []
    found = []
    for values in made:
        each = Table(table.report, values, table.path, prefix=f"gauge.{values.get('id')}.")
        problem = id_problem(str(values.get("id", "")))
        if problem is not None:
            table.fault(f"makes a gauge whose id {problem}: rename the target")
            continue
        spec = _spec(each, targets)
        found += [spec] if spec is not None else []
    return found
