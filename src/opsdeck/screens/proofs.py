"""Signatures verified in the background, each once, for as long as nothing changes their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from opsdeck.errors import OpsDeckError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.signoff_rows import Proof
from opsdeck.signing import Signing
from opsdeck.signoff.model import Release, Signed


class Proofs:
    """What came of verifying signatures; `tell` is called whenever more is known."""

    def __init__(self, signing: Signing, tell: Callable[[], None]) -> None:
        self._signing = signing
        self._tell = tell
        self.known: dict[str, Proof] = {}
        """`WRITER:SEQ` of a signature -> what came of it."""
        self._made_with = ""
        self._wanted: dict[str, tuple[Release, Signed]] = {}
        self._task: asyncio.Task[None] | None = None

    def want(self, release: Release) -> None:
        """Verify the signatures of a release that were not verified yet."""
        for one in release.signatures:
            if one.event not in self.known:
                self._wanted[one.event] = (release, one)
        if self._wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())

    def again(self) -> None:
        """Forget what is known: keys may have changed."""
        self.known.clear()

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
        while self._wanted:
            event, (release, one) = next(iter(self._wanted.items()))
            try:
                self.known[event] = await in_thread(partial(self._prove, release, one))
            finally:
                self._wanted.pop(event, None)
            self._tell()

    def _prove(self, release: Release, one: Signed) -> Proof:
        from opsdeck.signoff.verify_signature import (
            Trust,
            agreement_problems,
            read_statement,
            signature_problems,
        )

        if not one.signature:
            return Proof("not signed")
        try:
            signers = self._signing.read_signers()
        except OpsDeckError as error:
            return Proof("unknown", str(error))
        said, problems = read_statement(one)
        if said is not None:
            trust = Trust(self._signing.rules, signers)
            problems += agreement_problems(release.name, one, said)
            problems += signature_problems(one, said, trust, True)
        return Proof("bad", problems[0].message) if problems else Proof("valid")
