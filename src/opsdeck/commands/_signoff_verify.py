"""What `opsdeck signoff verify` prints: everything that is wrong, and how each release stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from opsdeck.commands.output import say, say_json
from opsdeck.commands.table import width
from opsdeck.reports.objects import moment
from opsdeck.signoff.verdict import Checked, Status, Verdict
from opsdeck.text import plural, visible

if TYPE_CHECKING:
    from opsdeck.signing import Signing

EXIT: dict[Status, int] = {"ok": 0, "warning": 1, "bad": 2, "unknown": 3}
_GRAVEST: tuple[Status, ...] = ("bad", "unknown", "warning")
_LEAD = len("unknown ")


def verify_releases(signing: Signing, name: str | None, as_json: bool) -> int:
    """Verify a release, or (None) every one that somebody has signed; the exit status."""
    verdicts = [signing.verify(signing.look(name))] if name else signing.verify_all()
    return _told(verdicts, as_json, every=name is None)


def verify_tar(signing: Signing, path: Path, as_json: bool) -> int:
    """Verify a bundle against this deck's allowed signers, or (where it has none) its own; the
    exit status. Raises NoInputError and DataError for what is no bundle."""
    from opsdeck.reports.signoff_files import pages_anew
    from opsdeck.signoff.bundle_check import verify_bundle

    signers, now = signing.trust().signers, signing.deck.now()
    return _told([verify_bundle(path, signing.rules, signers, now=now, pages=pages_anew)], as_json)


def _told(verdicts: Sequence[Verdict], as_json: bool, *, every: bool = False) -> int:
    found = [one.status for one in verdicts]
    status: Status = next((s for s in _GRAVEST if s in found), "ok")
    if as_json:
        whys = [problem.message for one in verdicts for problem in one.unknown]
        objects = [verdict_object(one) for one in verdicts]
        say_json({"status": status, "unverifiable": next(iter(whys), None), "releases": objects})
        return EXIT[status]
    for one in verdicts:
        for line in verdict_lines(one):
            say(line)
    if not verdicts:
        say("nobody has signed any release")
    elif every and verdicts[1:]:
        counts = [(word, found.count(word)) for word in EXIT]
        said = ", ".join(f"{count} {word}" for word, count in counts if count)
        say(f"{plural(len(verdicts), 'release')}: {said}")
    return EXIT[status]


def verdict_lines(one: Verdict) -> Iterator[str]:
    """Each problem with its place and meaning, and at the end how it stands, in one line, which
    says alone what could not be verified, where nothing is wrong."""
    for problem in one.problems:
        if problem.severity == "unknown" and one.status == "unknown":
            continue
        lead = f"{problem.severity:<{_LEAD}}"
        text = visible(f"{problem.part}: {problem.where}: {problem.message}")
        room = width()
        for line in [text] if room is None else wrap(text, room - _LEAD, break_on_hyphens=False):
            yield f"{lead}{line}"
            lead = " " * _LEAD
    yield visible(one.words)


def verdict_object(one: Verdict) -> dict[str, Any]:
    """A verdict for programs; `docs/cli.md` describes every key."""
    return {
        "release": one.release,
        "status": one.status,
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
            "unknown": each.unknown,
            "why": each.why,
            "signed": bool(each.signed.signature),
            "identity": each.signed.identity or None,
            "key": each.signed.fingerprint or None,
            "content": each.signed.content or None,
        }
        for each in found
    ]
