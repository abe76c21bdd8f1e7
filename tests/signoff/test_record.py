"""The record of a sign-off: what it says, as TOML that nothing can break."""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.errors import DataError, UsageError
from opsdeck.signoff.content import content_of
from opsdeck.signoff.record import (
    content_name,
    first_lines,
    record_name,
    record_of,
    signature_name,
    state_words,
    statement_name,
    sums_name,
)
from opsdeck.signoff.record_toml import record_toml
from tests.signoff.recorded import (
    EVIDENCE,
    KEY,
    LINE,
    NAME,
    at,
    content,
    item,
    note,
    record,
    release,
    sign,
    whole,
)

NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
DIGEST = "0123456789ab" + "c" * 52
NOTES = 'Moved DNS first.\n\n\tThen "the rest".  \n'


def read(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


# What it knows


def test_all_have_signed() -> None:
    found = whole()
    assert (found.complete, state_words(found)) == (True, "complete")
    assert (found.break_glass, found.names_only, first_lines(found)) == ([], False, [])
    assert [one.by for one, statement in found.signed if statement is not None] == [
        "alice", "bob", "carol",
    ]  # fmt: skip
    assert found.last_statement is not None
    assert found.last_statement.role == "approver"


def test_who_is_missing_is_counted() -> None:
    data = content()
    found = record(data, sign(data, "deployer", "alice"), approver=2)
    assert found.missing == {"deployer": 0, "verifier": 1, "approver": 2}
    assert state_words(found) == "waits for verifier, 2 approvers"
    assert not found.complete


def test_an_approver_who_deployed_does_not_count_unless_the_rules_say_so() -> None:
    data = content()
    both = (sign(data, "deployer", "alice", 20), sign(data, "approver", "alice", 21))
    assert record(data, *both).missing["approver"] == 1
    assert record(data, *both, approver_apart=False).missing["approver"] == 0
    twice = (sign(data, "deployer", "alice", 20), sign(data, "verifier", "alice", 21))
    assert record(data, *twice).missing["verifier"] == 1
    assert record(data, *twice, verifier_apart=False).missing["verifier"] == 0


def test_signatures_over_another_content_are_not_in_it() -> None:
    data = content()
    old = sign(content(notes="before"), "deployer", "alice")
    assert record(data, old, sign(data, "verifier", "bob")).of("deployer") == []


def test_a_statement_that_cannot_be_read_is_none() -> None:
    data = content()
    found = record(data, sign(data, "deployer", "alice", statement="OpsDeck sign-off\n"))
    assert found.signed[0][1] is None
    assert found.last_statement is None
    made = read(record_toml(found))
    assert made["signature"][0]["statement_readable"] is False
    assert made["gate"]["state"].startswith("not known")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "opsdeck-signoff-content-9"},
        {"release": "v9"},
        {"lists": None},
        {"lists": [{"id": 1}]},
        {"deck": 7},
        {"form": []},
    ],
)
def test_a_content_that_is_none_is_refused(change: dict[str, Any]) -> None:
    data = {**content(), **change}
    with pytest.raises(DataError):
        record_of(release(content()), data, DIGEST)


def test_what_nobody_filled_in_needs_no_value() -> None:
    data = content()
    data["lists"] = []
    assert read(record_toml(record(data)))["form"]["deployment_date"] == ""


# Its first lines


def test_break_glass_stands_first() -> None:
    data = content()
    found = record(
        data,
        sign(data, "deployer", "alice", 20),
        sign(data, "approver", "carol", 21, reason="the shop\nis down"),
    )
    first = "BREAK-GLASS: signed against a closed gate: the shop is down"
    assert first_lines(found) == [first]
    text = record_toml(found)
    assert text.splitlines()[0] == f"# {first}"
    made = read(text)
    assert made["break_glass"] == ["the shop is down"]
    assert made["signature"][1]["break_glass"] == "the shop\nis down"
    assert made["gate"]["state"] == "closed"
    assert made["gate"]["does_not_hold"] == ["no deferred item without date: none"]


def test_a_reason_that_stands_only_in_what_was_signed_is_shown() -> None:
    data = content()
    open_ = sign(data, "deployer", "alice")
    forced = sign(data, "deployer", "alice", reason="now")
    hidden = msgspec.structs.replace(open_, statement=forced.statement)
    assert (hidden.reason, record(data, hidden).break_glass) == ("", ["now"])


def test_a_name_alone_is_said_to_be_not_signed_everywhere() -> None:
    data = content()
    one = sign(data, "deployer", "alice", signature="", fingerprint="", identity="")
    found = record(data, one)
    text = record_toml(found)
    assert text.splitlines()[0] == "# NOT SIGNED: names only"
    made = read(text)
    assert made["form"]["deployed_by"] == ["alice (not signed)"]
    assert made["signature"][0]["name"] == "alice (not signed)"
    assert made["signature"][0]["signed"] is False
    assert not {"signature_file", "key", "identity"} & made["signature"][0].keys()


def test_names_among_signatures_are_named() -> None:
    data = content()
    found = record(
        data,
        sign(data, "deployer", "alice", 20, reason="now"),
        sign(data, "verifier", "bob", 21, signature=""),
    )
    assert record_toml(found).splitlines()[:2] == [
        "# BREAK-GLASS: signed against a closed gate: now",
        "# NOT SIGNED: names only: bob (verifier)",
    ]


# TOML


def test_the_toml_holds_the_form_and_what_it_rests_on() -> None:
    data = content(date="2026-11-23", window="02:00 to 04:00", stakeholders="all", notes=NOTES)
    made = content_of(data)
    found = read(record_toml(whole(data)))

    assert (found["title"], found["deck"], found["release"], found["state"]) == (
        f"Sign-off of release {NAME}", "Acme", NAME, "complete",
    )  # fmt: skip
    assert (found["content_sha256"], found["evidence_sha256"]) == (made.sha256, made.sums_sha256)
    assert found["content_file"] == content_name(NAME, made.sha256)
    assert found["form"] == {
        "deployment_date": "2026-11-23",
        "deployed_by": ["alice"],
        "verified_by": ["bob"],
        "approved_by": ["carol"],
        "notes": NOTES,
        "window": "02:00 to 04:00",
        "stakeholders": "all",
    }
    assert found["gate"]["state"] == "open"
    assert found["gate"]["as_signed_by"] == "carol (approver)"
    assert len(found["gate"]["holds"]) == 3
    (aside,) = found["set_aside"]
    assert aside == {
        "list": "pre", "item": "i-2", "text": "Load is spread", "kind": "waived", "by": "bob",
        "at": at(3), "reason": "the vendor is late", "approver": "carol",
        "until": "2026-12-01T00:00+01:00", "in_force": True, "undone": False, "event": "w:3",
        "line_sha256": LINE,
    }  # fmt: skip
    first = found["signature"][0]
    assert (first["role"], first["name"], first["signed"]) == ("deployer", "alice", True)
    assert (first["identity"], first["key"], first["at"]) == ("alice@acme.io", KEY, at(20))
    (checklist,) = found["list"]
    assert [one["state"] for one in checklist["item"]] == ["passed", "waived", "passed"]
    assert checklist["item"][0]["evidence_sha256"] == EVIDENCE
    assert checklist["item"][2]["note"][0]["text"] == "took two tries"


def test_it_is_laid_out_to_be_read() -> None:
    text = record_toml(whole(content(notes="one\ntwo")))
    assert '\nnotes = """\none\ntwo"""\n' in text
    assert "\n\n[form]\n" in text
    tables = re.findall(r"^\[.*\]$", text, re.M)
    assert tables[:3] == ["[form]", "[gate]", "[[set_aside]]"]
    assert tables.index("[[set_aside]]") < tables.index("[[signature]]") < tables.index("[[list]]")
    assert not re.search(r"^.+\n\[", text, re.M)


def test_the_same_record_is_the_same_text() -> None:
    assert record_toml(whole()) == record_toml(whole())


def test_several_lists_with_notes_stay_apart() -> None:
    data = content()
    data["lists"].append({**data["lists"][0], "id": "post", "items": [item(7, notes=[note("x")])]})
    data["lists"].append({**data["lists"][0], "id": "empty", "items": []})
    found = read(record_toml(whole(data)))
    assert [one["id"] for one in found["list"]] == ["pre", "post", "empty"]
    assert [len(one.get("item", [])) for one in found["list"]] == [3, 1, 0]
    assert found["list"][1]["item"][0]["note"][0]["text"] == "x"


TEXT = st.text(
    st.one_of(
        st.sampled_from("\"'\\\n\r\t#=[]{}.,x \x00\x1b\x7f\x85\u2028\u2029\u202e\ufeff\U000e0041"),
        st.characters(exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=30,
)


@given(TEXT)
def test_any_text_survives_and_breaks_nothing(said: str) -> None:
    # GIVEN a record in which people wrote the same thing everywhere
    data = content(said)
    found = record(data, sign(data, "deployer", said, reason=said))
    # WHEN it is written as TOML
    text = record_toml(found)
    # THEN any parser finds every text as it was
    made = read(text)
    assert made["deck"] == made["started_by"] == said
    assert [made["form"][key] for key in ("notes", "window", "stakeholders")] == [said] * 3
    assert made["set_aside"][0]["reason"] == made["set_aside"][0]["approver"] == said
    assert [one["text"] for one in made["list"][0]["item"]] == [said] * 3
    assert made["list"][0]["item"][2]["note"][0]["text"] == said
    assert made["signature"][0].get("break_glass") == said
    # AND nothing in it ends a line or turns it around but newlines
    assert NOT_TEXT.findall(text) == []
    assert text.startswith("# BREAK-GLASS: signed against a closed gate:")


def test_what_is_no_unicode_is_replaced() -> None:
    data = content(notes="a\ud800b")
    assert read(record_toml(record(data)))["form"]["notes"] == "a?b"


# Names of files


def test_names_of_files() -> None:
    one = sign(content(), "approver", "Carol Ünal/../x")
    number = hashlib.sha256(one.event.encode()).hexdigest()[:8]
    assert record_name(NAME) == "v1.4.2.toml"
    assert content_name(NAME, DIGEST) == "v1.4.2~0123456789ab.json"
    assert sums_name(NAME, DIGEST) == "v1.4.2~0123456789ab.sha256"
    assert statement_name(NAME, one) == f"v1.4.2~approver-Carol-nal-..-x-{number}.txt"
    assert signature_name(NAME, one) == statement_name(NAME, one) + ".sig"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "v1\n", "v1~1", "-v1", "v 1", "v1\0", "é", "v" * 65]
)
def test_what_is_no_releases_name_is_no_files(name: str) -> None:
    one = sign(content(), "deployer", "alice")
    with pytest.raises(UsageError):
        record_name(name)
    for of_digest in (content_name, sums_name):
        with pytest.raises(UsageError):
            of_digest(name, DIGEST)
    for of_signature in (statement_name, signature_name):
        with pytest.raises(UsageError):
            of_signature(name, one)


@pytest.mark.parametrize("digest", ["", "d1", "../" * 22, "A" * 64, "é" * 64])
def test_what_is_no_digest_is_no_files_name(digest: str) -> None:
    with pytest.raises(UsageError):
        content_name(NAME, digest)
