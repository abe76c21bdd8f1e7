"""`opsdeck signoff sign` without the right key: a clear message each, and nothing is recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from opsdeck.signoff.ssh import NAMESPACE
from tests.cli.conftest import Result
from tests.cli.signed import PEOPLE, Signed, deck, ready, ssh_keys
from tests.cli.walked import terminal
from tests.signoff.keys import (
    PASSPHRASE,
    agent,
    dead_agent,
    hung_agent,
    line,
    make_krl,
    needs_agent,
    needs_ssh_keygen,
    public_line,
)

__all__ = ["deck", "ready", "ssh_keys"]

pytestmark = needs_ssh_keygen

SIGN = ("signoff", "sign", "--role", "deployer")
LONG_AGO = f'namespaces="{NAMESPACE}",valid-before="20200101Z"'
FAR_OFF = f'namespaces="{NAMESPACE}",valid-after="20990101Z"'


@pytest.fixture
def untouched(ready: Signed) -> Iterator[Signed]:
    """A deck of which nothing may be written until the test ends."""
    before = ready.journal()
    yield ready
    assert ready.journal() == before
    assert ready.files() == []
    assert ready.shown()[1]["signatures"] == []


def refused(result: Result, *said: str) -> None:
    """It ended as what was not signed does, and said why."""
    assert (result.code, result.out) == (77, ""), result.err
    assert result.err.startswith("opsdeck: ")
    assert result.err.count("\n") == 1
    for words in said:
        assert words in result.err
    assert "not signed" in result.err or "nothing was signed" in result.err


def test_a_key_of_somebody_else(untouched: Signed) -> None:
    refused(untouched.sign("alice", "deployer", key="bob"), "that of bob@acme, not of alice")


def test_a_key_that_is_in_no_line(untouched: Signed) -> None:
    result = untouched.sign("alice", "deployer", key="mallory")
    added = f'alice namespaces="{NAMESPACE}" {public_line(untouched.key("mallory"))}'
    refused(result, "in no line of", added)


@pytest.mark.parametrize(
    ("options", "said"),
    [(LONG_AGO, "was valid until 2020-01-01"), (FAR_OFF, "is valid only from 2099-01-01")],
)
def test_a_key_out_of_its_time(untouched: Signed, options: str, said: str) -> None:
    untouched.allow(line("alice@acme", untouched.key("alice"), options))
    refused(untouched.sign("alice", "deployer"), said)


@pytest.mark.parametrize("krl", [True, False], ids=["krl", "list"])
def test_a_key_that_was_revoked(untouched: Signed, krl: bool) -> None:
    untouched.configure('revoked_keys = "revoked"')
    revoked, key = untouched.folder / "revoked", untouched.key("alice")
    if krl:
        make_krl(revoked, key)
    else:
        revoked.write_text(f"{public_line(key)}\n", encoding="utf-8")
    refused(untouched.sign("alice", "deployer"), "was revoked")
    told = untouched("signoff", "keys", "--key", str(key))
    assert (told.code, "revoked" in told.out) == (1, True)


def test_no_key_at_all(untouched: Signed) -> None:
    refused(untouched(*SIGN), "no key to sign with", "SSH_AUTH_SOCK is not set", "ssh-add")


def test_a_key_file_that_is_not_there(untouched: Signed) -> None:
    refused(untouched(*SIGN, "--key", "~/none"), "none", "cannot be read")


def test_an_agent_that_is_gone(untouched: Signed, tmp_path: Path) -> None:
    untouched.opsdeck.environ["SSH_AUTH_SOCK"] = dead_agent(tmp_path)
    refused(untouched(*SIGN), "is gone", "ssh -A")


def test_an_agent_that_hangs(untouched: Signed, tmp_path: Path) -> None:
    with hung_agent(tmp_path) as socket:
        untouched.opsdeck.environ["SSH_AUTH_SOCK"] = socket
        refused(untouched(*SIGN), "does not answer")


def test_a_passphrase_without_a_terminal(untouched: Signed) -> None:
    untouched.allow(line("alice@acme", untouched.key("locked")))
    result = untouched.sign("alice", "deployer", key="locked")
    refused(result, "has a passphrase", "ssh-add")


def test_without_ssh_keygen(untouched: Signed, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    untouched.opsdeck.environ["PATH"] = str(empty)
    refused(untouched.sign("alice", "deployer"), "ssh-keygen is not installed")
    told = untouched("signoff", "keys", "--key", str(untouched.key("alice")))
    assert (told.code, told.lines[0]) == (1, "ssh-keygen: not on PATH: install OpenSSH")


def test_without_allowed_signers(untouched: Signed) -> None:
    file = untouched.folder / "allowed_signers"
    file.unlink()
    refused(untouched.sign("alice", "deployer"), f"there is no file of allowed signers: {file}")
    file.write_text("nonsense\n", encoding="utf-8")
    refused(untouched.sign("alice", "deployer"), "nobody may sign", "line 1")


def test_a_signature_that_is_none(untouched: Signed, tmp_path: Path) -> None:
    # GIVEN an ssh-keygen that gives back something else
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh-keygen"
    program.write_text("#!/bin/sh\ncat > /dev/null\necho signed\n", encoding="utf-8")
    program.chmod(0o755)
    untouched.opsdeck.environ["PATH"] = f"{folder}:{untouched.opsdeck.environ['PATH']}"
    refused(untouched.sign("alice", "deployer"))


# What does sign


def test_the_environment_may_name_the_key(ready: Signed) -> None:
    ready.opsdeck.environ["OPSDECK_SIGNING_KEY"] = str(ready.key("bob"))
    assert "bob@acme" in ready(*SIGN).err
    # AND what is said on the line goes before it
    assert ready.sign("alice", "deployer").code == 0


@needs_agent
def test_the_agent_signs(ready: Signed, tmp_path: Path) -> None:
    with agent(tmp_path, ready.key("bob"), ready.key("alice")) as socket:
        ready.opsdeck.environ["SSH_AUTH_SOCK"] = socket
        result = ready(*SIGN)
    assert (result.code, result.err) == (0, "")
    assert "alice@acme" in result.lines[0]


def test_identities_say_who_signs_as_whom(ready: Signed) -> None:
    ready.configure('[signoff.identities]\nalice = "ops-lead@example.com"')
    ready.allow(line("ops-lead@example.com", ready.key("alice")))
    result = ready.sign("alice", "deployer")
    assert "signed v1 as deployer: ops-lead@example.com" in result.lines[0]


def test_a_passphrase_is_asked_for_on_the_terminal(ready: Signed) -> None:
    # GIVEN a key with a passphrase, and a terminal
    ready.allow(line("alice@acme", ready.key("locked")))
    command = (*SIGN, "--key", str(ready.key("locked")))
    before = ready.journal()
    # WHEN the wrong one is typed
    with terminal(ready.opsdeck, command=command) as child:
        child.expect("passphrase")
        child.sendline("wrong")
        child.expect(pexpect.EOF)
        said = child.before
    # THEN nothing is recorded
    assert child.exitstatus == 77
    assert "nothing was signed" in " ".join(said.split())
    assert ready.journal() == before
    # WHEN the right one is typed
    with terminal(ready.opsdeck, command=command) as child:
        child.expect("passphrase")
        child.sendline(PASSPHRASE)
        child.expect("signed v1 as deployer: alice@acme")
        child.expect(pexpect.EOF)
    assert child.exitstatus == 0
    assert ready.shown()[1]["roles"]["deployer"]["signed"] == ["alice"]


def test_an_interrupt_at_the_passphrase_records_nothing(untouched: Signed) -> None:
    # GIVEN a session in which ssh-keygen asks
    untouched.allow(line("alice@acme", untouched.key("locked")))
    command = (*SIGN, "--key", str(untouched.key("locked")))
    with terminal(untouched.opsdeck, command=command) as child:
        child.expect("passphrase")
        # WHEN ctrl+c is pressed (twice: ssh-keygen goes on after one that comes before it reads)
        child.sendintr()
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=10) == 1:
            child.sendintr()
            child.expect(pexpect.EOF)
    # THEN it ended without having signed
    assert child.exitstatus in (77, 130)


# keys


def test_keys_says_whose_each_is(ready: Signed) -> None:
    # GIVEN a key in ~/.ssh
    folder = ready.folder / ".ssh"
    folder.mkdir(mode=0o700)
    for end in ("", ".pub"):
        shutil.copy(f"{ready.key('alice')}{end}", folder / f"id_ed25519{end}")
    # THEN it is told as whom one signs with it
    told = ready("signoff", "keys")
    assert (told.code, told.err) == (0, "")
    assert told.lines[0] == f"ssh-keygen: {shutil.which('ssh-keygen')}"
    assert told.lines[1].endswith("allowed_signers, 3 people")
    assert told.lines[-1] == "  alice signs with it as alice@acme"
    found = json.loads(ready("signoff", "keys", "--json").out)
    assert (found["usable"], found["names_only"], found["allowed_signers"]["people"]) == (
        True,
        False,
        3,
    )
    (key,) = found["keys"]
    assert (key["owners"], key["identity"], key["line"]) == (["alice@acme"], "alice@acme", None)
    # AND to somebody else that it is not theirs
    other = ready("signoff", "keys", by="bob")
    assert (other.code, "bob cannot sign with it" in other.lines[-1]) == (1, True)


def test_keys_gives_the_line_to_add(ready: Signed) -> None:
    # GIVEN a key that nobody knows
    options = ("signoff", "keys", "--key", str(ready.key("mallory")))
    told = ready(*options, by="mallory")
    assert told.code == 1
    # WHEN whoever keeps the file adds the line that is printed
    people = [line(f"{who}@acme", ready.key(who)) for who in PEOPLE]
    ready.allow(*people, told.lines[-1].strip())
    # THEN that is enough
    assert ready(*options, by="mallory").code == 0
    assert ready.sign("mallory", "deployer").code == 0


def test_keys_without_anything_says_what_is_missing(ready: Signed) -> None:
    (ready.folder / "allowed_signers").unlink()
    told = ready("signoff", "keys")
    assert told.code == 1
    assert "there is no file of allowed signers" in told.lines[1]
    assert told.lines[-1].startswith("there is no key: make one with `ssh-keygen -t ed25519`")
    with_key = ready("signoff", "keys", "--key", str(ready.key("alice")))
    assert (
        with_key.lines[-1] == f'  alice namespaces="{NAMESPACE}" {public_line(ready.key("alice"))}'
    )
    assert ready.files() == []
