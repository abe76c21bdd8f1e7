"""What people type goes to the journal without the secrets in it; nothing else is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.probes.known_secrets import session_secrets, target_secrets
from opsdeck.typed import without_secrets

KNOWN = "Trustno1!Trustno1"
TOKEN = "AKIA" + "Q4Z7MW2XK5PJ9RBT"


def blotted(kind: str, **data: Any) -> dict[str, Any]:
    [kept] = without_secrets([Draft(kind, data)], lambda: {KNOWN})
    return kept.data


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (ev.ATTESTED, "note"),
        (ev.NOTED, "text"),
        (ev.WAIVED, "reason"),
        (ev.WAIVED, "approver"),
        (ev.INCIDENT_NOTED, "text"),
        (ev.INCIDENT_CORRECTED, "text"),
        (ev.INCIDENT_STATE, "note"),
        (ev.INCIDENT_STEP, "reason"),
        (ev.INCIDENT_STARTED, "title"),
        (ev.INCIDENT_CHANGED, "title"),
        (ev.RELEASE_STARTED, "note"),
        (ev.RELEASE_STARTED, "window"),
        (ev.RELEASE_STARTED, "stakeholders"),
        (ev.RELEASE_CHANGED, "window"),
        (ev.RELEASE_CHANGED, "stakeholders"),
        (ev.RELEASE_CHANGED, "date"),
        (ev.RELEASE_CHANGED, "notes"),
        (ev.RELEASE_ABANDONED, "reason"),
    ],
)
@pytest.mark.parametrize("secret", [KNOWN, TOKEN, "mongodb://app:Sup3rS3cret@db/x"])
def test_what_is_typed_is_kept_without_secrets(kind: str, key: str, secret: str) -> None:
    text = blotted(kind, item="i", **{key: f"tried {secret} twice"})[key]
    assert secret not in text
    assert text.startswith("tried ")
    assert "[redacted]" in text
    assert text.endswith(" twice")


def test_a_handover_is_typed_too() -> None:
    kept = blotted(ev.INCIDENT_ROLE, to="bob", handover={"next": f"use {KNOWN}", "done": "all"})
    assert kept == {"to": "bob", "handover": {"next": "use [redacted]", "done": "all"}}


@pytest.mark.parametrize(
    "draft",
    [
        Draft(ev.ATTESTED, {"run": "r", "item": KNOWN}),
        Draft(ev.CHECKED, {"text": KNOWN}),
        Draft(ev.INCIDENT_STEP, {"title": "Rotate the token: service"}),
        Draft(ev.OPENED, {}),
        Draft(ev.WAIVED, {"window": KNOWN, "notes": KNOWN}),
        Draft(ev.SIGNOFF_CONTENT, {"content": KNOWN, "notes": KNOWN}),
        Draft(ev.SIGNOFF_SIGNED, {"statement": KNOWN, "signature": KNOWN, "reason": KNOWN}),
    ],
    ids=lambda draft: draft.type,
)
def test_what_nobody_typed_is_left_alone(draft: Draft) -> None:
    def asked() -> set[str]:
        raise AssertionError("no secret is looked for")

    assert without_secrets([draft], asked) == [draft]


def test_the_secrets_of_this_machine() -> None:
    targets: dict[str, dict[str, Any]] = {
        "web": {"kind": "http", "url": "https://web", "headers": {"Authorization": "${TOKEN}"}},
        "db": {"kind": "mongodb", "uri": f"mongodb://app:{KNOWN}@db/x"},
        "gone": {"kind": "mongodb", "uri": "${NOT_SET}"},
    }
    environ = {
        "TOKEN": "t-0123456789",
        "DB_PASSWORD": "correct horse",
        "PWD": "/srv/deck",
        "SSH_AUTH_SOCK": "/run/agent",
        "API_KEY": "short",
        "LANG": "C.UTF-8",
        "DESKTOP_SESSION": "ubuntu",
        "GDMSESSION": "plasma",
        "TERM_SESSION_ID": "w0t0p0:0E9D",
        "OLDPWD": "deck-of-ours",
    }
    found = target_secrets(targets, environ, Path())
    assert found == {"t-0123456789", f"mongodb://app:{KNOWN}@db/x"}
    assert session_secrets(environ) == {"t-0123456789", "correct horse"}
