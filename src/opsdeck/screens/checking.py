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
        self._looks: Looks | None = None
        self._config: object = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsaved: list[Result] = []
        self._closing: asyncio.TimerHandle | None = None
        self._asking: Worker[None] | None = None
        self._waiting = ""

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
        return found

    async def start(self, subjects: Sequence[Subject], *, asked: bool = True) -> None:
        """Check these. What acts is asked about first; if not `asked` for, it is left out.

        A burst of requests is sent only for an item checked alone.
        """
        looks = await self.looks()
        wanted = [s for s in subjects if (s.run, s.item.id) not in self.under_way]
        self._waiting = ""
        if subjects[1:]:
            missing = looks.missing_targets(wanted)
            wanted = [s for s in wanted if s.probe.get("target") not in missing]
            if missing:
                count = sum(missing.values())
                verb = "waits" if count == 1 else "wait"
                self._waiting = f"{plural(count, 'item')} {verb} for target {', '.join(missing)}"
        asks = looks.asks(wanted)
        left_out: set[str] = set()
        for ask in asks:
            alone = len(subjects) == 1
            if not asked or (ask.consent.kind == "burst" and not alone):
                left_out.add(ask.subject.address)
        open_asks = [ask for ask in asks if ask.subject.address not in left_out]
        if open_asks and not await self._agreed(open_asks):
            left_out |= {ask.subject.address for ask in open_asks}
        wanted = [s for s in wanted if s.address not in left_out]
        if left_out and asked:
            self.host.say(f"{plural(len(left_out), 'item')} not checked: nothing was run for them")
        if not wanted and self._waiting:
            self.host.say(f"{self._waiting}: `opsdeck doctor` says what to add", "warn")
        if wanted:
            self._begin(wanted, {a.fingerprint for a in open_asks if a.consent.kind != "command"})

    async def _agreed(self, asks: list[Ask]) -> bool:
        """Whether the operator says yes to what would be done, shown exactly."""
        looks = await self.looks()
        commands = [ask for ask in asks if ask.consent.kind == "command"]
        acts = [ask for ask in asks if ask.consent.kind != "command"]
        for chosen, title, about, yes in (
            (commands, "Run this on this machine?", _ABOUT_COMMANDS, "run"),
            (acts, "Send this?", "It does more than look, so it is asked each time.", "send"),
        ):
            if not chosen:
                continue
            shown = [(_about_ask(ask), ask.consent.text) for ask in chosen]
            question = Confirm(title, about, shown, self.host.glyphs, yes)
            if not await self.host.push_screen_wait(question):
                return False
        from opsdeck.errors import NotSavedError

        try:
            await self.host.journal_thread.run(lambda: looks.remember(asks))
        except NotSavedError as error:
            self.host.say(f"agreed for this time only: {error}", "warn")
        return True

    def _begin(self, subjects: list[Subject], once: set[str]) -> None:
        if not self._tasks:
            self.total = self.done = self.failed = 0
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
        if len(subjects) > 1 or stopped:
            said = f"checked {self.done} of {self.total}" if stopped else f"checked {self.done}"
            said += f": {self.failed} failed" if self.failed else ""
            said += f"; {self._waiting}: see `opsdeck doctor`" if self._waiting else ""
            self.host.say(said)
        if self.offline_since is not None:
            self.host.show_changes(None)
            self._ask_again()

    def _ask_again(self) -> None:
        if self._asking is None:
            self._asking = self.host.run_worker(self._until_online(), group="online")

    async def _until_online(self) -> None:
        looks = await self.looks()
        while looks.online.offline_since is not None:
            await asyncio.sleep(ASK_AGAIN_AFTER_S)
            await looks.online.judge(self.host.deck.now())
        self._asking = None
        self.host.show_changes(None)
        self.host.say("OpsDeck is online again: C looks at what was unknown", "good")

    def _close(self) -> None:
        if self._looks is not None and not self._tasks:
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


def _about_ask(ask: Ask) -> str:
    """Which item asks, and where it would be done."""
    return f"{ask.subject.address}, in {ask.place}" if ask.place else ask.subject.address
