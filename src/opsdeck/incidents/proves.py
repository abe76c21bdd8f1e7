"""What an incident shows of the Incident Response Plan: items, each with the proof in words."""

from __future__ import annotations

from collections.abc import Callable

from opsdeck.catalog.model import Catalog, Checklist
from opsdeck.incidents.model import Incident
from opsdeck.journal import events as ev
from opsdeck.runs.acts import Where
from opsdeck.text import plural

CHECKLIST = "critical-issues"


def proved(
    catalog: Catalog, one: Incident, reported: bool, where: Callable[[Checklist, str], Where]
) -> list[tuple[Where, str]]:
    """Those items of the plan that this incident is a proof of, with what proves them.

    They are only offered: a person attests them, or does not.
    """
    checklist = catalog.checklist(CHECKLIST)
    if checklist is None:
        return []
    known = {item.id for item in checklist.items}
    proofs = proofs_of(one, reported)
    return [(where(checklist, item), proof) for item, proof in proofs.items() if item in known]


def proofs_of(one: Incident, reported: bool) -> dict[str, str]:
    """Id of an item -> what of the incident proves it; what nothing proves is not there."""
    people = {h.by for h in one.happenings if h.by != "opsdeck"}
    commanders = [
        str(h.data.get("to"))
        for h in one.happenings
        if h.type == ev.INCIDENT_ROLE and h.data.get("role") == "commander" and h.data.get("to")
    ]
    told = sum(h.type == ev.INCIDENT_NOTED and h.data.get("kind") == "update"
               for h in one.happenings)  # fmt: skip
    count = plural(len(people), "person", "people")
    found: dict[str, str] = {}
    if commanders:
        names = " then ".join(dict.fromkeys(commanders))
        found["response-team"] = f"{names} commanded, {count} took part"
    if len(people) > 1:
        found["communication-channels"] = f"{count} worked in it"
    if one.handovers:
        found["escalation-procedures"] = f"{plural(len(one.handovers), 'handover')} with a note"
    if told:
        found["stakeholder-notification"] = f"stakeholders were told {plural(told, 'time')}"
    if reported:
        found["post-incident-review"] = "its post-incident report was written"
    return found
