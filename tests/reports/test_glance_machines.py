"""The glance for programs: each format as its specification has it, whatever texts say."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from opsdeck.reports.glance_machines import (
    NAGIOS_LIMIT,
    as_nagios,
    as_object,
    as_openmetrics,
    nagios_trouble,
)
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
from tests.reports.openmetrics import read_metrics

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = rf"@?(?:~:|{_NUMBER}:)?(?:{_NUMBER})?"
_DATUM = re.compile(
    rf"(?:'((?:[^'=]|'')+)'|([^ '=]+))=({_NUMBER}|U)(%|s|ms|us|B|KB|MB|GB|TB)?"
    rf"(?:;({_RANGE})(?:;({_RANGE})(?:;({_NUMBER})?(?:;({_NUMBER}))?)?)?)?(?: |$)"
)


def evil(**more: Any) -> Any:
    """A glance whose every text wants to be something else."""
    return glance(
        gauge(EVIL, "critical", 9.0, title=EVIL, source=EVIL, text=EVIL, playbook=EVIL),
        gauge(EVIL, "ok", 8.0, title=EVIL, source=EVIL, unit=EVIL),
        deck=EVIL,
        due=(run(EVIL, checklist=EVIL), run(EVIL, checklist=EVIL)),
        failing=(item(text=EVIL, why=EVIL),),
        certificates=(certificate(EVIL, 3.0),),
        release=EVIL,
        **more,
    )


def parsed(line: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The text of a line for Nagios, and its performance data; fails where it is malformed."""
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line.isascii()
    assert len(line) <= NAGIOS_LIMIT + 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", line)
    text, bar, data = line.rstrip("\n").partition(" | ")
    assert bar
    assert "|" not in text + data
    found, place = {}, 0
    while place < len(data):
        datum = _DATUM.match(data, place)
        assert datum, data[place : place + 80]
        found[datum[1] or datum[2]] = tuple(part or "" for part in datum.groups()[2:])
        place = datum.end()
    return text, found


# Nagios


def test_one_line_for_nagios() -> None:
    # GIVEN a gauge that is too slow, one that has never been seen and an item that fails
    seen = glance(
        gauge("p95", "critical", 1_212.5, text="P95 1,213 ms, limit 1,000 ms", **limits(300, 1e3)),
        gauge("left", "ok", 30.25, unit="%", **limits(20, 10, "<=")),
        gauge("mute", "unknown", None, text="no answer"),
        gauge("temp", "ok", -4.0, unit="C", **limits(30, 40)),
        failing=(item(),),
    )
    # THEN the line says so, and its data has values, units, limits, least and most
    text, data = parsed(as_nagios(seen))
    assert text == (
        "OPSDECK CRITICAL - web: P95 1,213 ms, limit 1,000 ms, web: MUTE: no answer; never seen,"
        " 1 item failing"
    ) or text.startswith("OPSDECK CRITICAL - web: P95 1,213 ms, limit 1,000 ms, web: MUTE")
    assert data == {
        "failing": ("1", "", "", "0", "0", ""),
        "missed": ("0", "", "0", "", "0", ""),
        "p95": ("1212.5", "ms", "300", "1000", "", ""),
        "left": ("30.25", "%", "20:", "10:", "0", "100"),
        "mute": ("U", "", "", "", "", ""),
        "temp": ("-4", "", "~:30", "~:40", "", ""),
    }


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (glance(), "OPSDECK OK - 1 gauge ok, nothing failing"),
        (glance(missed=(run(), run())), "OPSDECK WARNING - 2 runs missed"),
        (
            glance(missed=(run(),), overdue=(item(),)),
            "OPSDECK WARNING - 1 review overdue, 1 run missed",
        ),
        (glance(stale=(item(),), waivers=(item(),)), "OPSDECK WARNING - 1 item stale, 1 waiver"),
        (glance(unknown=(item(),)), "OPSDECK UNKNOWN - 1 item not seen"),
        (glance(online=False), "OPSDECK UNKNOWN - offline, last known values"),
        (
            glance(certificates=(certificate("a.example", 6.9),)),
            "OPSDECK CRITICAL - certificate of a.example 6 d left",
        ),
        (glance(certificates=(certificate("a.example", 6.9, waived=True),)), "OPSDECK OK - "),
    ],
)
def test_what_the_line_begins_with(seen: Any, text: str) -> None:
    assert parsed(as_nagios(seen))[0].startswith(text)


def test_the_line_is_short_and_well_formed_whatever_is_wrong() -> None:
    bad = [gauge(f"gauge-{n}", "critical", 9e7, text="x" * 900) for n in range(500)]
    text, data = parsed(as_nagios(glance(*bad, **FULL)))
    assert {"failing", "missed", "gauge-0"} <= data.keys()
    assert "gauges more" in text
    assert "items failing" in text


def test_a_mishap_is_one_line_too() -> None:
    line = nagios_trouble(f"2 faults:\n  a.toml:1: {EVIL}\n  a.toml:2: umlaut \xe4\n" + "y" * 5_000)
    assert line.startswith("OPSDECK UNKNOWN - 2 faults: a.toml:1: ")
    assert line.count("\n") == 1
    assert line.isascii()
    assert "|" not in line
    assert "a.toml:2: umlaut a" in line
    assert len(line) < NAGIOS_LIMIT
    assert nagios_trouble("") == "OPSDECK UNKNOWN - nothing was seen\n"


# OpenMetrics


def test_metrics() -> None:
    # GIVEN a bit of everything
    seen = glance(
        gauge("p95", "warning", 340.5, age_s=4.0),
        gauge("mute", "unknown", None),
        gauge("new", None, None),
        due=(run(),),
        missed=(run(),),
        failing=(item(), item("j")),
        certificates=(certificate("a.example", 12.4),),
        oldest=item(at=NOW - timedelta(days=2)),
    )
    # WHEN a strict reader reads it
    found = {
        (s.name.removeprefix("opsdeck_"), *sorted(s.labels.items())): s.value
        for s in read_metrics(as_openmetrics(seen))
    }
    # THEN every number is there, and what is not known is not
    deck = ("deck", "acme-prod")
    p95, mute = (deck, ("gauge", "p95"), ("source", "web")), (deck, ("gauge", "mute"))
    assert found[("gauge_value", *p95, ("unit", "ms"))] == 340.5
    assert found[("gauge_level", *p95)] == 1
    assert found[("gauge_age_seconds", *p95)] == 4
    assert found[("gauge_level", *mute, ("source", "web"))] == 3
    assert [key for key in found if key[1:3] == mute] == [("gauge_level", *mute, ("source", "web"))]
    assert not any(("gauge", "new") in key for key in found)
    assert found["items", deck, ("state", "failing")] == 2
    assert found["items", deck, ("state", "stale")] == 0
    assert found["items", deck, ("state", "overdue")] == 0
    assert found["runs_missed", deck] == 1
    assert found[("run_open_items", ("checklist", "daily"), deck)] == 5
    assert found["certificate_days_left", deck, ("host", "a.example")] == 12.4
    assert found["oldest_evidence_age_seconds", deck] == 172_800
    assert found["online", deck] == 1
    assert found["status", deck] == 2
    assert found["glance_timestamp_seconds", deck] == NOW.timestamp()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_left_out(value: float) -> None:
    seen = glance(gauge("odd", value=value))
    assert [s for s in read_metrics(as_openmetrics(seen)) if s.name == "opsdeck_gauge_value"] == []
    assert parsed(as_nagios(seen))[1]["odd"][0] == "U"
    assert as_object(seen)["gauges"][0]["value"] is None


def test_shown_as_last_known_nobody_claims_to_be_online() -> None:
    seen = glance(looked=False, online=None)
    assert not any(s.name == "opsdeck_online" for s in read_metrics(as_openmetrics(seen)))
    assert as_object(seen)["online"] is None


# Hostile texts


def test_hostile_texts_are_harmless_in_every_format() -> None:
    seen = evil()
    # THEN a reader of metrics gets whole labels, and no sample is forged
    samples = read_metrics(as_openmetrics(seen))
    assert {s.labels["deck"] for s in samples} == {samples[0].labels["deck"]}
    assert "|'=\"`rm`[b]\\" in samples[0].labels["deck"]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2028]", as_openmetrics(seen))
    # AND Nagios one line with data that is whole
    text, data = parsed(as_nagios(seen))
    assert text.startswith("OPSDECK CRITICAL - ")
    assert len(data) == 3
    # AND JSON has them as they are
    whole = json.loads(msgspec.json.encode(as_object(seen)))
    assert whole["gauges"][0]["title"] == EVIL


# JSON


def test_json_has_times_limits_and_numbers_as_programs_like_them() -> None:
    cpu = gauge("cpu", "warning", 1 / 3, age_s=1.23456789, **limits(300, 1_000))
    seen = glance(cpu, oldest=item(), **{k: v for k, v in FULL.items() if k != "oldest"})
    found = json.loads(msgspec.json.encode(as_object(seen)))
    assert found["status"] == "critical"
    assert found["at"] == "2026-11-23T07:15:00.000Z"
    [told] = found["gauges"]
    assert (told["value"], told["age_s"]) == (0.333333, 1.23457)
    assert (told["warn"], told["crit"]) == (">= 300", ">= 1000")
    assert told["since"] == "2026-11-23T06:15:00.000Z"
    assert found["oldest_evidence"]["at"] == "2026-11-23T04:15:00.000Z"
    assert len(found["failing"]) == 30
    assert found["certificates"][0] == {
        "host": "host-0.shop.example",
        "days_left": 0.0,
        "checklist": "own",
        "item": "tls",
        "at": "2026-11-23T07:15:00.000Z",
        "waived": False,
    }
