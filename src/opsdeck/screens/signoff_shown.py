"""What the sign-off screen shows, as values: a look, and what came of verifying signatures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.signing import Seen
from opsdeck.signoff.model import Role
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part

ProofState = Literal["valid", "bad", "not signed", "checking", "unknown"]

_STYLES: dict[ProofState, str] = {
    "valid": "good",
    "bad": "bad",
    "not signed": "warn",
    "checking": "dim",
    "unknown": "warn",
}
_WORDS: dict[ProofState, str] = {
    "valid": "valid",
    "bad": "NOT VALID",
    "not signed": "not signed",
    "checking": "checking",
    "unknown": "not verified",
}


class Proof(NamedTuple):
    """What came of verifying a signature; `why` where it does not hold or cannot be verified."""

    state: ProofState
    why: str = ""

    @property
    def words(self) -> str:
        """One or two words."""
        return _WORDS[self.state]

    @property
    def style(self) -> str:
        """The style of these words."""
        return _STYLES[self.state]

    def part(self, glyphs: Glyphs) -> Part:
        """A glyph and the words."""
        states = glyphs.states
        glyph = {
            "valid": states["passed"],
            "bad": states["failed"],
            "not signed": glyphs.warn,
            "checking": states["checking"],
            "unknown": states["unknown"],
        }[self.state]
        return Part(f"{glyph} {self.words}", self.style)


class Shown(NamedTuple):
    """All that the rows are made of."""

    seen: Seen
    rules: SignoffRules
    proofs: Mapping[str, Proof]
    waits: Mapping[Role, str]
    """Role -> who may still sign in it."""
    draft: bool
    """Whether notes were typed here that are not saved yet."""
    now: datetime
    zone: tzinfo
    glyphs: Glyphs
