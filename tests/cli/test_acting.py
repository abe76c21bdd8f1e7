"""What a person does with items: recorded all at once, or nothing at all."""

from __future__ import annotations

import json
import os
import re
import resource
from typing import Any

import pytest

from tests.cli.conftest import CommandLine

TLS = "infrastructure/tls-certificate"
RENEWAL = "infrastructure/cert-renewal"


def item(opsdeck: CommandLine, address: str) -> dict[str, Any]:
    """How an item stands now."""
    checklist, _, wanted = address.rpartition("/")
    found: dict[str, Any] = next(
        i for i in opsdeck.json("list", "items", checklist) if i["id"] == wanted
    )
    return found


def events(opsdeck: CommandLine) -> list[dict[str, Any]]:
    """All events on disk, without those that open files."""
    paths = opsdeck.journal.glob("*.jsonl")
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    found = [json.loads(line) for line in lines]
    return [event for event in found if event["type"] != "journal.opened"]


def test_attest_says_what_is_on_disk(released: CommandLine) -> None:
    result = released("attest", TLS, "--note", "seen")
    assert (result.code, result.err) == (0, "")
    assert re.fullmatch(
        r"attested release/v1/infrastructure/tls-certificate \(alice, \d\d:\d\d UTC\)\n", result.out
    )
    now = item(released, TLS)
    assert (now["state"], now["by"], now["why"]) == ("attested", "alice", "seen")


def test_attest_shows_the_time_of_the_deck(released: CommandLine) -> None:
    (released.folder / "opsdeck.toml").write_text('[deck]\ntimezone = "Asia/Kathmandu"\n')
    assert "+0545)" in released("attest", TLS).out


def test_several_items_are_one_append(released: CommandLine) -> None:
    result = released("attest", TLS, RENEWAL, f"release/v1/{TLS}", "--json")

    shown = json.loads(result.out)
    assert [(i["id"], i["state"]) for i in shown] == [
        ("tls-certificate", "attested"),
        ("cert-renewal", "attested"),
    ]
    told = [e for e in events(released) if e["type"] == "item.attested"]
    assert [e["data"]["item"] for e in told] == ["tls-certificate", "cert-renewal"]
    assert len({e["at"] for e in told}) == 1


def test_every_bad_address_is_told_and_nothing_recorded(released: CommandLine) -> None:
    before = events(released)
    result = released("attest", TLS, "infrastructure/tls-certifcate", "nope", "release/v9/x/y")

    assert (result.code, result.out) == (64, "")
    assert "no item 'tls-certifcate'; did you mean 'tls-certificate'?" in result.err
    assert "'nope' names no item" in result.err
    assert "release/v9/x" in result.err or "checklist 'x'" in result.err
    assert "nothing was recorded" in result.err
    assert events(released) == before


def test_addresses_from_stdin(released: CommandLine) -> None:
    text = f"\ufeff# ours\n{TLS}\r\n\n  {RENEWAL}  \n".encode()
    assert len(released("attest", "-", stdin=text).lines) == 2
    assert item(released, RENEWAL)["state"] == "attested"
    nothing = released("attest", "-", stdin=b"\n")
    assert (nothing.code, "no item is named" in nothing.err) == (64, True)
    junk = released("attest", "-", stdin=b"\xff\xfe/\x1b[31m\n")
    assert junk.code == 64
    assert "\x1b" not in junk.err


def test_each_act_makes_its_state(released: CommandLine) -> None:
    for arguments, state, why in [
        (["waive", "--reason", "later", "--approver", "carol", "--until", "7d"], "waived", "later"),
        (["reopen", "--note", "no"], "open", "no"),
        (["override", "--reason", "own CA"], "overridden", "own CA"),
        (["defer", "--reason", "freeze", "--due", "2099-12-01"], "deferred", "freeze"),
        (["unuse", "--reason", "no TLS"], "inactive", "no TLS"),
        (["attest"], "attested", None),
    ]:
        result = released(arguments[0], TLS, *arguments[1:])
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith({"open": "reopened", "inactive": "unused"}.get(state, state))
        now = item(released, TLS)
        assert (now["state"], now["why"], now["by"]) == (state, why, "alice")


def test_a_waiver_keeps_who_allowed_it_and_until_when(released: CommandLine) -> None:
    until = "2099-12-01 18:00 Europe/Berlin"
    released("waive", TLS, "-r", "own CA", "--approver", "carol", "--until", until)

    assert item(released, TLS)["until"] == "2099-12-01T17:00:00.000Z"
    assert events(released)[-1]["data"] == {
        "run": "release/v1/infrastructure",
        "item": "tls-certificate",
        "reason": "own CA",
        "approver": "carol",
        "until": "2099-12-01T18:00+01:00",
        "zone": "Europe/Berlin",
    }


def test_a_note_leaves_the_state(released: CommandLine) -> None:
    assert released("note", TLS, "-m", "ticket 4711").out.startswith("noted release/v1/")
    assert item(released, TLS)["state"] == "open"


def test_undo_takes_back_ones_own_newest_act(released: CommandLine) -> None:
    released("attest", TLS)
    released("--operator", "bob", "attest", RENEWAL)

    result = released("undo", "infrastructure")
    assert result.out.startswith("undone: attested release/v1/infrastructure/tls-certificate (alic")
    assert item(released, TLS)["state"] == "open"
    assert item(released, RENEWAL)["state"] == "attested"
    again = released("undo", "release/v1/infrastructure")
    assert (again.code, again.err) == (
        64,
        "opsdeck: nothing of alice's to undo in release/v1/infrastructure\n",
    )
    shown = released("--operator", "bob", "undo", "infrastructure", "--json")
    assert [(i["id"], i["state"]) for i in json.loads(shown.out)] == [("cert-renewal", "open")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("waive", TLS, "-r", " ", "--approver", "c", "--until", "7d"), "a reason is needed"),
        (("waive", TLS, "-r", "x", "--approver", "c", "--until", "2020-01-01"), "in the past"),
        (("waive", TLS, "-r", "x", "--approver", "c", "--until", "soon"), "is no moment"),
        (("defer", TLS, "-r", "x", "--due", "2020-01-01"), "in the past"),
        (("note", TLS, "-m", ""), "a note is needed"),
        (("attest", TLS, "--note", "x" * 4_001), "at most 4,000 fit"),
        (("reopen", TLS), "nothing to take back"),
        (("override", "infrastructure/cdn", "-r", "x"), "nothing to override"),
        (("undo", "infrastrukture"), "there is no checklist or run"),
        (("waive", TLS, "-r", "x", "--approver", "c"), "missing option '--until'"),
    ],
)
def test_what_the_rules_forbid_is_told(
    released: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    before = events(released)
    result = released(*arguments)
    assert (result.code, result.out) == (64, "")
    assert message in result.err
    assert events(released) == before


def test_without_a_release_a_release_list_cannot_be_walked(opsdeck: CommandLine) -> None:
    result = opsdeck("attest", TLS)
    assert result.code == 64
    assert "start one with `opsdeck release start NAME`" in result.err


def test_what_cannot_be_saved_is_not_said_to_be_done(opsdeck: CommandLine) -> None:
    opsdeck.home.mkdir()
    opsdeck.journal.write_text("in the way")
    result = opsdeck("attest", "backup-strategy/multiple-locations")
    assert (result.code, result.out) == (74, "")
    assert "\nopsdeck: not saved: " in f"\n{result.err}"
    assert "Traceback" not in result.err


def test_a_disk_that_fills_up_amid_a_write_is_told(released: CommandLine) -> None:
    (path,) = released.journal.glob("*.jsonl")
    before = path.read_bytes()
    limit = len(before) + 40
    result = released.ended(
        "attest",
        TLS,
        environ={"PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (result.code, result.out) == (74, "")
    assert "not saved" in result.err
    assert "ulimit -f" in result.err
    assert path.read_bytes() == before


def test_two_programs_at_once_lose_nothing(released: CommandLine) -> None:
    names = ["tls-certificate", "cert-renewal", "firewall-rules", "network-isolation"]
    programs = [released.program("attest", f"infrastructure/{n}") for n in names]
    for program in programs:
        assert program.communicate(timeout=30)[1] == b""
        assert program.returncode == 0

    told = [e["data"]["item"] for e in events(released) if e["type"] == "item.attested"]
    assert sorted(told) == sorted(names)
    assert released("journal", "verify").code == 0


def test_what_is_made_is_private_whatever_the_umask(opsdeck: CommandLine) -> None:
    before = os.umask(0)
    try:
        assert opsdeck("release", "start", "v1").code == 0
    finally:
        os.umask(before)
    modes = {p.name: p.stat().st_mode & 0o7777 for p in [opsdeck.home, *opsdeck.home.rglob("*")]}
    folders = {"home", "journal", "cache"}
    assert {name: modes.pop(name) for name in folders} == dict.fromkeys(folders, 0o700)
    assert modes
    assert set(modes.values()) == {0o600}


def test_faults_of_the_journal_are_mentioned(released: CommandLine) -> None:
    (path,) = released.journal.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b"junk\n")
    result = released("list", "checklists")
    assert result.code == 0
    assert result.err == "opsdeck: the journal has 1 fault: see `opsdeck journal verify`\n"
