"""Whether a signed content is what the journal said: its items are worked out anew and compared.

A content is drawn up at `as_of`, and written down a moment later. What others said in between is in
the journal before it, and not in it: an item may stand as it stood at any moment in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from opsdeck.catalog.model import Cadence, Catalog, Checklist, Item
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import Recorded
from opsdeck.journal.fold import State
from opsdeck.journal.happenings import Happening
from opsdeck.runs.status import Status, status_of
from opsdeck.signoff.content import Facts, canonical, finish, plan_content
from opsdeck.signoff.content_values import ItemValues, ListValues
from opsdeck.signoff.gate import Stand
from opsdeck.signoff.model import FIELDS, Release
from opsdeck.signoff.releases import folded
from opsdeck.signoff.statement import Head
from opsdeck.signoff.verdict import Problem, bad, warn
from opsdeck.signoff.verify_content import Opened
from opsdeck.signoff.verify_journal import Reading
from opsdeck.text import plural

MOST_MOMENTS = 200
"""So many events of one item between drawing up and writing down are looked at one by one."""
_COMPARED = ("state", "event", "by", "at", "why", "until", "set_aside", "notes", "evidence")
_UNUSED = " is not in [deck] uses"


class Past(NamedTuple):
    """The events of an item's run as they were when a content was drawn up: `sure` are those that
    were there by then, `between` came before it was written down, `late` are older but had not
    reached the machine that signed."""

    sure: list[Recorded]
    between: list[Recorded]
    late: list[Recorded]


def known_by(one: Opened, events: Sequence[Recorded], heads: Mapping[str, int] | None) -> Past:
    """These events, sorted by what was known; `heads` is how far each writer's file went (None:
    nobody said)."""
    drawn_up = f"{int(one.as_of.timestamp() * 1000):013d}"
    past = Past([], [], [])
    for event in events:
        if event.key >= one.event.key:
            continue
        if heads is not None and event.event.seq > heads.get(event.writer, 0):
            past.late.append(event)
        elif event.event.clock[:13] > drawn_up:
            past.between.append(event)
        else:
            past.sure.append(event)
    return past


def history_problems(
    reading: Reading,
    one: Opened,
    runs: Mapping[str, Sequence[Recorded]],
    heads: Sequence[Head] | None,
    earlier: Collection[bytes],
) -> Iterator[Problem]:
    """Every item that is not as the journal had it; `earlier` are the lists (canonical) of contents
    before it, from which lists that are not the release's own may be taken over."""
    upto = _upto(heads)
    for checklist, raw in zip(one.values.lists, one.data["lists"], strict=True):
        if checklist.cadence != "release" and canonical(raw) in earlier:
            continue
        past = known_by(one, runs.get(checklist.run or "", ()), upto)
        yield from _list_problems(reading, one, checklist, raw, past)


def _list_problems(
    reading: Reading, one: Opened, checklist: ListValues, raw: dict[str, Any], past: Past
) -> Iterator[Problem]:
    events = [*past.sure, *past.between]
    made = _made(reading, one, checklist, events)
    with_late = _made(reading, one, checklist, [*events, *past.late]) if past.late else made
    for item, said, now, late in zip(checklist.items, raw["items"], made, with_late, strict=True):
        where = f"{checklist.run or checklist.id}/{item.id}"
        differs = _difference(said, now)
        if differs and not _stood_so(reading, one, checklist, item, said, past):
            yield bad("content", where, f"{one.where} says {_words(said, differs)}, the journal"
                      f" {_words(now, differs)}: it is not what was said by then")  # fmt: skip
        elif differs:
            yield warn("content", where, "something was said of it while the content was being"
                       f" signed, and is not in it: {_words(now, differs)}")  # fmt: skip
        elif missing := _difference(said, late):
            writers = sorted({e.writer for e in past.late if e.event.data.get("item") == item.id})
            yield warn("content", where, f"{plural(len(past.late), 'older event')} of"
                       f" {', '.join(writers)} came to this journal only after it was signed: with"
                       f" them it would be {_words(late, missing)}")  # fmt: skip


def _stood_so(
    reading: Reading,
    one: Opened,
    checklist: ListValues,
    item: ItemValues,
    said: dict[str, Any],
    past: Past,
) -> bool:
    """Whether an item stood as the content says at some moment before it was written down."""
    here = [e for e in past.between if e.event.data.get("item") == item.id][-MOST_MOMENTS:]
    sure = [e for e in past.sure if e.event.data.get("item") == item.id]
    alone = _alone(checklist, item)
    return any(
        not _difference(said, _made(reading, one, alone, [*sure, *here[:count]])[0])
        for count in range(len(here))
    )


def _alone(checklist: ListValues, item: ItemValues) -> ListValues:
    return ListValues(
        id=checklist.id,
        title=checklist.title,
        section=checklist.section,
        cadence=checklist.cadence,
        run=checklist.run,
        items=(item,),
    )


def _made(
    reading: Reading, one: Opened, checklist: ListValues, events: Sequence[Recorded]
) -> list[dict[str, Any]]:
    """The items of a list as a content would have them now, given these events."""
    meant = checklist_of(checklist)
    facts = Facts(
        deck=one.values.deck,
        timezone=one.values.timezone,
        catalog=Catalog(checklists=()),
        lists=[(meant, checklist.run)],
        state=_state(events),
        uses=(),
        rules=one.rules,
    )
    plan = plan_content(facts, Release(name=one.values.release), one.as_of)
    ids = [f"{writer}:{seq}" for writer, seqs in plan.wanted.items() for seq in seqs]
    made: list[dict[str, Any]] = finish(plan, reading.lines(ids)).data["lists"][0]["items"]
    return made


def checklist_of(values: ListValues) -> Checklist:
    """A list of a content as the catalog had it, as far as its items' states depend on that."""
    return Checklist(
        id=values.id,
        title=values.title,
        section=values.section,
        cadence=cast(Cadence, values.cadence),  # any text; only `release` means something here
        items=tuple(_item(item) for item in values.items),
    )


def _item(item: ItemValues) -> Item:
    uses = None
    if item.state == "inactive" and item.event is None and item.why:
        uses = item.why.removesuffix(_UNUSED)
    return Item(
        id=item.id,
        text=item.text,
        uses=uses,
        valid_for_s=None if item.valid_for_s is None else float(item.valid_for_s),
        probe={} if item.sensed else None,
    )


def _state(events: Sequence[Recorded]) -> State:
    state = State()
    for one in events:
        state.apply(one.writer, one.event)
    return state


def _difference(said: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The keys in which two items differ, other hashes of the same lines and evidence apart."""
    if said == now:
        return []
    one, other = _bare(said), _bare(now)
    if one == other:
        return []
    return [key for key in _COMPARED if one.get(key) != other.get(key)] or ["serialisation"]


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    """An item without hashes: `verify_content.line_problems` looks at those."""
    bare = {key: value for key, value in item.items() if key != "line"}
    for key in ("set_aside", "notes"):
        bare[key] = [{k: v for k, v in entry.items() if k != "line"} for entry in item[key]]
    return {**bare, "evidence": "some" if item["evidence"] else None}


def _words(item: dict[str, Any], differs: Sequence[str]) -> str:
    by = f" by {item['by']}" if item.get("by") else ""
    at = f" at {item['at']}" if item.get("at") else ""
    told = ("state", "event", "by", "at")
    more = [f"{key} {_short(item.get(key))}" for key in differs if key not in told]
    return f"{item.get('state')}{by}{at}" + (f" ({', '.join(more)})" if more else "")


def _short(value: Any) -> str:
    if isinstance(value, list):
        return plural(len(value), "entry", "entries")
    return str(value)[:60] if value is not None else "none"


def form_problems(one: Opened, happenings: Sequence[Happening]) -> Iterator[Problem]:
    """Whether the form, and who started the release, are as they had been written by then."""
    drawn_up = f"{int(one.as_of.timestamp() * 1000):013d}"
    before = [h for h in happenings if h.key < one.event.key]
    sure = sum(h.clock[:13] <= drawn_up for h in before)
    name, data = one.values.release, one.data
    wanted = (data["form"], data["started"])
    moments = range(len(before), max(sure, len(before) - MOST_MOMENTS) - 1, -1)
    if not any(_form(folded(name, before[:count])) == wanted for count in moments):
        form, started = _form(folded(name, before))
        differing = [f for f in FIELDS if form[f] != data["form"].get(f)]
        what = f"its {', '.join(differing)}" if differing else f"who started it ({started['by']})"
        yield bad("content", one.where, f"{what} is not what the journal said by then")


def _form(release: Release) -> tuple[dict[str, Any], dict[str, Any]]:
    at = wall_text(release.started_at) if release.started_at else None
    form: dict[str, Any] = {field: release.said(field) for field in FIELDS}
    return form, {"at": at, "by": release.started_by}


def stands_of(
    one: Opened,
    runs: Mapping[str, Sequence[Recorded]],
    heads: Sequence[Head] | None,
    at: datetime,
    *,
    surely: bool,
) -> list[Stand]:
    """The release's own items as they stood at a moment, by what was known when the content was
    drawn up; unless `surely`, by what came before it was written down as well."""
    found = []
    for values in one.values.lists:
        if values.cadence != "release" or values.run is None:
            continue
        checklist = checklist_of(values)
        past = known_by(one, runs.get(values.run, ()), _upto(heads))
        run = _state(past.sure if surely else [*past.sure, *past.between]).run(values.run)
        for item in checklist.items:
            entry = run.entries.get(item.id) if run else None
            status: Status = status_of(item, entry, at)
            found.append(Stand(checklist, values.run, item, status))
    return found


def _upto(heads: Sequence[Head] | None) -> dict[str, int] | None:
    """Writer -> how far its file went; None where nobody said."""
    return {head.writer: head.seq for head in heads} if heads else None
