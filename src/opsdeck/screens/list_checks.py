"""Checking whole lists from the screens that show them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from opsdeck.catalog.model import Checklist
from opsdeck.screens.releasing import Releasing


class ListChecks(Releasing):
    """Screens on which C checks lists; subclasses say which."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *Releasing.BINDINGS,
        Binding(
            "C", "check_lists", "check", id="lists.check", tooltip="Have probes look at all of it"
        ),
        Binding("escape", "stop", show=False, id="lists.stop", tooltip="Stop checking"),
    ]

    def lists_to_check(self) -> list[Checklist]:
        """What C is about."""
        raise NotImplementedError

    def spared(self, run: str) -> str:
        """The release whose run C leaves out here, for what was signed would be out of date; ""."""
        return ""

    def checking_changed(self) -> None:
        """How far the looks are stands above the keys."""
        checking = self.host.checking
        if checking.running:
            failed = f", {checking.failed} failed" if checking.failed else ""
            self.say(f"checking {checking.done} of {checking.total}{failed}; esc stops")

    def action_stop(self) -> None:
        """esc: give up what is under way."""
        self.host.checking.stop()

    def action_check_lists(self) -> None:
        """C: have probes look."""
        self.app.run_worker(self._check_lists(), group="act")

    async def _check_lists(self) -> None:
        checking = self.host.checking
        looks = await checking.looks()
        subjects = looks.subjects(self.lists_to_check())
        signed = {s.run: name for s in subjects if (name := self.spared(s.run))}
        now = [subject for subject in subjects if subject.run and subject.run not in signed]
        left = "; ".join(f"release {name} is signed off: left out" for name in set(signed.values()))
        if now:
            await checking.start(now, left=left)
        elif left:
            self.say(f"{left}; C in one of its lists checks that")
        elif subjects:
            self.say("no release is open: R starts one, then C checks its lists")
        else:
            self.say("no item here has a probe: a person must look")
