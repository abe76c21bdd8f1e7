"""The palette (ctrl+p): every screen, checklist, item, incident and playbook by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon
from textual.content import Content

from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.screens.host import DeckHost
    from opsdeck.widgets.glyphs import Glyphs


class Entry(NamedTuple):
    """One thing to go to."""

    name: str
    help: str
    go: Callable[[], None]


class GoTo(Provider):
    """Screens, checklists and items."""

    @property
    def _host(self) -> DeckHost:
        return self.app  # type: ignore[return-value]

    def _screens(self) -> Iterator[Entry]:
        host = self._host
        for digit, mode, name, about in host.modes():
            yield Entry(name, f"{about} ({digit})", partial(host.open_mode, mode))
        yield Entry("Help", "The keys that apply here (?)", host.action_help)

    def _releases(self) -> Iterator[Entry]:
        """What may be done with the current release, and with others."""
        if not self._host.deck.state.releases:
            return
        from opsdeck.screens import release_acts as acts
        from opsdeck.signoff.releases import head_of

        host = self._host
        name = host.deck.release()
        if acts.choosable(host.deck):
            about = "Release: another one's lists are the current ones"
            yield Entry("Use another release", about, lambda: acts.begin(host, acts.choose_release))
        if name is not None:
            change = partial(acts.change_release, name=name)
            about = "Release: date, window, stakeholders"
            yield Entry(f"Change release {visible(name)}", about, lambda: acts.begin(host, change))
        if name is not None and head_of(host.deck.state, name).state == "open":
            abandon = partial(acts.abandon_release, name=name)
            about = "Release: it is not deployed; asks why"
            yield Entry(
                f"Abandon release {visible(name)}", about, lambda: acts.begin(host, abandon)
            )

    def _lists(self) -> Iterator[Entry]:
        host = self._host
        for checklist in host.deck.catalog.checklists:
            go = partial(host.open_checklist, checklist.id)
            yield Entry(visible(checklist.title), visible(checklist.section), go)

    def _items(self) -> Iterator[Entry]:
        host = self._host
        for checklist in map(host.deck.listed, host.deck.catalog.checklists):
            for item in checklist.items:
                go = partial(host.open_checklist, checklist.id, item=item.id)
                yield Entry(visible(item.text), visible(checklist.title), go)

    def _walks(self) -> Iterator[Entry]:
        """Incidents, the newest first, and playbooks to read."""
        from opsdeck.catalog.playbooks import playbook_files, playbook_title
        from opsdeck.screens.base import Frame
        from opsdeck.screens.gauge_keys import open_playbook

        host = self._host
        for one in host.walks.walking.incidents()[:200]:
            about = f"Incident {visible(one.id)}, {one.state}"
            yield Entry(visible(one.title), about, partial(host.open_incident, one.id))
        file, screen = host.deck.config.file, host.screen_stack[0]
        if not isinstance(screen, Frame):
            return
        for identity in playbook_files(file):
            title = visible(playbook_title(identity, file))
            yield Entry(title, "Playbook", partial(open_playbook, screen, identity))

    async def discover(self) -> Hits:
        """Before anything is typed: the screens, the releases and the lists."""
        for entry in (*self._screens(), *self._releases(), *self._lists()):
            help_text = _no_markup(entry.help)
            yield DiscoveryHit(Content(entry.name), entry.go, entry.name, help_text)

    async def search(self, query: str) -> Hits:
        """What fits the letters typed."""
        matcher = self.matcher(query)
        lists = (*self._releases(), *self._lists())
        for entry in (*self._screens(), *lists, *self._walks(), *self._items()):
            score, offsets = matcher.fuzzy_search.match(query, entry.name)
            if score > 0:
                name = Content(entry.name)
                for offset in offsets:
                    name = name.stylize(matcher.match_style, offset, offset + 1)
                yield Hit(score, name, entry.go, entry.name, _no_markup(entry.help))


class Palette(CommandPalette):
    """Textual's palette, without its moving parts and with glyphs every terminal has."""

    CSS = """
    Palette LoadingIndicator { display: none; }
    Palette.-ascii #--input { border: ascii $primary; }
    Palette.-ascii CommandList { border: none; scrollbar-size: 0 0; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(
            placeholder="name of a screen, a list, an item, a playbook, an incident",
            id="--command-palette",
            classes="-ascii" if glyphs.ascii else "",
        )

    def on_mount(self) -> None:
        """The sign before the input is no emoji, and one cell wide."""
        self.query_one(SearchIcon).icon = ">"


def _no_markup(text: str) -> str:
    """The palette takes its second lines for markup, which brackets begin."""
    return text.replace("[", "(").replace("]", ")")
