"""A release whose content was signed, put together by hand: every text of it can be hostile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from opsdeck.journal.clock import wall_text
from opsdeck.signoff.content import FORMAT, content_of
from opsdeck.signoff.model import ContentHead, Needs, Release, Role, Signed
from opsdeck.signoff.record import Record, record_of
from opsdeck.signoff.statement import Statement, one_line, statement_text

NOW = datetime(2026, 11, 23, 2, 38, 7, 123000, tzinfo=UTC)
NAME = "v1.4.2"
LINE, EVIDENCE = "ab" * 32, "cd" * 32
KEY = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
ARMOUR = "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n"
HEAD_EVENT = "w:900"
RULES = ((True, "every item of the release done: 3 of 3"), (True, "evidence fresh: oldest 5 min"))


def at(minute: int) -> str:
    """The time of this minute as a content has it."""
    return wall_text(NOW + timedelta(minutes=minute))


def aside(kind: str = "waived", reason: str = "the vendor is late", **more: Any) -> dict[str, Any]:
    """Something that was said in an item's stead."""
    found = {
        "kind": kind, "by": "bob", "at": at(3), "reason": reason, "approver": "carol",
        "until": "2026-12-01T00:00+01:00", "due": None, "in_force": True, "undone": False,
        "event": "w:3", "line": LINE,
    }  # fmt: skip
    return {**found, **more}


def item(number: int = 1, text: str = "Health check answers", **more: Any) -> dict[str, Any]:
    """An item that a probe has passed."""
    found = {
        "id": f"i-{number}", "text": text, "sensed": True, "valid_for_s": "3600",
        "state": "passed", "by": "alice", "at": at(number), "why": "status 200",
        "until": at(60 + number), "event": f"w:{number}", "line": LINE, "evidence": EVIDENCE,
        "set_aside": [], "notes": [],
    }  # fmt: skip
    return {**found, **more}


def note(text: str = "took two tries", *, skipped: bool = False) -> dict[str, Any]:
    """A note beside an item."""
    return {
        "by": "bob", "at": at(4), "text": text, "skipped": skipped, "event": "w:4", "line": LINE,
    }  # fmt: skip


def content(said: str = "", **form: str) -> dict[str, Any]:
    """A content with a passed, a waived and a noted item; `said` is every text of it that people
    write, where it is given."""
    waived = item(
        2,
        said or "Load is spread",
        state="waived",
        by="bob",
        why=said or "late",
        evidence=None,
        event="w:3",
        set_aside=[aside(reason=said or "the vendor is late", approver=said or "carol")],
    )
    noted = item(5, said or "Logs flow", notes=[note(said or "took two tries")])
    if said:
        form = dict.fromkeys(("date", "window", "stakeholders", "notes"), said)
    return {
        "format": FORMAT,
        "deck": said or "Acme",
        "timezone": "Europe/Berlin",
        "release": NAME,
        "started": {"at": at(0), "by": said or "alice"},
        "as_of": at(10),
        "catalog": "12" * 32,
        "rules": {},
        "form": form,
        "lists": [
            {
                "id": "pre",
                "title": said or "Before",
                "section": said or "Verification",
                "cadence": "release",
                "run": f"release/{NAME}/pre",
                "items": [item(1, said or "Health check answers"), waived, noted],
            }
        ],
    }


def sign(data: dict[str, Any], role: Role, by: str, minute: int = 20, **more: Any) -> Signed:
    """A signature over this content; without `signature` in `more` it has one."""
    made, reason = content_of(data), more.get("reason", "")
    statement = Statement(
        release=NAME,
        deck=one_line(data["deck"]) or "Acme",
        role=role,
        name=one_line(by),
        identity=f"{by}@acme.io",
        key=KEY,
        at=NOW + timedelta(minutes=minute),
        content=made.sha256,
        sums=made.sums_sha256,
        rules=(*RULES, (not reason, "no deferred item without date: none")),
        reason=one_line(reason),
    )
    found = {
        "event": f"{by}@box:{minute}",
        "key": (at(minute), by, minute),
        "at": NOW + timedelta(minutes=minute),
        "wall": at(minute),
        "by": by,
        "role": role,
        "content": made.sha256,
        "statement": statement_text(statement),
        "signature": ARMOUR,
        "fingerprint": KEY,
        "identity": f"{by}@acme.io",
    }
    return Signed(**{**found, **more})


def release(data: dict[str, Any], *signatures: Signed, **needs: Any) -> Release:
    """The release with these signatures, whatever they are over."""
    digest = content_of(data).sha256
    head = ContentHead(
        sha256=digest, event=HEAD_EVENT, key=("", "w", 900), at=NOW, needs=Needs(**needs)
    )
    return Release(name=NAME, contents={digest: head}, signatures=list(signatures))


def record(data: dict[str, Any], *signatures: Signed, **needs: Any) -> Record:
    """The record of it."""
    return record_of(release(data, *signatures, **needs), data, content_of(data).sha256)


def whole(data: dict[str, Any] | None = None) -> Record:
    """A record that all three have signed."""
    data = data or content()
    return record(
        data,
        sign(data, "deployer", "alice", 20),
        sign(data, "verifier", "bob", 21),
        sign(data, "approver", "carol", 22),
    )
