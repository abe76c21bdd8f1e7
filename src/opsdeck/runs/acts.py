"""What a person may do with an item, each as the event it would be, or the reason why not."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta, tzinfo

import msgspec

from opsdeck.catalog.model import Checklist, Item
from opsdeck.catalog.zones import zone_problem
from opsdeck.durations import parse_duration
from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark, Run
from opsdeck.journal.writing import Draft
from opsdeck.runs.cadence import RELEASE_NAME
from opsdeck.runs.status import Status
from opsdeck.text import storable

LONGEST_TEXT = 4_000
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Categories of characters that leave no mark: a reason of these alone says nothing."""
UNDO_WITHIN = timedelta(hours=24)
"""How old an act may be to be undone by a key: long ago is not a slip of the finger."""


class Where(msgspec.Struct, frozen=True):
    """One item in one run, and how it stands; `closed` is why nothing may be recorded there, ""
    where it may."""

    checklist: Checklist
    item: Item
    run: str
    status: Status
    closed: str = ""

    @property
    def address(self) -> str:
        """`RUN/ITEM`."""
        return f"{self.run}/{self.item.id}"

    def data(self, **more: str) -> dict[str, str]:
        """What every event about it says, and what is not empty of `more`; raises UsageError where
        nothing may be recorded."""
        if self.closed:
            raise UsageError(self.closed)
        return {"run": self.run, "item": self.item.id, **{k: v for k, v in more.items() if v}}


def checked_text(text: str, what: str, *, required: bool = True) -> str:
    """A note or reason as it may be kept, "" where nothing of it can be seen; raises UsageError for
    that where it is required, and when it is too long."""
    kept = storable(text)
    if all(unicodedata.category(c) in _UNSEEN for c in kept):
        kept = ""
    if required and not kept:
        raise UsageError(f"a {what} is needed: say in a few words why")
    if len(kept) > LONGEST_TEXT:
        raise UsageError(f"the {what} has {len(kept):,} characters; at most {LONGEST_TEXT:,} fit")
    return kept


def checked_line(text: str, what: str, *, required: bool = True) -> str:
    """The same for what has one line: every run of white space in it is one blank."""
    return checked_text(" ".join(text.split()), what, required=required)


def attest(where: Where, note: str = "") -> Draft:
    """The operator's word that the item is done."""
    return Draft(ev.ATTESTED, where.data(note=checked_text(note, "note", required=False)))


def take_back(where: Where, note: str = "") -> Draft:
    """The item is open again, whatever a person had said of it."""
    data, mark = where.data(note=checked_text(note, "note", required=False)), where.status.mark
    if mark is None or mark.kind == "reopened":
        raise UsageError(f"nothing to take back: nobody has said anything of {where.address}")
    return Draft(ev.REOPENED, data)


def note(where: Where, text: str) -> Draft:
    """A note beside the item; its state stays."""
    return Draft(ev.NOTED, where.data(text=checked_text(text, "note")))


def is_skip(mark: Mark) -> bool:
    """Whether a note says that its item of a read-do list was passed over."""
    return mark.kind == "noted" and mark.more is not None and mark.more.get("skipped") is True


def kind_of(mark: Mark) -> str:
    """What a mark is called: its kind, and `skipped` for a note that is a skip."""
    return "skipped" if is_skip(mark) else mark.kind


def waive(where: Where, *, reason: str, approver: str, until: tuple[datetime, str]) -> Draft:
    """The item need not hold until a moment (aware, with the name of its zone)."""
    moment, zone = until
    return Draft(
        ev.WAIVED,
        where.data(
            reason=checked_text(reason, "reason"),
            approver=_checked_approver(approver),
            until=moment.isoformat(timespec="minutes"),
            zone=zone,
        ),
    )


def _checked_approver(name: str) -> str:
    kept = checked_text(name, "approver", required=False)
    if not kept:
        raise UsageError("an approver is needed: name who agreed to it")
    return kept


def override(where: Where, reason: str) -> Draft:
    """Go on although the item does not hold; shown at sign-off."""
    data = where.data(reason=checked_text(reason, "reason"))
    if where.status.state in ("passed", "attested", "waived", "inactive"):
        raise UsageError(
            f"nothing to override: {where.address} is {where.status.state},"
            " and an override is for an item that does not hold"
        )
    return Draft(ev.OVERRIDDEN, data)


def defer(where: Where, reason: str, due: str = "") -> Draft:
    """Put the item off, with a reason and, where known, the date it is due (ISO)."""
    return Draft(ev.DEFERRED, where.data(reason=checked_text(reason, "reason"), due=due))


def set_unused(where: Where, reason: str) -> Draft:
    """The team does not use what the item is about."""
    return Draft(ev.UNUSED, where.data(reason=checked_text(reason, "reason")))


def undo(
    run_key: str, run: Run | None, operator: str, now: datetime, closed: str = ""
) -> tuple[Draft, Mark]:
    """Take back the operator's own newest act in this run, and that act.

    Raises UsageError when there is none, or when it is older than UNDO_WITHIN, and with `closed`
    where nothing may be recorded in the run.
    """
    if closed:
        raise UsageError(closed)
    own = [
        (mark.key, item, mark)
        for item, entry in (run.entries if run else {}).items()
        for mark in (*entry.marks, *entry.notes)
        if mark.by == operator and mark.id not in entry.undone
    ]
    if not own:
        raise UsageError(f"nothing of {operator}'s to undo in {run_key}")
    _, item, mark = max(own)[:3]
    at = parse_wall(mark.at)
    if at is None or now - at > UNDO_WITHIN:
        raise UsageError(
            f"too long ago to undo by a key: {kind_of(mark)} {item} at {mark.at} in {run_key};"
            " take that item back itself"
        )
    data = {"run": run_key, "item": item, "event": mark.id, "kind": kind_of(mark)}
    return Draft(ev.UNDONE, data), mark


def start_release(
    name: str, known: list[str], text: str = "", *, window: str = "", stakeholders: str = ""
) -> Draft:
    """A named release begins: its lists start afresh. `window` is when it is to be deployed,
    `stakeholders` who is told."""
    if not RELEASE_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a release: use letters, digits and . _ + -, at most 64,"
            " beginning with a letter or digit (for example v1.4.2)"
        )
    if name in known:
        raise UsageError(f"release {name} was already started; see `opsdeck release show {name}`")
    data = {
        "release": name,
        "note": checked_text(text, "note", required=False),
        "window": checked_line(window, "deployment window", required=False),
        "stakeholders": checked_line(stakeholders, "list of stakeholders", required=False),
    }
    return Draft(ev.RELEASE_STARTED, {k: v for k, v in data.items() if v})


def parse_until(text: str, now: datetime, zone: tzinfo, zone_name: str) -> tuple[datetime, str]:
    """When a waiver ends: `7d`, `2026-12-01`, `2026-12-01 18:00`, each with an optional zone.

    A zone is an IANA name or an offset (`2026-12-01T18:00+01:00`); without one the deck's zone is
    meant and written down. A date alone ends with that day. Raises UsageError, also for the past.
    """
    given = " ".join(text.split())
    moment, name = _moment_in(given, now, zone, zone_name)
    if moment <= now:
        raise UsageError(f"until {given!r} is in the past: name a moment that is yet to come")
    return moment, name


_FORMS = "write 7d, 2026-12-01, 2026-12-01 18:00 or 2026-12-01 18:00 Europe/Berlin"


def _moment_in(given: str, now: datetime, zone: tzinfo, zone_name: str) -> tuple[datetime, str]:
    try:
        span = timedelta(seconds=parse_duration(given.removeprefix("+")))
        return (now + span).astimezone(zone).replace(second=0, microsecond=0), zone_name
    except (ValueError, OverflowError):
        pass
    head, _, last = given.rpartition(" ")
    if head and not last[0].isdigit():
        problem = zone_problem(last)
        if problem:
            raise UsageError(f"until {given!r}: the zone {problem}")
        from zoneinfo import ZoneInfo

        given, zone, zone_name = head, ZoneInfo(last), last
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(f"until {given!r} is no moment: {_FORMS}") from None
    if len(given) == len("2026-12-01"):
        moment = moment.replace(hour=23, minute=59)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=zone), zone_name
    return moment, moment.tzname() or "UTC"


def parse_due(text: str, now: datetime, zone: tzinfo) -> str:
    """The date something put off is due, ISO; "" for none. Raises UsageError."""
    given = text.strip()
    if not given:
        return ""
    try:
        day = (now + timedelta(seconds=parse_duration(given.removeprefix("+")))).astimezone(zone)
        return day.date().isoformat()
    except (ValueError, OverflowError):
        pass
    try:
        due = date.fromisoformat(given)
    except ValueError:
        raise UsageError(f"due {given!r} is no date: write 2026-12-01 or 7d") from None
    if due < now.astimezone(zone).date():
        raise UsageError(f"due {given} is in the past: name a day that is yet to come")
    return due.isoformat()
