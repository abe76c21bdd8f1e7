"""The program as it is used: in a terminal that is resized, cut off, poor or not there."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.terminal.session import Session, environment, opened

pytestmark = pytest.mark.slow

LIST = "Daily Operations · "


def events(home: Path) -> list[str]:
    """The journal as the command line tells it."""
    done = subprocess.run(
        [sys.executable, "-m", "opsdeck", "journal", "export", "--format", "jsonl"],
        env=environment(home),
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r'"type":"(item\.\w+)"', done.stdout)


def walk(session: Session) -> None:
    """To the daily list, its first item ticked, the cursor on the second."""
    session.wait("Daily Operations")
    session.type("enter")
    session.wait(LIST)
    session.type(" ")
    session.wait("1/8")
    session.type("down")
    session.read(0.4)


def cursor_line(session: Session) -> str:
    found = [line for line in session.lines() if line.startswith(("▌", ">"))]
    return found[0] if found else ""


def test_a_dropped_line_ends_it_at_once_and_the_next_start_is_at_the_same_item(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as session:
        walk(session)
        item = cursor_line(session)
        began = time.monotonic()
        session.kill(signal.SIGHUP)
        assert session.ended() == 129
        assert time.monotonic() - began < 0.6
    with opened(tmp_path) as session:
        session.wait(LIST)
        session.read(0.3)
        assert cursor_line(session) == item
        assert any("attested" in line for line in session.lines())
        # AND leaving by choice begins at the deck the next time
        session.type("q")
        session.wait("NOW")
        session.type("q")
        assert session.ended() == 0
        assert session.restored()
    with opened(tmp_path) as session:
        session.wait("NOW")


def test_closing_the_terminal_ends_it(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        walk(session)
        session.child.ptyproc.fileobj.close()
        session.child.closed = session.child.ptyproc.closed = True
        began = time.monotonic()
        while session.child.isalive() and time.monotonic() - began < 2:
            time.sleep(0.01)
        assert not session.child.isalive()
    assert events(tmp_path) == ["item.attested"]


def test_kill_9_loses_no_tick_and_no_place(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        walk(session)
        session.type(" ")
        session.wait("2/8")
        session.kill(signal.SIGKILL)
        assert session.ended() == 128 + 9
    assert events(tmp_path) == ["item.attested"] * 2
    with opened(tmp_path) as session:
        session.wait(LIST)
        session.wait("2/8")


def test_sigterm_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        walk(session)
        session.kill(signal.SIGTERM)
        assert session.ended() == 143
        assert session.restored()


def test_keys_of_one_chunk_act_where_they_were_meant(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        session.wait("Daily Operations")
        session.child.send("\r \x1b[B \x1b[Bnhqu!\r")
        session.wait("2/8")
        session.wait("noted")
    assert events(tmp_path) == ["item.attested", "item.attested", "item.noted"]


def test_it_follows_the_size_of_the_terminal(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        walk(session)
        for rows, columns in ((40, 120), (10, 40), (3, 9), (24, 80)):
            session.child.setwinsize(rows, columns)
            session._screen.resize(rows, columns)
            session.read(0.5)
        session.wait("1/8")
        assert session.child.isalive()


def test_two_apps_on_one_deck_see_each_other(tmp_path: Path) -> None:
    bobs = environment(tmp_path, OPSDECK_OPERATOR="bob")
    with opened(tmp_path) as alice, opened(tmp_path, environ=bobs) as bob:
        for session in (alice, bob):
            session.wait("Daily Operations")
            session.type("enter")
            session.wait(LIST)
        alice.type(" ")
        bob.wait("alice attested", 2.0)
        bob.type("down", " ")
        alice.wait("bob attested", 2.0)
        alice.wait("2/8")


def test_an_idle_app_writes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        walk(session)
        session.read(11.0)  # what was said goes after ten seconds
        quiet = session.read(5.0)
        # Nothing but, once a minute, the clock.
        assert len(quiet) < 400


def test_with_no_color_no_colour_is_sent_and_the_cursor_shows_all_the_same(tmp_path: Path) -> None:
    environ = environment(tmp_path, NO_COLOR="1")
    with opened(tmp_path, environ=environ) as session:
        session.wait("Daily Operations")
        for keys in (("down", "enter", "w", "escape"), ("?", "escape", "\x10"), ("inf", "escape")):
            session.type(*keys)
        session.read(0.5)
        colours = re.findall(
            rb"\x1b\[[0-9;]*(?:[34]8;|3[0-7]|4[0-7]|9[0-7])[0-9;]*m", session.painted
        )
        assert colours == []
        assert "\u258c" in "\n".join(session.lines())


def test_in_a_poor_locale_every_byte_is_ascii(tmp_path: Path) -> None:
    environ = environment(tmp_path, LC_ALL="C", LANG="C")
    with opened(tmp_path, environ=environ) as session:
        session.wait("Daily Operations")
        for keys in (
            ("down", "down", "down", "enter", " "),
            ("v1", "enter", "enter", "enter", "enter", "n", "escape", "w", "escape"),
            ("?", "escape", "enter", "escape", "/", "a", "escape", "\x10"),
            ("e", "x", "escape", "2", "6", "enter", "escape", "1"),
        ):
            session.type(*keys)
        session.read(0.5)
        text = session.painted.decode("ascii")
        assert "started" in text
        assert "attested" in text


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_terminal_that_shows_nothing_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    with opened(tmp_path, environ=environment(tmp_path, **environ)) as session:
        assert session.ended() == 64
        assert b"can show no screens" in session.painted.replace(b"\r\n", b" ")
        assert b"\x1b" not in session.painted


def test_without_a_terminal_it_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opsdeck"],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout) == (64, "")
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr


def write_journal(folder: Path, by: str, lines: list[str]) -> None:
    """Another writer's file, well chained whatever its lines say."""
    folder.mkdir(parents=True)
    prev, whole = "0" * 64, b""
    for number, line in enumerate(lines, 1):
        head = f'"seq":{number},"at":"2026-11-23T02:38:00Z","clock":"1763865487123-0000{number}"'
        event = f'{{{head},{by},{line},"prev":"{prev}"}}'.encode()
        prev = hashlib.sha256(event).hexdigest()
        whole += event + b"\n"
    (folder / "evil@x.jsonl").write_bytes(whole)


@pytest.mark.parametrize("glyphs", ["ascii", "unicode"])
def test_nothing_from_a_catalog_or_journal_steers_the_terminal(tmp_path: Path, glyphs: str) -> None:
    # GIVEN a catalog and another writer's journal full of escape sequences with a mark in them
    evil = r"\u001b]0;OWNED\u0007\u001b[31mOWNED\u009b7mOWNED\u202e"
    (tmp_path / "opsdeck.toml").write_text(f'[deck]\nname = "acme"\n[ui]\nglyphs = "{glyphs}"\n')
    (tmp_path / "checklists.toml").write_text(
        f'[[checklist]]\nid = "a"\ntitle = "{evil}"\nsection = "{evil}"\ncadence = "daily"\n'
        f'[[checklist.item]]\nid = "i"\ntext = "{evil}"\nguide = "{evil}"\n'
    )
    day = time.strftime("%Y-%m-%d", time.gmtime())
    lines = [
        f'"type":"item.noted","data":{{"run":"a/{day}","item":"i","text":"{evil}"}}',
        f'"type":"release.started","data":{{"release":"{evil}"}}',
        f'"type":"{evil}","data":{{}}',
    ]
    write_journal(tmp_path / "deck" / "journal", f'"by":"{evil}"', lines)
    # WHEN every screen is looked at
    with opened(tmp_path) as session:
        session.wait("OWNED")
        session.type("2", "\x1b[F", "enter", "enter", "escape", "n", "escape", "]", "]")
        session.type("6", "enter", "escape", "1", "ctrl+p", "O", "W", "escape", "R", "escape")
        session.read(0.3)
    # THEN no sequence that any of it brought is among the bytes
    assert b"\x1b]0;" not in session.painted
    assert b"\x1b[31mOWNED" not in session.painted
    assert "\x9b".encode() not in session.painted
    assert "\u202e".encode() not in session.painted
    # Textual itself sets the shape of the mouse pointer, with a bell at the end.
    assert b"\x07" not in re.sub(rb"\x1b\]22;\w+\x07", b"", session.painted)
