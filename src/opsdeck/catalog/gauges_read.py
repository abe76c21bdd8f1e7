"""Reading `[[gauge]]` blocks: every fault is told with its line, its key and what is allowed.

A block has a probe of its own, or names a ready-made set (`set = "ec2"`), or changes one of the
gauges that this machine has without any configuration (an id that begins with `host-`).
`docs/gauges.md` describes every key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.catalog.faults import shown
from opsdeck.catalog.gauge_values import common, title_of
from opsdeck.catalog.gauges import Adjustment, Gauges, GaugeSpec
from opsdeck.catalog.validate import Table, id_problem

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
)
"""The keys of a block with a probe."""

OWN_KEYS = (
    "id",
    "title",
    "unit",
    "warn",
    "crit",
    "for",
    "every",
    "playbook",
    "scale",
    "fills",
    "hide",
)
"""What a block may change of one of this machine's own gauges."""

_OWN = "host-"
MOST_GAUGES = 2_000

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
"""A JMESPath that is nothing but a path needs no parser to be known as one."""


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
            _add_adjustment(table, adjustments)
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


def _add_adjustment(table: Table, adjustments: dict[str, Adjustment]) -> None:
    found = _adjustment(table)
    if found is None:
        return
    if found.id in adjustments:
        table.fault(f'is changed twice: put all of "{found.id}" into one block', "id")
    adjustments[found.id] = found


def _is_own(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("id"), str) and values["id"].startswith(_OWN)


# One block


def _spec(table: Table, targets: Mapping[str, Mapping[str, Any]]) -> GaugeSpec | None:
    table.only(GAUGE_KEYS)
    identity = table.identifier("id", required=True)
    if identity is not None and identity.startswith(_OWN):
        table.fault(f"begins with {_OWN}, as this machine's own gauges do; choose another", "id")
    title = title_of(table) or identity
    probe = _probe(table, targets)
    value = _value(table)
    shared = common(table)
    if shared["fills"] and shared["scale"] is None and shared["unit"] != "%":
        table.fault('needs to know what full is: add scale = [0, 500], or unit = "%"', "fills")
    if identity is None or probe is None or title is None:
        return None
    source = str(probe.get("target") or probe.get("kind"))
    return GaugeSpec(
        id=identity, title=title, source=source, probe=probe, value=value or "value", **shared
    )


def _adjustment(table: Table) -> Adjustment | None:
    table.only(OWN_KEYS)
    identity = table.identifier("id", required=True)
    changes = {
        field: value for field, value in common(table).items() if _WRITTEN[field] in table.values
    }
    title = title_of(table)
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
    if target is not None and not isinstance(target, str):
        table.fault(f"has {shown(target)} as its target; write a name in quotes", "probe")
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
    if consent is not None and consent.kind == "change":
        table.fault("may change its target; a gauge only looks", "probe")
    elif consent is not None and consent.kind == "burst":
        table.fault("sends many requests at once; a gauge only looks", "probe")


# A ready-made set


class _Asked(Mapping[str, Any]):
    """A block that notes which of its keys a set asks for: no other one may stand in it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.keys_asked: dict[str, None] = {}

    def __getitem__(self, key: str) -> Any:
        self.keys_asked[key] = None
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        self.keys_asked.update(dict.fromkeys(self._values))
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _of_set(table: Table, targets: Mapping[str, Mapping[str, Any]]) -> list[GaugeSpec]:
    from opsdeck.catalog.gauge_sets import SETS

    name = table.choice("set", tuple(SETS), required=True)
    target = table.string("target", required=True)
    if name is None or target is None:
        return []
    if target not in targets:
        table.fault(f"there is no target {shown(target)}: add [targets.{target}]", "target")
        return []
    asked = _Asked(table.values)
    try:
        made = SETS[name](target, asked, targets[target])
    except ValueError as error:
        table.fault(str(error))
        return []
    table.only(("set", "target", *asked.keys_asked))
    found: list[GaugeSpec] = []
    faults = len(table.report.faults)
    for values in made:
        if len(table.report.faults) > faults:
            break  # the others would say the same
        each = Table(table.report, values, table.path, prefix=f"gauge.{values.get('id')}.")
        problem = id_problem(str(values.get("id", "")))
        if problem is not None:
            table.fault(f"makes a gauge whose id {problem}: rename the target")
            continue
        spec = _spec(each, targets)
        found += [spec] if spec is not None else []
    return found
