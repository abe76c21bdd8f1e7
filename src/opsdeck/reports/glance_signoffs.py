"""Who has signed which release, for the glance: by the fold alone, nothing is verified or read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsdeck.deck import Deck
from opsdeck.signoff.model import ROLES, Release
from opsdeck.signoff.releases import signers
from opsdeck.signoff.standings import missing
from opsdeck.text import visible


def signoffs(deck: Deck) -> tuple[dict[str, Any], ...]:
    """The releases that somebody has signed and that are open, current or the last that was signed
    off; the current one first, then those that wait for somebody; of each, the one started last."""
    if not deck.state.releases:
        return ()
    current = deck.release()
    signed = [one for one in deck.standings().values() if one.signatures]
    done = [one for one in signed if one.state == "signed"]
    last = max(done, key=lambda one: one.signatures[-1].key).name if done else None
    these = [one for one in signed if one.state == "open" or one.name in (current, last)]
    these.sort(key=lambda one: (one.name != current, one.state != "open"))
    return tuple(map(_signoff, these))


def _signoff(one: Release) -> dict[str, Any]:
    """Who signed the content that was signed last."""
    content = one.signatures[-1].content
    people, over = signers(one, content), one.over(content)
    return {
        "release": one.name,
        "state": one.state,
        "content": content,
        **{role: people[role] for role in ROLES},
        "missing": list(missing(one)),
        "break_glass": any(each.reason for each in over),
        "signed": all(each.fingerprint for each in over),
        "at": one.signatures[-1].at,
    }


def last_signed_off(found: Sequence[Mapping[str, Any]]) -> str:
    """The release that was signed off last, of these; "" for none."""
    done = [one for one in found if one["state"] == "signed"]
    last = max(done, key=lambda one: one["at"].timestamp() if one["at"] else 0.0, default=None)
    return visible(str(last["release"])) if last else ""


def signoff_words(found: Mapping[str, Any]) -> tuple[str, str]:
    """A release, and how its sign-off stands: what is wrong with it comes first."""
    return visible(str(found["release"])), visible(": " + ", ".join(_words(found)))


def _words(found: Mapping[str, Any]) -> Iterator[str]:
    if found["break_glass"]:
        yield "BREAK-GLASS"
    if not found["signed"]:
        yield "NOT SIGNED (names only)"
    if found["missing"]:
        yield f"waits for {' and '.join(found['missing'])}"
    yield from (f"{role} {' and '.join(found[role])}" for role in ROLES if found[role])
