"""`opsdeck signoff verify` and `bundle`: what holds, what does not, and what a stranger gets."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cli.signed import Signed, deck, ready, ssh_keys
from tests.signoff.keys import needs_ssh_keygen

__all__ = ["deck", "ready", "ssh_keys"]

pytestmark = needs_ssh_keygen


def verified(signed: Signed, *more: str) -> tuple[int, Any]:
    """The exit status and object of `verify`."""
    result = signed("signoff", "verify", *more, "--json")
    return result.code, json.loads(result.out)


def altered(signed: Signed, old: bytes, new: bytes) -> None:
    """Something else in the journal, where that stands last."""
    (file,) = signed.opsdeck.journal.glob("*.jsonl")
    head, found, tail = file.read_bytes().rpartition(old)
    assert found
    file.write_bytes(head + new + tail)


def test_what_three_people_signed_holds(ready: Signed) -> None:
    ready.all_sign()
    result = ready("signoff", "verify")
    assert (result.code, result.err) == (0, "")
    people = "alice (deployer), bob (verifier), carol (approver)"
    assert result.lines == [f"v1: signed by {people}, and every signature holds"]
    code, found = verified(ready)
    assert (code, found["status"], found["unverifiable"]) == (0, "ok", None)
    (one,) = found["releases"]
    assert (one["complete"], one["current"], one["problems"]) == (True, True, [])
    assert [each["holds"] for each in one["signatures"]] == [True, True, True]


def test_what_should_be_known_is_a_warning(ready: Signed) -> None:
    # GIVEN that nobody has signed, then one of three
    nothing = ready("signoff", "verify")
    assert (nothing.code, nothing.lines) == (1, ["v1: nobody has signed it"])
    assert ready("signoff", "verify", "--all").lines == ["nobody has signed any release"]
    ready.sign("alice", "deployer")
    assert verified(ready)[0] == 1
    # WHEN all have, and something changes then
    ready.sign("bob", "verifier")
    ready.sign("carol", "approver")
    ready("note", "own/a", "-m", "later")
    # THEN that is a warning too
    code, found = verified(ready)
    assert (code, found["releases"][0]["current"]) == (1, False)


def test_break_glass_is_never_all_well(deck: Signed) -> None:
    for who, role in (("alice", "deployer"), ("bob", "verifier"), ("carol", "approver")):
        assert deck.sign(who, role, "--break-glass", "outage").code == 0
    code, found = verified(deck)
    assert (code, found["status"]) == (1, "warning")
    assert found["releases"][0]["break_glass"] is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"role":"approver"', b'"role":"verifier"'),
        (b'"by":"carol"', b'"by":"mallory"'),
        (b'"type":"item.attested"', b'"type":"item.Attested"'),
    ],
)
def test_a_journal_that_was_touched_does_not_hold(ready: Signed, old: bytes, new: bytes) -> None:
    ready.all_sign()
    altered(ready, old, new)
    result = ready("signoff", "verify", "v1")
    assert result.code == 2
    assert result.lines[0].startswith("bad  ")
    assert result.lines[-1].startswith("v1: DOES NOT HOLD: ")
    code, found = verified(ready, "--all")
    assert (code, found["status"]) == (2, "bad")
    assert {"severity", "part", "where", "message"} == found["releases"][0]["problems"][0].keys()


def test_a_record_that_was_touched_is_found_and_written_anew(ready: Signed) -> None:
    ready.all_sign()
    file = ready.opsdeck.home / "signoffs" / "v1.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("carol", "mallory"), encoding="utf-8")
    result = ready("signoff", "verify")
    assert (result.code, "signoffs/v1.toml" in result.out) == (2, True)
    # WHEN it is written anew
    assert ready("signoff", "record").lines == [f"record written: {file}"]
    # THEN all of it holds, and what was touched is still there
    assert ready("signoff", "verify").code != 2
    assert any("mallory" in (file.parent / name).read_text() for name in ready.files())


def test_without_keys_or_program_it_is_unknown_not_well(ready: Signed, tmp_path: Path) -> None:
    ready.all_sign()
    allowed = ready.folder / "allowed_signers"
    moved = allowed.rename(ready.folder / "aside")
    result = ready("signoff", "verify")
    assert result.code == 3
    assert len(result.lines) == 1
    assert result.lines[0].startswith("v1: COULD NOT BE VERIFIED: there is no file of allowed")
    moved.rename(allowed)
    ready.opsdeck.environ["PATH"] = str(tmp_path / "empty")
    code, found = verified(ready)
    assert (code, found["status"]) == (3, "unknown")
    assert "ssh-keygen is not installed on this machine, or not on PATH" in found["unverifiable"]
    # AND what is wrong for certain is bad all the same
    altered(ready, b'"type":"item.attested"', b'"type":"item.Attested"')
    assert verified(ready)[0] == 2


def test_names_only_verifies_without_keys_and_says_so(ready: Signed) -> None:
    ready.configure('signatures = "names"')
    (ready.folder / "allowed_signers").unlink()
    for who, role in (("alice", "deployer"), ("bob", "verifier"), ("carol", "approver")):
        assert ready("signoff", "sign", "--role", role, by=who).code == 0
    result = ready("signoff", "verify")
    assert "NOT SIGNED, names only" in result.lines[-1]
    assert verified(ready)[1]["releases"][0]["names_only"] is True


def test_a_renamed_deck_and_what_changed_are_told_exactly(ready: Signed) -> None:
    ready.all_sign()
    # GIVEN that other lists go on: nothing changes
    assert ready("attest", "days/look").code == 0
    assert verified(ready)[0] == 0
    # WHEN one item is noted, and the deck gets another name
    ready("note", "own/a", "-m", "later")
    file = ready.folder / "opsdeck.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"acme"', '"live"'), encoding="utf-8")
    # THEN these two are told, and nothing is called a forgery
    for more in ((), ("--all",)):
        code, found = verified(ready, *more)
        assert (code, found["status"]) == (1, "warning")
        told = [p["message"] for p in found["releases"][0]["problems"]]
        assert any("the deck was renamed since, or it was copied here" in one for one in told)
        (changed,) = [one for one in told if one.startswith("out of date")]
        assert changed.startswith("out of date: 2 things changed since: own/a: ")


def test_all_releases_at_once(ready: Signed) -> None:
    ready.all_sign()
    ready("release", "start", "v2")
    ready.done()
    ready.sign("alice", "deployer")
    result = ready("signoff", "verify", "--all")
    assert result.code == 1
    assert [line.partition(":")[0] for line in result.lines] == ["v2", "v1", "2 releases"]
    assert result.lines[-1] == "2 releases: 1 ok, 1 warning"
    assert ready("signoff", "verify", "v1").code == 0
    both = ready("signoff", "verify", "v1", "--all")
    assert (both.code, "not both" in both.err) == (64, True)


# bundle


def test_a_stranger_verifies_a_bundle_with_public_tools(ready: Signed, tmp_path: Path) -> None:
    ready.all_sign()
    # WHEN a bundle is written
    result = ready("signoff", "bundle", "-o", str(tmp_path / "b.tar"))
    tar = tmp_path / "b.tar"
    assert (result.code, result.err) == (0, "")
    assert result.lines == [
        f"written: {tar}",
        f"sha256: {hashlib.sha256(tar.read_bytes()).hexdigest()}",
        f"to verify it without OpsDeck: tar xf {tar} && cd v1-signoff && cat VERIFY.txt",
    ]
    # THEN what VERIFY.txt says is all that a stranger needs
    with tarfile.open(tar) as opened:
        opened.extractall(tmp_path, filter="data")
    folder = tmp_path / "v1-signoff"
    command = "grep '^    ' VERIFY.txt | sh -e"
    environ = {"PATH": ready.opsdeck.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"Good ") == 3
    # AND the pages for reading are in it
    assert b"alice" in (folder / "record.md").read_bytes()
    assert b"<html" in (folder / "record.html").read_bytes()


def test_a_bundle_is_written_over_only_when_told(ready: Signed) -> None:
    unsigned = ready("signoff", "bundle")
    assert (unsigned.code, "nobody has signed" in unsigned.err) == (64, True)
    ready.all_sign()
    assert ready("signoff", "bundle").lines[0] == "written: v1-signoff.tar"
    first = (ready.folder / "v1-signoff.tar").read_bytes()
    again = ready("signoff", "bundle")
    assert (again.code, "is there already" in again.err) == (64, True)
    assert ready("signoff", "bundle", "--force").code == 0
    assert (ready.folder / "v1-signoff.tar").read_bytes() == first
    nowhere = ready("signoff", "bundle", "-o", "no/where.tar")
    assert (nowhere.code, "there is no folder" in nowhere.err) == (66, True)


def test_what_was_touched_is_never_bundled(ready: Signed) -> None:
    ready.all_sign()
    altered(ready, b'"type":"item.attested"', b'"type":"item.Attested"')
    result = ready("signoff", "bundle")
    assert result.code == 65
    assert "`opsdeck signoff verify v1` says more" in result.err
    assert not list(ready.folder.glob("*.tar"))


def test_what_a_bundle_says_first(deck: Signed) -> None:
    assert deck.sign("alice", "deployer", "--break-glass", "outage").code == 0
    lines = deck("signoff", "bundle").lines
    assert lines[0] == "BREAK-GLASS: signed against a closed gate: outage"


def test_a_bundle_is_verified_here_too(ready: Signed) -> None:
    # GIVEN a bundle that somebody brings
    ready.all_sign()
    assert ready("signoff", "bundle").code == 0
    # WHEN it is held against this deck's own allowed signers
    good = ready("signoff", "verify", "--bundle", "v1-signoff.tar")
    # THEN it holds
    assert (good.code, "every signature holds" in good.out) == (0, True), good.out
    # AND wherever that is done
    config = ready.folder / "opsdeck.toml"
    ours = config.read_text()
    config.write_text(ours.replace("[deck]", '[deck]\ntimezone = "Asia/Kathmandu"', 1))
    assert ready("signoff", "verify", "--bundle", "v1-signoff.tar").out == good.out
    config.write_text(ours)
    # AND no longer once a byte of it was touched
    tar = ready.folder / "v1-signoff.tar"
    whole = tar.read_bytes()
    tar.write_bytes(whole.replace(b"role: approver", b"role: Approver", 1))
    touched = ready("signoff", "verify", "--bundle", "v1-signoff.tar", "--json")
    assert (touched.code, json.loads(touched.out)["status"]) == (2, "bad")
    # AND what is no bundle is told
    assert ready("signoff", "verify", "--bundle", "none.tar").code == 66
    assert ready("signoff", "verify", "v1", "--bundle", "v1-signoff.tar").code == 64


# report


def test_report_is_the_record_once_somebody_has_signed(ready: Signed) -> None:
    # GIVEN a release that nobody has signed
    before = ready("report", "v1").out
    assert before.startswith("# Release v1\n")
    assert "- Approved By: nobody yet" in before
    assert json.loads(ready("report", "v1", "--format", "json").out)["signoff"]["signed"] is False
    assert ready("report", "v1", "--format", "html").code == 64
    # WHEN all have signed
    ready.all_sign()
    # THEN the report is the record, but for spreadsheets
    assert ready("report", "release/v1").out.startswith("# Sign-off of release v1\n")
    page = ready("report", "v1", "--format", "html").out
    assert "<html" in page
    assert "<script" not in page
    assert json.loads(ready("report", "v1", "--format", "json").out)["complete"] is True
    assert ready("report", "v1", "--format", "csv").lines[0].startswith("checklist,run,item")
    # AND one of its lists stays what it was
    assert ready("report", "release/v1/own").out.startswith("# Own (release/v1/own)\n")
    assert "## Sign-off" not in ready("report", "release/v1/own").out
    told = ready("report", "v1", "-o", "v1.md")
    assert told.out == "reported the sign-off of v1 to v1.md\n"
