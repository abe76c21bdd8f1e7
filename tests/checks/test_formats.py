"""Every format of `opsdeck check` is what its readers expect, whatever stands in the results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from opsdeck.checks.result import Judged, Result
from opsdeck.reports import check_nagios, check_text
from opsdeck.reports.check import exit_code, render
from opsdeck.text import visible
from tests.checks import tap
from tests.checks.results import ASSIST, AT, FAILED, HOSTILE, MIXED, UNKNOWN, result
from tests.checks.schema import Schema

SCHEMA = Schema(Path(__file__).parents[1] / "data" / "junit.xsd")
SINCE = datetime(2026, 11, 23, 3, 31, tzinfo=timezone(timedelta(hours=1)))

PERFDATA = re.compile(
    r"(?P<label>'(?:[^'=|]|'')+'|[^'= |]+)=(?P<value>-?[0-9]+(?:\.[0-9]+)?)(?P<unit>s|ms)?"
    r"(?P<limits>(?:;[0-9.]*){0,4})(?: |$)"
)


def hostile_results(text: str) -> list[Result]:
    """Results of every kind with `text` wherever a text may stand."""
    return [
        result(
            checklist=text, section=text, item=text, text=text, run=text, reason=text, kind=text,
            target=text, cause=text or None, verdict=verdict, assist=assist,
            expect=(Judged(text, False, text),), document={text: [text, {"deep": text}]},
        )
        for verdict, assist in (
            ("passed", False), ("failed", False), ("unknown", False), ("failed", True)
        )
    ]  # fmt: skip


EXITS: list[tuple[str, list[Result], int]] = [
    ("nothing", [], 3),
    ("all passed", [result(), result()], 0),
    ("one failed", [result(), FAILED], 2),
    ("one unknown", [result(), UNKNOWN], 3),
    ("failed and unknown", [UNKNOWN, FAILED, result()], 2),
    ("only help for a person", [ASSIST], 3),
    ("help for a person counts for nothing", [result(), ASSIST], 0),
]


@pytest.mark.parametrize(("results", "code"), [e[1:] for e in EXITS], ids=[e[0] for e in EXITS])
def test_exit_code(results: list[Result], code: int) -> None:
    assert exit_code(results) == code


# -- text -----------------------------------------------------------------------------------------


def test_text() -> None:
    assert render("text", MIXED, took_s=2.123) == (
        "release/v1.4.2/infrastructure\n"
        "  + passed   tls-certificate      SSL/TLS certificate installed and valid (>30 days)\n"
        "  x failed   certificate-renewal  days_left > `30` failed: 12\n"
        "  . manual   access-reviewed      14 users, 3 without a second factor\n"
        "\n"
        "daily-operations/2026-11-23\n"
        "  ? unknown  health-endpoint  nothing listens at app.example.com:443 (connection refused):"
        " is the service up?\n"
        "\n"
        "1 passed, 1 failed, 1 unknown, 1 manual in 2.1 s\n"
    )


def test_text_shows_some_and_counts_all() -> None:
    text = render("text", MIXED, shown=[FAILED], offline_since=SINCE)
    assert text.splitlines() == [
        "OpsDeck is offline since 2026-11-23 02:31 UTC",
        "",
        "release/v1.4.2/infrastructure",
        "  x failed   certificate-renewal  days_left > `30` failed: 12",
        "",
        "1 passed, 1 failed, 1 unknown, 1 manual",
    ]
    assert render("text", []) == "0 passed, 0 failed, 0 unknown\n"


@pytest.mark.parametrize("limit", [40, 60, 80, 120])
def test_text_fits_the_width(limit: int) -> None:
    wide = result(reason="漢字" * 100, verdict="failed", item="x")
    for line in check_text.render([wide, UNKNOWN], limit=limit).splitlines():
        cells = sum(2 if "\u4e00" <= c <= "\u9fff" else 1 for c in line)
        assert cells <= max(limit, 2 + 9 + 2 + 15 + 2 + 20)


# -- JSON -----------------------------------------------------------------------------------------


def test_json() -> None:
    found = json.loads(render("json", MIXED, shown=[FAILED, UNKNOWN], took_s=2.12345))
    shown = found.pop("results")
    assert found == {
        "status": "failed",
        "online": True,
        "offline_since": None,
        "took_s": 2.123,
        "counts": {"passed": 1, "failed": 1, "unknown": 1, "assist": 1},
    }
    assert shown[0] == {
        "checklist": "infrastructure",
        "section": "Pre-Deployment Verification",
        "item": "certificate-renewal",
        "text": "Certificate renews by itself",
        "run": "release/v1.4.2/infrastructure",
        "assist": False,
        "verdict": "failed",
        "reason": "days_left > `30` failed: 12",
        "cause": None,
        "kind": "tls",
        "target": "web",
        "at": "2026-11-23T02:38:08.123Z",
        "took_ms": 12.34,
        "expect": [
            {"expression": "trusted", "holds": True, "found": "true"},
            {"expression": "days_left > `30`", "holds": False, "found": "12"},
        ],
        "document": FAILED.document,
    }
    assert shown[1]["cause"] == "refused"
    assert shown[1]["document"] is None
    assert len(shown) == 2


def test_json_when_offline_and_empty() -> None:
    found = json.loads(render("json", [], offline_since=SINCE))
    assert found["status"] == "unknown"
    assert found["online"] is False
    assert found["offline_since"] == "2026-11-23T02:31:00.000Z"
    assert found["results"] == []


# -- JUnit ----------------------------------------------------------------------------------------


def test_junit() -> None:
    # WHEN mixed results are written
    document = render("junit", MIXED, offline_since=SINCE)

    # THEN the document is valid, its counts are right, and what is not known is no success
    assert SCHEMA.faults(document) == []
    root = ElementTree.fromstring(document)
    first, second = root
    assert [first.get(k) for k in ("name", "tests", "failures", "errors", "skipped", "id")] == [
        "release/v1.4.2/infrastructure", "3", "1", "0", "1", "0",
    ]  # fmt: skip
    assert first.get("timestamp") == "2026-11-23T02:38:07"
    assert second.get("time") == "1.500"
    failure, error, skipped = (root.find(f".//{t}") for t in ("failure", "error", "skipped"))
    assert failure is not None
    assert failure.get("message") == "days_left > `30` failed: 12"
    assert failure.text is not None
    assert "fails: days_left > `30` (found: 12)" in failure.text.splitlines()
    assert error is not None
    assert error.get("type") == "refused"
    assert skipped is not None
    assert skipped.get("message", "").startswith("a person must judge")


BROKEN: list[tuple[str, Callable[[str], str]]] = [
    ("an attribute too many", lambda x: x.replace("<testcase ", '<testcase x="1" ', 1)),
    ("an attribute missing", lambda x: x.replace(' hostname="localhost"', "", 1)),
    ("a zone in a timestamp", lambda x: x.replace("02:38:07", "02:38:07Z", 1)),
    ("elements out of order", lambda x: x.replace("<system-out/>\n    <system-err/>",
     "<system-err/><system-out/>", 1)),
    ("an unknown element", lambda x: x.replace("<properties/>", "<properties/><x/>", 1)),
    ("text between elements", lambda x: x.replace("<properties/>", "<properties/>text", 1)),
    ("a word for a number", lambda x: x.replace('tests="3"', 'tests="three"', 1)),
]  # fmt: skip


@pytest.mark.parametrize("broken", [b[1] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_the_schema_check_is_strict(broken: Callable[[str], str]) -> None:
    document = render("junit", MIXED)
    assert broken(document) != document
    assert SCHEMA.faults(broken(document))


# -- TAP ------------------------------------------------------------------------------------------


def test_tap() -> None:
    points = tap.parse(render("tap", MIXED, offline_since=SINCE))
    assert [(p.ok, p.directive) for p in points] == [
        (True, ""),
        (False, ""),
        (False, ""),
        (True, "SKIP a person must judge"),
    ]
    assert points[0].text.startswith("release/v1.4.2/infrastructure/tls-certificate: SSL/TLS")
    assert points[0].yaml is None
    assert points[1].yaml == {
        "message": "days_left > `30` failed: 12",
        "severity": "fail",
        "probe": "tls",
        "target": "web",
        "at": "2026-11-23T02:38:08.123Z",
        "duration_ms": 12.3,
        "expect": [
            {"expression": "trusted", "holds": True, "found": "true"},
            {"expression": "days_left > `30`", "holds": False, "found": "12"},
        ],
    }
    assert points[2].yaml is not None
    assert points[2].yaml["severity"] == "unknown"
    assert points[2].yaml["cause"] == "refused"


def test_tap_of_nothing() -> None:
    assert render("tap", []) == "TAP version 14\n1..0 # SKIP nothing was checked\n"


# -- Nagios ---------------------------------------------------------------------------------------


def perfdata(line: str) -> dict[str, str]:
    """Label -> value and unit; raises AssertionError where the guidelines are broken."""
    text, bar, data = line.removesuffix("\n").partition(" | ")
    assert bar
    assert "|" not in text + data
    found, at = {}, 0
    while at < len(data):
        match = PERFDATA.match(data, at)
        assert match, data[at:]
        found[match["label"].strip("'")] = match["value"] + (match["unit"] or "")
        at = match.end()
    return found


NAGIOS: list[tuple[str, list[Result], datetime | None, str]] = [
    ("well", [result(), result()], None, "OPSDECK OK - all 2 items passed"),
    ("one", [result()], None, "OPSDECK OK - 1 item passed"),
    ("help is left out", [result(), ASSIST], None, "OPSDECK OK - 1 item passed"),
    ("failed", [result(), FAILED], None,
     ("OPSDECK CRITICAL - 1 of 2 items failed: infrastructure/certificate-renewal"
      " (days_left > `30` failed: 12)")),
    ("unknown", [result(), UNKNOWN], None,
     ("OPSDECK UNKNOWN - 1 of 2 items unknown: daily-operations/health-endpoint (nothing listens"
      " at app.example.com:443 (connection refused): is the service up?)")),
    ("offline", [result(), UNKNOWN], SINCE,
     "OPSDECK UNKNOWN - 1 of 2 items unknown: OpsDeck is offline since 2026-11-23 02:31 UTC"),
    ("both", [FAILED, UNKNOWN, result()], SINCE,
     ("OPSDECK CRITICAL - 1 of 3 items failed: infrastructure/certificate-renewal (days_left > `30`"
      " failed: 12); 1 of 3 items unknown: OpsDeck is offline since 2026-11-23 02:31 UTC")),
    ("nothing", [], None, "OPSDECK UNKNOWN - nothing was checked"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("results", "since", "text"), [n[1:] for n in NAGIOS], ids=[n[0] for n in NAGIOS]
)
def test_nagios(results: list[Result], since: datetime | None, text: str) -> None:
    line = render("nagios", results, took_s=2.0, offline_since=since)
    assert line.partition(" | ")[0] == text
    found = perfdata(line)
    assert found["time"] == "2.000s"
    assert int(found["failed"]) == sum(r.verdict == "failed" and not r.assist for r in results)


def test_nagios_of_a_whole_deck_is_bounded() -> None:
    # GIVEN 300 items, many of which fail for long reasons
    many = [
        result(item=f"item-{n}", verdict="failed" if n % 3 else "passed", reason="r" * 300)
        for n in range(300)
    ]

    # WHEN the line is written, THEN it is bounded, and its numbers are whole
    line = render("nagios", many, took_s=3.21)
    assert len(line.encode()) < 4_096
    found = perfdata(line)
    assert (found["passed"], found["failed"], found["unknown"]) == ("100", "200", "0")
    assert line.startswith("OPSDECK CRITICAL - 200 of 300 items failed: infrastructure/item-1 (rr")


# -- hostile text ---------------------------------------------------------------------------------


def check_text_is_harmless(text: str, _: list[Result]) -> None:
    assert all(visible(line) == line for line in text.removesuffix("\n").split("\n"))


def check_json_is_json(text: str, results: list[Result]) -> None:
    found = json.loads(text)
    assert text.isascii()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text)
    for one, given in zip(found["results"], results, strict=True):
        assert one["text"] == given.text.encode("utf-8", "replace").decode()


def check_junit_is_valid(text: str, results: list[Result]) -> None:
    assert SCHEMA.faults(text) == []
    assert text.isascii()
    assert len(list(ElementTree.fromstring(text).iter("testcase"))) == len(results)


def check_tap_parses(text: str, results: list[Result]) -> None:
    points = tap.parse(text)
    assert len(points) == len(results)
    for line in text.removesuffix("\n").split("\n"):
        assert visible(line) == line
    for point, given in zip(points, results, strict=True):
        if point.yaml is not None and given.reason:
            assert point.yaml["message"] == visible(given.reason).replace(
                "\ufffe", "\ufffd"
            ).replace("\uffff", "\ufffd")


def check_nagios_is_one_line(text: str, _: list[Result]) -> None:
    assert text.count("\n") == 1
    assert text.isascii()
    assert text.removesuffix("\n").isprintable()
    assert len(text) < 4_096
    perfdata(text)


CHECKS: dict[str, Callable[[str, list[Result]], None]] = {
    "text": check_text_is_harmless,
    "json": check_json_is_json,
    "junit": check_junit_is_valid,
    "tap": check_tap_parses,
    "nagios": check_nagios_is_one_line,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
@pytest.mark.parametrize("form", CHECKS)
def test_hostile_texts(form: str, hostile: str) -> None:
    # GIVEN results of every kind in which every text is hostile
    results = hostile_results(hostile)

    # WHEN they are written, THEN the document is whole, harmless and says the same
    text = render(form, results, offline_since=AT.astimezone(UTC), took_s=1.0, limit=80)
    assert text.endswith("\n")
    CHECKS[form](text, results)


@pytest.mark.parametrize("form", CHECKS)
def test_odd_numbers(form: str) -> None:
    odd: list[Any] = [float("nan"), float("inf"), -1.0, 0, 1e300]
    results = [result(took_ms=took, document={"n": took}) for took in odd]
    CHECKS[form](render(form, results), results)


def test_nagios_takes_only_what_it_can_show() -> None:
    assert check_nagios.render([result(took_ms=float("nan"))]).endswith("unknown=0;;;0;1\n")
