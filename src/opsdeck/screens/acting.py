"""What the keys do with the item under the cursor; every act is on disk before it is shown."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsdeck.errors import UsageError
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.runs.acts import Where
from opsdeck.runs.progress import RunView
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.releasing import Releasing
from opsdeck.screens.wording import item_name, when
from opsdeck.signoff.acts import out_of_date
from opsdeck.text import visible

DraftOf = Callable[[Answers], Draft]


class ItemActs(Releasing):
    """The keys that act on an item; subclasses say which item and which run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space",
            "attest",
            "attest",
            id="item.attest",
            tooltip="Give your word that it is done, or take it back",
        ),
        Binding("n", "note", "note", id="item.note", tooltip="Write a note beside it"),
        Binding("w", "waive", "waive", id="item.waive", tooltip="It need not hold until a day"),
        Binding("d", "defer", "defer", id="item.defer", tooltip="Put it off, with a reason"),
        Binding("o", "override", "override", id="item.override", tooltip="Go on although it fails"),
        Binding("x", "unuse", "not used", id="item.unuse", tooltip="The team does not use this"),
        Binding(
            "u", "undo", "undo", id="item.undo", tooltip="Take back your own last act in this run"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._acting: set[str] = set()

    def has_item(self) -> bool:
        """Whether the cursor stands on an item."""
        raise NotImplementedError

    def where(self) -> Where | None:
        """The item under the cursor."""
        raise NotImplementedError

    def run_view(self) -> RunView | None:
        """The run on screen."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that make no sense now are neither offered nor obeyed."""
        if action in ("attest", "note", "waive", "defer", "override", "unuse"):
            return True if self.has_item() else None
        return True

    def _act(self, act: Callable[[Where], Coroutine[Any, Any, None]]) -> None:
        """Do something with the item under the cursor; ask for a release first if none is open.

        The item is taken here and now: keys typed ahead may move the cursor before the act runs.
        """
        view, where = self.run_view(), self.where()
        address = where.address if where is not None else ""
        if where is not None and where.closed:
            self.say(where.closed, "warn")
            return
        if address in self._acting:
            self.say("still saving the last one", "warn")
            return
        self._acting.add(address)
        self.host.opening = True

        async def work() -> None:
            try:
                found = where
                if view is not None and view.run is None:
                    found = self.where() if await self.start_release() else None
                if found is not None:
                    await act(found)
            finally:
                self._acting.discard(address)
                self.host.opening = False

        self._work(work())

    def refusal(self, where: Where) -> str:
        """Why nothing may be said of this item now; "" where it may."""
        return ""

    def _settle(self, act: Callable[[Where], Coroutine[Any, Any, None]]) -> None:
        """Do what deals with the item under the cursor, unless its turn has not come."""

        async def settle(where: Where) -> None:
            refusal = self.refusal(where)
            if refusal:
                self.host.say(refusal, "warn")
            else:
                await act(where)

        self._act(settle)

    def _work(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it in a worker of the app: leaving this screen must not cut off an act halfway."""
        self.app.run_worker(work, group="act")

    async def _record(self, where: Where, make: Callable[[], Draft], said: str) -> None:
        """Record an act in a run that takes it; whether signatures were over it is said."""
        deck, host = self.deck, self.host
        closed = deck.closed(where.run)  # it may have been abandoned while a form was open
        try:
            draft = make()
        except UsageError as error:
            closed = closed or str(error)
        if closed:
            host.say(closed, "warn")
        elif await host.commit(draft):
            signed = deck.signed(where.run)
            host.say(out_of_date(signed) if signed else said, "warn" if signed else "good")

    async def _ask(
        self, title: str, where: Where, fields: list[Field], draft: DraftOf, said: str
    ) -> None:
        """Ask for what the act needs; what is typed is checked before the form closes."""
        about = visible(where.item.text)
        prompt = Prompt(title, fields, self.glyphs, about=about, check=draft)
        answers = await self.app.push_screen_wait(prompt)
        if answers is not None:
            await self._record(where, lambda: draft(answers), said)

    # The keys

    def action_attest(self) -> None:
        """Space: attest, or take an attestation back."""

        async def attest(where: Where) -> None:
            text, refusal = visible(where.item.text), self.refusal(where)
            if where.status.state == "attested":
                by = where.status.by
                said = (
                    "" if by == self.deck.operator else f"took back {visible(by)}'s word on {text}"
                )
                await self._record(where, lambda: acts.take_back(where), said)
            elif refusal:
                self.host.say(refusal, "warn")
            else:
                await self._record(where, lambda: acts.attest(where), "")

        self._act(attest)

    def action_note(self) -> None:
        """n: a note beside the item."""

        async def note(where: Where) -> None:
            fields = [Field("text", "Note", "what you saw, a ticket, a link")]
            await self._ask("Note", where, fields, lambda a: acts.note(where, a["text"]), "noted")

        self._act(note)

    def action_waive(self) -> None:
        """w: the item need not hold until a moment."""
        deck = self.deck

        async def waive(where: Where) -> None:
            def draft(a: Answers) -> Draft:
                until = acts.parse_until(a["until"], deck.now(), deck.zone, deck.config.timezone)
                return acts.waive(where, reason=a["reason"], approver=a["approver"], until=until)

            fields = [
                Field("reason", "Reason", "why it need not hold"),
                Field("approver", "Approved by", "who agreed to it"),
                Field(
                    "until",
                    f"Until (in {deck.config.timezone} unless you name a zone)",
                    "7d, 2026-12-01, 2026-12-01 18:00 Europe/Berlin",
                ),
            ]
            await self._ask("Waive", where, fields, draft, "waived")

        self._settle(waive)

    def action_defer(self) -> None:
        """d: put the item off."""
        deck = self.deck

        async def defer(where: Where) -> None:
            def draft(a: Answers) -> Draft:
                due = acts.parse_due(a["due"], deck.now(), deck.zone)
                return acts.defer(where, a["reason"], due)

            fields = [
                Field("reason", "Reason", "why not now"),
                Field("due", "Due (may stay empty)", "7d or 2026-12-01"),
            ]
            await self._ask("Defer", where, fields, draft, "deferred")

        self._settle(defer)

    def action_override(self) -> None:
        """o: go on although the item does not hold."""

        async def override(where: Where) -> None:
            try:
                acts.override(where, "checked before asking")
            except UsageError as error:
                self.host.say(str(error), "warn")
                return
            fields = [Field("reason", "Reason (shown at sign-off)", "why going on is right")]
            await self._ask(
                "Override", where, fields, lambda a: acts.override(where, a["reason"]), "overridden"
            )

        self._settle(override)

    def action_unuse(self) -> None:
        """x: the team does not use what the item is about."""

        async def unuse(where: Where) -> None:
            fields = [Field("reason", "Reason", "what the team does instead")]
            await self._ask(
                "Not used here",
                where,
                fields,
                lambda a: acts.set_unused(where, a["reason"]),
                "set as not used here",
            )

        self._settle(unuse)

    def action_undo(self) -> None:
        """u: take back one's own last act in this run."""

        view, deck = self.run_view(), self.deck
        if view is None or view.run is None:
            self.say("nothing to undo: no run is open")
            return
        run = view.run

        async def undo() -> None:
            undone: list[tuple[str, Mark]] = []

            def make() -> list[Draft]:
                draft, mark = acts.undo(
                    run, deck.state.run(run), deck.operator, deck.now(), deck.closed(run)
                )
                undone.append((str(draft.data["item"]), mark))
                return [draft]

            try:
                saved = await self.host.commit_next(make)
            except UsageError as error:
                self.host.say(str(error), "warn")
                return
            if saved:
                item, mark = undone[0]
                text = item_name(deck.catalog, run, item)[0]
                at = when(parse_wall(mark.at), deck.now(), deck.zone)
                self.host.say(f"undone: {acts.kind_of(mark)} at {at}: {text}", "good")

        self._work(undo())
