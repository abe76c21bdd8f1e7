"""`opsdeck check`: what the app's c and C do, for cron, CI and monitoring."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from opsdeck.commands._check_items import chosen
from opsdeck.commands._check_record import keep
from opsdeck.commands.completing import complete_item
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say, say_text, warn
from opsdeck.commands.table import width
from opsdeck.errors import NotSavedError, UsageError
from opsdeck.text import plural, visible, visible_lines

if TYPE_CHECKING:
    from opsdeck.checks.checker import Ask, Subject
    from opsdeck.checks.result import Result
    from opsdeck.deck import Deck
    from opsdeck.looking import Looks

FORMATS = ("text", "json", "junit", "tap", "nagios")
VERDICTS = ("passed", "failed", "unknown")


@click.command()
@click.argument("items", metavar="[CHECKLIST[/ITEM]]...", nargs=-1, shell_complete=complete_item)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How results are written.",
)
@click.option("--record", is_flag=True, help="Keep the verdicts in the journal.")
@click.option(
    "--watch",
    metavar="SECONDS",
    type=click.FloatRange(1, 86_400),
    help="Check again and again, so often, until interrupted.",
)
@click.option(
    "--only",
    type=click.Choice(VERDICTS),
    multiple=True,
    help="Show only results with this verdict (may be repeated); all are counted.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 600),
    help="For every look, instead of what its item says (5 s unless it says more).",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    default=16,
    show_default=True,
    help="How many looks are under way at once.",
)
@click.option("--trust", is_flag=True, help="Run the commands and requests of items, unasked.")
@click.pass_context
@pass_door
def check(
    door: Door,
    ctx: click.Context,
    items: tuple[str, ...],
    form: str,
    record: bool,
    watch: float | None,
    only: tuple[str, ...],
    timeout: float | None,
    jobs: int,
    trust: bool,
) -> int:
    """Have probes look at items now and judge them; without a name, all that have a probe.

    Nothing is recorded unless asked for, and nothing is run on this machine that nobody agreed
    to. Exit status: 0 all passed, 2 one failed, 3 one could not be looked at.

    \b
    Examples:
      opsdeck check                                  everything, as text
      opsdeck check infrastructure before-going-live two lists
      opsdeck check --only failed --only unknown     what is not well
      opsdeck check --format junit --trust > check.xml
      opsdeck check --format nagios --timeout 3      for a monitoring system
      opsdeck check daily-operations --record --watch 300
    """
    from opsdeck.looking import Looks

    deck = door.deck(acting=record)
    looks = Looks(deck, door.environ, jobs=jobs, timeout_s=timeout)
    subjects = chosen(deck, looks, items)
    if not subjects:
        raise UsageError("none of these items has a probe; `opsdeck list items` shows which have")
    closed = next((why for s in subjects if record and (why := deck.closed(s.run))), "")
    if closed:
        raise UsageError(closed)
    _settle(looks, subjects, trust)
    session = _Session(
        deck,
        looks,
        lambda: chosen(deck, looks, items),
        named=bool(items),
        record=record,
        only=only,
        form=form,
    )
    return asyncio.run(_until_told(session.run(watch)))


async def _until_told(running: Coroutine[Any, Any, int]) -> int:
    """Its exit status; told to end (by a monitoring system's timeout, a closed terminal) it ends
    what it started, as it does when interrupted."""
    task = asyncio.ensure_future(running)
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        task.cancel()

    with contextlib.suppress(ValueError, RuntimeError):  # in a thread there are no signals
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not told:
            raise
        return 128 + told[0]


def _settle(looks: Looks, subjects: list[Subject], trust: bool) -> None:
    """Agree to what was asked for by name or by --trust; ask for the rest, if anybody is there."""
    asks = looks.asks(subjects)
    # A burst is among them only because its item was named.
    looks.agree(a for a in asks if trust or a.consent.kind == "burst")
    asks = looks.asks(subjects)
    if asks and sys.stdin.isatty() and sys.stderr.isatty() and _agrees(asks):
        try:
            looks.remember(asks)
        except NotSavedError as error:  # then it is agreed to for this time
            warn(str(error))
    elif asks:
        warn(
            f"{plural(len(asks), 'item')} left unknown: nobody agreed to what they run or send;"
            " --trust does, after reading it in `opsdeck doctor`"
        )


def _agrees(asks: list[Ask]) -> bool:
    warn("to check these items OpsDeck would, on this machine:")
    for about, text in dict.fromkeys((ask.about, ask.consent.text) for ask in asks):
        click.echo(f"  {visible(about)}", err=True)
        for line in visible_lines(text):
            click.echo(f"    {line}", err=True)
    return click.confirm("Go on?", default=False, err=True)


class _Session:
    """One `opsdeck check`, once or again and again."""

    def __init__(
        self,
        deck: Deck,
        looks: Looks,
        choose: Callable[[], list[Subject]],
        *,
        named: bool,
        record: bool,
        only: tuple[str, ...],
        form: str,
    ) -> None:
        self.deck = deck
        self.looks = looks
        self.choose = choose
        self.named = named
        self.record = record
        self.only = only
        self.form = form
        self._last: dict[str, str] = {}

    async def run(self, every_s: float | None) -> int:
        """Check once, or until interrupted; the exit status."""
        try:
            if every_s is None:
                return await self._pass(first=True, watching=False)
            first = True
            while True:
                began = time.monotonic()
                await self._pass(first=first, watching=True)
                first = False
                sys.stdout.flush()
                await asyncio.sleep(max(0.0, began + every_s - time.monotonic()))
                self._catch_up()
        finally:
            await self.looks.aclose()

    def _catch_up(self) -> None:
        """Take in what others have written meanwhile."""
        news = self.deck.journal.poll()
        if news.reload:
            self.deck.load()
        else:
            self.deck.absorb_news(news)

    async def _pass(self, *, first: bool, watching: bool) -> int:
        from opsdeck.reports.check import exit_code

        began = time.perf_counter()
        results: list[Result] = []
        subjects = self.choose()  # each time: a new day begins new runs
        told = _progress(len(subjects)) if not watching else None

        def came(_subject: Subject, result: Result) -> None:
            results.append(result)
            if told is not None:
                told(len(results))

        await self.looks.check(subjects, came)
        if told is not None:
            told(-1)
        order = {(s.run, s.checklist.id, s.item.id): n for n, s in enumerate(subjects)}
        results.sort(key=lambda r: order[r.run, r.checklist, r.item])
        if self.record:
            keep(self.looks, results, named=self.named, watching=watching, first=first)
        self._write(results, time.perf_counter() - began, first=first, watching=watching)
        return exit_code(results)

    def _write(self, results: list[Result], took_s: float, *, first: bool, watching: bool) -> None:
        from opsdeck.reports.check import render

        since = self.looks.online.offline_since
        shown = [r for r in results if not self.only or r.verdict in self.only]
        if watching and self.form == "text" and not first:
            shown = [r for r in shown if self._last.get(r.address) != r.verdict]
        self._last = {r.address: r.verdict for r in results}
        if watching and self.form == "text":
            say(f"{self.deck.now().astimezone(self.deck.zone):%H:%M:%S}")
        say_text(
            render(
                self.form,
                results,
                shown=shown,
                took_s=took_s,
                offline_since=since,
                limit=width(),
            )
        )


def _progress(total: int) -> Callable[[int], None] | None:
    """Says on a terminal how far it is; None where nobody watches."""
    if not sys.stderr.isatty() or total < 2:
        return None

    def tell(done: int) -> None:
        text = "" if done < 0 else f"checking {done} of {total}"
        sys.stderr.write(f"\r{text:<40}\r{text}")
        sys.stderr.flush()

    return tell


COMMANDS = {"check": check}
