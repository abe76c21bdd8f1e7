"""What the glance and the doctor say of sign-offs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from opsdeck.reports.glance_text import render
from opsdeck.signoff.ssh import NAMESPACE
from tests.cli.conftest import CommandLine
from tests.cli.signed import Signed, deck, ready, ssh_keys
from tests.reports.glanced import glance as glance_made
from tests.signoff.keys import line, needs_ssh_keygen

__all__ = ["deck", "ready", "ssh_keys"]


def glanced(signed: Signed) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The `signoffs` of a glance, and what its text says under `release` and `sign-off`."""
    found = json.loads(signed("glance", "--last-known", "--json").out)["signoffs"]
    lines = signed("glance", "--last-known").lines
    assert all(len(line) <= 80 for line in lines)
    named = {line[:12].strip(): line[12:].strip() for line in lines}
    return found, {name: named[name] for name in ("release", "sign-off") if name in named}


@needs_ssh_keygen
def test_the_glance_says_who_has_signed(ready: Signed) -> None:
    # GIVEN a release that nobody has signed
    assert glanced(ready) == ([], {"release": "v1; signed off: none yet"})
    # WHEN one of three has
    ready.sign("alice", "deployer")
    # THEN it says so, and for whom it waits
    (one,), told = glanced(ready)
    assert told == {
        "release": "v1; signed off: none yet",
        "sign-off": "v1: waits for verifier and approver, deployer alice",
    }
    assert one["content"] == ready.shown()[1]["content"]
    assert {key: one[key] for key in ("release", "state", "deployer", "verifier", "missing")} == {
        "release": "v1",
        "state": "open",
        "deployer": ["alice"],
        "verifier": [],
        "missing": ["verifier", "approver"],
    }
    assert (one["break_glass"], one["signed"]) == (False, True)
    # AND when all have, until the next release is signed off
    ready.sign("bob", "verifier")
    ready.sign("carol", "approver")
    ready("release", "start", "v2")
    (one,), told = glanced(ready)
    assert (one["state"], one["missing"], one["approver"]) == ("signed", [], ["carol"])
    assert told["release"] == "v2; signed off: v1"


@needs_ssh_keygen
def test_the_glance_says_what_is_no_plain_signature(deck: Signed) -> None:
    deck.sign("alice", "deployer", "--break-glass", "outage")
    (one,), told = glanced(deck)
    assert one["break_glass"] is True
    assert told["sign-off"].startswith("! v1: BREAK-GLASS, waits for verifier and approver")


def test_the_glance_says_that_names_are_no_signatures(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text('[signoff]\nsignatures = "names"\n')
    opsdeck("release", "start", "v1")
    opsdeck("signoff", "sign", "--role", "deployer", "--break-glass", "outage")
    found = json.loads(opsdeck("glance", "--last-known", "--json").out)["signoffs"]
    assert [(one["signed"], one["deployer"]) for one in found] == [(False, ["alice"])]
    assert "NOT SIGNED (names only)" in opsdeck("glance", "--last-known").out


def test_a_release_that_waits_is_told_of_before_one_that_is_signed_off(
    opsdeck: CommandLine,
) -> None:
    # GIVEN a release that waits, a newer one that is signed off, and one that nobody has signed
    config = '[signoff]\nsignatures = "names"\n'
    (opsdeck.folder / "opsdeck.toml").write_text(config)
    people = ("alice", "bob", "carol")
    for name, signs in (("v1", 1), ("v2", 3), ("v3", 0)):
        opsdeck("release", "start", name)
        for who, role in list(zip(people, ("deployer", "verifier", "approver"), strict=True))[
            :signs
        ]:
            opsdeck.environ["OPSDECK_OPERATOR"] = who
            assert opsdeck("signoff", "sign", "--role", role, "--break-glass", "now").code == 0
    # THEN the glance has room for one, and that is the one that somebody must see to
    found = json.loads(opsdeck("glance", "--last-known", "--json").out)["signoffs"]
    assert [one["release"] for one in found] == ["v1", "v2"]
    text = opsdeck("glance", "--last-known").lines
    assert [line for line in text if line.startswith("sign-off") and "v1: BREAK-GLASS" in line]


@needs_ssh_keygen
def test_a_glance_at_sign_offs_reads_no_file_and_runs_nothing(
    ready: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.all_sign()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing is verified for a glance")

    monkeypatch.setattr(subprocess, "Popen", never)
    monkeypatch.setattr("opsdeck.signoff.ssh_run.run", never)
    monkeypatch.setattr("opsdeck.journal.lines.find_lines", never)
    monkeypatch.setattr("opsdeck.journal.paging.find_event", never)
    assert glanced(ready)[0][0]["missing"] == []


@pytest.mark.parametrize("width", [40, 80])
def test_however_long_the_names_are_it_stays_one_line(width: int) -> None:
    from zoneinfo import ZoneInfo

    one = {
        "release": "v" * 64,
        "state": "open",
        "content": "0" * 64,
        "deployer": ["d\x1b[31m" * 8],
        "verifier": [],
        "approver": ["a" * 64],
        "missing": ["verifier"],
        "break_glass": True,
        "signed": False,
        "at": None,
    }
    text = render(glance_made(signoffs=(one,)), ZoneInfo("UTC"), width)
    (said,) = (line for line in text.splitlines() if line.startswith("sign-off"))
    assert len(said) <= width
    assert "\x1b" not in text
    assert "BREAK-GLASS" in said


# The doctor


def examined(signed: Signed, by: str = "alice") -> dict[str, tuple[str, str]]:
    """Where -> (level, what) of the part `signoff`."""
    result = signed("doctor", "--quick", "--json", by=by)
    found = json.loads(result.out)["findings"]
    return {f["where"]: (f["level"], f["what"]) for f in found if f["part"] == "signoff"}


@needs_ssh_keygen
def test_the_doctor_says_whether_one_could_sign(ready: Signed) -> None:
    # GIVEN a release, a list of who may sign, and no key
    found = examined(ready)
    assert found["ssh-keygen"][0] == "ok"
    assert found["allowed_signers"] == ("ok", f"{ready.folder / 'allowed_signers'}, 3 people")
    assert found["own key"][0] == "warn"
    # WHEN there is one
    ready.opsdeck.environ["OPSDECK_SIGNING_KEY"] = str(ready.key("alice"))
    # THEN it is told as whom one signs, and to somebody else that it is not theirs
    level, what = examined(ready)["own key"]
    assert (level, what.startswith("alice signs as alice@acme with SHA256:")) == ("ok", True)
    level, what = examined(ready, by="bob")["own key"]
    assert (level, "bob cannot sign with" in what) == ("warn", True)
    # AND so it is for a key that ran out
    ready.allow(
        line("alice", ready.key("alice"), f'namespaces="{NAMESPACE}",valid-before="20200101Z"')
    )
    assert "was valid until 2020" in examined(ready)["own key"][1]


@needs_ssh_keygen
def test_the_doctor_says_what_is_missing(ready: Signed) -> None:
    (ready.folder / "allowed_signers").unlink()
    found = examined(ready)
    assert (found["allowed_signers"][0], found["own key"][0]) == ("warn", "warn")
    (ready.folder / "allowed_signers").write_text("nonsense\n", encoding="utf-8")
    assert examined(ready)["allowed_signers"][0] == "bad"
    ready.opsdeck.environ["PATH"] = "/nowhere"
    assert examined(ready)["ssh-keygen"][0] == "bad"


def test_the_doctor_asks_nothing_of_a_deck_without_sign_offs(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text('[deck]\nname = "acme"\n', encoding="utf-8")
    found = json.loads(opsdeck("doctor", "--quick", "--json").out)["findings"]
    told = [(f["level"], f["where"]) for f in found if f["part"] == "signoff"]
    assert told == [("ok", "allowed_signers")]
    (opsdeck.folder / "opsdeck.toml").write_text('[signoff]\nsignatures = "names"\n')
    found = json.loads(opsdeck("doctor", "--quick", "--json").out)["findings"]
    told = [(f["level"], f["what"]) for f in found if f["part"] == "signoff"]
    assert told == [("ok", "names only: nothing is signed, and records say so")]
