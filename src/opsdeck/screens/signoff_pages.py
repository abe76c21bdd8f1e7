"""Pages of the sign-off screen (a signature, what changed, all verified), and its bundle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.reader import Reader
from opsdeck.screens.signoff_shown import Proof
from opsdeck.signoff.bundle import bundle_name, write_bundle
from opsdeck.signoff.model import Signed
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.lines import Line, Part, wrap, wrap_exact

if TYPE_CHECKING:
    from opsdeck.screens.signoff_look import SignoffLook
    from opsdeck.signing import Signing


def signature_page(screen: SignoffLook, one: Signed) -> Reader:
    """What was signed, to the byte, and what came of verifying it."""

    def build(width: int) -> list[Line]:
        plain, proof = screen.glyphs.plain, screen.proofs.known.get(one.event, Proof("checking"))
        said = f"{proof.part(screen.glyphs).text}  {visible(proof.why)}"
        lines: list[Line] = [(Part(p, proof.style),) for p in wrap(plain(said), width)]
        lines += [(), (Part("What was signed:", "title"),)]
        lines += _exact(plain(one.statement), width)
        if one.signature:
            lines += [(), (Part("Signature:", "title"),), *_exact(plain(one.signature), width)]
        lines += [(), (Part(plain(f"journal event {visible(one.event)}"), "dim"),)]
        return lines

    return Reader(f"Signature of {visible(one.by)}", build)


def changes_page(screen: SignoffLook, changes: Sequence[str]) -> Reader:
    """All that differs from what was signed last."""

    def build(width: int) -> list[Line]:
        plain = screen.glyphs.plain
        lines: list[Line] = []
        for change in changes:
            lines += [(Part(p),) for p in wrap(plain(visible(change)), width)]
        return lines or [(Part("nothing has changed since it was signed"),)]

    return Reader("Changed since it was signed", build)


def _exact(text: str, width: int) -> list[Line]:
    return [
        (Part(f"  {piece}", "code"),)
        for line in visible_lines(text)
        for piece in wrap_exact(line, max(8, width - 2))
    ]


async def verify_release_page(screen: SignoffLook, name: str) -> None:
    """Verify all of a release, and say all that is wrong."""
    screen.host.say("verifying: journal, content, signatures, records ...")
    try:
        seen = await screen.look(name)
        verdict = await in_thread(partial(screen.signing.verify, seen))
    except OpsDeckError as error:
        screen.host.say(f"not verified: {error}", "bad")
        return
    plain = screen.glyphs.plain
    style = "bad" if verdict.bad else "warn" if verdict.problems or not verdict.counted else "good"

    def build(width: int) -> list[Line]:
        lines: list[Line] = [(Part(p, style),) for p in wrap(plain(visible(verdict.words)), width)]
        for one in verdict.problems:
            lines.append(())
            kind = "bad" if one.severity == "bad" else "warn"
            lines.append((Part(plain(visible(f"{one.part}: {one.where}")), kind),))
            lines += [
                (Part(f"  {p}"),) for p in wrap(plain(visible(one.message)), max(8, width - 2))
            ]
        return lines

    screen.host.say(verdict.words, style)
    if screen.in_front:  # somebody who writes a note meanwhile is not interrupted
        screen.app.push_screen(Reader(f"Verified {visible(name)}", build))


async def export_bundle(screen: SignoffLook, name: str) -> None:
    """Write the bundle where the operator says."""
    host, signing = screen.host, screen.signing
    release = signing.release(name)
    if not release.signatures:
        host.say(f"nobody has signed {name} yet: there is nothing to export", "warn")
        return
    try:
        tar = bundle_name(name)
    except OpsDeckError as error:
        host.say(str(error), "bad")
        return

    def check(answers: Answers) -> None:
        if not answers["file"].strip():
            raise UsageError("name a file")

    prompt = Prompt(
        f"Write the bundle of {visible(name)}",
        [Field("file", "File", "", str(_folder() / tar))],
        screen.glyphs,
        about="Record, content, evidence, signatures and keys; VERIFY.txt in it says how a stranger"
        " verifies it with ssh-keygen and sha256sum alone.",
        check=check,
        keys=("write it", "cancel, nothing is written"),
    )
    if not screen.in_front:
        return
    answers = await screen.app.push_screen_wait(prompt)
    if answers is None:
        return
    given = answers["file"].strip()
    try:
        path = await in_thread(partial(_written, signing, name, given, tar))
    except OpsDeckError as error:
        host.say(str(error), "bad")
        return
    host.say(f"written: {path}; VERIFY.txt in it says how to verify it", "good")


def _folder() -> Path:
    """Where the program was started; where that folder is gone, the operator's own."""
    try:
        return Path.cwd()
    except OSError:
        return Path("~")


def _written(signing: Signing, name: str, given: str, tar: str) -> Path:
    """Write the bundle to the file that was named, or into the folder (in any thread)."""
    from opsdeck.reports.signoff_files import bundle_parts

    try:
        path = Path(given).expanduser()
        path = path / tar if path.is_dir() else path
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"{given}: {error}") from None
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already: e once more, and name another file")
    write_bundle(path, bundle_parts(signing, signing.release(name)))
    return path
