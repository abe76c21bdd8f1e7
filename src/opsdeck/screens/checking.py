"""Checks under way in the app: asked about first where they act, saved before they are shown."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from textual.worker import Worker

from opsdeck.screens.confirm import Confirm
from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.checks.checker import Ask, Subject
    from opsdeck.checks.result import Result
    from opsdeck.looking import Looks
    from opsdeck.screens.host import DeckHost

SAVE_EVERY_S = 0.1
"""Results that come within so much of each other are saved together."""
ASK_AGAIN_AFTER_S = 15.0
"""While OpsDeck is offline the anchors are asked again so often."""
CLOSE_AFTER_S = 30.0
"""Connections are closed when nothing was checked for so long."""

_ABOUT_COMMANDS = (
    "It is run now, and from now on whenever these items are checked, until it changes."
)

Key = tuple[str, str]
"""Run and item."""


class Checking:
    """What is being looked at, how far it is, and what came of it."""

    def __init__(self, host: DeckHost) -> None:
        self.host = host
        self.under_way: set[Key] = set()
        self.total = 0
        self.done = 0
        self.failed = 0
        self.unknown = 0
        self._looks: Looks | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsaved: list[Result] = []
        self._closing: asyncio.TimerHandle | None = None
        self._asking: Worker[None] | None = None
        self._waiting = ""
        self._left: list[str] = []

    @property
    def offline_since(self) -> datetime | None:
        """Since when OpsDeck itself is known to be cut off; None when it is not."""
        return self._looks.online.offline_since if self._looks is not None else None

    @property
    def running(self) -> bool:
        """Whether anything is being looked at."""
        return bool(self._tasks)

    async def looks(self) -> Looks:
        """The deck's looks; what they need is imported off the event loop, when first asked for."""
        if self._looks is None:
            from opsdeck.probes.blocking import import_module, in_thread

            module = await import_module("opsdeck.looking")
            registry = await import_module("opsdeck.probes.registry")
            await in_thread(lambda: [registry.kind_of(name) for name in registry.names()])
            self._looks = module.Looks(self.host.deck, os.environ, apart=True)
        found: Looks = self._looks
        found.follow()
        return found

    async def start(
        self, subjects: Sequence[Subject], *, asked: bool = True, left: str = ""
    ) -> None:
        """Check these. What acts is asked about first; if not `asked` for, it is left out. `left`
        is what was left out already, to be said when all are done.

        A burst of requests is sent only for an item checked alone.
        """
        looks = await self.looks()
        wanted = self._with_target(looks, subjects)
        self._left += [left] if left else []
        asks = looks.asks(wanted)
        unasked = {
            ask.subject.address
            for ask in asks
            if not asked or (ask.consent.kind == "burst" and len(subjects) > 1)
        }
        open_asks = [ask for ask in asks if ask.subject.address not in unasked]
        refused = await self._refused(open_asks, len(wanted) - len(asks))
        if refused is None:
            self.host.say("nothing is checked: nothing was run, nothing was sent")
            return
        left_out = unasked | refused
        wanted = [s for s in wanted if s.address not in left_out]
        if left_out and asked:
            verb = "them" if len(left_out) > 1 else "it"
            said = f"{plural(len(left_out), 'item')} left out: nothing was run for {verb}"
            self._left.append(said)
            self.host.say(said)
        if not wanted and self._waiting:
            self.host.say(f"{self._waiting}: `opsdeck doctor` says what to add", "warn")
        if wanted:
            self._begin(wanted, {a.fingerprint for a in open_asks if a.consent.kind != "command"})

    def _with_target(self, looks: Looks, subjects: Sequence[Subject]) -> list[Subject]:
        """Those that are not being looked at already and, of several, have their target."""
        wanted = [s for s in subjects if (s.run, s.item.id) not in self.under_way]
        self._waiting, self._left = "", []
        missing = looks.missing_targets(wanted) if subjects[1:] else {}
        if missing:
            count = sum(missing.values())
            verb = "waits" if count == 1 else "wait"
            self._waiting = f"{plural(count, 'item')} {verb} for target {', '.join(missing)}"
        return [s for s in wanted if s.probe.get("target") not in missing]

    async def _refused(self, asks: list[Ask], others: int) -> set[str] | None:
        """The addresses of what the operator leaves out, of what would be done, shown exactly;
        None when nothing at all is to be checked. `others` are checked without any question."""
        refused: set[str] = set()
        agreed: list[Ask] = []
        commands = [ask for ask in asks if ask.consent.kind == "command"]
        acts = [ask for ask in asks if ask.consent.kind != "command"]
        for chosen, title, about, yes in (
            (commands, "Run this on this machine?", _ABOUT_COMMANDS, "run"),
            (acts, "Send this?", "It does more than look, so it is asked each time.", "send"),
        ):
            if not chosen:
                continue
            rest = others + len(asks) - len(chosen) - len(refused)
            without = f"leave {'these' if chosen[1:] else 'this'} out" if rest else ""
            shown = [(ask.about, ask.consent.text) for ask in chosen]
            question = Confirm(title, about, shown, self.host.glyphs, yes=yes, without=without)
            answer = await self.host.push_screen_wait(question)
            if answer == "yes":
                agreed += chosen
            elif answer == "without":
                refused |= {ask.subject.address for ask in chosen}
            else:
                return None
        if agreed:
            await self._remember(agreed)
        return refused

    async def _remember(self, asks: list[Ask]) -> None:
        from opsdeck.errors import NotSavedError

        looks = await self.looks()
        try:
            await self.host.journal_thread.run(lambda: looks.remember(asks))
        except NotSavedError as error:
            self.host.say(f"agreed for this time only: {error}", "warn")

    def _begin(self, subjects: list[Subject], once: set[str]) -> None:
        if not self._tasks:
            self.total = self.done = self.failed = self.unknown = 0
            self.host.say("")  # what was said of the checks before
        self.total += len(subjects)
        self.under_way |= {(s.run, s.item.id) for s in subjects}
        task = asyncio.ensure_future(self._run(subjects, once))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.host.show_checking()

    async def _run(self, subjects: list[Subject], once: set[str]) -> None:
        looks = await self.looks()
        if self._closing is not None:
            self._closing.cancel()
        saver = asyncio.ensure_future(self._save_now_and_then())
        try:
            await looks.check(subjects, self._came)
        finally:
            saver.cancel()
            await self._save()
            self.under_way -= {(s.run, s.item.id) for s in subjects}
            looks.agreed -= once
            self._tasks.discard(asyncio.current_task())
            self.host.show_checking()
            if not self._tasks:
                self._ended(subjects)

    def _came(self, subject: Subject, result: Result) -> None:
        self.done += 1
        self.failed += result.verdict == "failed" and not result.assist
        self.unknown += result.verdict == "unknown" and not result.assist
        self._unsaved.append(result)

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._unsaved:
                await self._save()
                self.host.show_checking()

    async def _save(self) -> None:
        results, self._unsaved = self._unsaved, []
        if results:
            looks = await self.looks()
            await asyncio.shield(self.host.commit(*looks.drafts(results)))
            self.under_way -= {(r.run, r.item) for r in results}

    def _ended(self, subjects: list[Subject]) -> None:
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(CLOSE_AFTER_S, self._close)
        stopped = self.done < self.total
        if len(subjects) > 1 or stopped or self._left:
            said = f"checked {self.done} of {self.total}" if stopped else f"checked {self.done}"
            counts = ((self.failed, "failed"), (self.unknown, "unknown"))
            found = ", ".join(f"{count} {word}" for count, word in counts if count)
            said += f": {found}" if found else ""
            said += f"; {self._waiting}: see `opsdeck doctor`" if self._waiting else ""
            self.host.say("; ".join([said, *self._left]))
        self.notice_offline()

    def notice_offline(self) -> None:
        """Say it where OpsDeck was found to be cut off, and ask until it is no longer."""
        if self.offline_since is not None and self._asking is None:
            self.host.show_changes(None)
            self._ask_again()

    def _ask_again(self) -> None:
        if self._asking is None:
            self._asking = self.host.run_worker(self._until_online(), group="online")

    async def _until_online(self) -> None:
        looks = await self.looks()
        while looks.online.offline_since is not None:
            await asyncio.sleep(ASK_AGAIN_AFTER_S)
            await looks.ask_anchors()
        self._asking = None
        self.host.show_changes(None)
        self.host.say("OpsDeck is online again: C looks at what was unknown", "good")

    def _close(self) -> None:
        watching = self.host.watching
        needed = watching is not None and watching.beyond
        if self._looks is not None and not self._tasks and not needed:
            self.host.run_worker(self._looks.aclose(), group="close")

    def stop(self) -> None:
        """Give up what is still under way; what is known already is kept."""
        for task in self._tasks:
            task.cancel()

    def leave(self) -> None:
        """The app ends: nothing is waited for, and what was started is put away elsewhere."""
        self.stop()
        if self._closing is not None:
            self._closing.cancel()
        if self._looks is not None:
            self._looks.leave()
