"""`VERIFY.txt` of a bundle: how somebody without OpsDeck verifies it, command by command.

Commands stand behind four blanks, and nothing else ever does: they may all be given to a shell at
once. What others wrote is in them quoted. Every one ends with 0 where it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from opsdeck.signoff.content import CONTENT_FILE, SUMS_FILE
from opsdeck.signoff.model import ROLE_TITLES, Signed
from opsdeck.signoff.record import Record, first_lines, signature_stem
from opsdeck.signoff.ssh import NAMESPACE
from opsdeck.signoff.statement import BREAK_GLASS, Statement, one_line

ALL_SUMS = "SHA256SUMS"
SIGNERS_FILE = "allowed_signers"
REVOKED_FILE = "revoked_keys"
RECORD_FILE = "record.toml"
TEXT_FILE = "VERIFY.txt"
_BY_HAND = "  "
_COMMAND = "    "
_SUM_LINE = "^[0-9a-f]{64}  [A-Za-z0-9._+/-]+$"

Pairs = list[tuple[Signed, Statement]]


def statement_file(one: Signed) -> str:
    """`signatures/approver-carol-89abcdef.txt`."""
    return f"signatures/{signature_stem(one)}.txt"


def signature_file(one: Signed) -> str:
    """`signatures/approver-carol-89abcdef.txt.sig`, as `ssh-keygen -Y sign` names it."""
    return statement_file(one) + ".sig"


def verify_text(record: Record, pairs: Pairs, *, revoked: bool, evidence: bool, dated: bool) -> str:
    """The text, for these statements. `revoked` says that there is a file of revoked keys,
    `evidence` that the content rests on anything, `dated` that keys are valid at some times only.
    """
    signed = [(one, said) for one, said in pairs if one.signature]
    steps = [_packed()]
    if signed:
        steps.append(_signatures(signed, revoked=revoked, dated=dated))
    steps.append(_contents(pairs))
    if evidence:
        steps.append(_evidence())
    lines = [*first_lines(record), ""] if first_lines(record) else []
    lines += [*_about(record), *_people(pairs), *_how(bool(signed))]
    for number, (title, text) in enumerate(steps, 1):
        lines += ["", f"{number}. {title}", "", *text]
    lines += ["", *_proves(bool(signed), evidence)]
    return "\n".join(lines) + "\n"


def _about(record: Record) -> list[str]:
    title = f"Sign-off of release {record.release.name}, deck {one_line(record.values.deck)}"
    return [
        title,
        "=" * len(title),
        "",
        "What this is",
        "  The record of who deployed, verified and approved this release, and of the evidence",
        "  they did it on. What a person signs is a text in signatures/: it names the release, the",
        f"  role and the person, and ends with the SHA-256 of {CONTENT_FILE} and {SUMS_FILE}.",
        f"  {CONTENT_FILE} has every item with its state; {SUMS_FILE} has the sums of all that",
        "  it rests on: lines of the deck's journal (journal/), and what probes saw (evidence/).",
        "  record.toml, record.md and record.html say the same for reading. Nobody signed them.",
        "",
    ]


def _people(pairs: Pairs) -> list[str]:
    lines = ["Who signed"]
    for one, said in pairs:
        lines.append(f"  {ROLE_TITLES[one.role]} {said.name}, {said.at:%Y-%m-%d %H:%M:%S} UTC")
        if one.signature:
            lines.append(f"  - as {said.identity}, with the key {said.key}")
        else:
            lines.append("  - NOT SIGNED: the name alone was put down")
        if said.reason:
            lines.append(f"  - {BREAK_GLASS}: {said.reason}")
    return [*lines, ""]


def _how(is_signed: bool) -> list[str]:
    tools = "sh, grep and sha256sum"
    if is_signed:
        tools = "sh, grep, sha256sum and ssh-keygen (OpenSSH 8.9 or newer)"
    return [
        "How to verify it",
        f"  You need {tools}, and no OpsDeck.",
        "  In this folder, run the lines that stand behind four blanks. Each ends with exit code",
        "  0 where it holds (`echo $?` shows it), with another one where it does not. When you",
        "  have read them, this runs them all, and stops at the first that does not hold:",
        "",
        f"{_BY_HAND}grep '^    ' VERIFY.txt | sh -e && echo all of it holds",
    ]


def _packed() -> tuple[str, list[str]]:
    return (
        "Every file came as it was packed",
        [
            f"{_COMMAND}test -z \"$(grep -vE '{_SUM_LINE}' {ALL_SUMS})\"",
            f"{_COMMAND}sha256sum -c {ALL_SUMS}",
        ],
    )


def _signatures(signed: Pairs, *, revoked: bool, dated: bool) -> tuple[str, list[str]]:
    lines = [
        '  ssh-keygen says: Good "opsdeck-signoff" signature for NAME with KIND key SHA256:...',
        "  Compare that key with the one that the person told you.",
    ]
    if dated:
        lines.append(
            f"  Dates in {SIGNERS_FILE} without a Z are read as UTC here, at the deck as local."
        )
    for one, said in signed:
        lines += ["", *_signature(one, said, revoked=revoked)]
    return "Each text is signed by its own person, in its role, for this release", lines


def _signature(one: Signed, said: Statement, *, revoked: bool) -> Iterator[str]:
    file = statement_file(one)
    for key, value in (("release", said.release), ("role", said.role), ("name", said.name)):
        yield f"{_COMMAND}grep -xF {shlex.quote(f'{key}: {value}')} {file}"
    revoking = f" -r {REVOKED_FILE}" if revoked else ""
    # In UTC without a Z: that is understood before OpenSSH 9.1, too.
    yield (
        f"{_COMMAND}TZ=UTC ssh-keygen -Y verify -f {SIGNERS_FILE}{revoking}"
        f" -I {shlex.quote(said.identity)} -n {NAMESPACE} \\"
    )
    yield f"{_COMMAND}  -O verify-time={said.at:%Y%m%d%H%M%S} \\"
    yield f"{_COMMAND}  -s {signature_file(one)} < {file}"


def _contents(pairs: Pairs) -> tuple[str, list[str]]:
    names = f"({CONTENT_FILE}|{SUMS_FILE})".replace(".", "[.]")
    lines = [f"  It must say {CONTENT_FILE}: OK and {SUMS_FILE}: OK for each.", ""]
    for one, _ in pairs:
        lines.append(
            f"{_COMMAND}grep -E '^[0-9a-f]{{64}}  {names}$' \\",
        )
        lines.append(f"{_COMMAND}  {statement_file(one)} | sha256sum -c")
    return "Every text is about exactly this content", lines


def _evidence() -> tuple[str, list[str]]:
    return (
        "The journal's lines and the evidence are those that the content rests on",
        [f"{_COMMAND}sha256sum -c {SUMS_FILE}"],
    )


def _proves(is_signed: bool, evidence: bool) -> list[str]:
    lines = ["What that proves, and what not"]
    if is_signed:
        lines += [
            "+ Whoever had these keys signed exactly this, in this role, for this release.",
            f"- Whose the keys are is said by {SIGNERS_FILE} alone, and nobody signed that file.",
            "  Ask each person, or somebody you trust, for the fingerprint of their key",
            "  (ssh-keygen -l -f KEY.pub), and compare.",
            "- When it was signed is what the signer's own machine said.",
        ]
    else:
        lines += [
            "- NOT SIGNED: this deck records names only. The files fit together; that it was these",
            "  people who put down their names is not proved by anything here.",
        ]
    if evidence and is_signed:
        lines.append("+ Not a byte of content, journal lines or evidence was changed since.")
    return [
        *lines,
        "- The lines are some of the deck's journal, not all. Each has the SHA-256 of the line",
        "  before it (prev), so that the whole journal can be held against them: at the deck",
        "  `opsdeck signoff verify` does that, and looks whether the rules of roles were kept.",
        f"- The rules in force stand in {CONTENT_FILE} (rules), and in each person's text which of",
        "  them held when they signed. Whether they are good rules is for you to say.",
        "",
        "Exit codes: 0 it holds; 1 (grep, sha256sum, test) or 255 (ssh-keygen) it does not;",
        "127 a program is missing.",
    ]
