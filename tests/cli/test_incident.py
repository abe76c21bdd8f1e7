"""`opsdeck incident` and `opsdeck list incidents`: one command for each act, for scripts."""

from __future__ import annotations

import json
import re
from typing import Any

import pexpect
import pytest

from tests.cli.conftest import CommandLine
from tests.cli.test_completion import offered
from tests.cli.test_hostile import HOSTILE, NOTE
from tests.cli.walked import earlier, make_deck, terminal
from tests.watched import Waiting, service

__all__ = ["service"]

CONTACTS = """
[oncall]
rotation = ["alice", "bob"]
start = "2020-01-06 09:00"
every = "7d"
[[oncall.escalate]]
after = "10s"
to = ["carol"]
[[oncall.escalate]]
after = "30m"
to = ["dave"]
[[contact]]
name = "alice"
role = "on call"
phone = "+1 \\u001b[31m 555"
[[contact]]
name = "bob"
mail = "bob@example.org"
"""
GAUGE = """
[targets.web]
kind = "web"
url = "{url}"
[[gauge]]
id = "queue"
title = "Mails waiting"
probe = {{ kind = "http", target = "web" }}
value = "body.waiting"
warn = 50
crit = 90
playbook = "own"
"""


@pytest.fixture
def opened(opsdeck: CommandLine) -> CommandLine:
    """A deck on which alice started an incident and walks `own`."""
    make_deck(opsdeck)
    assert opsdeck("incident", "start", "Orders fail", "--playbook", "own").code == 0
    return opsdeck


def the(opsdeck: CommandLine) -> Any:
    """The newest incident."""
    return opsdeck.json("incident", "show", opsdeck.json("list", "incidents")[0]["id"])


def test_start_says_its_id_and_what_to_do(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    result = opsdeck("incident", "start", "Orders fail", "--severity", "crit", "--target", "web")
    found = re.fullmatch(
        r"started incident (\S+), critical: Orders fail\n"
        r"  opsdeck walk something-is-wrong --incident (\S+)\n",
        result.out,
    )
    assert found is not None
    assert the(opsdeck)["id"] == found[1] == found[2]
    assert (the(opsdeck)["targets"], the(opsdeck)["roles"]) == (["web"], {"commander": "alice"})


def test_who_knows_when_it_began_says_so(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    opsdeck("incident", "start", "Orders fail", "--began", earlier())
    found = the(opsdeck)
    assert 11.9 * 3_600 < found["times"]["to_detect_s"] < 12.1 * 3_600
    # AND it can be said later, too
    assert opsdeck("incident", "change", "--began", found["started_at"][:16]).code == 0
    assert the(opsdeck)["times"]["to_detect_s"] < 120


def test_who_says_nothing_is_asked_on_a_terminal(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    # WHEN somebody only starts it
    with terminal(opsdeck, command=("incident", "start")) as child:
        child.expect("What is wrong[?] In a line, for everybody: ")
        child.sendline("Orders fail")
        child.expect("started incident .*: Orders fail")
        child.expect(pexpect.EOF)
    assert the(opsdeck)["title"] == "Orders fail"
    # AND ctrl+c starts nothing
    with terminal(opsdeck, command=("incident", "start")) as child:
        child.expect("What is wrong[?]")
        child.sendintr()
        child.expect(pexpect.EOF)
        child.wait()
        assert "Traceback" not in child.before
        assert child.exitstatus == 130
    assert len(opsdeck.json("list", "incidents")) == 1


def test_a_playbook_gives_title_and_severity(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    started = opsdeck.json("incident", "start", "--playbook", "own")
    assert set(started) == {
        "id", "title", "severity", "state", "started_at", "resolved_at", "playbooks", "commander",
    }  # fmt: skip
    assert (started["title"], started["severity"]) == ("Own playbook", "critical")
    assert started["playbooks"] == ["own"]


def test_a_gauge_gives_title_playbook_and_beginning(opsdeck: CommandLine, service: Waiting) -> None:
    make_deck(opsdeck, config=GAUGE.format(url=service.partner.url))
    service.number = 95
    opsdeck("glance")
    started = opsdeck.json("incident", "start", "--gauge", "queue")
    assert (started["severity"], started["playbooks"]) == ("critical", ["own"])
    assert started["title"].startswith("web: Mails waiting 95, limit 90")
    found = the(opsdeck)
    assert (found["targets"], found["gauge"]) == (["web"], "queue")
    assert found["began_at"] <= found["started_at"]
    # AND while it is open, there is no second one for it
    again = opsdeck("incident", "start", "--gauge", "queue")
    assert (again.code, again.out) == (64, "")
    assert f"{started['id']} is open for gauge 'queue' already" in again.err


def test_a_whole_incident(opened: CommandLine) -> None:
    acts: list[tuple[tuple[str, ...], str]] = [
        (("note", "errors", "at", "9 %"), r"noted in \S+"),
        (("note", earlier(), "it began"), r"noted in \S+, filed at .*\d\d:\d\d \S+"),
        (("note", "--update", "orders are slow"), r"noted in \S+"),
        (("step", "1", "done"), r"done: Look first \(\S+\)"),
        (("step", "act", "skipped", "-r", "no need"), r"skipped: Act \(\S+\)"),
        (("step", "1", "to do"), r"to do: Look first \(\S+\)"),
        (("step", "only", "doing", "--playbook", "other"), r"doing: Only \(\S+\)"),
        (("set", "host=web 3", "port=8"), r"host = web 3\nport = 8"),
        (("change", "--severity", "low", "--title", "Slow"), r"incident \S+, low: Slow"),
        (("change", "--target", "web", "--began", earlier()), r"incident \S+, low: Slow"),
        (("role", "scribe"), r"alice is scribe of \S+"),
        (("role", "commander", "--to", "bob", "--next", "watch"), r"bob is commander of \S+"),
        (("mitigate", "--note", "old version"), r"incident \S+ is mitigated"),
        (("reopen",), r"incident \S+ is reopened"),
        (("state", "mitigated"), r"incident \S+ is mitigated"),
    ]
    for arguments, said in acts:
        result = opened("incident", *arguments)
        assert (result.code, result.err) == (0, ""), arguments
        assert re.fullmatch(said + "\n", result.out), result.out
    found = the(opened)
    assert (found["title"], found["severity"], found["state"]) == ("Slow", "low", "mitigated")
    assert found["targets"] == ["web"]
    assert found["variables"] == {"host": "web 3", "port": "8"}
    assert [walk["id"] for walk in found["playbooks"]] == ["own", "other"]
    assert {s["id"]: s["state"] for s in found["playbooks"][0]["steps"]} == {
        "look-first": "to do",
        "act": "skipped",
    }
    texts = [entry["text"] for entry in found["timeline"]]
    assert "errors at 9 %" in texts
    assert "hands commander over to bob" in texts


def test_resolving_writes_the_report_and_says_what_it_proves(opened: CommandLine) -> None:
    opened("--operator", "bob", "incident", "note", "hello")
    result = opened("incident", "resolve", "--note", "rolled back")
    identity = the(opened)["id"]
    report = opened.home / "incidents" / f"{identity}.md"
    assert f"report written: {report}" in result.lines
    assert report.read_text(encoding="utf-8").startswith("# Post-incident report: Orders fail")
    # AND the lines that it offers do attest
    lines = [line.strip() for line in result.lines if line.startswith("    opsdeck attest ")]
    assert len(lines) == 3
    import shlex

    for line in lines:
        assert opened(*shlex.split(line)[1:]).code == 0
    attested = opened.json("list", "items", "critical-issues")
    notes = {item["id"]: item["why"] for item in attested if item["state"] == "attested"}
    assert notes["response-team"] == (f"alice commanded, 2 people took part (incident {identity})")
    # AND what was attested is not offered again
    opened("incident", "reopen", identity)
    assert "opsdeck attest" not in opened("incident", "resolve").out


def test_an_edited_report_is_kept(opened: CommandLine) -> None:
    opened("incident", "report")
    [file] = (opened.home / "incidents").iterdir()
    file.write_text("mine\n", encoding="utf-8")
    result = opened("incident", "report", the(opened)["id"][:10])
    assert f"  {file} was edited and stays as it is" in result.lines
    assert file.read_text(encoding="utf-8") == "mine\n"


def test_a_report_that_cannot_be_written_is_told_and_the_state_stays(opened: CommandLine) -> None:
    (opened.home / "incidents").write_text("in the way", encoding="utf-8")
    result = opened("incident", "resolve")
    assert result.code == 74
    found = the(opened)
    assert f"incident {found['id']} is resolved" in result.out
    # AND what it proves is offered all the same, and how the report is tried again
    assert re.search(r"^    opsdeck attest \S*/response-team --note ", result.out, re.M)
    again = f"{found['id']} is resolved, `opsdeck incident report {found['id']}` tries again"
    assert result.err.rstrip().endswith(again)
    assert "post-incident-review" not in result.out
    assert found["state"] == "resolved"
    # AND it is
    (opened.home / "incidents").unlink()
    assert opened("incident", "report", found["id"]).code == 0
    assert (opened.home / "incidents" / f"{found['id']}.md").is_file()


def test_what_is_shown(opened: CommandLine) -> None:
    opened("incident", "step", "1", "done")
    opened("incident", "note", "errors")
    lines = opened("incident", "show").lines
    identity = the(opened)["id"]
    assert lines[0] == f"{identity}  Orders fail"
    told = "\n".join(lines)
    assert re.search(r"state +open, critical, for \d+ s", told)
    assert re.search(r"roles +commander alice, scribe nobody", told)
    assert "Own playbook (own): 1 of 4" in lines
    assert re.search(r" 1  done   \d\d:\d\d alice  Look first", told)
    assert re.search(r"\d\d:\d\d:\d\d  alice errors  \[\d+\]", told)
    # AND one kind alone
    notes = opened("incident", "show", "--kind", "note", "--utc").out
    assert "alice errors" in notes
    assert "done: Look first" not in notes
    [entry] = opened.json("incident", "show", "--kind", "note")["timeline"]
    assert entry["text"] == "errors"


def test_an_entry_is_corrected_by_what_stands_behind_it(opened: CommandLine) -> None:
    opened("incident", "note", "errors")
    [line] = [x for x in opened("incident", "show").lines if x.split("[")[0].endswith("errors  ")]
    name = line.partition("[")[2].rstrip("]")
    assert opened("incident", "correct", name, "only", "warnings").code == 0
    [told] = [line for line in opened("incident", "show").lines if "only warnings" in line]
    when = r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d"
    assert re.fullmatch(rf"      corrected by alice, {when}: only warnings", told)
    wrong = opened("incident", "correct", "999", "x")
    assert (wrong.code, wrong.out) == (64, "")
    assert "has no entry '999'" in wrong.err


MISTAKES: list[tuple[tuple[str, ...], str]] = [
    (("start",), "say in a few words what is wrong"),
    (("start", "x", "--severity", "odd"), "must be one of critical, high, medium, low"),
    (("start", "x", "--playbook", "owm"), "there is no playbook 'owm'; did you mean 'own'?"),
    (("start", "--gauge", "host-cpo"), "there is no gauge 'host-cpo'; did you mean 'host-cpu'?"),
    (("start", "x", "--target", "a" * 201), "the target has 201 characters; at most 200 fit"),
    (("note", "  "), "a note is needed"),
    (("note", "2999-01-01 10:00 x"), "is yet to come"),
    (("show", "1999"), "there is no incident '1999': see `opsdeck list incidents`"),
    (("state", "reopened"), "it cannot become reopened"),
    (("state", "odd"), "'odd' is not one of 'mitigated', 'resolved', 'reopened'"),
    (("mitigate", "a", "-i", "b"), "two incidents are named: a and b"),
    (("role", "cook"), "'cook' is not one of 'commander', 'scribe'"),
    (("role", "commander"), "alice is commander already"),
    (("role", "scribe", "--done", "x"), "say to whom with --to NAME"),
    (("step", "9", "done"), "'9' is no step of own: write a number from 1 to 4"),
    (("step", "1", "failed"), "a reason is needed"),
    (("step", "1", "done", "--playbook", "odd"), "there is no playbook 'odd'"),
    (("set", "host"), "'host' says no value: write NAME=VALUE"),
    (("set", "a b=c"), "'a b' is no name of a variable"),
    (("change",), "nothing is changed"),
    (("change", "--began", "early"), "'early' is no time: write 14:05, or"),
    (("start", "x", "--began", "2999-01-01 10:00"), "is yet to come: write what happened"),
]


@pytest.mark.parametrize(("words", "told"), MISTAKES, ids=[" ".join(w) for w, _ in MISTAKES])
def test_a_mistake_is_told_and_nothing_is_written(
    opened: CommandLine, words: tuple[str, ...], told: str
) -> None:
    before = len(the(opened)["timeline"])
    result = opened("incident", *words)
    assert (result.code, result.out) == (64, "")
    assert told in result.err
    assert len(the(opened)["timeline"]) == before


def test_which_one_is_meant(opsdeck: CommandLine) -> None:
    assert "no incident is open: start one" in opsdeck("incident", "note", "x").err
    opsdeck("incident", "start", "One")
    opsdeck("incident", "start", "Two")
    two, one = (found["id"] for found in opsdeck.json("list", "incidents"))
    result = opsdeck("incident", "note", "x")
    assert (result.code, result.out) == (64, "")
    assert one in result.err
    assert two in result.err
    assert opsdeck("incident", "note", "x", "-i", two).code == 0
    opsdeck("incident", "resolve", two)
    assert opsdeck("incident", "note", "y").out == f"noted in {one}\n"
    opsdeck("incident", "resolve")
    assert "name the one to reopen" in opsdeck("incident", "reopen").err
    assert opsdeck("incident", "reopen", one).code == 0


def test_lists(opened: CommandLine) -> None:
    opened("incident", "resolve")
    opened("incident", "start", "Another", "--severity", "low")
    new, old = opened.json("list", "incidents")
    assert (new["title"], new["state"], new["resolved_at"]) == ("Another", "open", None)
    assert (old["state"], old["playbooks"], old["commander"]) == ("resolved", ["own"], "alice")
    assert old["resolved_at"] >= old["started_at"]
    assert [one["id"] for one in opened.json("incident", "list", "--open")] == [new["id"]]
    assert [line.split()[:3] for line in opened("list", "incidents").lines] == [
        [new["id"], "open", "low"],
        [old["id"], "resolved", "critical"],
    ]


def test_where_there_was_none(opsdeck: CommandLine) -> None:
    assert opsdeck.json("list", "incidents") == []
    assert opsdeck("list", "incidents").out.startswith("no incident was ever started: ")
    assert opsdeck("list", "incidents", "--open").out.startswith("no incident is open: ")
    assert not opsdeck.home.exists()


def test_whom_to_call(opsdeck: CommandLine) -> None:
    assert "nobody is named yet: in opsdeck.toml" in opsdeck("incident", "contacts").out
    make_deck(opsdeck, config=CONTACTS)
    lines = opsdeck("incident", "contacts").lines
    assert re.match(r"on call: (alice|bob), until \w{3} .*, then (alice|bob)$", lines[0])
    assert "escalation: after 30 min dave" in lines
    assert "bob" in lines
    assert "  mail   bob@example.org" in lines
    found = opsdeck.json("incident", "contacts")
    assert found["on_call"]["who"] in ("alice", "bob")
    assert [(rung["to"], rung["due"]) for rung in found["escalation"]] == [
        (["carol"], False),
        (["dave"], False),
    ]
    assert found["people"][1] == {
        "name": "bob", "role": None, "note": None, "mail": "bob@example.org"
    }  # fmt: skip
    assert HOSTILE.findall("\n".join(lines)) == []


def test_an_open_incident_is_seen_in_a_glance(opened: CommandLine) -> None:
    identity = the(opened)["id"]
    found = json.loads(opened("glance", "--json", "--last-known").out)
    assert found["incidents"] == [
        {
            "id": identity,
            "title": "Orders fail",
            "severity": "critical",
            "state": "open",
            "started_at": the(opened)["started_at"],
        }
    ]
    assert found["status"] == "warning"
    shown = opened("glance", "--last-known")
    assert shown.code == 1
    assert re.search(rf"incident +! Orders fail: critical, open for \d+ s, {identity}", shown.out)
    assert shown.lines[-1].endswith(f"`opsdeck incident show {identity}`")
    assert "1 incident open" in opened("glance", "--nagios", "--last-known").out
    assert "opsdeck_incidents_open" in opened("glance", "--openmetrics", "--last-known").out
    opened("incident", "resolve")
    found = json.loads(opened("glance", "--json", "--last-known").out)
    assert found["incidents"] == []


def test_hostile_text_is_harmless(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    assert opsdeck("incident", "start", NOTE, "--target", NOTE).code == 0
    acts: list[tuple[str, ...]] = [
        ("note", NOTE),
        ("mitigate", "--note", NOTE),
        ("role", "commander", "--to", NOTE, "--next", NOTE),
        ("set", f"x={NOTE}"),
        ("show",),
        ("show", "--json"),
        ("show", NOTE),
        ("list",),
        ("step", NOTE, "done"),
        ("change", "--title", f"{NOTE}!"),
        ("resolve",),
    ]
    for words in acts:
        result = opsdeck("incident", *words)
        assert HOSTILE.findall(result.out) == [], words
        assert HOSTILE.findall(result.err) == [], words
    assert HOSTILE.findall(opsdeck("list", "incidents").out) == []


def test_help_fits_and_has_examples(opsdeck: CommandLine) -> None:
    from opsdeck.commands.incidents import incident

    for name in incident.commands:
        result = opsdeck("incident", name, "--help")
        assert (result.code, result.err) == (0, "")
        assert f"Examples:\n    opsdeck incident {name}" in result.out
        assert max(map(len, result.lines)) <= 80, name


def test_ids_are_offered(opened: CommandLine) -> None:
    identity = the(opened)["id"]
    assert offered(opened, "opsdeck incident show 2") == [identity]
    assert offered(opened, "opsdeck incident note x -i 2") == [identity]
    assert "own" in offered(opened, "opsdeck walk o")
    assert offered(opened, "opsdeck incident step ") == ["look-first", "act", "wait", "finish"]
    assert offered(opened, "opsdeck incident start --playbook high-c") == ["high-cpu-usage"]
