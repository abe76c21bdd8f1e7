"""A release and its sign-off as values: what was said of it, who signed what, how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Role = Literal["deployer", "verifier", "approver"]
ROLES: tuple[Role, ...] = ("deployer", "verifier", "approver")

ROLE_TITLES: dict[Role, str] = {
    "deployer": "Deployed By",
    "verifier": "Verified By",
    "approver": "Approved By",
}
"""What the reference document's form calls them."""

Field = Literal["date", "window", "stakeholders", "notes"]
FIELDS: tuple[Field, ...] = ("date", "window", "stakeholders", "notes")

FIELD_TITLES: dict[Field, str] = {
    "date": "Deployment Date",
    "window": "Deployment Window",
    "stakeholders": "Stakeholders",
    "notes": "Notes",
}

ReleaseState = Literal["open", "signed", "abandoned"]


class Said(msgspec.Struct, frozen=True):
    """The newest word on a field of the form: who wrote it, when (aware UTC)."""

    text: str
    by: str
    at: datetime | None


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """How many different people each role needs, and whether an approver must be another person
    than the deployer, and the verifier than the deployer: the rules in force when a content was
    first signed."""

    deployer: int = 1
    verifier: int = 1
    approver: int = 1
    approver_apart: bool = True
    verifier_apart: bool = True

    def of(self, role: Role) -> int:
        """How many this role needs."""
        return {"deployer": self.deployer, "verifier": self.verifier, "approver": self.approver}[
            role
        ]


# msgspec learns a type at its first use, and crashes where two threads teach it the same one at the
# same time: it knows this one from here on.
msgspec.json.Decoder(Needs)


class ContentHead(msgspec.Struct, frozen=True, kw_only=True):
    """A content that signatures are over, without its text: `event` is the `WRITER:SEQ` that holds
    it."""

    sha256: str
    event: str
    key: tuple[str, str, int]
    at: datetime | None
    needs: Needs


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """One signature as the journal has it; whether it is good is for `verify` to say.

    `signature` is the armoured SSHSIG, "" where only a name was recorded; `reason` why it was
    signed against a closed gate, "" where the gate was open.
    """

    event: str
    key: tuple[str, str, int]
    at: datetime | None
    wall: str
    """The event's `at` as it stands in its line."""
    by: str
    role: Role
    content: str
    statement: str
    signature: str = ""
    fingerprint: str = ""
    identity: str = ""
    reason: str = ""


class Release(msgspec.Struct, kw_only=True):
    """A release as its events have it.

    `chosen` is the place, in the order of all events, of the newest start or choice; `ended_at`
    when it was abandoned, or signed by all roles; `why` the reason of an abandoned one.
    """

    name: str
    state: ReleaseState = "open"
    started_at: datetime | None = None
    started_by: str = ""
    note: str = ""
    chosen: tuple[str, str, int] = ("", "", 0)
    ended_at: datetime | None = None
    ended_by: str = ""
    why: str = ""
    fields: dict[Field, Said] = {}
    contents: dict[str, ContentHead] = {}
    signatures: list[Signed] = []
    """Oldest first, those over earlier contents too."""
    complete: str = ""
    """The content (SHA-256) that all roles have signed last; "" for none."""

    def said(self, field: Field) -> str:
        """The text of a field; "" where nothing was said."""
        found = self.fields.get(field)
        return found.text if found else ""

    def over(self, content: str) -> list[Signed]:
        """The signatures over a content, the newest one of each person and role, oldest first."""
        newest: dict[tuple[str, Role], Signed] = {}
        for one in self.signatures:
            if one.content == content:
                newest[one.by, one.role] = one
        return sorted(newest.values(), key=lambda one: one.key)

    @property
    def break_glass(self) -> list[Signed]:
        """The signatures that were made against a closed gate."""
        return [one for one in self.signatures if one.reason]
