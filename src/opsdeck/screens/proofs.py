"""Signatures verified in the background, each once, for as long as nothing changes their keys."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from opsdeck.errors import OpsDeckError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.signoff_shown import Proof
from opsdeck.signing import Signing
from opsdeck.signoff.model import Release, Signed

TELL_EVERY_S = 0.25
"""Of many that are verified in a row it is told so often."""

_Held = tuple[object, ...]


class Proofs:
    """What came of verifying signatures; `tell` is called whenever more is known."""

    def __init__(self, signing: Signing, tell: Callable[[], None]) -> None:
        self._signing = signing
        self._tell = tell
        self.known: dict[str, Proof] = {}
        """`WRITER:SEQ` of a signature -> what came of it."""
        self._held: _Held | None = None
        self._round = 0
        self._wanted: dict[str, tuple[Release, Signed]] = {}
        self._task: asyncio.Task[None] | None = None

    async def refresh(self) -> bool:
        """Whether all is to be verified anew: keys, rules or ssh-keygen are not what they were."""
        held = await in_thread(self._held_against)
        changed = self._held is not None and held != self._held
        self._held = held
        if changed:
            self.again()
        return changed

    def _held_against(self) -> _Held:
        signing = self._signing
        path = signing.environ.get("PATH")
        files = filter(None, (signing.signers_file(), signing.revoked_file()))
        return (signing.rules, *map(_state_of, files), shutil.which("ssh-keygen", path=path))

    def want(self, release: Release) -> None:
        """Verify the signatures of a release that were not verified yet."""
        for one in release.signatures:
            if one.event not in self.known:
                self._wanted[one.event] = (release, one)
        if self._wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())

    def lacks(self, release: Release) -> bool:
        """Whether any signature of a release was not verified yet."""
        return any(one.event not in self.known for one in release.signatures)

    def again(self) -> None:
        """Forget what is known, and what is being looked at: keys may have changed."""
        self.known.clear()
        self._round += 1

    def of_release(self, release: Release) -> Proof:
        """The worst of what is known of a release's signatures over what was signed last."""
        last = release.signatures[-1].content if release.signatures else ""
        found = [self.known.get(one.event, Proof("checking")) for one in release.over(last)]
        for state in ("bad", "unknown", "not signed", "checking"):
            for proof in found:
                if proof.state == state:
                    return proof
        return Proof("valid")

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        told = float("-inf")
        while self._wanted:
            event, (release, one) = next(iter(self._wanted.items()))
            at = self._round
            proof = await in_thread(partial(self._prove, release, one))
            if at != self._round:
                continue  # it was held against keys that are no longer the ones
            self.known[event] = proof
            del self._wanted[event]
            if not self._wanted or loop.time() - told >= TELL_EVERY_S:
                told = loop.time()
                self._tell()

    def _prove(self, release: Release, one: Signed) -> Proof:
        try:
            return self._proved(release, one)
        except OpsDeckError as error:
            return Proof("unknown", str(error))
        except (OSError, ValueError) as error:
            return Proof("unknown", f"it could not be verified: {error}")

    def _proved(self, release: Release, one: Signed) -> Proof:
        from opsdeck.signoff.verify_signature import (
            agreement_problems,
            read_statement,
            signature_problems,
        )

        said, problems = read_statement(one)
        if said is not None:
            problems += agreement_problems(release.name, one, said)
            problems += signature_problems(one, said, self._signing.trust(), False)
        for severity in ("bad", "unknown"):
            for problem in problems:
                if problem.severity == severity:
                    return Proof("bad" if severity == "bad" else "unknown", problem.message)
        return Proof("valid" if one.signature else "not signed")


def _state_of(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError as error:
        return (-1, error.errno or 0)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
