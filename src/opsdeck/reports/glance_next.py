"""What to do next after a glance: one thing, about the gravest of what was seen."""

from __future__ import annotations

from collections.abc import Iterator

from opsdeck.reports.glance import (
    CERTIFICATE_CRIT_DAYS,
    CERTIFICATE_WARN_DAYS,
    GaugeSeen,
    Glance,
)
from opsdeck.text import visible


def next_step(glance: Glance) -> str:
    """What to do, for the gravest of all; "" where there is nothing to do."""
    return next(_steps(glance), "")


def _steps(glance: Glance) -> Iterator[str]:
    """What to do, the most pressing first."""
    bad = glance.bad_gauges()
    yield from (f"`opsdeck incident show {visible(one['id'])}`" for one in glance.incidents)
    yield from (_at_gauge(gauge) for gauge in bad if gauge.level == "critical")
    if glance.failing:
        yield "`opsdeck list items --state failed`, and `opsdeck check` when it is mended"
    yield from _renewals(glance, CERTIFICATE_CRIT_DAYS)
    yield from (_at_gauge(gauge) for gauge in bad if gauge.level == "warning")
    for item in glance.overdue:
        if item.checklist:
            address = visible(f"{item.checklist}/{item.item}")
            yield f"`opsdeck attest {address}` after the review"
    if glance.missed:
        yield "`opsdeck list runs` shows what was missed"
    if glance.stale:
        yield "`opsdeck check` looks again at what is stale; attest the rest anew"
    if glance.waivers:
        yield "waive it anew with `opsdeck waive`, or see that it holds"
    yield from _renewals(glance, CERTIFICATE_WARN_DAYS)
    if glance.online is False:
        yield "see to this machine's own network first: nothing beyond it was seen"
    if bad or not glance.gauges:
        yield "`opsdeck glance`" if not glance.looked else "`opsdeck doctor` tries every target"
    if glance.unknown:
        yield "`opsdeck check` looks again at the items that were not seen"
    for run in glance.due:
        if run.done < run.total:
            yield f"`opsdeck list items {visible(run.checklist)}`"


def _at_gauge(gauge: GaugeSeen) -> str:
    if gauge.playbook:
        return f"the playbook {visible(gauge.playbook)}: `opsdeck`, then p"
    return "`opsdeck`, then 3: the gauges live, with their past"


def _renewals(glance: Glance, days: int) -> Iterator[str]:
    for one in glance.certificates:
        if not one.waived and one.days_left < days:
            yield f"renew the certificate of {visible(one.host)}, then `opsdeck check`"
