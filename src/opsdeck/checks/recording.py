"""Results as events of the journal, and which of them are news."""

from __future__ import annotations

from datetime import datetime, timedelta

from opsdeck.catalog.model import Item
from opsdeck.checks.brief import shortened
from opsdeck.checks.evidence import evidence_of
from opsdeck.checks.result import Result
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Entry
from opsdeck.journal.writing import Draft

LONGEST_SEEN = 400
REPEAT_AFTER = timedelta(hours=1)
"""A watch records an unchanged verdict again after this, or half its evidence's `valid_for`."""


def draft_of(result: Result) -> Draft:
    """What a result is in the journal: a verdict, or what was seen of an item it only helps."""
    data = {"run": result.run, "item": result.item}
    if not result.assist:
        data["verdict"] = result.verdict
    proved = result.document is not None and (result.assist or result.verdict == "passed")
    text = seen_text(result) if proved else result.reason
    if text:
        data["text"] = text
    return Draft(
        ev.LOOKED if result.assist else ev.CHECKED, {**data, "evidence": evidence_of(result)}
    )


def seen_text(result: Result) -> str:
    """What was found, in a line: numbers and names first, what merely holds after them."""
    merely_so = [j for j in result.expect if j.holds and j.found == "true"]
    telling = [j for j in result.expect if not (j.holds and j.found == "true")]
    found = (f"{j.expression}: {j.found}" for j in (*telling, *merely_so))
    return shortened("; ".join(found), LONGEST_SEEN)


def is_news(result: Result, item: Item, entry: Entry | None, now: datetime) -> bool:
    """Whether a watch should record it: a changed verdict, or evidence that grows old."""
    last = (entry.looked if result.assist else entry.verdict()) if entry else None
    if last is None or (not result.assist and last.kind != result.verdict):
        return True
    if not result.assist and result.verdict != "passed" and last.text != result.reason:
        return True
    at = parse_wall(last.at)
    half = timedelta(seconds=item.valid_for_s / 2) if item.valid_for_s else REPEAT_AFTER
    return at is None or now - at >= min(half, REPEAT_AFTER)
