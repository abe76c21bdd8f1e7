"""The times that matter: measured from when the trouble itself began, and never negative."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsdeck.incidents.model import Incident
from opsdeck.incidents.times import Times, first_alarm, times_of, trouble_began
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import Event, Recorded


def moment(text: str) -> datetime:
    hour, minute = text.split(":")
    return datetime(2026, 11, 23, int(hour), int(minute), tzinfo=UTC)


def incident(**times: str) -> Incident:
    """Started at 03:00 unless something else is said."""
    at = {"started_at": "03:00", "acknowledged_at": "03:00", **times}
    at.setdefault("began_at", at["started_at"])
    known: dict[str, Any] = {key: moment(text) for key, text in at.items()}
    return Incident(id="2026-11-23-0300", gauge="cpu", **known)


def turn(at: str, to: object, gauge: object = "cpu", kind: str = ev.GAUGE_CHANGED) -> Recorded:
    when = moment(at)
    clock = f"{int(when.timestamp() * 1000):013d}-00000"
    data = {"gauge": gauge, "to": to}
    return Recorded("box", Event(1, wall_text(when), clock, "opsdeck", kind, data, ""))


def minutes(times: Times) -> tuple[float | None, ...]:
    seconds = (times.detect_s, times.acknowledge_s, times.mitigate_s, times.resolve_s)
    return tuple(each / 60 if each is not None else None for each in seconds)


@pytest.mark.parametrize(
    ("times", "turns", "wanted"),
    [
        # Nothing but a start: it was detected when it was started.
        ({}, [], (0, 0, None, None)),
        ({"began_at": "02:50"}, [], (10, 10, None, None)),
        # An alarm between beginning and start is the detection; the first one counts.
        ({"began_at": "02:50"}, [("02:54", "warning")], (4, 10, None, None)),
        (
            {"began_at": "02:50"},
            [("02:58", "critical"), ("02:54", "warning"), ("02:56", "ok")],
            (4, 10, None, None),
        ),
        # Nobody said when it began: with the alarm.
        ({}, [("02:55", "critical")], (0, 5, None, None)),
        # An alarm that was there before it is said to have begun.
        ({"began_at": "02:57"}, [("02:55", "critical")], (0, 3, None, None)),
        # What is no alarm of this gauge before the start.
        ({"began_at": "02:50"}, [("02:54", "ok")], (10, 10, None, None)),
        ({"began_at": "02:50"}, [("02:54", "unknown")], (10, 10, None, None)),
        ({"began_at": "02:50"}, [("03:01", "critical")], (10, 10, None, None)),
        ({"began_at": "02:50"}, [("02:19", "critical")], (10, 10, None, None)),
        # To the end.
        (
            {"began_at": "02:50", "mitigated_at": "03:10", "resolved_at": "03:50"},
            [],
            (10, 10, 20, 60),
        ),
        # Clocks that disagree.
        ({"began_at": "03:20", "resolved_at": "03:10"}, [], (None, None, None, None)),
    ],
)
def test_times(
    times: dict[str, str], turns: list[tuple[str, str]], wanted: tuple[float | None, ...]
) -> None:
    found = times_of(incident(**times), [turn(at, to) for at, to in turns])
    assert minutes(found) == wanted


def test_only_alarms_of_the_incidents_own_gauge_count() -> None:
    # GIVEN events of another gauge, of an item, and with data of any kind
    one = incident(began_at="02:50")
    others = [
        turn("02:51", "critical", "disk"),
        turn("02:51", "critical", ["cpu"]),
        turn("02:51", ["critical"]),
        turn("02:51", "critical", kind=ev.CHECKED),
    ]
    # THEN none of them is the alarm, and without a gauge nothing is
    assert first_alarm(one, others) is None
    own = turn("02:52", "critical")
    assert first_alarm(one, [*others, own]) is own
    one.gauge = ""
    assert first_alarm(one, [*others, own]) is None


def test_of_what_was_never_started_nothing_is_known() -> None:
    one = Incident(id="x", gauge="cpu")
    assert times_of(one, [turn("02:52", "critical")]) == Times()
    assert trouble_began(one) is None
    assert trouble_began(incident(), [turn("02:55", "warning")]) == moment("02:55")
