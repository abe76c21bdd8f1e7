"""Whatever of a sign-off is touched is found, and named as what it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.events import Event, decode_event
from opsdeck.journal.writing import Draft
from opsdeck.signoff.content import Content, canonical, content_of, sha256
from opsdeck.signoff.verify import Trust, verify_all
from tests.signoff.keys import needs_ssh_keygen
from tests.signoff.signed import (
    NOW,
    ONE,
    RULES,
    TWO,
    V1,
    V2,
    Desk,
    Team,
    parts_of,
    verdict_of,
    walk,
)
from tests.signoff.tampered import (
    changing,
    edited,
    file_of,
    flipped,
    rewrite,
    said,
    signed_event,
)

pytestmark = needs_ssh_keygen


# Flipped bytes


def test_a_flipped_byte_of_the_journal_is_found(home: Path, team: Team) -> None:
    # GIVEN every line of both files, and bytes of every kind in it: seq, at, clock, by, data, prev
    for writer in (ONE, TWO):
        path = file_of(home, writer)
        whole = path.read_bytes()
        starts = [0, *(n + 1 for n, byte in enumerate(whole[:-1]) if byte == 0x0A)]
        keys = (b'"seq":', b'"at":"2', b'"clock":"17', b'"by":"', b'"type":"', b'"data":{"')
        for number, start in enumerate(starts):
            end = whole.index(b"\n", start)
            wanted = [keys[number % len(keys)], b'"prev":"']
            for key in wanted:
                place = whole.index(key, start, end) + len(key)
                # WHEN one bit of it is flipped
                flipped(path, place)
                verdict = verdict_of(home, team)
                # THEN the journal is not whole
                assert "journal" in parts_of(verdict), (writer, number, key, said(verdict))
                path.write_bytes(whole)
    assert not verdict_of(home, team).problems


def test_a_flipped_byte_of_the_signed_events_is_found(home: Path, team: Team) -> None:
    # GIVEN the content, the statement and the signature, as they stand in their lines
    path = file_of(home, ONE)
    whole = path.read_bytes()
    start = whole.index(b'"type":"signoff.content"')
    places = {
        "content": whole.index(b"attested", start),
        "sha256": whole.index(b'"sha256":"', start) + 12,
        "statement": whole.index(b"role: deployer", start),
        "time": whole.index(b"time: 2026-11-23", start) + 20,
        "head": whole.index(b"journal: ", start) + 12,
        "armour": whole.index(b"SIGNATURE-----\\n", start) + 80,
        "header": whole.index(b"BEGIN SSH", start),
        "fingerprint": whole.index(b'"key":"SHA256:', start) + 20,
        "identity": whole.index(b'"identity":"', start) + 13,
    }
    for what, place in places.items():
        flipped(path, place)
        verdict = verdict_of(home, team)
        assert "journal" in parts_of(verdict), what
        assert parts_of(verdict) - {"journal", "roles"}, (what, said(verdict))
        path.write_bytes(whole)


def test_a_flipped_byte_of_the_records_files_is_found(home: Path, team: Team) -> None:
    # GIVEN every file of the record: TOML, content, sums, statements and signatures
    files = sorted((home / "signoffs").glob(f"{V1}[.~]*"))
    assert {path.suffix for path in files} == {".toml", ".json", ".sha256", ".txt", ".sig"}
    for path in files:
        whole = path.read_bytes()
        for place in range(0, len(whole), len(whole) // 5):
            # WHEN one of its bytes is flipped
            flipped(path, place)
            verdict = verdict_of(home, team)
            # THEN that file is named
            assert parts_of(verdict) == {"record"}, said(verdict)
            assert [one.where for one in verdict.bad] == [f"signoffs/{path.name}"]
            path.write_bytes(whole)


def test_a_record_that_is_a_link_is_not_followed(home: Path, team: Team) -> None:
    path = home / "signoffs" / f"{V1}.toml"
    path.rename(home / "elsewhere")
    path.symlink_to(home / "elsewhere")
    verdict = verdict_of(home, team)
    assert [str(one) for one in verdict.bad] == [
        f"bad: record: signoffs/{V1}.toml: it is no plain file"
    ]


# A journal that was rewritten, with a chain that fits


def test_a_journal_that_was_written_anew_unchanged_is_still_good(home: Path, team: Team) -> None:
    rewrite(home, lambda _, event: event)
    assert not verdict_of(home, team).problems


@pytest.mark.parametrize(
    ("type_", "where", "new", "parts", "message"),
    [
        pytest.param(
            ev.CHECKED,
            {"verdict": "passed"},
            lambda d: d.update(evidence={**d["evidence"], "exit": 1}),
            {"evidence", "journal"},
            "the evidence of before/tests is not what was signed",
            id="evidence",
        ),
        pytest.param(
            ev.ATTESTED,
            {"item": "backup"},
            lambda d: d.update(note="snapshot 4712"),
            {"evidence", "content", "journal"},
            "attested by carol at 2026-11-23T14:00:00.000Z (why snapshot 4711), the journal",
            id="note of an item",
        ),
        pytest.param(
            ev.CHECKED,
            {"verdict": "failed"},
            lambda d: d.update(verdict="unknown"),
            {"evidence", "journal"},
            "is not the line that was there when this was signed: the journal was rewritten",
            id="what it rests on only by the chain",
        ),
        pytest.param(
            ev.RELEASE_CHANGED,
            {},
            lambda d: d.update(notes="Nothing"),
            {"content", "journal"},
            "its notes is not what the journal said by then",
            id="form",
        ),
        pytest.param(
            ev.SIGNOFF_CONTENT,
            {},
            lambda d: d.update(content=d["content"].replace("240 passed", "241 passed")[:-1]),
            {"digest", "journal"},
            "it was altered since it was signed",
            id="content",
        ),
        pytest.param(
            ev.SIGNOFF_CONTENT,
            {},
            lambda d: d.update(needs={**d["needs"], "approver": 0}),
            {"roles", "journal"},
            "how many people its event says are needed is not what its rules say",
            id="needs",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(statement=edited(d["statement"], rules=())),
            {"signature", "roles", "record", "journal"},
            "the signature does not fit the text",
            id="statement",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(statement=d["statement"] + "\n"),
            {"signature", "roles", "record", "journal"},
            "the statement is not",
            id="statement that is none",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(signature=d["signature"].replace("\n", "\r\n")),
            {"signature", "roles", "record", "journal"},
            "the signature was touched: it is not letter for letter",
            id="armour",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(signature=d["signature"] + "\n"),
            {"signature", "roles", "record", "journal"},
            "the signature was touched: it is not letter for letter",
            id="behind the armour",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: [d.pop(key) for key in ("signature", "key", "identity")],
            {"signature", "identity", "roles", "record", "journal"},
            "a key is named, but the signature is gone",
            id="signature taken away",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(key="SHA256:" + "A" * 43),
            {"identity", "roles", "record", "journal"},
            "the key in its statement is",
            id="fingerprint",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(reason="all was on fire"),
            {"roles", "record", "journal"},
            "the reason for breaking the glass in its statement is none, in the event all was",
            id="glass that nobody broke",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(role="owner"),
            {"roles", "record", "journal"},
            "an event says that somebody signed, in no role",
            id="no role",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(role="verifier"),
            {"signature", "record", "journal"},
            "its statement was made as approver, not as verifier",
            id="other role",
        ),
        pytest.param(
            ev.SIGNOFF_SIGNED,
            {"role": "approver"},
            lambda d: d.update(content="0" * 64),
            {"digest", "record", "journal"},
            "an old signature on a new content",
            id="other content",
        ),
    ],
)
def test_a_rewritten_event_is_found(
    home: Path,
    team: Team,
    type_: str,
    where: dict[str, Any],
    new: Callable[[dict[str, Any]], Any],
    parts: set[str],
    message: str,
) -> None:
    # GIVEN a journal whose events were changed, and its chain mended
    rewrite(home, changing(type_, new, **where))
    # WHEN it is verified
    verdict = verdict_of(home, team)
    # THEN it is said what was changed, and where
    assert message in said(verdict), said(verdict)
    # A later release's heads go beyond what was changed, those of this one only up to it.
    assert parts_of(verdict) | {"journal"} == parts | {"journal"}, said(verdict)


def test_a_content_with_all_that_names_it_rewritten(home: Path, team: Team) -> None:
    # GIVEN a content in which an item passed that did not, its digest, and the digest in every
    # statement, all put right by hand
    data = signed_event(home, "deployer")
    old = data["content"]
    text = next(
        decode_event(line).data["content"]
        for line in file_of(home, ONE).read_bytes().splitlines()
        if decode_event(line).data.get("sha256") == old
    )
    values = json.loads(text)
    values["lists"][0]["items"][2] |= {"state": "attested", "why": None, "until": None}
    new = content_of(values)

    def change(_writer: str, event: Event) -> Event:
        found = dict(event.data)
        if found.get("sha256") == old:
            found |= {"sha256": new.sha256, "content": new.text.decode()}
        elif found.get("content") == old:
            statement = edited(found["statement"], content=new.sha256)
            found |= {"content": new.sha256, "statement": statement}
        return msgspec.structs.replace(event, data=found)

    rewrite(home, change)
    # THEN no signature fits, and the journal says otherwise
    verdict = verdict_of(home, team)
    assert {"signature", "content", "roles"} <= parts_of(verdict)
    assert not any(one.ok for one in verdict.signatures)
    assert "the journal waived by alice" in said(verdict)


# Lost


def test_a_journal_that_ends_too_early(home: Path, team: Team) -> None:
    # GIVEN that the last events of a file, the approver's signature among them, are gone
    path = file_of(home, ONE)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:14]))
    # THEN the file is known to have been longer, and the record to have had more
    verdict = verdict_of(home, team)
    assert {"journal", "record"} <= parts_of(verdict)
    assert "event 29 was once acknowledged" in said(verdict)
    assert not verdict.complete


def test_a_signature_dropped_from_the_journal_is_missed_by_the_record(
    home: Path, team: Team
) -> None:
    # GIVEN a journal without the approver's signature, its chain and its locks put right
    rewrite(home, lambda _, e: None if e.data.get("role") == "approver" else e)
    verdict = verdict_of(home, team)
    assert "record" in parts_of(verdict)
    assert "the journal has nothing of it: something was lost" in said(verdict)


def test_an_event_dropped_before_the_signing(home: Path, team: Team) -> None:
    # GIVEN a journal without the failure that came before the pass
    rewrite(home, lambda _, e: None if e.data.get("verdict") == "failed" else e)
    verdict = verdict_of(home, team)
    assert {"journal", "evidence"} <= parts_of(verdict)
    assert "the journal was rewritten" in said(verdict)


def test_a_file_that_is_gone(home: Path, team: Team) -> None:
    file_of(home, TWO).unlink()
    verdict = verdict_of(home, team)
    assert {"journal", "record"} <= parts_of(verdict)
    assert "the file is gone" in said(verdict)


def test_a_release_of_which_only_the_record_is_left(home: Path, team: Team) -> None:
    shutil.rmtree(home / "journal")
    found = verify_all(home, Trust(RULES, team.signers), now=NOW)
    assert [one.release for one in found] == [V1, V2]
    assert all({"journal", "record"} <= parts_of(one) for one in found)


def test_hostile_texts_are_never_obeyed(tmp_path: Path, team: Team) -> None:
    # GIVEN events whose every text steers a terminal
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    evil = "\x1b]0;x\x07\n\u202edave"
    data = {"release": V1, "role": "approver", "content": evil, "statement": evil}
    desk.say(evil, Draft(ev.SIGNOFF_SIGNED, {**data, "signature": evil, "key": evil}))
    text = json.dumps({"format": evil, "lists": evil})
    bad = {"release": V1, "sha256": sha256(text.encode()), "content": text}
    desk.say(
        evil, Draft(ev.SIGNOFF_CONTENT, bad), Draft(ev.SIGNOFF_CONTENT, {**bad, "sha256": evil})
    )
    deep = "[" * 100_000
    desk.say(
        "x", Draft(ev.SIGNOFF_CONTENT, {**bad, "content": deep, "sha256": sha256(deep.encode())})
    )
    # THEN all is bad, and nothing of it reaches a terminal
    verdict = verdict_of(tmp_path / "deck", team)
    assert {"signature", "content", "digest"} <= parts_of(verdict)
    for text in (
        said(verdict).replace("\n", ""),
        verdict.words,
        *(c.why for c in verdict.signatures),
    ):
        assert text.isprintable(), text


def test_times_out_of_reach_are_no_crash(tmp_path: Path, team: Team) -> None:
    # GIVEN contents, statements and events of the years 1 and 9999
    for number, year in enumerate(("0001", "9999")):
        desk = Desk(tmp_path / year, team)
        walk(desk, V1)
        values = json.loads(desk.at(10).content(V1).text)
        far = f"{year}-12-31T23:59:59.000Z"
        desk.sign(V1, "deployer", "carol", content_of({**values, "as_of": far}))
        moment = datetime.fromisoformat(far)
        desk.sign(V1, "verifier", "bob", content_of({**values, "timezone": year}), at=moment)

        def change(_writer: str, event: Event, far: str = far) -> Event:
            is_check = event.data.get("verdict") == "passed"
            return msgspec.structs.replace(event, at=far) if is_check else event

        rewrite(tmp_path / year, change)
        # THEN each is found
        verdict = verdict_of(tmp_path / year, team)
        assert {"time", "content"} <= parts_of(verdict), (number, said(verdict))
        assert f"its statement is of the year {int(year)}" in said(verdict)
        assert "is no time that it can be of" in said(verdict)


@pytest.mark.parametrize("key", ["event", "state", "set_aside", "id", "text"])
def test_a_content_with_holes_is_no_crash(tmp_path: Path, team: Team, key: str) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    values = json.loads(desk.at(10).content(V1).text)
    holes: tuple[Any, ...] = (None, 7, {}, "x" * 70_000)
    for broken in holes:
        values["lists"][0]["items"][0][key] = broken
        desk.sign(V1, "deployer", "carol", content_of_any(values))
    verdict = verdict_of(tmp_path / "deck", team)
    assert "content" in parts_of(verdict) | {one.part for one in verdict.problems}
    assert not verdict.ok


def content_of_any(values: dict[str, Any]) -> Content:
    """A content of values that are none."""
    text = canonical(values)
    return Content(values, text, sha256(text), b"", sha256(b""))


def test_no_event_can_be_dropped_or_given_to_another(home: Path, team: Team) -> None:
    # GIVEN every event up to the last signature, one after the other
    kept = {path: path.read_bytes() for path in (home / "journal").glob("*.jsonl")}
    places = [(path.stem, n + 1) for path, whole in kept.items() for n in range(whole.count(b"\n"))]
    changes: tuple[Callable[[Event], Event | None], ...] = (
        lambda _: None,
        lambda event: msgspec.structs.replace(event, by="mallory"),
    )
    for writer, seq in places:
        for new in changes:

            def change(
                name: str,
                event: Event,
                at: tuple[str, int] = (writer, seq),
                new: Callable[[Event], Event | None] = new,
            ) -> Event | None:
                return new(event) if (name, event.seq) == at else event

            # WHEN it is dropped, or somebody else's name put to it, and the chain mended
            rewrite(home, change)
            # THEN the later of the two releases, which rests on all of it, does not hold
            assert not verdict_of(home, team, V2).ok, (writer, seq)
            for path, whole in kept.items():
                path.write_bytes(whole)
    assert not verdict_of(home, team, V2).problems
