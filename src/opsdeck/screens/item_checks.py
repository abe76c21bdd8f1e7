"""What c, C and e do in a checklist: have probes look, and show what they found."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from opsdeck.catalog.model import Checklist
from opsdeck.runs.acts import Where
from opsdeck.screens.acting import ItemActs
from opsdeck.screens.evidence import EvidenceScreen, looks_at


class ItemChecks(ItemActs):
    """The keys that check items; subclasses say which item, list and run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ItemActs.BINDINGS,
        Binding("c", "check", "check", id="item.check", tooltip="Have its probe look now"),
        Binding(
            "C", "check_all", "check all", id="list.check", tooltip="Check every sensed item here"
        ),
        Binding(
            "e", "evidence", "evidence", id="item.evidence", tooltip="What was expected and found"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._checked_by_itself: set[tuple[str, str]] = set()

    @property
    def checklist(self) -> Checklist | None:
        """The checklist on screen."""
        raise NotImplementedError

    def shown_item(self) -> Where | None:
        """The item under the cursor, also while no release is open."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where no item has a probe there is nothing to check."""
        if action in ("check", "check_all", "evidence"):
            checklist = self.checklist
            return True if checklist and any(i.probe for i in checklist.items) else None
        return super().check_action(action, parameters)

    def action_check(self) -> None:
        """c: look at the item under the cursor."""
        where = self.shown_item()
        if where is None or where.item.probe is None:
            self.say("a person must look at this one: it has no probe; the guide says how")
        elif self._over():
            return
        elif (where.run, where.item.id) in self.host.checking.under_way:
            self.say("it is being checked already")
        else:
            self._act(self._check_where)

    def _over(self) -> bool:
        """Whether the run on screen is over, or takes no more, which is then said."""
        view = self.run_view()
        closed = self.deck.closed(view.run) if view is not None else ""
        if closed:
            self.say(closed, "warn")
            return True
        if view is None or not view.over:
            return False
        self.say("this run is over: a look now says nothing of it; P goes to the newest")
        return True

    async def _check_where(self, where: Where) -> None:
        from opsdeck.checks.checker import Subject

        self.host.opening = False
        await self.host.checking.start([Subject(where.checklist, where.item, where.run)])

    def action_check_all(self) -> None:
        """C: look at all that probes can look at here."""
        if not self._over():
            self._work(self._check_all())

    async def _check_all(self) -> None:
        view = self.run_view()
        if view is None or (view.run is None and not await self.start_release()):
            return
        view = self.run_view()
        if view is not None:
            looks = await self.host.checking.looks()
            await self.host.checking.start(looks.subjects([view.checklist], view.run))

    def check_stale(self) -> None:
        """With `auto_check`, what has aged out is looked at once, when the list is shown."""
        view = self.run_view()
        if not self.deck.config.auto_check or view is None or view.run is None or view.over:
            return
        if self.deck.closed(view.run):
            return
        due = {
            (view.run, item.id)
            for item, status in zip(view.checklist.items, view.statuses, strict=True)
            if item.sensed and status.state == "stale"
        } - self._checked_by_itself
        if due:
            self._checked_by_itself |= due
            self._work(self._check_due(view.checklist, view.run, {item for _, item in due}))

    async def _check_due(self, checklist: Checklist, run: str, due: set[str]) -> None:
        from opsdeck.checks.checker import Subject

        subjects = [Subject(checklist, item, run) for item in checklist.items if item.id in due]
        await self.host.checking.start(subjects, asked=False)

    def action_evidence(self) -> None:
        """e: what was expected and found."""
        where = self.where()
        looks = looks_at(self.deck, where.run, where.item.id) if where else []
        if where is None or not looks:
            self.say("no probe has looked at this yet" + ("" if where is None else ": c checks it"))
            return
        self.app.push_screen(EvidenceScreen(where.item, where.run, looks))
