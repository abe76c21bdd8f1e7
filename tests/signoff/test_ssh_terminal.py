"""Signing when the app has stepped aside: ssh-keygen asks on the real terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.signoff.keys import PASSPHRASE, Keys, environ_of, needs_ssh_keygen

pytestmark = needs_ssh_keygen

WAIT_S = 30

PROGRAM = """
import asyncio, os, sys, termios
from opsdeck.signoff.ssh import SigningError, find_keys, sign

environ = dict(os.environ)
(key,) = find_keys(environ, sys.argv[1]).keys
before = termios.tcgetattr(0)
# A question that is typed to the one that asks must not be read by the one that waits.
termios.tcsetattr(0, termios.TCSANOW, before)

def signed():
    try:
        return "signed:" + str(len(sign(b"text", key, environ, terminal=True)) > 100)
    except SigningError as error:
        return f"kind:{error.kind}: {error}"

async def main():
    print(await asyncio.to_thread(signed), flush=True)

if sys.argv[2:] == ["thread"]:
    asyncio.run(main())
else:
    print(signed(), flush=True)
print("same terminal:", termios.tcgetattr(0) == before, os.tcgetpgrp(0) == os.getpgrp(), flush=True)
print("heard:" + repr(input("more? ")), flush=True)
"""


@contextmanager
def signing(folder: Path, key: Path, *how: str, **more: str) -> Iterator[pexpect.spawn]:
    """A program on a terminal of its own that signs with a key."""
    program = folder / "program.py"
    program.write_text(PROGRAM)
    environ = environ_of(folder, PYTHONPATH=os.pathsep.join(sys.path), **more)
    child = pexpect.spawn(
        sys.executable,
        [str(program), str(key), *how],
        env=environ,
        timeout=WAIT_S,
        encoding="utf-8",
    )
    try:
        yield child
    finally:
        child.close(force=True)


def lives_on(child: pexpect.spawn) -> None:
    """The program has its terminal again, as it was, and reads from it."""
    child.expect_exact("same terminal: True True")
    child.expect_exact("more? ")
    child.sendline("yes")
    child.expect_exact("heard:'yes'")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("how", [[], ["thread"]], ids=["main thread", "worker thread"])
def test_the_right_passphrase_signs(keys: Keys, tmp_path: Path, how: list[str]) -> None:
    # GIVEN a key with a passphrase, and an askpass that must not be used
    with signing(tmp_path, keys.dave, *how, DISPLAY=":0", SSH_ASKPASS="/bin/false") as child:
        # WHEN the passphrase is typed where ssh-keygen asks for it
        child.expect("Enter passphrase.*: ")
        child.sendline(PASSPHRASE)
        # THEN it is signed, the passphrase is nowhere to be seen, and the terminal is given back
        child.expect_exact("signed:True")
        assert PASSPHRASE not in child.before
        lives_on(child)


@pytest.mark.parametrize("typed", ["wrong\n", "\n", "\x04"], ids=["wrong", "empty", "ctrl+d"])
def test_a_wrong_passphrase_signs_nothing(keys: Keys, tmp_path: Path, typed: str) -> None:
    with signing(tmp_path, keys.dave) as child:
        child.expect("Enter passphrase")
        child.send(typed)
        child.expect_exact("kind:cancelled: that is not the passphrase")
        lives_on(child)


@pytest.mark.parametrize("key", ["\x03", "\x1a", "\x1c"], ids=["^C", "^Z", "^backslash"])
@pytest.mark.parametrize("how", [[], ["thread"]], ids=["main thread", "worker thread"])
def test_a_key_that_stops_it_stops_nothing_else(
    keys: Keys, tmp_path: Path, key: str, how: list[str]
) -> None:
    # GIVEN a question for a passphrase, half answered
    with signing(tmp_path, keys.dave, *how) as child:
        child.expect("Enter passphrase")
        child.send("half of it")
        # WHEN somebody changes their mind
        child.send(key)
        # THEN nothing was signed, and the program goes on with an empty line before it
        stopped = "kind:cancelled: signing was stopped"
        if child.expect_exact([stopped, pexpect.TIMEOUT], timeout=10) == 1:
            child.send(key)  # ssh-keygen goes on after one that comes before it reads
            child.expect_exact(stopped)
        lives_on(child)


def test_a_key_without_a_passphrase_just_signs(keys: Keys, tmp_path: Path) -> None:
    with signing(tmp_path, keys.alice) as child:
        child.expect_exact("signed:True")
        lives_on(child)


def test_what_ssh_keygen_says_is_seen(keys: Keys, tmp_path: Path) -> None:
    # GIVEN a key in a hurry: an ssh-keygen that asks for a touch only where it can be read
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "ssh-keygen"
    fake.write_text(
        "#!/bin/sh\n[ -t 2 ] && echo 'Confirm user presence for key' >&2\n"
        'read answer </dev/tty\necho "device $answer" >&2\nexit 1\n'
    )
    fake.chmod(0o755)
    with signing(tmp_path, keys.alice, PATH=f"{folder}:{os.environ['PATH']}") as child:
        # WHEN it asks THEN one sees it, answers it, and what it said last is the reason
        child.expect_exact("Confirm user presence for key")
        child.sendline("not found")
        child.expect("kind:failed: .*; device not found")
        lives_on(child)
