"""`opsdeck report`: every format read back, and nothing from outside acting in it."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsdeck.reports.as_csv import HEADER, safe_cell
from opsdeck.reports.as_markdown import safe
from opsdeck.text import visible
from tests.cli.conftest import CommandLine

TLS = "infrastructure/tls-certificate"
RENEWAL = "infrastructure/cert-renewal"
HOSTILE = "=cmd()|<b onload=x>`rm`\x1b[31m\u202e [x](javascript:1) ![i](http://e) &lt; *a* _b_\n# h"


@pytest.fixture
def walked(released: CommandLine) -> CommandLine:
    """A release in which something was said."""
    released("attest", TLS, "--note", HOSTILE)
    until = "2099-12-01 18:00 Europe/Berlin"
    released("waive", RENEWAL, "-r", "own CA", "--approver", "carol", "--until", until)
    released("defer", "infrastructure/firewall-rules", "-r", "freeze", "--due", "2099-12-24")
    released("note", RENEWAL, "-m", "ticket | 4711")
    released("note", RENEWAL, "-m", "taken back")
    released("undo", "infrastructure")
    return released


def words(token: Token) -> str:
    """The text of an inline token; anything but text in it is a failure."""
    children = token.children or []
    assert {child.type for child in children} <= {"text", "text_special"}, token.content
    return "".join(child.content for child in children)


def test_markdown_shows_every_item_as_text(walked: CommandLine) -> None:
    result = walked("report", "infrastructure")
    assert (result.code, result.err) == (0, "")
    assert not {"\x1b", "\u202e"} & set(result.out)

    tokens = MarkdownIt("commonmark").enable("table").parse(result.out)
    assert "html_block" not in {token.type for token in tokens}
    texts = [words(token) for token in tokens if token.type == "inline"]
    rows = [texts[n : n + 5] for n in range(texts.index("State"), texts.index("Notes"), 5)]
    assert rows[0] == ["State", "Item", "By", "At", "Why"]
    assert len(rows) == 9
    assert [row[0] for row in rows[1:4]] == ["attested", "waived", "deferred"]
    assert rows[1][2] == "alice"
    assert rows[1][4] == " ".join(visible(HOSTILE).split())
    assert rows[2][4] == "own CA; approved by carol; until 2099-12-01 17:00 UTC"
    assert rows[3][4] == "freeze; due 2099-12-24"
    assert [t for t in texts if t.endswith(": ticket | 4711")]
    assert not [t for t in texts if "taken back" in t]
    assert "Run: release/v1/infrastructure" in texts
    assert "State: open, 6 of 8 done" in texts


def test_json_holds_everything(walked: CommandLine) -> None:
    report = json.loads(walked("report", TLS.split("/")[0], "--format", "json").out)

    assert set(report) == {"title", "deck", "generated_at", "timezone", "done", "items", "runs"}
    generated = datetime.fromisoformat(report["generated_at"])
    assert abs((datetime.now(UTC) - generated).total_seconds()) < 60
    (run,) = report["runs"]
    assert (run["run"], run["done"], run["items"]) == ("release/v1/infrastructure", 6, 8)
    attested, waived = run["results"][:2]
    assert (attested["state"], attested["by"], attested["why"]) == (
        "attested",
        "alice",
        HOSTILE.strip(),
    )
    assert (waived["approver"], waived["zone"], waived["until"]) == (
        "carol",
        "Europe/Berlin",
        "2099-12-01T17:00:00.000Z",
    )
    assert [(n["by"], n["text"]) for n in waived["notes"]] == [("alice", "ticket | 4711")]


def test_csv_is_one_line_an_item_and_no_formula(walked: CommandLine) -> None:
    result = walked("report", "infrastructure", "--format", "csv")

    rows = list(csv.reader(result.lines))
    assert tuple(rows[0]) == HEADER
    assert len(rows) == 9
    by_item = {row[2]: dict(zip(HEADER, row, strict=True)) for row in rows[1:]}
    assert by_item["tls-certificate"]["why"] == "'" + visible(HOSTILE)
    assert by_item["cert-renewal"]["approver"] == "carol"
    assert by_item["cert-renewal"]["notes"].endswith(": ticket | 4711")


def test_a_release_is_one_report_of_its_nine_lists(walked: CommandLine) -> None:
    report = json.loads(walked("report", "v1", "--format", "json").out)
    assert report["title"] == "Release v1"
    assert (len(report["runs"]), report["items"]) == (9, 80)
    text = walked("report", "v1").out
    assert len(re.findall("^## ", text, re.M)) == 9 + len(["Sign-off"])
    assert len(walked("report", "v1", "--format", "csv").lines) == 81
    assert walked("report", "release/v1", "--format", "csv").out == (
        walked("report", "v1", "--format", "csv").out
    )


def test_a_run_of_the_past_can_be_reported(opsdeck: CommandLine) -> None:
    opsdeck("attest", "daily-operations/2026-01-05/app-health")
    text = opsdeck("report", "daily-operations/2026-01-05").out
    assert "- State: missed, 1 of 8 done" in text
    assert "- Ended: 2026-01-06 00:00 UTC" in text


def test_into_a_file(walked: CommandLine) -> None:
    for form in ("md", "json", "csv"):
        target = walked.folder / f"x.{form}"
        result = walked("report", "v1", "--format", form, "--output", target.name)
        assert result.out == f"reported Release v1 to x.{form}\n"
        assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads((walked.folder / "x.json").read_text())["items"] == 80
    failed = walked("report", "v1", "--output", "home")
    assert (failed.code, failed.out) == (74, "")


@pytest.mark.parametrize("word", ["v2", "infrastrukture", "daily-operations/2026-13-01", "a/b/c"])
def test_what_is_none_is_told(released: CommandLine, word: str) -> None:
    result = released("report", word)
    assert (result.code, result.out) == (64, "")
    assert word in result.err


TEXT = st.text(
    st.one_of(st.sampled_from("\\`*_{}[]()<>#|~&!$@:.-+=1 \n\x1b\u202ehtps/w"), st.characters()),
    max_size=40,
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@given(TEXT)
def test_any_text_is_shown_as_itself_in_markdown(text: str) -> None:
    wanted = " ".join(visible(text).split())
    table = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {safe(text)} | end |\n")
    cells = [words(token) for token in table if token.type == "inline"]
    assert cells == ["a", "b", wanted, "end"]
    alone = [token for token in MARKDOWN.parse(safe(text)) if token.type == "inline"]
    assert " ".join(words(token) for token in alone) == wanted


@given(TEXT)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "|", "%"))
    assert cell in (visible(text), "'" + visible(text))
    assert not {"\n", "\r", "\t", "\x1b"} & set(cell)
