"""The glance for people: one screen, the worst first, whole words, and what to do next."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from opsdeck.reports.glance_next import next_step
from opsdeck.reports.glance_text import render
from opsdeck.reports.glance_words import trimmed
from opsdeck.text import cells
from tests.reports.glanced import (
    EVIL,
    FULL,
    NOW,
    certificate,
    gauge,
    glance,
    item,
    limits,
    run,
)

BERLIN = ZoneInfo("Europe/Berlin")


def shown(seen: Any, width: int = 80) -> list[str]:
    return render(seen, BERLIN, width).splitlines()


def test_all_is_well() -> None:
    # GIVEN two gauges that are ok and half a daily run
    cpu = gauge("host-cpu", title="CPU", source="host", value=7.0, unit="%")
    seen = glance(cpu, gauge("p95", title="p95", value=212.0), due=(run(),), release="v1.4.2")
    # THEN it is said in few lines, in the team's time
    assert shown(seen) == [
        "all well   acme-prod   Mon 23 Nov 2026 08:15 CET",
        "gauges      + 2 gauges ok: CPU 7 %, p95 212 ms",
        "due           Daily Operations: 3 of 8 done, due in 16 h",
        "release       v1.4.2; signed off: none yet",
        "incidents     none open",
        "next          `opsdeck list items daily`",
    ]


@pytest.mark.parametrize("width", [80, 100, 140, 400])
def test_gauges_that_are_ok_are_named_or_counted(width: int) -> None:
    # GIVEN gauges of which some are never named
    minor = [gauge(f"host-{name}", source="host") for name in ("cores", "net-in", "io-read")]
    named = [gauge(f"g{n}", title=f"Gauge number {n}") for n in range(9)]
    [line] = [text for text in shown(glance(*named, *minor), width) if text.startswith("gauges")]
    # THEN those named and those counted are all of them
    more = re.search(r", (\d+) more$", line)
    assert line.startswith("gauges      + 12 gauges ok: Gauge number 0")
    assert more is not None
    assert len(re.findall(r"Gauge number", line)) + int(more[1]) == 12
    assert len(line) <= width


def test_the_worst_comes_first() -> None:
    # GIVEN gauges at every level, as they were written
    seen = glance(
        gauge("fine"),
        gauge("mute", "unknown", None, text="no answer within 5 s"),
        gauge("slow", "warning", 340.0, text="SLOW 340 ms, limit 300 ms, for 4 min"),
        gauge("dead", "critical", 0.0, text="DEAD 0, limit below 1"),
    )
    # THEN the gravest stands on top
    assert shown(seen)[:5] == [
        "CRITICAL   acme-prod   Mon 23 Nov 2026 08:15 CET",
        "gauge       x critical  web: DEAD 0, limit below 1",
        "gauge       ! warning   web: SLOW 340 ms, limit 300 ms, for 4 min",
        "gauge       ? unknown   web: MUTE: no answer within 5 s",
        "gauges      + 1 gauge ok: FINE 20 ms",
    ]


def test_alike_gauges_are_one_line_with_their_count() -> None:
    # GIVEN forty gauges of one source that nobody answers for, seen an hour ago
    many = [
        gauge(f"g{n}", "unknown", 5.0, text="connection refused", age_s=3_600.0) for n in range(40)
    ]
    # THEN they are one entry that says when they were seen
    lines = shown(glance(*many))
    assert lines[1] == "gauge       ? unknown   40 gauges of web: connection refused"
    assert re.match(r" +last seen (1 h|60 min) ago: G0 5 ms, G1 5 ms, .*\d+ more$", lines[2])
    assert sum(line.startswith("gauge ") for line in lines) == 1


@pytest.mark.parametrize("width", [40, 80, 132, 200])
def test_whatever_is_wrong_fits_one_screen(width: int) -> None:
    # GIVEN very much that is wrong
    bad = [
        gauge(f"g{n}", "critical", 99.0, text=f"Long title of gauge {n} 99 ms, limit 5 ms")
        for n in range(60)
    ]
    mute = [gauge(f"m{n}", "unknown", None, source=f"t{n}", text="silence") for n in range(60)]
    # WHEN it is shown
    lines = shown(glance(*bad, *mute, **FULL), width)
    # THEN it is a screen, with something of every kind, and what is left out is counted
    assert len(lines) <= 23
    assert max(map(cells, lines)) <= width
    firsts = {line.split()[0] for line in lines if not line.startswith(" ")}
    kinds = {
        "gauge",
        "failing",
        "overdue",
        "missed",
        "due",
        "stale",
        "not",
        "waiver",
        "certificate",
    }
    assert kinds <= firsts
    assert {"oldest", "release", "incidents", "next"} <= firsts
    assert sum(" more" in line for line in lines) >= 5


def test_counts_of_what_is_left_out_are_right() -> None:
    bad = [gauge(f"g{n}", "critical", 99.0, text="too high") for n in range(60)]
    lines = shown(glance(*bad, **FULL))
    named = sum(line.startswith("gauge ") for line in lines)
    [more] = [line for line in lines if "gauges more" in line]
    assert f"and {60 - named} gauges more" in more


@pytest.mark.parametrize(
    ("text", "room", "told"),
    [
        ("all of it", 20, "all of it"),
        ("the request took too long", 14, "the request…"),
        ("the request took too long", 12, "the request…"),
        ("nothing there (refused)", 17, "nothing there…"),
        ("averyveryverylongwordwithout", 10, "averyvery…"),
        ("a averyveryverylongword", 10, "a averyve…"),
    ],
)
def test_words_are_not_cut(text: str, room: int, told: str) -> None:
    assert trimmed(text, room) == told
    assert cells(told) <= room


@pytest.mark.parametrize("width", [40, 80])
def test_hostile_text_is_harmless(width: int) -> None:
    # GIVEN a deck whose every text wants to steer the terminal
    seen = glance(
        gauge(EVIL, "critical", 9.0, title=EVIL, source=EVIL, text=EVIL, unit="ms", playbook=EVIL),
        gauge("u", "unknown", 9.0, title=EVIL, source=EVIL, text=EVIL, age_s=99.0),
        gauge("ok", title=EVIL, source=EVIL),
        deck=EVIL,
        due=(run(EVIL, checklist=EVIL),),
        missed=(run(EVIL, run=EVIL),),
        overdue=(item(EVIL, "open", text=EVIL, checklist=EVIL),),
        failing=(item(text=EVIL, why=EVIL),),
        waivers=(item(text=EVIL, until=NOW + timedelta(days=1)),),
        certificates=(certificate(EVIL, 3.0),),
        oldest=item(text=EVIL),
        release=EVIL,
    )
    # THEN no line holds anything that it would obey, and there are no lines of its own
    lines = render(seen, BERLIN, width).split("\n")
    assert [line for line in lines if re.search("[\x00-\x1f\x7f-\x9f\u2028\u202e]", line)] == []
    assert not any(line.startswith("next;line") for line in lines)
    assert max(map(cells, lines)) <= width


def test_offline_the_last_values_have_their_age() -> None:
    old = gauge("p95", "unknown", 212.0, title="p95", age_s=7_200.0, text="")
    seen = glance(old, online=False)
    lines = shown(seen)
    assert seen.status == "unknown"
    assert lines[0].startswith("UNKNOWN   acme-prod")
    assert lines[0].endswith("OFFLINE: last known values")
    assert lines[1] == "gauge       ? unknown   web: p95: last seen 2 h ago: 212 ms"
    assert lines[-1].startswith("next          see to this machine's own network first")


def test_certificates_by_days_left() -> None:
    found = (certificate("old.example", -2.5), certificate("a.example", 12.4))
    lines = shown(glance(certificates=found))
    [line] = [line for line in lines if line.startswith("certificate")]
    assert line == "certificate x old.example expired 2 d ago, a.example 12 d"


BAD = gauge("g", "critical", 9.0, text="bad", playbook="high-cpu-usage")
STEPS: list[tuple[str, Any, str]] = [
    ("nothing", glance(), ""),
    ("a playbook", glance(BAD, failing=(item(),)), "the playbook high-cpu-usage: `opsdeck`"),
    ("no playbook", glance(gauge("g", "critical", 9.0)), "`opsdeck`, then 3"),
    ("failing", glance(gauge("g", "warning"), failing=(item(),)), "`opsdeck list items --state"),
    ("expired", glance(certificates=(certificate("a.example", 2.0),)), "renew the certificate of"),
    ("waived", glance(certificates=(certificate("a.example", 2.0, waived=True),)), ""),
    ("missed", glance(missed=(run(),)), "`opsdeck list runs`"),
    (
        "overdue",
        glance(overdue=(item("review-v1", "open"),), missed=(run(),)),
        "`opsdeck attest own/review-v1` after the review",
    ),
    ("overdue nowhere", glance(overdue=(item("review-v1", "open", checklist=""),)), ""),
    ("stale", glance(stale=(item(),)), "`opsdeck check`"),
    ("waiver", glance(waivers=(item(),)), "waive it anew"),
    ("offline", glance(online=False), "see to this machine's own network"),
    ("mute", glance(gauge("g", "unknown", None)), "`opsdeck doctor`"),
    ("never looked", glance(gauge("g", None, None), looked=False, online=None), "`opsdeck glance`"),
    ("not seen", glance(unknown=(item(),)), "`opsdeck check`"),
    ("done", glance(due=(run(done=8),)), ""),
]


@pytest.mark.parametrize(("about", "seen", "step"), STEPS, ids=[about for about, _, _ in STEPS])
def test_the_next_step_is_about_the_gravest(about: str, seen: Any, step: str) -> None:
    assert next_step(seen).startswith(step), about
    assert bool(next_step(seen)) == bool(step)


def test_what_will_not_stay_well_is_told() -> None:
    # GIVEN a gauge beyond its limit for too short a time to count
    since = NOW - timedelta(seconds=40)
    soon = gauge("p95", value=340.0, beyond_since=since, **limits(300.0, 1_000.0))
    seen = glance(soon)
    # THEN all is still well, and it is told
    assert seen.status == "ok"
    assert any(re.search(r"^soon +web: P95 340 ms, limit 300 ms, for 40 s", x) for x in shown(seen))
