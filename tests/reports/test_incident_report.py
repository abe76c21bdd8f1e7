"""The post-incident report in every format, of a real journal and of a hostile one."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.report_file import write_report
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.reports.incident_csv import HEADER, incident_csv
from opsdeck.reports.incident_html import incident_html
from opsdeck.reports.incident_markdown import fenced, incident_markdown, told
from opsdeck.reports.incident_object import incident_object
from opsdeck.reports.incident_report import IncidentReport, read_incident
from opsdeck.text import visible
from tests.incidents.outage import GAUGE, HOSTILE, ID, alarmed, ran, suffered, the, turned
from tests.screens.desk import Desk

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SECTIONS = [
    "Summary", "Impact", "Root causes", "Trigger", "Resolution", "Detection", "Action items",
    "Lessons learned", "What went well", "What went wrong", "Where we got lucky", "Timeline",
    "Supporting information", "Gauges", "Playbook: Connection pool", "Commands",
]  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def reported(desk: Desk, said: str = "killed 2 operations", **config: Any) -> IncidentReport:
    deck = desk.deck(**config)
    suffered(deck, desk.clock, said)
    return read_incident(deck, ID)


def words(token: Token) -> str:
    """The text of an inline token; any markup in it but that of our own questions is a failure."""
    children = token.children or []
    assert {c.type for c in children} <= {"text", "text_special", "em_open", "em_close"}
    marks = [n for n, child in enumerate(children) if child.type.startswith("em_")]
    assert marks in ([], [0, len(children) - 1]), token.content
    return "".join(child.content for child in children)


def section(text: str, name: str) -> str:
    """What stands beneath a heading, to the next one."""
    found = re.search(rf"^#+ {re.escape(name)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    assert found is not None, name
    return found[1].strip()


# Markdown


def test_it_has_the_sections_of_the_template_in_order(desk: Desk) -> None:
    text = incident_markdown(reported(desk))
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    assert headings[0] == f"Post-incident report: Pool exhausted ({ID})"
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS


def test_what_is_known_stands_in_it(desk: Desk) -> None:
    text = incident_markdown(reported(desk, timezone="Europe/Berlin"))

    head = text.partition("## Summary")[0]
    for line in (
        "- Date: 2026-11-23",
        "- Authors: alice, bob",
        "- Roles: commander: alice (from 03:41:07), bob (from 03:59:07)",
        "- Status: resolved since 2026-11-23 03:59 CET",
        "- Severity: critical",
        "- Targets: db",
        "| 1 min | 4 min | 10 min | 22 min |",
    ):
        assert line in head.splitlines()
    assert "2 commands ran; 1 of them did not end well" in section(text, "Summary")
    assert "- Connections: 96 … 99 … 38 %" in section(text, "Impact")
    assert section(text, "Trigger").startswith("- 03:38:07 Connections: critical at 96 %\n")
    resolution = section(text, "Resolution")
    assert "- 03:59:07 alice: incident resolved: back to normal" in resolution
    assert "- Done of “Connection pool”: 2. Kill" in resolution
    assert "- 03:41:07 alice started the incident" in section(text, "Detection")
    items = section(text, "Action items").splitlines()
    assert items[0] == "| Action item | Type | Owner | Ticket |"
    assert items[2] == "| Look at the step “1. Look” of “Connection pool” | process |  |  |"
    wrong = section(text, "What went wrong")
    assert "“1. Look” of “Connection pool” was skipped: killed 2 operations" in wrong
    assert section(text, "Root causes").startswith("*Which circumstances")


def test_the_timeline_is_in_order_with_what_was_added_and_corrected(desk: Desk) -> None:
    text = section(incident_markdown(reported(desk)), "Timeline")
    times = re.findall(r"^- (\S+)", text, re.M)
    assert times == sorted(times)
    assert (
        "- 02:44:00 alice: killed 2 operations (added 02:47:07)"
        " (corrected by alice at 02:47:07: it was three)\n"
    ) in text
    assert "- 02:42:07 alice: done: 2. Kill\n  - Connections 96 % → 41 %\n" in text
    assert "  ```text\n  Connections 96 % → 41 %\n  killed 2 operations\n  ```\n" in text
    assert "  - next: killed 2 operations\n" in text


def test_no_command_closes_its_fence(desk: Desk) -> None:
    text = incident_markdown(reported(desk))
    block = "````text\nkill '1'\n```\n# x\n````\n\nIt ended with 0 after 4 s.\n"
    assert f"\n#### 02:42:07 alice: Kill on ops1\n\n{block}" in text


def test_a_long_incident_has_dates_in_its_times(desk: Desk) -> None:
    deck = desk.deck()
    alarmed(deck, desk.clock)
    desk.clock.forward(days=1)
    deck.record(acts.state(the(deck), "resolved", "x"))
    text = section(incident_markdown(read_incident(deck, ID)), "Timeline")
    assert text.splitlines()[-1] == "- 2026-11-24 02:41:07 alice: incident resolved: x"


def test_an_open_incident_can_be_reported(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(*acts.start(ID, title="x", operator="alice"))
    report = read_incident(deck, ID)
    text = incident_markdown(report)
    assert "- Status: open\n" in text
    assert "| 0 s | 0 s | not known | not known |" in text
    assert "## Gauges" not in text
    assert len(incident_html(report)) > 2_000


def test_hostile_text_is_text_in_markdown(desk: Desk) -> None:
    # GIVEN an incident in which every text is hostile
    text = incident_markdown(reported(desk, HOSTILE))
    # THEN nothing of it steers a terminal
    assert CONTROLS.findall(text) == []
    # AND none of it is markup
    tokens = MARKDOWN.parse(text)
    assert {"html_block", "code_block"}.isdisjoint(token.type for token in tokens)
    texts = [words(token) for token in tokens if token.type == "inline"]
    shown = " ".join(visible(HOSTILE).split())
    assert sum(shown in each for each in texts) > 10
    written = "".join(token.content for token in tokens if token.type == "inline")
    assert "www\\." in written
    assert "www." not in written


def test_the_same_incident_is_the_same_report(desk: Desk) -> None:
    # GIVEN the report of a resolved incident, written and recorded as written
    deck = desk.deck()
    suffered(deck, desk.clock)
    first = write_report(desk.home, ID, incident_markdown(read_incident(deck, ID)))
    data = {"incident": ID, "file": f"incidents/{ID}.md", "sha256": first.sha256}
    deck.record(Draft(ev.INCIDENT_REPORTED, data))
    # WHEN it is written again, another day
    desk.clock.forward(days=1)
    second = write_report(desk.home, ID, incident_markdown(read_incident(deck, ID)))
    # THEN it is the same
    assert second == first


TEXT = st.text(
    st.one_of(st.sampled_from("\\`*_{}[]()<>#|~&!$@:.-+=1 \n\x1b\u202ehtps/w"), st.characters()),
    max_size=40,
)


@given(TEXT)
def test_any_text_is_shown_as_itself(text: str) -> None:
    wanted = " ".join(visible(text).split())
    lines = MARKDOWN.parse(f"- {told(text)}\n  - {told(text)}\n")
    assert [words(t) for t in lines if t.type == "inline"] == ([wanted] * 2 if wanted else [])


@given(TEXT)
def test_any_text_stays_in_its_fence(text: str) -> None:
    tokens = MARKDOWN.parse("\n".join([*fenced(text), "end"]))
    assert [token.type for token in tokens][:2] == ["fence", "paragraph_open"]
    assert CONTROLS.findall(tokens[0].content) == []


def test_a_command_that_still_runs_is_no_mishap(desk: Desk) -> None:
    deck = desk.deck()
    alarmed(deck, desk.clock)
    ran(deck, "aa", "Kill", "kill 1", outcome="running")
    text = incident_markdown(read_incident(deck, ID))
    assert "did not end well" not in section(text, "What went wrong")
    assert "It is running." in text


# HTML


class Seen(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


OURS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "h4", "p", "ul", "li",
    "table", "thead", "tbody", "tr", "th", "td", "pre",
}  # fmt: skip


def test_html_is_one_page_with_nothing_from_elsewhere(desk: Desk) -> None:
    page = incident_html(reported(desk, HOSTILE))
    seen = Seen(page)
    assert set(seen.tags) == OURS
    assert seen.attributes == {"lang", "charset", "name", "content", "http-equiv", "class"}
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "@import" not in page
    assert "size: A4" in page
    assert CONTROLS.findall(page) == []
    assert seen.text.count(visible(HOSTILE)) > 10
    for name in SECTIONS:
        assert f">{name}</h" in page


# JSON and CSV


def test_json_holds_everything(desk: Desk) -> None:
    report = reported(desk, HOSTILE)
    text = msgspec.json.encode(incident_object(report.one, report.beside, ZoneInfo("UTC")))
    found = json.loads(text)

    assert (found["id"], found["state"], found["severity"]) == (ID, "resolved", "critical")
    assert (found["started_at"], found["began_at"]) == (
        "2026-11-23T02:41:07.000Z",
        "2026-11-23T02:37:07.000Z",
    )
    assert found["times"] == {
        "to_detect_s": 60.0,
        "to_acknowledge_s": 240.0,
        "to_mitigate_s": 600.0,
        "to_resolve_s": 1320.0,
    }
    assert (found["roles"], found["people"]) == ({"commander": "bob"}, ["alice", "bob"])
    assert (found["targets"], found["gauge"], found["timezone"]) == (["db"], GAUGE, "UTC")
    (playbook,) = found["playbooks"]
    assert (playbook["id"], playbook["digest"]) == ("pool", "ab" * 32)
    assert [(s["id"], s["state"], s["reason"]) for s in playbook["steps"]] == [
        ("1-look", "skipped", HOSTILE),
        ("2-kill", "done", None),
    ]
    assert found["commands"][0] == {
        "name": "Kill",
        "text": "kill '1'\n```\n# x",
        "playbook": "pool",
        "step": "2-kill",
        "host": "ops1",
        "at": "2026-11-23T02:42:07.000Z",
        "by": "alice",
        "outcome": "exited",
        "exit_code": 0,
        "duration_s": 4.2,
    }
    note = next(entry for entry in found["timeline"] if entry["added_at"])
    assert (note["at"], note["added_at"], note["corrected"]) == (
        "2026-11-23T02:44:00.000Z",
        "2026-11-23T02:47:07.000Z",
        [{"text": "it was three", "by": "alice", "at": "2026-11-23T02:47:07.000Z"}],
    )
    assert set(note) == {"id", "at", "kind", "by", "text", "more", "added_at", "corrected"}


def test_csv_is_one_line_an_entry_and_no_formula(desk: Desk) -> None:
    report = reported(desk, HOSTILE)
    text = incident_csv(report)
    rows = list(csv.reader(io.StringIO(text)))
    assert tuple(rows[0]) == HEADER
    assert len(rows) == len(text.splitlines()) == len(report.entries) + 1
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "|", "%"))]
    assert "'" + visible(HOSTILE) in cells
    assert CONTROLS.findall(text) == []


def test_data_of_any_shape_breaks_no_format(desk: Desk) -> None:
    # GIVEN events of another writer, with nothing in them as it should be
    deck = desk.deck()
    alarmed(deck, desk.clock)
    odd: list[Any] = [None, 7, -1e999, "x", [], ["x"], {"a": 1}, True]
    types = sorted(ev.INCIDENTS - {ev.INCIDENT_STARTED})
    keys = ("playbook", "step", "state", "title", "reason", "role", "to", "name", "text", "host",
            "command", "duration_s", "exit_code", "outcome", "output", "found", "when")  # fmt: skip
    for kind in types:
        for value in odd:
            bad = [{"id": "x", "title": value, "value": value, "unit": value}, value]
            data = {"incident": ID, **dict.fromkeys(keys, value), "gauges": bad}
            deck.record(Draft(kind, {**data, "command": "cc"}), Draft(kind, data))
    deck.record(*(turned("ok", value) for value in odd))
    # WHEN it is reported
    report = read_incident(deck, ID)
    # THEN every format can be made
    assert incident_markdown(report)
    assert incident_html(report)
    assert incident_csv(report)
    assert msgspec.json.encode(incident_object(report.one, report.beside, UTC))


def test_what_there_is_not_is_told(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no incident '2026-01-01-0000'"):
        read_incident(desk.deck(), "2026-01-01-0000")


def test_a_beginning_at_the_edge_of_the_calendar_is_borne(desk: Desk) -> None:
    deck = desk.deck(timezone="America/New_York")
    data = {"incident": ID, "title": "x", "began": "0001-01-01T00:00:00Z"}
    deck.record(Draft(ev.INCIDENT_STARTED, data), turned("critical", 96))
    assert section(incident_markdown(read_incident(deck, ID)), "Timeline").count("\n") == 1
