"""What v and e do on the sign-off screen: verify all of it, and give it to a stranger."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.reader import Reader
from opsdeck.signoff.bundle import bundle_name, write_bundle
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, Part, wrap

if TYPE_CHECKING:
    from opsdeck.screens.signoff_panes import SignoffPanes
    from opsdeck.signing import Signing


async def verify_release_page(screen: SignoffPanes, name: str) -> None:
    """Verify all of a release, and say all that is wrong."""
    screen.host.say("verifying: journal, content, signatures, records ...")
    try:
        seen = await screen.look(name)
        verdict = await in_thread(partial(screen.signing.verify, seen))
    except OpsDeckError as error:
        screen.host.say(f"not verified: {error}", "bad")
        return
    plain = screen.glyphs.plain

    def build(width: int) -> list[Line]:
        bad = any(p.severity == "bad" for p in verdict.problems)
        style = "bad" if bad else "warn" if verdict.problems else "good"
        lines: list[Line] = [(Part(p, style),) for p in wrap(plain(visible(verdict.words)), width)]
        for one in verdict.problems:
            lines.append(())
            kind = "bad" if one.severity == "bad" else "warn"
            lines.append((Part(plain(visible(f"{one.part}: {one.where}")), kind),))
            lines += [
                (Part(f"  {p}"),) for p in wrap(plain(visible(one.message)), max(8, width - 2))
            ]
        return lines

    screen.host.say(
        verdict.words, "bad" if any(p.severity == "bad" for p in verdict.problems) else "good"
    )
    screen.app.push_screen(Reader(f"Verified {visible(name)}", build))


async def export_bundle(screen: SignoffPanes, name: str) -> None:
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
        [Field("file", "File", "", str(Path.cwd() / tar))],
        screen.glyphs,
        about="Record, content, evidence, signatures and keys; VERIFY.txt in it says how a stranger"
        " verifies it with ssh-keygen and sha256sum alone.",
        check=check,
        keys=("write it", "cancel, nothing is written"),
    )
    answers = await screen.app.push_screen_wait(prompt)
    if answers is None:
        return
    path = Path(answers["file"].strip()).expanduser()
    path = path / tar if path.is_dir() else path
    try:
        await in_thread(partial(_written, signing, name, path))
    except OpsDeckError as error:
        host.say(str(error), "bad")
        return
    host.say(f"written: {path}; VERIFY.txt in it says how to verify it", "good")


def _written(signing: Signing, name: str, path: Path) -> None:
    from opsdeck.reports.signoff_files import bundle_parts

    write_bundle(path, bundle_parts(signing, signing.release(name)))
