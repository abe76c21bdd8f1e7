"""`opsdeck signoff`: three people with real keys sign a release, and what stands against it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from opsdeck.signoff.prepared import seal
from opsdeck.signoff.ssh import NAMESPACE
from tests.cli.conftest import CommandLine
from tests.cli.signed import Signed, deck, ready, ssh_keys
from tests.signoff.keys import needs_ssh_keygen, ssh_keygen

__all__ = ["deck", "ready", "ssh_keys"]

pytestmark = needs_ssh_keygen


def test_three_people_sign_and_each_is_told_what_is_next(ready: Signed) -> None:
    # GIVEN a release whose items are all done
    assert ready.shown()[0] == 1
    # WHEN three people sign, each in a session and with a key of their own
    first = ready.sign("alice", "deployer")
    # THEN each is told so when it is on disk, and who is missing
    assert (first.code, first.err) == (0, "")
    assert re.fullmatch(
        r"signed v1 as deployer: alice@acme, SHA256:\S+ \(\d\d:\d\d UTC\)", first.lines[0]
    )
    assert first.lines[1] == "Here: alice (deployer). Missing: verifier, approver."
    assert first.lines[2] == f"record written: {ready.opsdeck.home / 'signoffs' / 'v1.toml'}"
    told = ready("signoff", "show", by="bob").lines
    assert told[-1] == "Next, bob: `opsdeck signoff sign v1 --role verifier` (or approver)"
    assert ready.sign("bob", "verifier").code == 0
    told = ready("signoff", "show", by="alice").lines
    assert told[-1] == (
        "Next: bob or carol (not alice): `opsdeck signoff sign v1 --role approver`."
        " You cannot: alice has signed as deployer: somebody else must approve."
    )
    assert ready.sign("carol", "approver").code == 0
    # AND then it is complete
    code, found = ready.shown()
    assert (code, found["state"], found["standing"]) == (0, "complete", "signed")
    assert found["missing"] == []
    assert [one["by"] for one in found["signatures"]] == ["alice", "bob", "carol"]
    assert {one["content"] for one in found["signatures"]} == {found["content"]}
    assert found["roles"]["approver"] == {"signed": ["carol"], "needed": 1}
    assert ready("signoff", "show").lines[-1].startswith("Complete.")


def test_what_was_signed_verifies_with_ssh_keygen_alone(ready: Signed) -> None:
    # GIVEN a signed release
    ready.all_sign()
    folder = ready.opsdeck.home / "signoffs"
    (statement,) = folder.glob("v1~approver-carol-*.txt")
    # THEN its files are all that ssh-keygen needs
    arguments = ("-Y", "verify", "-f", str(ready.folder / "allowed_signers"), "-I", "carol@acme")
    ssh_keygen(
        *(*arguments, "-n", NAMESPACE, "-s", f"{statement}.sig"), data=statement.read_bytes()
    )
    assert "gate: open" in statement.read_text(encoding="utf-8").splitlines()


def test_json_of_sign_has_what_was_recorded(ready: Signed) -> None:
    result = ready.sign("alice", "deployer", "--json")
    found = json.loads(result.out)
    assert (found["recorded"]["role"], found["recorded"]["signed"]) == ("deployer", True)
    assert found["recorded"]["identity"] == "alice@acme"
    assert found["record"] == str(ready.opsdeck.home / "signoffs" / "v1.toml")
    assert found["missing"] == ["verifier", "approver"]


@pytest.mark.parametrize(
    ("who", "role", "said"),
    [
        ("alice", "approver", "alice has signed as deployer: somebody else must approve"),
        ("alice", "verifier", "deployer and verifier must be two people"),
        ("alice", "deployer", "alice has already signed this content as deployer"),
    ],
)
def test_who_has_signed_already_is_refused(ready: Signed, who: str, role: str, said: str) -> None:
    # GIVEN that alice has signed as deployer
    ready.sign("alice", "deployer")
    before = ready.journal()
    # WHEN she signs where somebody else must
    result = ready.sign(who, role)
    # THEN it is refused, and nothing is recorded
    assert (result.code, result.out) == (64, "")
    assert said in result.err
    assert ready.journal() == before


def test_who_waived_an_item_does_not_approve(deck: Signed) -> None:
    deck("attest", "own/a")
    deck("waive", "own/b", "-r", "own CA", "--approver", "bob", "--until", "2d", by="carol")
    before = deck.journal()
    result = deck.sign("carol", "approver")
    assert result.code == 64
    assert "carol waived or overrode an item" in result.err
    assert deck.journal() == before


def test_a_closed_gate_refuses_and_names_what_is_in_the_way(deck: Signed) -> None:
    before = deck.journal()
    result = deck.sign("alice", "deployer")
    assert (result.code, result.out) == (64, "")
    assert "the gate is closed (every item of the release done: 0 of 2: 2 open)" in result.err
    assert (deck.journal(), deck.files()) == (before, [])
    # AND show exits as for what is critical, with each item by its address
    code, found = deck.shown()
    assert (code, found["state"], found["gate"]["closed"]) == (2, "closed", True)
    items = {rule["id"]: rule["items"] for rule in found["gate"]["rules"]}
    assert items["items"] == ["own/a", "own/b"]
    shown = deck("signoff", "show")
    assert (shown.code, "      own/a  open" in shown.lines) == (2, True)
    assert "gate closed" in shown.lines
    assert shown.lines[-1] == "Next: 2 items are not done: `opsdeck list items --run v1`."
    deck("attest", "own/a")
    deck("defer", "own/b", "-r", "later")
    assert "`opsdeck defer own/b --reason WHY --due WHEN`" in deck("signoff", "show").lines[-1]


def test_the_glass_can_be_broken_and_that_is_said_first(deck: Signed) -> None:
    # WHEN somebody signs against the closed gate, with a reason
    result = deck.sign("alice", "deployer", "--break-glass", "outage, fix first")
    # THEN that is the first line, everywhere
    first = "BREAK-GLASS: signed against a closed gate: outage, fix first"
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == first
    assert any("review" in line for line in result.lines)
    assert deck("signoff", "show").lines[0] == first
    assert deck.shown()[1]["first_lines"] == [first]
    assert deck("report", "v1").lines[0].replace("\\", "").find("BREAK-GLASS") >= 0
    record = (deck.opsdeck.home / "signoffs" / "v1.toml").read_text(encoding="utf-8")
    assert record.splitlines()[0] == f"# {first}"
    # AND when all have signed that is still a warning
    assert deck.sign("bob", "verifier", "--break-glass", "outage").code == 0
    assert deck.sign("carol", "approver", "--break-glass", "outage").code == 0
    code, found = deck.shown()
    assert (code, found["state"]) == (1, "complete")
    assert found["break_glass"] == ["outage, fix first", "outage"]


def test_an_open_gate_has_no_glass_to_break(ready: Signed) -> None:
    before = ready.journal()
    result = ready.sign("alice", "deployer", "--break-glass", "in haste")
    assert (result.code, "no glass to break" in result.err) == (64, True)
    assert ready.sign("alice", "deployer", "--break-glass", " ").code == 64
    assert ready.journal() == before


def test_a_deck_may_allow_no_break_glass(deck: Signed) -> None:
    deck.configure("break_glass = false")
    before = deck.journal()
    result = deck.sign("alice", "deployer", "--break-glass", "outage")
    assert (result.code, "allows no break-glass" in result.err) == (64, True)
    assert deck.journal() == before


def test_a_later_change_puts_signatures_out_of_date(ready: Signed) -> None:
    # GIVEN a release that all have signed
    ready.all_sign()
    record = (ready.opsdeck.home / "signoffs" / "v1.toml").read_bytes()
    # WHEN something of it is said anew
    ready("note", "own/a", "-m", "one more thing")
    # THEN show says what changed, and that it has to be signed again
    code, found = ready.shown()
    assert (code, found["state"], found["out_of_date"]) == (1, "waiting", True)
    assert found["changes"] == ["own/a: its notes were changed"]
    assert found["missing"] == ["deployer", "verifier", "approver"]
    assert all(one["out_of_date"] for one in found["signatures"])
    lines = ready("signoff", "show").lines
    assert "content CHANGED since it was signed: these signatures are out of date" in lines
    assert "      own/a: its notes were changed" in lines
    assert "out of date" in ready("report", "v1").out
    # AND signing again keeps the old record
    ready.all_sign()
    kept = [ready.opsdeck.home / "signoffs" / name for name in ready.files() if "v1~" in name]
    assert record in [file.read_bytes() for file in kept if file.suffix == ".toml"]
    assert ready.shown()[0] == 0
    assert len(ready.shown()[1]["signatures"]) == 6


def test_names_only_says_everywhere_that_nothing_is_signed(ready: Signed) -> None:
    # GIVEN a deck without keys
    ready.configure('signatures = "names"')
    (ready.folder / "allowed_signers").unlink()
    # WHEN somebody signs
    assert ready.sign("alice", "deployer").code == 64  # for a key was named
    result = ready("signoff", "sign", "--role", "deployer")
    # THEN it is recorded, and said that it is no signature
    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == "NOT SIGNED: names only"
    assert "recorded, NOT SIGNED: this deck records names only" in result.lines[1]
    assert "signed v1" not in result.out
    shown = ready("signoff", "show")
    assert shown.lines[0] == "NOT SIGNED: names only"
    assert "not signed: name only" in shown.out
    assert ready.shown()[1]["signatures"][0]["signed"] is False
    assert not [name for name in ready.files() if name.endswith(".sig")]
    assert "NOT SIGNED" in ready("report", "v1").lines[0]
    assert "nothing is signed" in ready("signoff", "keys").lines[0]
    assert ready("signoff", "keys").code == 0


def test_a_record_that_cannot_be_written_is_told_and_the_signature_stays(ready: Signed) -> None:
    # GIVEN that a file is in the way of the records
    (ready.opsdeck.home / "signoffs").write_text("in the way", encoding="utf-8")
    # WHEN somebody signs
    result = ready.sign("alice", "deployer")
    # THEN the journal has it, and the rest is said as it is
    assert result.code == 1
    assert result.lines[0].startswith("signed v1 as deployer")
    assert "the journal has the signature, but its record could not be written" in result.err
    assert ready.shown()[1]["roles"]["deployer"]["signed"] == ["alice"]


def test_a_journal_that_cannot_be_written_records_nothing(ready: Signed) -> None:
    before = ready.journal()
    (file,) = ready.opsdeck.journal.glob("*.jsonl")
    moved = file.rename(file.with_name("aside"))
    file.mkdir()
    result = ready.sign("alice", "deployer")
    assert result.code not in (0, 1)
    assert "signed v1 as" not in result.out
    file.rmdir()
    moved.rename(file)
    assert (ready.journal(), ready.files()) == (before, [])


def test_what_changes_while_a_key_is_touched_is_not_signed(
    ready: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN that somebody says something while ssh-keygen waits
    def slow(*given: object, **more: object) -> str:
        signature = seal(*given, **more)  # type: ignore[arg-type]
        noted = ready.opsdeck.ended("note", "own/a", "-m", "wait")
        assert noted.code == 0, noted.err
        return signature

    monkeypatch.setattr("opsdeck.commands._signoff_sign.seal", slow)
    # WHEN it is signed
    result = ready.sign("alice", "deployer")
    # THEN it is refused, and nothing is recorded as signed
    assert (result.code, result.out) == (64, "")
    assert "v1 changed while you signed (own/a: its notes were changed)" in result.err
    assert b"signoff." not in b"".join(ready.journal().values())


def test_form_and_abandoned_releases(ready: Signed) -> None:
    ready("release", "change", "--date", "2026-11-24", "--notes", "first\nsecond")
    lines = ready("signoff", "show").lines
    assert "  Deployment Date    2026-11-24" in lines
    at = lines.index("  Notes              first")
    assert lines[at + 1] == "                     second"
    ready("release", "abandon", "-r", "v2 replaces it")
    before = ready.journal()
    result = ready("signoff", "sign", "v1", "--role", "deployer", "--key", str(ready.key("alice")))
    assert (result.code, "was abandoned by alice" in result.err) == (64, True)
    assert ready.journal() == before
    code, found = ready.shown("v1")
    assert (code, found["state"]) == (1, "abandoned")
    assert found["next"] == "Abandoned by alice: v2 replaces it"


def test_without_a_release_it_says_how_to_start_one(opsdeck: CommandLine) -> None:
    for words in (["show"], ["sign", "--role", "deployer"], ["verify"], ["bundle"]):
        result = opsdeck("signoff", *words)
        assert (result.code, result.out) == (64, "")
        assert "no release was ever started" in result.err
    assert not opsdeck.home.exists()


def test_names_and_roles_are_completed(ready: Signed) -> None:
    ready.opsdeck.environ |= {"_OPSDECK_COMPLETE": "bash_complete", "COMP_CWORD": "3"}
    ready.opsdeck.environ["COMP_WORDS"] = "opsdeck signoff show "
    assert ready("x").out == "plain,v1\n"
    ready.opsdeck.environ |= {"COMP_WORDS": "opsdeck signoff sign --role ", "COMP_CWORD": "4"}
    assert ready("x").lines == ["plain,deployer", "plain,verifier", "plain,approver"]


def test_nothing_from_outside_acts_on_the_terminal(deck: Signed, tmp_path: Path) -> None:
    deck("attest", "own/a", "own/b", by="bob")
    deck("release", "change", "--stakeholders", "a\x1b[31mb", "--notes", "x\u202ey")
    deck.sign("alice", "deployer")
    deck("note", "own/a", "-m", "evil \x1b]0;owned\x07")
    for words in (["signoff", "show"], ["report", "v1"], ["signoff", "show", "--json"]):
        assert not {"\x1b", "\x07", "\u202e"} & set(deck(*words).out)


def test_a_form_without_a_date_is_told_before_it_is_signed(ready: Signed) -> None:
    assert ready("release", "change", "v1", "--date", "").code == 0
    result = ready.sign("alice", "deployer")
    assert result.code == 0
    assert "the form of v1 has no deployment date" in result.err
    assert "`opsdeck release change v1 --date WHEN`" in result.err


def test_a_deck_of_names_knows_its_operators_alone(ready: Signed) -> None:
    # GIVEN a deck without keys, whose operators are alice, bob and carol
    ready.configure('signatures = "names"')
    # WHEN eve gives her name THEN nothing is recorded
    before = ready.journal()
    result = ready("signoff", "sign", "--role", "approver", by="eve")
    assert (result.code, "eve is not among the operators of [deck]" in result.err) == (64, True)
    assert ready.journal() == before
    # AND one of them may
    assert ready("signoff", "sign", "--role", "approver", by="bob").code == 0
