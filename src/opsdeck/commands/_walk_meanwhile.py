"""What goes on while somebody walks: background commands, dropped sessions, other people."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from opsdeck.commands._walk_run import run_in_background, say_end
from opsdeck.commands.output import say
from opsdeck.errors import OpsDeckError
from opsdeck.incidents.commands import heard_of
from opsdeck.incidents.timeline import timeline
from opsdeck.text import visible, visible_lines

if TYPE_CHECKING:
    from opsdeck.commands._incident_desk import Desk
    from opsdeck.commands._walk import Walk
    from opsdeck.incidents.commands import Ended, Ready
    from opsdeck.incidents.model import Ran

SETTLE_EVERY_S = 1.0


def tell(error: OpsDeckError) -> None:
    """What went wrong."""
    for line in str(error).splitlines():
        say(f"! {visible(line)}")


class Meanwhile:
    """It is saved when it happens, and told before the next prompt."""

    def __init__(self, desk: Desk, incident: str) -> None:
        self.desk, self.identity = desk, incident
        self._behind: dict[asyncio.Task[Ended | None], str] = {}
        """Commands in the background, by name."""
        self._known = {happening.id for happening in desk.now(incident).happenings}
        self._settled: list[str] = []

    async def background(self, walk: Walk, ready: Ready) -> None:
        """Begin a command that goes on while the walk does."""
        task = await run_in_background(walk, ready)
        self._behind[task] = ready.name
        if not task.done():
            say(visible(f"{ready.name} runs in the background: x stops it"))

    def running(self) -> list[Ran]:
        """Commands that may run on this machine: of this walk, and of one that was dropped."""
        walking = self.desk.walking
        left = {number for _, number, _ in walking.left_running()} | set(walking.running)
        ones = [walking.incident(head.id) for head in walking.incidents()]
        return [ran for one in ones if one for ran in one.running() if ran.number in left]

    async def follow(self) -> None:
        """Save how commands ended that a session which is gone had begun."""
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            if self.desk.walking.left_running():
                with contextlib.suppress(OpsDeckError):
                    self._settled += await self.desk.walking.settle()

    async def settle(self) -> None:
        """The same at once, and say what still runs."""
        self._settled += await self.desk.walking.settle()
        self._tell_settled()
        home = self.desk.deck.journal.home
        for ran in self.running():
            if heard_of(home, ran.number) is None:
                name = ran.began.data.get("name")
                say(visible(f"{name} still runs, begun by an earlier session: x stops it"))

    def _tell_settled(self) -> None:
        numbers, self._settled = self._settled, []
        for head in self.desk.walking.incidents() if numbers else ():
            one = self.desk.now(head.id)
            for entry in timeline(one):
                ran = next((r for n in numbers if (r := one.ran.get(n)) is not None
                            and r.ended is not None and r.ended.id == entry.id), None)  # fmt: skip
                if ran is None:
                    continue
                say(visible(f"an earlier session had begun this: {entry.text} ({one.id})"))
                for line in visible_lines("\n".join(entry.more)):
                    say(f"| {line}")

    def tell_news(self) -> None:
        """What ended, and what others did meanwhile."""
        self._tell_settled()
        for task in [task for task in self._behind if task.done()]:
            name, error = self._behind.pop(task), task.exception()
            ended = task.result() if error is None else None
            if isinstance(error, OpsDeckError):
                tell(error)
            elif ended is not None:
                say_end(name, ended)
        self._take_news()
        one, me = self.desk.now(self.identity), self.desk.deck.operator
        for entry in timeline(one):
            if entry.id not in self._known and entry.by != me:
                at = entry.at.astimezone(self.desk.deck.zone)
                say(visible(f"{at:%H:%M:%S}  {entry.by} {entry.text}"))
        self._known = {happening.id for happening in one.happenings}

    def _take_news(self) -> None:
        deck = self.desk.deck
        edited = deck.config_watch.poll()
        if edited is not None:
            deck.take_config(edited)
            if deck.config_faults:
                say("! opsdeck.toml has faults (`opsdeck doctor`): as it was before, it counts on")
        news = deck.journal.poll()
        if news.reload:
            deck.load()
        else:
            deck.absorb_news(news)

    def leave(self) -> None:
        """What runs in the background goes on without anybody."""
        for task, name in self._behind.items():
            if not task.done():
                task.cancel()
                say(visible(f"{name} goes on; the next walk tells how it ended"))
