"""Verify a bundle that somebody handed over: what VERIFY.txt does by hand, and the rules of roles.

Nothing is unpacked. A bundle proves itself by its own `allowed_signers` only to those who trust
that file; with signers of one's own it is held against these.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.errors import DataError, NoInputError
from opsdeck.journal import events as ev
from opsdeck.journal.events import GENESIS, Event, Recorded
from opsdeck.journal.files import in_words, open_to_read
from opsdeck.runs.cadence import RELEASE_NAME
from opsdeck.signoff import verify_signature as signatures
from opsdeck.signoff.bundle import FILE_NAME
from opsdeck.signoff.bundle_record import Pages, unsigned_problems
from opsdeck.signoff.bundle_text import ALL_SUMS, RECORD_FILE, REVOKED_FILE, SIGNERS_FILE, TEXT_FILE
from opsdeck.signoff.content import CONTENT_FILE, SUMS_FILE, kept_files, needs_of, sha256
from opsdeck.signoff.model import Signed
from opsdeck.signoff.ssh import Signers
from opsdeck.signoff.statement import Statement, StatementError, parse_statement
from opsdeck.signoff.verdict import Checked, Problem, Verdict, bad, in_order, named, warn
from opsdeck.signoff.verify_content import Opened, open_content
from opsdeck.signoff.verify_names import people_problems
from opsdeck.signoff.verify_roles import (
    Held,
    lacking_of,
    role_problems,
    rules_problems,
    statement_problems,
)
from opsdeck.signoff.verify_signature import Context, Trust

LARGEST_BYTES = 256_000_000
MOST_FILES = 100_000
_PAGES = (RECORD_FILE, "record.md", "record.html")
_MEMBER = re.compile(rf"([A-Za-z0-9._+-]+)-signoff/({FILE_NAME.pattern})")
_SUM = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._+/-]+)")


def verify_bundle(
    path: Path,
    rules: SignoffRules,
    signers: Signers | None = None,
    *,
    now: datetime,
    pages: Pages,
) -> Verdict:
    """What a bundle proves; blocks. Without `signers` those in it are believed, and that is said.

    `rules` tell as whom people sign; `pages` makes the pages to read anew. Raises NoInputError
    where it cannot be read and DataError where it is no bundle.
    """
    release, files = _unpacked(path)
    found = list(_sum_problems(files))
    if signers is None and SIGNERS_FILE in files:
        signers = Signers(
            file=Path(SIGNERS_FILE),
            content=files[SIGNERS_FILE],
            revoked=files.get(REVOKED_FILE),
            revoked_file=Path(REVOKED_FILE),
        )
        said = "whose the keys are is said only by the bundle itself: compare their fingerprints"
        found.append(warn("identity", SIGNERS_FILE, said))
    content = _opened(release, files, found)
    held: list[Held] = []
    trust = Trust(rules, signers, f"there is no {SIGNERS_FILE}")
    for name in sorted(files):
        if name.startswith("signatures/") and name.endswith(".txt"):
            held += _held(release, name, files, content, trust, now, found)
    found += _stray_problems(files, content, held)
    if content is not None:
        found += role_problems(content, held)
        found += statement_problems(content, held)
        found += rules_problems(content, held, rules)
        found += unsigned_problems(release, files, content, held, pages)
    found += people_problems([one.signed for one in held], signers)
    lacking = lacking_of(content, held) if content is not None else ["everybody"]
    return Verdict(
        release=release,
        content=content.sha256 if content is not None else "",
        problems=in_order(found),
        signatures=tuple(one.checked for one in held),
        complete=not lacking,
    )


def _unpacked(path: Path) -> tuple[str, dict[str, bytes]]:
    """The release that a bundle is of, and its files; nothing of it is believed."""
    try:
        with open(open_to_read(path), "rb") as stream:
            whole = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise NoInputError(f"{path}: cannot be read: {in_words(error)}") from None
    if len(whole) > LARGEST_BYTES:
        raise DataError(f"{path}: larger than {LARGEST_BYTES:,} bytes: no bundle")
    found: dict[str, bytes] = {}
    releases = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(whole), mode="r:") as tar:
            for entry in tar:
                member = _MEMBER.fullmatch(entry.name)
                inside = tar.extractfile(entry) if entry.isreg() else None
                if inside is None or entry.issparse() or member is None or member[2] in found:
                    raise DataError(f"{path}: {entry.name[:80]!r} does not belong into a bundle")
                releases.add(member[1])
                found[member[2]] = inside.read()
                if len(found) > MOST_FILES:
                    raise DataError(f"{path}: more than {MOST_FILES:,} files: no bundle")
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: no tar that can be read: {error}") from None
    if len(releases) != 1 or not RELEASE_NAME.fullmatch(release := releases.pop()):
        raise DataError(f"{path}: no bundle of one release")
    return release, found


def _sum_problems(files: Mapping[str, bytes]) -> Iterator[Problem]:
    """Whether every file is the one that was packed."""
    lines = files.get(ALL_SUMS, b"").decode("utf-8", "replace").splitlines()
    sums = {line[2]: line[1] for text in lines if (line := _SUM.fullmatch(text))}
    if len(sums) < len(lines) or not lines:
        yield bad("record", ALL_SUMS, "it is damaged, or not there")
    for name in sorted({*files, *sums} - {ALL_SUMS}):
        if name not in files:
            yield bad("record", name, f"{ALL_SUMS} names it, and it is not there")
        elif sums.get(name) != sha256(files[name]):
            yield bad("record", name, f"it is not the file that {ALL_SUMS} names")


def _stray_problems(
    files: Mapping[str, bytes], content: Opened | None, held: Sequence[Held]
) -> Iterator[Problem]:
    """What nothing that was signed names, and whoever packs a bundle does not put into it."""
    known = {ALL_SUMS, SIGNERS_FILE, REVOKED_FILE, CONTENT_FILE, SUMS_FILE, TEXT_FILE, *_PAGES}
    for one in held:
        known |= {one.signed.event, f"{one.signed.event}.sig"}
    if content is not None:
        known |= {kept.name for kept in kept_files(content.data)}
    for name in sorted(files.keys() - known):
        if not (name.startswith("signatures/") and name.endswith(".txt")):
            yield bad("record", name, "it does not belong to what was signed")


def _opened(release: str, files: Mapping[str, bytes], found: list[Problem]) -> Opened | None:
    """The content, and what is wrong with it and with what it rests on."""
    whole = files.get(CONTENT_FILE, b"")
    text = whole.decode("utf-8", "replace")
    data = {"sha256": sha256(whole), "content": text}
    event = Event(0, "", "", "", ev.SIGNOFF_CONTENT, data, GENESIS)
    content, problems = open_content(release, Recorded(CONTENT_FILE, event))
    if content is None:
        found += problems
        return None
    # How many are needed is in the event, which is not in the bundle: the rules are.
    event = Event(0, "", "", "", ev.SIGNOFF_CONTENT, {**data, "needs": needs_of(content.rules)}, "")
    found += open_content(release, Recorded(CONTENT_FILE, event))[1]
    if files.get(SUMS_FILE) != content.sums:
        found.append(bad("digest", SUMS_FILE, "it is not what the content rests on"))
    for kept in kept_files(content.data):
        if kept.name not in files:
            found.append(bad("evidence", kept.name, f"not there; it is of event {kept.event}"))
        elif sha256(files[kept.name]) != kept.sha256:
            found.append(bad("evidence", kept.name, "it is not what was signed"))
    return content


def _held(
    release: str,
    name: str,
    files: Mapping[str, bytes],
    content: Opened | None,
    trust: Trust,
    now: datetime,
    found: list[Problem],
) -> list[Held]:
    """A statement of the bundle with its signature, verified; [] for what is no statement."""
    text = files[name].decode("utf-8", "replace")
    try:
        said = parse_statement(text)
    except StatementError as error:
        found.append(bad("signature", name, str(error)))
        return []
    one = _signed(name, text, said, files.get(f"{name}.sig", b"").decode("ascii", "replace"))
    mine = list(signatures.agreement_problems(release, one, said))
    wanted = True
    if content is not None:
        wanted = content.rules.signatures == "keys"
        sums, deck = sha256(content.sums), content.values.deck
        context = Context(content.as_of, None, sums, deck, ("", "", 0), wanted)
        if said.content != content.sha256:
            mine.append(
                bad("digest", named(one), f"it is over another content than {CONTENT_FILE}")
            )
        mine += signatures.content_problems(one, said, context)
        mine += signatures.time_problems(one, said, context, now)
    mine += signatures.signature_problems(one, said, trust, wanted)
    if not one.signature and not wanted and trust.rules.signatures == "keys":
        mine.append(bad("signature", named(one), "NOT SIGNED: only a name was put down"))
    found += mine
    why = next((p.message for p in mine), "signature holds" if one.signature else "NOT SIGNED")
    blind = bool(mine) and all(p.severity == "unknown" for p in mine)
    return [Held(Checked(one, not mine, why, blind), said)]


def _signed(name: str, text: str, said: Statement, signature: str) -> Signed:
    """A statement as if the journal had it."""
    return Signed(
        event=name,
        key=("0", name, 0),
        at=said.at,
        wall="",
        by=said.name,
        role=said.role,
        content=said.content,
        statement=text,
        signature=signature,
        fingerprint=said.key,
        identity=said.identity,
        reason=said.reason,
    )
