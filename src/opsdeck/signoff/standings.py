"""How all releases stand, folded once for every change; and whom each of them waits for."""

from __future__ import annotations

from opsdeck.journal.fold import State
from opsdeck.signoff.model import Release, Role
from opsdeck.signoff.releases import heads
from opsdeck.signoff.releases import missing as missing_of

Standings = dict[str, Release]
"""Name -> release in short, the one started last first."""


class StandingBook:
    """Keeps how releases stand until something happens to one of them, or State is another."""

    def __init__(self) -> None:
        self._kept: tuple[State, int, Standings] | None = None

    def of(self, state: State) -> Standings:
        """The releases as State has them now; they are only to be looked at."""
        kept, revision = self._kept, state.release_log.revision
        if kept is not None and kept[0] is state and kept[1] == revision:
            return kept[2]
        found = {one.name: one for one in heads(state)}
        self._kept = (state, revision, found)
        return found


def missing(one: Release) -> dict[Role, int]:
    """How many more people each role needs that needs any, by the fold alone.

    What counts is the content that was signed last, by the rules it was signed under. A
    deployer counts for no role that must be another's.
    """
    content = one.signatures[-1].content if one.signatures else ""
    return {role: more for role, more in missing_of(one, content).items() if more}


def waits_for(one: Release) -> str:
    """`waits for sign-off` before anybody has signed, then `waits for verifier, 2 approvers`; ""
    for a release that waits for nobody."""
    if one.state != "open":
        return ""
    if not one.signatures:
        return "waits for sign-off"
    lacking = missing(one)
    words = [role if more == 1 else f"{more} {role}s" for role, more in lacking.items()]
    return f"waits for {', '.join(words)}" if words else ""
