"""`opsdeck walk`: at a prompt on a dumb terminal and through a pipe; commands are really run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.test_hostile import HOSTILE, NOTE
from tests.cli.walked import (
    PLAYBOOK,
    PROMPT,
    acted,
    earlier,
    keepers,
    make_deck,
    shown,
    terminal,
    typed,
    until,
    walk,
)
from tests.probes.partners_http import blackhole

ASKED = r"Run this on this machine\? \[y/N\] "


@pytest.fixture
def own(opsdeck: CommandLine) -> CommandLine:
    return make_deck(opsdeck)


@pytest.fixture
def trusting(own: CommandLine) -> CommandLine:
    """The same, where the playbook was trusted."""
    walk(own, "j 2", "r 1", "y", "n", "M over")
    return own


def commands(opsdeck: CommandLine) -> list[tuple[str, str, int | None]]:
    """What was run, and how it ended."""
    return [(c["name"], c["outcome"], c["exit_code"]) for c in shown(opsdeck)["commands"]]


# Walking


def test_a_step_is_printed_with_numbers_for_all_that_can_be_done(own: CommandLine) -> None:
    lines = walk(own)
    assert re.fullmatch(r"started incident [\w-]+: Own playbook", lines[0])
    assert "== 1/4  Look first (doing) ==" in lines
    assert "[ ] t 2  nobody deploys" in lines
    assert "r 1  Looks  (only looks)" in lines
    assert "    $ echo looks at 80" in lines
    assert "g 2  another  -> other.md" in lines
    assert max(map(len, lines)) < 80
    identity = lines[0].removeprefix("started incident ").partition(":")[0]
    assert lines[-2:] == [
        f"`opsdeck walk own --incident {identity}` goes on here",
        f"left {identity}",
    ]


def test_a_whole_walk_is_on_the_timeline(own: CommandLine) -> None:
    # WHEN every kind of act is typed
    lines = walk(
        own,
        *("t 1", f"n {earlier()} it began", "u", "orders are slow", "v host=web-3", "d"),
        *("s not needed", "f", "still there", "h bob", "rolled back", "", "watch it"),
        *("a scribe", "m", "old version", "M all well"),
    )
    # THEN all of it is kept
    found = shown(own)
    assert found["state"] == "resolved"
    assert lines[-1] == f"left {found['id']}, which is resolved"
    assert any(line.endswith("host = web-3") for line in lines)
    assert found["severity"] == "critical"
    assert found["roles"] == {"commander": "bob", "scribe": "alice"}
    assert found["variables"] == {"host": "web-3"}
    steps = {s["id"]: (s["state"], s["reason"]) for s in found["playbooks"][0]["steps"]}
    assert steps == {
        "look-first": ("done", None),
        "act": ("skipped", "not needed"),
        "wait": ("failed", "still there"),
    }
    texts = [entry["text"] for entry in found["timeline"]]
    assert {"it began", "ticked: somebody was told", "told stakeholders: orders are slow"} < set(
        texts
    )
    assert [e["added_at"] is not None for e in found["timeline"] if e["text"] == "it began"] == [
        True
    ]
    [handed] = [e for e in found["timeline"] if "hands commander over to bob" in e["text"]]
    assert handed["more"] == ["done: rolled back", "next: watch it"]
    # AND the report is there
    assert (own.home / "incidents" / f"{found['id']}.md").exists()


def test_it_goes_on_where_it_was_left(own: CommandLine) -> None:
    walk(own, "d")
    lines = walk(own, "d")
    assert re.fullmatch(r"in incident [\w-]+, open: Own playbook", lines[0])
    assert "== 2/4  Act (doing) ==" in lines
    assert "== 3/4  Wait (doing) ==" in lines


def test_links_steps_and_playbooks_are_gone_to(own: CommandLine) -> None:
    lines = walk(own, "g 1", "j wait", "j", "j 1", "g 2", "o", "o own", "g 3", "w")
    titles = [line for line in lines if line.startswith("== ")]
    assert [title[3:6] for title in titles] == ["1/4", "4/4", "3/4", "1/4", "1/1", "1/4"]
    assert "   4  to do               Finish" in lines
    assert "  o other  Other" in lines
    assert "! nothing.md is not there: the playbook's author must mend it" in lines
    assert [p["id"] for p in shown(own)["playbooks"]] == ["own", "other"]


MISTAKES = [
    ("zz", "! 'zz' is nothing here: ? says what may be typed"),
    ("d too", "! d takes nothing behind it: n writes a note"),
    ("r 9", "! which command? write 1 behind it"),
    ("t", "! which check box? write a number from 1 to 2 behind it"),
    ("j 9", "! '9' is no step of own: write a number from 1 to 4, or an id such as look-first"),
    ("o owm", "! there is no playbook 'owm'; did you mean 'own'? "),
    ("v port", "! 'port' says no value: write v NAME=VALUE, or v to be asked"),
    ("x", "! nothing runs on this machine that was begun here"),
    ("a cook", "! there is no role 'cook'; there are commander, scribe"),
]


@pytest.mark.parametrize(("line", "told"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_told_and_the_walk_goes_on(own: CommandLine, line: str, told: str) -> None:
    lines = walk(own, line, "d")
    assert any(found.startswith(told) for found in lines)
    assert "done: Look first" in lines


def test_what_is_left_unanswered_is_not_done(own: CommandLine) -> None:
    lines = walk(own, "s")
    assert "! not answered: nothing was done" in lines
    assert shown(own)["playbooks"][0]["steps"][0]["state"] == "doing"


def test_which_incident_is_meant(own: CommandLine) -> None:
    cases: list[tuple[tuple[str, ...], str]] = [
        (("--incident", "2020"), "there is no incident '2020'"),
        (("--incident", "x", "--title", "y"), "--title and --severity are of a new incident"),
        (("--severity", "odd"), "severity is 'odd'; it must be one of critical, high"),
    ]
    for options, told in cases:
        result = own("walk", "own", *options)
        assert (result.code, result.out) == (64, "")
        assert told in result.err
    # WHEN two are open
    own("incident", "start", "One")
    own("walk", "own", "--title", "Two")
    both = own("walk", "own")
    assert (both.code, both.out) == (64, "")
    assert "2 incidents are open: name one of " in both.err
    # AND one of them is resolved
    two, one = (found["id"] for found in own.json("list", "incidents"))
    own("incident", "resolve", one)
    assert f"`opsdeck incident reopen {one}` goes on with it" in own("walk", "own", "-i", one).err
    assert own("walk", "own").lines[0] == f"in incident {two}, open: Two"


@pytest.mark.parametrize("word", ["owm", "", "../own", "own\x1b[31m"])
def test_a_playbook_that_is_none_is_told(own: CommandLine, word: str) -> None:
    result = own("walk", word)
    assert (result.code, result.out) == (64, "")
    assert "there is no playbook" in result.err
    assert HOSTILE.findall(result.err) == []


def test_gauges_are_kept_as_they_were_before_and_after(opsdeck: CommandLine) -> None:
    book = PLAYBOOK.replace('severity = "critical"', 'gauges = ["host-memory"]')
    lines = walk(make_deck(opsdeck, book), "r", "y", "d")
    assert "-- Looks ended with 0 after" in "\n".join(lines)
    for entry in shown(opsdeck)["timeline"]:
        seen = entry["text"].startswith(("began: ", "done: ", "Looks ended"))
        assert any(line.startswith("Memory ") for line in entry["more"]) == seen, entry


# Commands


def test_nothing_is_run_that_is_not_trusted(own: CommandLine) -> None:
    lines = walk(own, "r", "n", "r", "", "r", "j 2", "r 1")
    # THEN all commands were shown, and none was run
    for text in ("echo looks at {{port}}", "echo restarted {{host}} >> acted", "read -r said"):
        assert any(text in line for line in lines)
    assert lines.count("not trusted: nothing of it can be run") == 3
    assert shown(own)["commands"] == []


def test_what_changed_is_shown_before_it_is_trusted_again(trusting: CommandLine) -> None:
    file = trusting.folder / "runbooks" / "own.md"
    file.write_text(PLAYBOOK.replace("echo looks", "echo stares"), encoding="utf-8")
    lines = walk(trusting, "r", "n")
    assert "Own playbook is not what you trusted before. This is what changed:" in lines
    assert "    -echo looks at {{port}}" in lines
    assert "    +echo stares at {{port}}" in lines
    assert shown(trusting)["commands"] == []
    # WHEN it is trusted
    assert "| stares at 80" in walk(trusting, "r", "y")


AGREED = [
    (("j 2", "r 1", "n"), ""),
    (("j 2", "r 1", ""), ""),
    (("j 2", "r 1", "y"), "acted\n"),
    (("j 2", "r 2", "web 3", "yes"), ""),
    (("j 2", "r 2", "web 3", "restart"), "restarted web 3\n"),
    (("j 2", "r 2", "$(id)`id`", "restart"), "restarted $(id)`id`\n"),
    (("j 2", "r 2", "-rf", "restart"), ""),
    (("j 2", "r 2", "", "restart"), ""),
    (("e", "echo edited >> acted", "r", "n"), ""),
    (("e", "echo edited >> acted", "r", "y"), "edited\n"),
    (("e", "echo edited >> acted", "e", "-", "r"), ""),
]


@pytest.mark.parametrize(("lines", "did"), AGREED, ids=[" ".join(lines) for lines, _ in AGREED])
def test_only_what_was_agreed_to_is_run(
    trusting: CommandLine, lines: tuple[str, ...], did: str
) -> None:
    walk(trusting, *lines)
    assert acted(trusting) == did


def test_exactly_what_is_run_is_shown_and_kept(trusting: CommandLine) -> None:
    lines = walk(trusting, "j 2", "v host=web 3", "c", "r 2", "restart")
    assert lines.count("    $ echo restarted 'web 3' >> acted") == 2
    assert f"    (in {trusting.folder})" in lines
    [ran] = shown(trusting)["commands"]
    assert ran["text"] == "echo restarted 'web 3' >> acted"
    assert (ran["outcome"], ran["exit_code"], ran["step"]) == ("exited", 0, "act")


@pytest.mark.parametrize("how", ["option", "config"])
def test_read_only_runs_nothing_and_takes_notes(opsdeck: CommandLine, how: str) -> None:
    make_deck(opsdeck, config="[deck]\nread_only = true\n" if how == "config" else "")
    options = ("--read-only",) if how == "option" else ()
    lines = walk(opsdeck, "r", "n seen", options=options)
    assert "! read-only: nothing can be run here (--read-only, or read_only in [deck])" in lines
    assert "seen" in [e["text"] for e in shown(opsdeck)["timeline"]]
    assert shown(opsdeck)["commands"] == []


def test_read_only_stands_before_the_command(own: CommandLine) -> None:
    result = own("walk", "own", "--read-only")
    assert (result.code, result.out) == (64, "")
    assert "--read-only stands before the command: `opsdeck --read-only COMMAND`" in result.err


def test_an_edit_of_the_configuration_counts_at_the_next_prompt(trusting: CommandLine) -> None:
    with terminal(trusting) as child:
        child.expect(PROMPT)
        (trusting.folder / "opsdeck.toml").write_text("[deck]\nread_only = true\n", "utf-8")
        until(lambda: "read-only: nothing can be run here" in typed(child, "r"))
        (trusting.folder / "opsdeck.toml").write_text("[[[", "utf-8")
        until(lambda: "opsdeck.toml has faults" in typed(child, "?"))
        assert "read-only" in typed(child, "r")


def test_a_playbook_that_is_edited_meanwhile_runs_nothing_by_old_numbers(
    trusting: CommandLine,
) -> None:
    with terminal(trusting) as child:
        child.expect(PROMPT)
        file = trusting.folder / "runbooks" / "own.md"
        file.write_text(PLAYBOOK.replace("echo looks", "echo stares"), encoding="utf-8")
        told = typed(child, "r 1")
        assert "nothing was done: the playbook was edited meanwhile" in told
        assert "echo stares" in told
    assert shown(trusting)["commands"] == []


def test_hostile_text_is_harmless_wherever_it_stands(opsdeck: CommandLine) -> None:
    # GIVEN it as prose, title, name, tick, and printed by a command
    evil = NOTE.replace("\r", "").replace("\u2028", "").replace("\x0b", "")
    (opsdeck.folder / "evil").write_bytes(NOTE.encode() + b"\n\xff\xfe\x1bc\n2/4 doing> ")
    book = (
        PLAYBOOK.replace("somebody was told", evil)
        .replace("Prose that", evil)
        .replace("## Look first", f"## Look first {evil}")
        .replace("echo looks at {{port}}", f"cat evil # {evil}")
    )
    make_deck(opsdeck, book)
    opsdeck("--operator", "bob", "incident", "start", f"Evil {NOTE}")
    lines = walk(opsdeck, "r", "y", f"n {NOTE}".replace("\n", ""), f"v host={evil}", "w", "l", "c")
    # THEN nothing of it is obeyed, and what was printed stands behind a mark
    assert HOSTILE.findall("\n".join(lines)) == []
    assert any(line == "| 2/4 doing> " for line in lines)
    assert HOSTILE.findall(opsdeck("incident", "show").out) == []


# A terminal


def test_a_terminal_gets_lines_and_no_escape_sequence(trusting: CommandLine) -> None:
    with terminal(trusting, term="xterm-256color") as child:
        child.expect(PROMPT)
        seen = str(child.before) + typed(child, "r") + typed(child, "j 2")
        seen += typed(child, "r 1", ASKED)
        seen += typed(child, "y") + typed(child, "?")
        # WHEN ctrl+c is pressed at the prompt
        child.sendintr()
        child.expect("left ")
        child.expect("EOF|$")
        child.wait()
    assert child.exitstatus == 0
    assert "looks at 80" in seen
    assert acted(trusting) == "acted\n"
    assert HOSTILE.findall(seen.replace("\r\n", "\n")) == []


def test_ctrl_c_stops_the_command_and_not_the_walk(trusting: CommandLine) -> None:
    with terminal(trusting) as child:
        child.expect(PROMPT)
        typed(child, "j 3")
        typed(child, "r 1", ASKED)
        typed(child, "y", r"\| begun")
        child.sendintr()
        child.expect(r"-- Waits stopped after")
        child.expect(PROMPT)
        # AND at a question it only ends the question
        child.sendline("s")
        child.expect("why is it not needed")
        child.sendintr()
        child.expect("nothing was done")
        child.expect(PROMPT)
        child.sendeof()
        child.expect("left ")
    assert commands(trusting) == [("Waits", "stopped", -signal.SIGTERM)]


def test_ctrl_c_ends_the_wait_for_a_look(opsdeck: CommandLine) -> None:
    probe = '```toml probe\ntitle = "Slow"\nkind = "http"\ntarget = "web"\ntimeout = "60s"\n```\n'
    with blackhole() as port:
        config = f'[targets.web]\nkind = "web"\nurl = "http://127.0.0.1:{port}"\n'
        make_deck(opsdeck, PLAYBOOK.replace("## Look first\n", f"## Look first\n\n{probe}"), config)
        with terminal(opsdeck) as child:
            child.expect("== 1/4")
            child.sendintr()
            child.expect(r"\* Slow: not looked")
            child.expect(PROMPT)
            assert "done: Look first" in typed(child, "d")


def test_a_reader_that_leaves_cuts_off_no_command(trusting: CommandLine) -> None:
    process = trusting.program("walk", "own", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"j 3\nr 1\ny\n")
    process.stdin.flush()
    while process.stdout.readline() != b"| begun\n":
        pass
    # WHEN nobody reads any more
    process.stdout.close()
    (trusting.folder / "let-go").touch()
    process.stdin.close()
    assert process.wait(30) == 141
    # THEN it was seen to its end
    assert commands(trusting) == [("Waits", "exited", 3)]
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_interactive_command_gets_the_terminal(trusting: CommandLine) -> None:
    with terminal(trusting) as child:
        child.expect(PROMPT)
        typed(child, "j 3")
        typed(child, "r 2", "on a terminal")
        assert "heard me" in typed(child, "me")
    assert commands(trusting) == [("Talks", "exited", 0)]


def test_a_command_in_the_background_lets_the_walk_go_on(trusting: CommandLine) -> None:
    with terminal(trusting) as child:
        child.expect(PROMPT)
        typed(child, "j 3")
        assert "Serves runs in the background: x stops it" in typed(child, "r 3")
        assert "noted" in typed(child, "n meanwhile")
        assert "told to end" in typed(child, "x")
        until(lambda: "-- Serves stopped" in typed(child, "?"))
    assert commands(trusting) == [("Serves", "stopped", -signal.SIGTERM)]


def test_what_others_do_is_told_before_the_next_prompt(own: CommandLine) -> None:
    with terminal(own) as child:
        child.expect(PROMPT)
        own("--operator", "bob", "incident", "note", "disk is full")
        assert "bob disk is full" in typed(child, "w")


# A session that drops


def _dropped(opsdeck: CommandLine) -> dict[str, int]:
    """A walk that is killed while a command runs; who watches over the command."""
    with terminal(opsdeck) as child:
        child.expect(PROMPT)
        typed(child, "j 3")
        typed(child, "r 1", ASKED)
        typed(child, "y", r"\| begun")
        os.kill(child.pid, signal.SIGKILL)
    return keepers(opsdeck)


def test_a_command_that_went_on_is_told_with_its_exit_code(trusting: CommandLine) -> None:
    [number] = _dropped(trusting)
    assert "Waits still runs, begun by an earlier session: x stops it" in walk(trusting)
    # WHEN it ends while nobody is there
    (trusting.folder / "let-go").touch()
    kept = trusting.home / "cache" / "commands" / f"{number}.json"
    until(lambda: '"ended"' in kept.read_text(encoding="utf-8"))
    lines = walk(trusting)
    [told] = [line for line in lines if "an earlier session had begun this" in line]
    assert re.search(r"Waits ended with 3 after [\d.]+ (s|min) \([\w-]+\)$", told)
    assert "| went on" in lines
    assert commands(trusting) == [("Waits", "exited", 3)]
    assert not kept.exists()


def test_a_command_that_nobody_watched_is_told_as_unknown(trusting: CommandLine) -> None:
    [keeper] = _dropped(trusting).values()
    os.kill(keeper, signal.SIGKILL)
    (trusting.folder / "let-go").touch()
    with terminal(trusting) as child:
        child.expect(PROMPT)
        ended = "Waits ended unknown: the session dropped while it ran"
        until(lambda: ended in typed(child, "?"))
    assert commands(trusting) == [("Waits", "unknown", None)]


def test_the_journal_stays_whole(trusting: CommandLine) -> None:
    assert trusting("journal", "verify").code == 0
    assert not list(Path(trusting.home).rglob("*.tmp"))
