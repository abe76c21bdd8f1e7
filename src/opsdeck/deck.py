"""The Deck: what the app and the command line both talk to. It knows no terminal.

Reading and writing the journal may wait for a disk, so both can be done in another thread
(`write`, `fetch`); what they bring is folded in the caller's own (`absorb`, `absorb_news`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from opsdeck.addresses import find_run, no_item, none_open, split_address
from opsdeck.catalog.config import Config, find_config, load_config, open_catalog, state_home
from opsdeck.catalog.config_watch import ConfigWatch, left_waiting, taken_over
from opsdeck.catalog.model import Catalog, Checklist, Fault
from opsdeck.catalog.watch import CatalogSource
from opsdeck.journal.clock import parse_wall, utc_now
from opsdeck.journal.events import Event
from opsdeck.journal.faults import JournalFault
from opsdeck.journal.fold import Mark, Release, State
from opsdeck.journal.store import Journal, Loaded, News, Progress, Saved
from opsdeck.journal.writing import Draft
from opsdeck.operator import OperatorNeededError, find_operator, login, writer_name
from opsdeck.runs.acts import Where
from opsdeck.runs.cadence import RunName, parse_run, period_bounds, previous_run_key, run_key
from opsdeck.runs.progress import RunView, judged_at, view_run
from opsdeck.runs.status import status_of
from opsdeck.signoff.model import Release as Standing
from opsdeck.signoff.releases import current_of
from opsdeck.signoff.review_book import ReviewBook
from opsdeck.signoff.reviews import Reviews
from opsdeck.signoff.standings import StandingBook, Standings
from opsdeck.typed import without_secrets


class Touched(NamedTuple):
    """What new events were about: (run, item) pairs, and whether anything else changed."""

    items: set[tuple[str, str]]
    events: list[tuple[str, Event]]


class Deck:
    """Catalog, journal and State of one team, and what may be done with them."""

    def __init__(
        self,
        config: Config,
        source: CatalogSource,
        journal: Journal,
        operator: str,
        now: Callable[[], datetime] = utc_now,
        watch: ConfigWatch | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.config = config
        self.environ = os.environ if environ is None else environ
        self.config_watch = watch or ConfigWatch(config.file)
        self.config_faults: tuple[Fault, ...] = ()
        """What is wrong with `opsdeck.toml` as it is now; the last good one is in force."""
        self.source = source
        self.journal = journal
        self.operator = operator
        self.now = now
        self.zone = ZoneInfo(config.timezone)
        self.state = State()
        self._reviews = ReviewBook()
        self._standings = StandingBook()
        self.faults: list[JournalFault] = []
        self.read_only_asked = False
        """Whether this session was started with `--read-only`."""

    @property
    def catalog(self) -> Catalog:
        """The last good catalog."""
        return self.source.catalog

    @property
    def read_only(self) -> bool:
        """Whether commands of playbooks must not be run."""
        return self.read_only_asked or self.config.read_only

    # Reading

    def load(self, progress: Progress | None = None) -> None:
        """Fold the whole journal; `progress(done, total)` in bytes."""
        self.take_loaded(self.journal.load(progress))

    def take_loaded(self, loaded: Loaded) -> None:
        """Put what a load gave (in whichever thread) in place of what was there."""
        self.state, self.faults = loaded

    def absorb_news(self, news: News) -> Touched:
        """Fold what others have added; the caller must load again when `news.reload` is set."""
        self.faults += news.faults
        return self._fold(news.events)

    def take_config(self, new: Config | tuple[Fault, ...]) -> list[str]:
        """Go by an edited `opsdeck.toml`, unless it has faults; what in it waits for a start."""
        if not isinstance(new, Config):
            self.config_faults = new
            return []
        self.config_faults = ()
        waiting = left_waiting(self.config, new)
        self.config = taken_over(self.config, new)
        return waiting

    # Writing

    def write(self, drafts: list[Draft], after: str) -> Saved:
        """Put events on disk, without folding them; raises NotSavedError.

        Secrets in what was typed do not get there.
        """
        kept = without_secrets(drafts, self.secrets)
        return self.journal.append(kept, by=self.operator, now=self.now(), after=after)

    def secrets(self) -> set[str]:
        """The secrets that this machine knows: those of the targets and of the environment."""
        from opsdeck.probes.known_secrets import session_secrets, target_secrets

        folder = self.config.file.parent if self.config.file else None
        named = target_secrets(self.config.targets, self.environ, folder)
        return named | session_secrets(self.environ)

    def absorb(self, saved: Saved) -> Touched:
        """Fold what is on disk now."""
        self.faults += saved.faults
        return self._fold(saved.events)

    def record(self, *drafts: Draft) -> Touched:
        """Write and fold at once; raises NotSavedError, and nothing is changed then."""
        return self.absorb(self.write(list(drafts), self.state.max_clock))

    def _fold(self, events: list[tuple[str, Event]]) -> Touched:
        items = set()
        for writer, event in events:
            if self.state.apply(writer, event):
                run, item = event.data.get("run"), event.data.get("item")
                if isinstance(run, str) and isinstance(item, str):
                    items.add((run, item))
        return Touched(items, events)

    # Runs

    def releases(self) -> list[Release]:
        """All releases, the newest first."""
        found = self.state.releases.values()
        return sorted(found, key=lambda r: (r.clock, r.writer, r.seq), reverse=True)

    def standings(self) -> Standings:
        """How all releases stand, in short, the one started last first; only to be looked at."""
        return self._standings.of(self.state)

    def release(self) -> str | None:
        """The release that is current: of the open ones the newest started or chosen; where none is
        open, the last that was signed."""
        found = current_of(self.standings().values())
        return found.name if found else None

    def current_run(self, checklist: Checklist) -> str | None:
        """The key of the run that is current; None for a release list with no release open."""
        return run_key(checklist, self.now(), self.zone, self.release())

    def previous_run(self, checklist: Checklist) -> str | None:
        """The run of the period before, if the deck was in use by then."""
        key = previous_run_key(checklist, self.now(), self.zone)
        name = parse_run(key) if key else None
        if key is None or name is None:
            return None
        began = parse_wall(self.state.first_at) if self.state.first_at else None
        bounds = period_bounds(name.occasion, self.zone)
        return key if began and bounds and began < bounds[1] else None

    def view(self, checklist: Checklist, run: str | None = None) -> RunView:
        """How a checklist stands in a run; without one, in the current run."""
        key = run if run is not None else self.current_run(checklist)
        reviews, now = self.reviews(), self.now()
        return view_run(
            reviews.listed(checklist, key),
            key,
            self.state,
            now,
            self.zone,
            self.config.uses,
            self._frozen(key),
            reviews.put_off(key, now),
        )

    def reviews(self) -> Reviews:
        """The reviews that break-glass signatures ask for."""
        days = self.config.signoff.review_days
        return self._reviews.of(self.state, self.catalog, self.zone, days)

    def listed(self, checklist: Checklist, run: str | None = None) -> Checklist:
        """A checklist with the reviews that stand in it in a run; without one, in the current."""
        key = run if run is not None else self.current_run(checklist)
        return self.reviews().listed(checklist, key)

    def _frozen(self, run: str | None) -> datetime | None:
        """When the release of this run ended; it is judged as of then ever after."""
        release = self._release_of(run)
        return release.ended_at if release else None

    def closed(self, run: str | None) -> str:
        """Why nothing may be recorded in a run: its release was abandoned; "" where it may."""
        release = self._release_of(run)
        if release is None:
            return ""
        from opsdeck.signoff.acts import why_closed

        return why_closed(release)

    def signed(self, run: str | None, *, off: bool = False) -> str:
        """The release of a run, where somebody has signed it (`off`: where all have): what is
        recorded there makes the signatures out of date. "" else."""
        release = self._release_of(run)
        if release is None or not (release.complete if off else release.signatures):
            return ""
        return release.name

    def _release_of(self, run: str | None) -> Standing | None:
        name = parse_run(run) if run else None
        if name is None or name.kind != "release" or name.occasion not in self.state.releases:
            return None
        return self.standings()[name.occasion]

    def runs(self) -> list[tuple[str, RunName]]:
        """Every run in which anything was said, and every current one, in order of key."""
        keys = set(self.state.run_keys())
        keys |= {k for c in self.catalog.checklists if (k := self.current_run(c))}
        named = ((key, parse_run(key)) for key in sorted(keys))
        return [(key, name) for key, name in named if name]

    def runs_of(self, checklist: Checklist) -> list[str]:
        """Its runs, oldest first: those anything was said in, the last two, and every release's."""
        keys = {k for k, name in self.runs() if name.checklist == checklist.id}
        previous = self.previous_run(checklist)
        keys |= {previous} if previous else set()
        started = [release.name for release in reversed(self.releases())]
        if checklist.cadence == "release":
            keys |= {f"release/{name}/{checklist.id}" for name in started}
        order = {f"release/{name}/{checklist.id}": place for place, name in enumerate(started)}
        return sorted(keys, key=lambda key: (order.get(key, -1), key))

    # Items

    def where(self, checklist: Checklist, item_id: str, run: str | None = None) -> Where:
        """An item in a run (without one: the current run) and how it stands."""
        key = run or self.current_run(checklist)
        checklist = self.listed(checklist, key)
        item = checklist.item(item_id)
        if item is None:
            raise no_item(checklist, item_id)
        if key is None:
            raise none_open(checklist.id)
        now = self.now()
        as_of = judged_at(key, now, self.zone, self._frozen(key))
        entry, put_off = self.state.entry(key, item.id), self.reviews().put_off(key, now)
        status = status_of(item, entry, as_of, self.config.uses, put_off.get(item.id))
        return Where(checklist, item, key, status, self.closed(key))

    def locate(self, address: str) -> Where:
        """The item that `CHECKLIST/ITEM` or `RUN/ITEM` names; UsageError says what is near."""
        head, item_id = split_address(address)
        checklist = self.catalog.checklist(head)
        if checklist is not None:
            return self.where(checklist, item_id)
        checklist, run = self.locate_run(head)
        return self.where(checklist, item_id, run)

    def locate_run(self, key: str) -> tuple[Checklist, str]:
        """The checklist and key that a run key, or a checklist's id, names."""
        return find_run(self, key)

    def history(self, checklist: Checklist, item_id: str, runs: int = 12) -> list[tuple[str, Mark]]:
        """What was said of an item in its newest runs: (run, mark), newest first."""
        keys = self.runs_of(checklist)
        found: list[tuple[str, Mark]] = []
        seen = 0
        for key in reversed(keys):
            entry = self.state.entry(key, item_id)
            if entry is None:
                continue
            found += [(key, mark) for mark in entry.history()]
            seen += 1
            if seen == runs:
                break
        return sorted(found, key=lambda pair: pair[1].key, reverse=True)


def open_deck(
    *,
    environ: Mapping[str, str],
    cwd: Path,
    config_file: Path | None = None,
    operator: str | None = None,
    interactive: bool = False,
    thorough: bool = True,
    now: Callable[[], datetime] = utc_now,
) -> Deck:
    """The deck that a command line means, its journal not yet loaded.

    An `interactive` caller shows the catalog's faults itself, above the last good catalog, and
    asks for the operator where that is "". Unless `thorough`, what the gauges of `opsdeck.toml`
    ask is looked into only by the first poll of `config_watch`.

    Raises the OpsDeckError family: a configuration or catalog with faults, an operator who must
    be named.
    """
    file = find_config(config_file, environ, cwd)
    watch = ConfigWatch(file, environ)  # before it is read: an edit in between is then seen
    config = load_config(file, environ, thorough=thorough)
    if not thorough:
        watch.look_again()  # for what was not looked into before the first paint
    home = state_home(config, environ)
    source = open_catalog(config, home, tolerant=interactive)
    journal = Journal(home, writer_name(login()))
    try:
        name = find_operator(operator, environ, config)
    except OperatorNeededError:
        if not interactive:
            raise
        name = ""
    return Deck(config, source, journal, name, now, watch, environ)
