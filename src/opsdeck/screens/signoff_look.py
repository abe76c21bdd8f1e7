"""How the sign-off screen comes to know how a release stands, without keeping anybody waiting."""

from __future__ import annotations

from functools import partial

from opsdeck.deck import Touched
from opsdeck.errors import OpsDeckError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.proofs import Proofs
from opsdeck.screens.releasing import Releasing
from opsdeck.screens.signoff_shown import Proof
from opsdeck.signing import Seen, Signing
from opsdeck.signoff.model import Release
from opsdeck.signoff.releases import heads
from opsdeck.text import visible

KEYS_EVERY_S = 3.0
"""So often it is looked whether who may sign was changed; nothing is sent where it was not."""
MOST_VERIFIED = 100
"""Releases that are verified unasked, the newest first; another one is when it is opened."""


class SignoffLook(Releasing):
    """What is known of the current release, or of the one that was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: str | None = None
        """The release that was opened; None: the current one."""
        self.seen: Seen | None = None
        self.trouble = ""
        """Why nothing is known."""
        self.draft = False
        """Whether notes of it were typed here that are not saved yet."""
        self.owed: dict[str, str] = {}
        """Release -> a statement that was signed and could not be saved: once it is, its record is
        to be written."""
        self._looking = False
        self._again = False
        self._proofs: Proofs | None = None
        self._signing: Signing | None = None

    @property
    def signing(self) -> Signing:
        """What may be done with sign-offs."""
        if self._signing is None or self._signing.deck is not self.deck:
            self._signing = Signing(self.deck, self.deck.environ)
        return self._signing

    @property
    def proofs(self) -> Proofs:
        """What came of verifying signatures."""
        if self._proofs is None:
            self._proofs = Proofs(self.signing, self.show)
        return self._proofs

    @property
    def in_front(self) -> bool:
        """Whether the operator looks at this screen, and not at a form above it."""
        return self.app.screen is self

    def release_name(self) -> str | None:
        """The release that is shown."""
        if self.opened is not None and self.opened in self.deck.state.releases:
            return self.opened
        return self.deck.release() or next((one.name for one in heads(self.deck.state)), None)

    def heading(self) -> str:
        """Which release."""
        name = self.release_name()
        return f"Sign-off {visible(name)}" if name else "Sign-off"

    def on_mount(self) -> None:
        """Look at once; what is there is shown as it comes."""
        super().on_mount()
        self.look_soon()
        self.set_interval(KEYS_EVERY_S, self._keys_may_have_changed)

    def show(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def changed(self, touched: Touched | None) -> None:
        """Anything may change what would be signed; the clock changes what is fresh."""
        self.show()
        self.look_soon()

    async def _keys_may_have_changed(self) -> None:
        if self.in_front and not self._looking:
            self.look_at()

    def look_soon(self) -> None:
        """Look, unless a look is under way: then once more after it."""
        self._again = True
        self.look_at()

    def look_at(self) -> None:
        """Look whether who may sign was changed, then at the release if that is due."""
        if not self._looking:
            self._looking = True
            self.run_worker(self._look(), group="look")

    async def _look(self) -> None:
        try:
            if await self.proofs.refresh():
                self._again = True
            while self._again:
                self._again = False
                await self._look_once()
        finally:
            self._looking = False

    async def _look_once(self) -> None:
        name = self.release_name()
        if name is None:
            self.seen, self.trouble = None, ""
        else:
            try:
                self.seen, self.trouble = await self.look(name), ""
                self.draft = await self._has_draft(name)
            except OpsDeckError as error:
                self.seen, self.trouble = None, str(error)
            except OSError as error:
                why = error.strerror or str(error)
                self.seen, self.trouble = None, f"the journal cannot be read: {why}"
        self.show()
        self._verify()
        if self.owed:
            from opsdeck.screens.signoff_seal import write_owed

            await write_owed(self)

    def _verify(self) -> None:
        if self.seen is not None:
            self.proofs.want(self.seen.release)
        for one in heads(self.deck.state)[:MOST_VERIFIED]:
            if self.proofs.lacks(one):
                self.proofs.want(self.signing.release(one.name))

    async def _has_draft(self, name: str) -> bool:
        from opsdeck.screens.notes import Draft, harmless

        deck = self.deck
        draft = Draft(deck.journal.home, name, deck.operator)
        kept = await in_thread(draft.read)
        return kept is not None and kept.strip() != harmless(self.said(name)).strip()

    def said(self, name: str) -> str:
        """The notes of a release, as they are saved."""
        return self.signing.release(name).said("notes")

    async def look(self, name: str) -> Seen:
        """How a release stands now; what waits for the disk waits in a thread of its own."""
        signing = self.signing
        release = signing.release(name)
        base = signing.base(release)
        data = await in_thread(partial(signing.fetch, base)) if base is not None else None
        planned = signing.plan(release, data)
        return await in_thread(partial(signing.seen, planned))

    def proof_of(self, one: Release, unasked: bool) -> Proof:
        """The worst of what is known of a release's last signatures; `unasked` where it is one of
        those that are verified in any case."""
        proof = self.proofs.of_release(one)
        is_shown = self.seen is not None and self.seen.release.name == one.name
        return proof if unasked or is_shown or proof.state != "checking" else Proof("unknown")
