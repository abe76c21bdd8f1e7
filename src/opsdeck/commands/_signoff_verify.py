"""What `opsdeck signoff verify` prints: everything that is wrong, and how each release stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from opsdeck.commands._signoff_keys import keygen_of
from opsdeck.commands.output import say, say_json
from opsdeck.commands.table import width
from opsdeck.reports.objects import moment
from opsdeck.signoff.releases import heads
from opsdeck.signoff.ssh_run import PROGRAM
from opsdeck.signoff.verdict import Checked, Part, Verdict
from opsdeck.signoff.verify import Trust, verify_all
from opsdeck.text import plural, visible

if TYPE_CHECKING:
    from opsdeck.signing import Signing

Status = Literal["ok", "warning", "bad", "unknown"]
EXIT: dict[Status, int] = {"ok": 0, "warning": 1, "bad": 2, "unknown": 3}
_GRAVEST: tuple[Status, ...] = ("bad", "unknown", "warning")
_SURE: tuple[Part, ...] = (
    "identity",
    "digest",
    "content",
    "evidence",
    "journal",
    "record",
    "time",
)
"""What is wrong for certain, although no signature could be verified."""


def verify_releases(signing: Signing, name: str | None, as_json: bool) -> int:
    """Verify a release, or (None) every one that somebody has signed; the exit status."""
    trust = signing.trust()
    blind = _blind(signing, trust)
    verdicts = [signing.verify(signing.look(name))] if name else _all(signing, trust)
    told = [(one, status_of(one, blind)) for one in verdicts]
    status: Status = next((s for s in _GRAVEST if any(s == found for _, found in told)), "ok")
    if as_json:
        found = [verdict_object(one, each) for one, each in told]
        why = blind if any(each == "unknown" for _, each in told) else None
        say_json({"status": status, "unverifiable": why, "releases": found})
        return EXIT[status]
    for one, each in told:
        for line in verdict_lines(one, each, blind):
            say(line)
    if not told:
        say("nobody has signed any release")
    elif name is None and told[1:]:
        counts = [(word, sum(s == word for _, s in told)) for word in EXIT]
        said = ", ".join(f"{count} {word}" for word, count in counts if count)
        say(f"{plural(len(told), 'release')}: {said}")
    return EXIT[status]


def _all(signing: Signing, trust: Trust) -> list[Verdict]:
    deck = signing.deck
    signed = [one.name for one in heads(deck.state) if one.signatures]
    return verify_all(
        deck.journal.home,
        trust,
        now=deck.now(),
        presents={name: signing.look(name).content for name in signed},
        catalog=deck.catalog,
    )


def _blind(signing: Signing, trust: Trust) -> str:
    """Why no signature can be verified here; "" where they can."""
    if trust.signers is None:
        return trust.why or "there is no file of allowed signers"
    if keygen_of(signing.environ) is None:
        return f"{PROGRAM} is not on PATH: install OpenSSH's client tools, version 8.9 or newer"
    return ""


def status_of(one: Verdict, blind: str) -> Status:
    """What a verdict comes to. Where no signature can be verified, it is bad only for what is wrong
    for certain."""
    unseen = bool(blind) and any(each.signed.signature for each in one.signatures)
    if any(problem.part in _SURE for problem in one.bad) or (one.bad and not unseen):
        return "bad"
    if unseen:
        return "unknown"
    broken = any(each.signed.reason for each in one.counted)
    fine = one.complete and one.current and not one.warnings and not broken
    return "ok" if fine else "warning"


def verdict_lines(one: Verdict, status: Status, blind: str) -> Iterator[str]:
    """Each problem with its place and meaning, and at the end how it stands, in one line.

    What only follows from not being able to verify is not told of each signature.
    """
    for problem in one.problems:
        if status == "unknown" and problem.part not in _SURE:
            continue
        lead = f"{problem.severity:<5}"
        text = visible(f"{problem.part}: {problem.where}: {problem.message}")
        room = width()
        for line in [text] if room is None else wrap(text, room - 5, break_on_hyphens=False):
            yield f"{lead}{line}"
            lead = " " * 5
    if status == "unknown":
        yield visible(f"{one.release}: COULD NOT BE VERIFIED: {blind}")
    else:
        yield visible(one.words)


def verdict_object(one: Verdict, status: Status) -> dict[str, Any]:
    """A verdict for programs; `docs/cli.md` describes every key."""
    return {
        "release": one.release,
        "status": status,
        "says": one.words,
        "content": one.content or None,
        "complete": one.complete,
        "current": one.current,
        "names_only": one.names_only,
        "break_glass": any(each.signed.reason for each in one.counted),
        "problems": [
            {
                "severity": problem.severity,
                "part": problem.part,
                "where": problem.where,
                "message": problem.message,
            }
            for problem in one.problems
        ],
        "signatures": _signatures(one.signatures),
    }


def _signatures(found: Sequence[Checked]) -> list[dict[str, Any]]:
    return [
        {
            "event": each.signed.event,
            "role": each.signed.role,
            "by": each.signed.by,
            "at": moment(each.signed.at),
            "holds": each.ok,
            "why": each.why,
            "signed": bool(each.signed.signature),
            "identity": each.signed.identity or None,
            "key": each.signed.fingerprint or None,
            "content": each.signed.content or None,
        }
        for each in found
    ]
