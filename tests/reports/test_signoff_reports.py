"""The record of a sign-off as Markdown, HTML and JSON: the form first, hostile text as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from opsdeck.checks.evidence import Evidence
from opsdeck.checks.result import Judged
from opsdeck.reports.signoff_html import signoff_html
from opsdeck.reports.signoff_markdown import signoff_markdown
from opsdeck.reports.signoff_object import signoff_object
from opsdeck.signoff.record import Record
from opsdeck.text import visible
from tests.incidents.outage import HOSTILE
from tests.signoff.recorded import KEY, NAME, at, content, item, note, record, sign, whole

BERLIN = ZoneInfo("Europe/Berlin")
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
SECTIONS = ["Sign-Off", "Gate", "Waivers, overrides and deferrals", "Signatures", "Items"]
NOTES = "Moved DNS first.\n\n  Then the rest."
FORM = {"date": "2026-11-23", "window": "02:00 to 04:00", "notes": NOTES}
LOOKED = Evidence(
    expect=(
        Judged("status == `200`", True, "status 200"),
        Judged("took_ms < `500`", False, "took_ms 812"),
    ),
    cause="timeout",
)


def noted() -> Record:
    """A record with notes, signed by all."""
    return whole(content(**FORM))


def hostile() -> Record:
    """Everything that people wrote is hostile."""
    data = content(HOSTILE)
    return record(
        data,
        sign(data, "deployer", HOSTILE, 20, reason=HOSTILE, fingerprint=HOSTILE),
        sign(data, "verifier", f"{HOSTILE}2", 21, signature="", statement=HOSTILE),
    )


class Page(HTMLParser):
    """A page: its tags, attributes and text; tags that do not fit are a failure."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.lines: list[str] = []
        self._within: list[str] = []
        self.feed(page)
        self.close()
        assert self._within == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._within.pop() == tag

    def handle_data(self, data: str) -> None:
        if "body" in self._within and data.strip():
            self.lines.append(data)


# The form


def test_the_form_is_that_of_the_reference_filled_in() -> None:
    text = signoff_markdown(whole(content(**FORM)), BERLIN)
    assert (
        "**Deployment Date**: 2026-11-23\\\n"
        "**Deployed By**: alice, 2026-11-23 03:58 CET\\\n"
        "**Verified By**: bob, 2026-11-23 03:59 CET\\\n"
        "**Approved By**: carol, 2026-11-23 04:00 CET\\\n"
        "**Deployment Window**: 02:00 to 04:00\n"
    ) in text
    assert f"### Notes\n\n```text\n{NOTES}\n```\n" in text
    assert text.startswith(f"# Sign-off of release {NAME}\n\n- State: complete\n")


def test_its_sections_are_in_order_and_what_was_set_aside_stands_before_the_items() -> None:
    text = signoff_markdown(whole(), BERLIN)
    assert re.findall(r"^## (.*)$", text, re.M) == SECTIONS
    page = signoff_html(whole(), BERLIN)
    assert re.findall(r"<h2>(.*)</h2>", page) == SECTIONS


def test_who_is_missing_is_said() -> None:
    data = content()
    found = record(data, sign(data, "approver", "carol"), approver=2)
    text = signoff_markdown(found, BERLIN)
    assert "- State: waits for deployer, verifier, approver\n" in text
    assert "**Deployment Date**: not given\\\n**Deployed By**: nobody yet\\\n" in text
    assert "**Approved By**: carol, 2026-11-23 03:58 CET; 1 more to sign" in text
    assert "### Notes\n\nNone.\n" in text


def test_nobody_has_signed() -> None:
    text = signoff_markdown(record(content()), BERLIN)
    assert "Nobody has signed yet." in text
    assert "Not known: nobody has signed" in text


# What must stand first


def test_break_glass_is_the_first_line() -> None:
    data = content()
    found = record(data, sign(data, "deployer", "alice", reason="the shop is down"))
    first = "BREAK-GLASS: signed against a closed gate: the shop is down"
    text = signoff_markdown(found, BERLIN)
    assert text.splitlines()[0] == f"**{first}**"
    page = Page(signoff_html(found, BERLIN))
    assert page.lines[0] == first
    assert "As alice signed as deployer: closed, and signed all the same because: the shop" in text
    assert "- ✗ does not hold: no deferred item without date" in text
    assert "event alice\\@box:20; BREAK-GLASS: the shop is down |" in text
    assert signoff_object(found)["first_lines"] == [first]


def test_a_name_alone_is_said_to_be_not_signed_everywhere() -> None:
    data = content()
    bare = sign(data, "deployer", "alice", signature="", fingerprint="", identity="")
    found = record(data, bare)
    text = signoff_markdown(found, BERLIN)
    assert text.splitlines()[0] == "**NOT SIGNED: names only**"
    assert "**Deployed By**: alice (not signed), 2026" in text
    assert "| Deployed By | alice (not signed) |  | 2026-11-23 03:58 CET | not signed; " in text
    assert "SSH signature" not in text
    page = Page(signoff_html(found, BERLIN))
    assert page.lines[0] == "NOT SIGNED: names only"
    assert page.lines.count("alice (not signed)") == 1
    (role,) = signoff_object(found)["roles"]
    assert (role["signed"], role["key"], role["identity"]) == (False, None, None)


def test_what_changed_since_is_told() -> None:
    changes = ["pre/i-1: was passed, is failed", "Notes was changed"]
    text = signoff_markdown(whole(), BERLIN, changes=changes)
    told = text.partition("## What changed since\n\n")[2].partition("\n\n## Gate")[0]
    assert told == (
        "**The signatures are out of date: what was signed is no longer what is.**\n\n"
        "- pre/i-1: was passed, is failed\n- Notes was changed"
    )
    assert "What changed since" not in signoff_markdown(whole(), BERLIN)
    assert signoff_object(whole(), changes=changes)["changes"] == changes


# Items and signatures


def test_items_stand_with_their_evidence() -> None:
    text = signoff_markdown(whole(), BERLIN, {"w:1": LOOKED})
    assert (
        "| ✓ passed | Health check answers; i-1 | alice; 2026-11-23 03:39 CET | status 200 |"
        " event w:1; line abababababab; evidence cdcdcdcdcdcd;"
        " ✓ status == \\`200\\`: found status 200; ✗ took\\_ms \\< \\`500\\`: found took\\_ms 812;"
        " ? timeout; valid until 2026-11-23 04:39 CET |\n"
    ) in text
    assert "- i-5, note of bob, 2026-11-23 03:42 CET: took two tries\n" in text
    assert "pre, Verification, release/v1.4.2/pre: 2 passed, 1 waived.\n" in text
    assert (
        "| waived; in force; approved by carol; until 2026-12-01 00:00 CET |"
        " Load is spread; pre/i-2 | bob; 2026-11-23 03:41 CET | the vendor is late |"
        " event w:3; line abababababab |\n"
    ) in text


def test_what_was_never_said_has_no_event() -> None:
    data = content()
    data["lists"][0]["items"] = [
        item(1, state="open", by=None, at=None, why=None, event=None, line=None, evidence=None),
        item(2, state="resting", line=None, notes=[note("no time", skipped=True)]),
    ]
    text = signoff_markdown(record(data), BERLIN)
    assert "| · open | Health check answers; i-1 |  |  |  |\n" in text
    assert "| ? resting | Health check answers; i-2 |" in text
    assert "event w:2; its line is not at hand; evidence cd" in text
    assert "- i-2, skipped of bob, 2026-11-23 03:42 CET: no time" in text
    assert "No item was waived, overridden, deferred or left unused." in text


def test_signatures_stand_with_identity_key_and_digest() -> None:
    found = whole()
    text = signoff_html(found, BERLIN)
    row = f"<td>Deployed By</td><td>alice</td><td>alice@acme.io<br>{KEY}</td>"
    assert f"{row}<td>2026-11-23 03:58 CET</td><td>SSH signature<br>" in text
    assert f"over content {found.sha256[:12]}<br>event alice@box:20</td>" in text
    assert f"Content (SHA-256): {found.sha256}" in text


# HTML


OURS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "li",
    "table", "thead", "tbody", "tr", "th", "td", "pre", "br",
}  # fmt: skip


@pytest.mark.parametrize("made", [noted, hostile])
def test_html_is_one_page_with_nothing_from_elsewhere(made: Callable[[], Record]) -> None:
    text = signoff_html(made(), BERLIN, {"w:1": LOOKED}, ["x was changed"])
    page = Page(text)
    assert page.tags == OURS
    assert page.attributes == {
        "lang", "charset", "name", "content", "http-equiv", "class", "scope",
    }  # fmt: skip
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    assert CONTROLS.findall(text) == []


def test_notes_keep_their_lines_in_html() -> None:
    page = signoff_html(whole(content(notes="\n  one\n\ntwo")), BERLIN)
    assert "<pre>\n\n  one\n\ntwo</pre>" in page  # a browser leaves the first newline out


def test_html_prints_well_on_a4() -> None:
    style = signoff_html(whole(), BERLIN).partition("</style>")[0]
    for rule in (
        "@page { size: A4; margin: 18mm 16mm; }",
        "thead { display: table-header-group; }",
        "tr { break-inside: avoid; }",
    ):
        assert rule in style


# Hostile text


def test_hostile_text_is_text_in_markdown() -> None:
    text = signoff_markdown(hostile(), BERLIN, changes=[HOSTILE])
    assert CONTROLS.findall(text) == []
    tokens = MARKDOWN.parse(text)
    assert {"html_block", "code_block"}.isdisjoint(token.type for token in tokens)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "hardbreak"}
    shown = " ".join(visible(HOSTILE).split())
    texts = ["".join(c.content for c in token.children or ()) for token in tokens]
    assert sum(shown in each for each in texts) > 10
    assert text.startswith("**BREAK-GLASS: signed against a closed gate: =cmd()")


@given(st.text(st.characters(), min_size=1, max_size=30))
def test_any_text_can_be_reported(said: str) -> None:
    data = content(said)
    found = record(data, sign(data, "deployer", said, reason=said))
    Page(signoff_html(found, BERLIN, changes=[said]))
    tokens = MARKDOWN.parse(signoff_markdown(found, BERLIN, changes=[said]))
    assert {"html_block", "code_block"}.isdisjoint(token.type for token in tokens)
    assert [t.content for t in tokens if t.type == "inline" and t.content in SECTIONS]
    json.dumps(signoff_object(found))


# JSON


def test_json_is_plain_and_complete() -> None:
    data = content(**FORM)
    found = json.loads(json.dumps(signoff_object(whole(data), BERLIN)))
    assert (found["release"], found["deck"], found["timezone"]) == (NAME, "Acme", "Europe/Berlin")
    assert (found["complete"], found["says"], found["missing"]) == (True, "complete", {})
    assert found["form"] == {**FORM, "stakeholders": None}
    assert found["gate"]["open"] is True
    assert found["gate"]["rules"][0] == {
        "rule": "every item of the release done: 3 of 3",
        "holds": True,
    }
    assert found["roles"][0] == {
        "role": "deployer", "name": "alice", "identity": "alice@acme.io", "key": KEY,
        "at": at(20), "signed": True, "break_glass": None, "event": "alice@box:20",
    }  # fmt: skip
    assert [(one["item"], one["kind"], one["in_force"]) for one in found["set_aside"]] == [
        ("i-2", "waived", True)
    ]
    assert found["lists"] == [
        {
            "id": "pre",
            "title": "Before",
            "cadence": "release",
            "run": f"release/{NAME}/pre",
            "total": 3,
            "counts": {"passed": 2, "waived": 1},
        }
    ]


def test_json_of_a_release_that_waits() -> None:
    data = content()
    found = signoff_object(record(data, sign(data, "deployer", "alice"), approver=3))
    assert (found["complete"], found["timezone"]) == (False, "Europe/Berlin")
    assert found["missing"] == {"verifier": 1, "approver": 3}
    assert signoff_object(record(data))["gate"] is None
