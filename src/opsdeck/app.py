"""The terminal app: screens by digit, the journal followed, a clean leave however it ends."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from opsdeck.catalog.config import Config
from opsdeck.deck import Deck, open_deck
from opsdeck.journal.store import News
from opsdeck.screens.base import Frame
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.host import DeckHost
from opsdeck.screens.leaving import Leaving
from opsdeck.session import Place, Session
from opsdeck.terminal import check_terminal, ensure_utf8_mode, use_ascii
from opsdeck.themes import THEMES
from opsdeck.widgets.glyphs import ASCII, UNICODE, Glyphs
from opsdeck.widgets.stylesheet import Sheet

if TYPE_CHECKING:
    from textual.command import Provider

    from opsdeck.catalog.model import Fault

FOLLOW_EVERY_S = 1.0
QUIT_WAITS_S = 2.0
ECHO = "\x1b[?2026$p"
LOAD_AT_ONCE_BYTES = 6_000_000
"""A journal up to this size is read before the first paint; a longer one behind a progress bar."""


def _checklists_screen() -> Frame:
    from opsdeck.screens.checklists import ChecklistsScreen

    return ChecklistsScreen()


def _gauges_screen() -> Frame:
    from opsdeck.screens.gauges import GaugesScreen

    return GaugesScreen()


def _playbooks_screen() -> Frame:
    from opsdeck.screens.playbooks import PlaybooksScreen

    return PlaybooksScreen()


def _signoff_screen() -> Frame:
    from opsdeck.screens.signoff import SignoffScreen

    return SignoffScreen()


def _journal_screen() -> Frame:
    from opsdeck.screens.journal import JournalScreen

    return JournalScreen()


def _palette() -> type[Provider]:
    from opsdeck.screens.palette import GoTo

    return GoTo


class OpsDeckApp(Leaving):
    """Modes, global keys, and the timers that follow journal, catalog and clock."""

    TITLE = "OpsDeck"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {_palette}
    DEFAULT_MODE = "deck"
    MODES: ClassVar[dict[str, Any]] = {
        "deck": DeckScreen,
        "checklists": _checklists_screen,
        "gauges": _gauges_screen,
        "playbooks": _playbooks_screen,
        "signoff": _signoff_screen,
        "journal": _journal_screen,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "open_mode('deck')", "Deck", id="go.deck", tooltip="What needs you now"),
        Binding(
            "2", "open_mode('checklists')", "Lists", id="go.checklists", tooltip="All checklists"
        ),
        Binding(
            "3", "open_mode('gauges')", "Gauges", id="go.gauges", tooltip="What is measured, live"
        ),
        Binding(
            "4",
            "open_mode('playbooks')",
            "Playbooks",
            id="go.playbooks",
            tooltip="Playbooks, and incidents",
        ),
        Binding("5", "open_mode('signoff')", "Sign-off", id="go.signoff", tooltip="Who signs what"),
        Binding("6", "open_mode('journal')", "Journal", id="go.journal", tooltip="What happened"),
        Binding(
            "question_mark", "help", show=False, key_display="?", id="app.help", tooltip="This page"
        ),
        Binding("ctrl+r", "retry", show=False, id="app.retry", tooltip="Try to save again"),
        Binding(
            "ctrl+p",
            "command_palette",
            show=False,
            id="app.palette",
            tooltip="Go to anything by name",
        ),
        Binding("q", "leave", "quit", id="app.quit", tooltip="Leave; everything is saved"),
        Binding("ctrl+q", "leave", show=False, id="app.quit_at_once", tooltip="Leave"),
    ]

    def __init__(self, deck: Deck, glyphs: Glyphs, *, loaded: bool = True) -> None:
        super().__init__(deck, glyphs)
        self._loaded = loaded
        self._begun = loaded
        self._following = False
        self._minute = ""
        self._answers = False
        for theme in THEMES.values():
            self.register_theme(theme)
        theme = THEMES["ansi" if self.no_color else deck.config.ui.theme]
        if theme.ansi or not theme.dark:
            self.theme = theme.name
        else:  # the same kind as Textual's own default: no second pass over the stylesheet
            self.set_reactive(DeckHost.theme, theme.name)
        self.stylesheet = Sheet(variables=self.get_css_variables())
        if not deck.config.ui.animations:
            self.animation_level = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Themes from elsewhere lack OpsDeck's own colours: they get the dark ones."""
        return dict(THEMES["dark"].variables)

    # Starting

    def on_mount(self) -> None:
        """Open the first screen, or the progress bar, and begin to follow."""
        if self.deck.config.keys:
            from opsdeck.screens.keymap import keymap_of

            keys, self.key_problems = keymap_of(type(self), self.deck.config.keys)
            self.set_keymap(keys)
        self.catch_signals()
        self.call_after_refresh(gc.enable)
        if self._loaded:
            self._begin()
        else:
            self.run_worker(self._load(), group="load")

    def on_unmount(self) -> None:
        """The process that looks for the app ends with it."""
        self.leave_gauges()
        self.checking.leave()

    async def _load(self) -> None:
        from opsdeck.screens.loading import LoadingScreen

        screen = LoadingScreen()
        await self.push_screen(screen)

        def progress(done: int, total: int) -> None:
            self.call_from_thread(screen.advance, done, total)

        loaded = await self.journal_thread.run(lambda: self.deck.journal.load(progress))
        self.deck.take_loaded(loaded)
        await self.pop_screen()
        self._begin()

    @property
    def begun(self) -> bool:
        """Whether the journal was read and the first screen opened."""
        return self._begun

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the journal is read there is nothing yet to go to."""
        return self._begun or action not in ("open_mode", "help", "command_palette", "retry")

    def _begin(self) -> None:
        self._begun = True
        if self.deck.operator:
            self._go_where_it_ended()
        else:
            self.switch_mode(self.DEFAULT_MODE)
            self.run_worker(self._ask_who(), group="who")
        self.set_interval(FOLLOW_EVERY_S, self._follow)
        self.call_after_refresh(self._begin_gauges)

    def _begin_gauges(self) -> None:
        """Once the first screen is painted: what gauges need is imported off the event loop."""
        self.run_worker(self._gauges(), group="gauges")

    async def _gauges(self) -> None:
        from opsdeck.probes.blocking import import_module

        module = await import_module("opsdeck.screens.live")
        await import_module("opsdeck.screens.deck_gauges")
        if self.deck.state.incidents.heads:
            await import_module("opsdeck.screens.walks")
        self.live = module.Live(self)
        if self._answers:
            self.live.echoed()
        await self.live.begin()

    def _go_where_it_ended(self) -> None:
        """Show what the operator's last session showed when it was cut off."""
        place = self.session.read() or Place()
        self.place_read = True
        if place != Place() and self.deck.state.incidents.heads:
            place = self.walks.walking.place_after(place, self.session.kept_at())
        if place.mode not in self.MODES:
            place = Place()
        self.switch_mode(place.mode)
        screen = self.screen
        if place.incident is not None:
            self.open_incident(place.incident, place.playbook or "", place.key or "")
        elif place.checklist is not None:
            self.open_checklist(place.checklist, run=place.run, item=place.key)
        elif isinstance(screen, Frame):
            screen.start_at(place.key)

    async def _ask_who(self) -> None:
        from opsdeck.operator import checked_name
        from opsdeck.screens.prompt import Answers, Field, Prompt

        def check(answers: Answers) -> str:
            return checked_name(answers["name"])

        about = "Several people use this account. Your name stands beside everything you do."
        prompt = Prompt(
            "Who are you?",
            [Field("name", "Your name", "alice")],
            self.glyphs,
            about=about,
            check=check,
            keys=("go on", "leave"),
        )
        answers = await self.push_screen_wait(prompt)
        if answers is None:
            self.exit(0)
            return
        self.deck.operator = checked_name(answers["name"])
        self.session = Session(self.deck.journal.home, self.deck.operator)
        self._go_where_it_ended()
        self.show_changes(None)

    # Following what others do, what people edit, and the clock

    async def _follow(self) -> None:
        if self._following:
            return
        self._following = True
        try:
            news, edited, config = await self.journal_thread.run(self._look)
            if config is not None:
                self._take_config(config)
            if news.reload:
                self.deck.take_loaded(await self.journal_thread.run(self.deck.journal.load))
            if self.live is not None and self.deck.state.incidents.heads:
                self.walks.follow()
            minute = f"{self.deck.now():%Y-%m-%d %H:%M}"
            if news.events or news.faults or news.reload or edited or config is not None:
                self._minute = minute
                touched = self.deck.absorb_news(news)
                if self._walks is not None:
                    self._walks.take(touched)
                self.show_changes(touched)
            elif minute != self._minute:
                self._minute = minute
                self.show_changes(None)
        finally:
            self._following = False

    def _look(self) -> tuple[News, bool, Config | tuple[Fault, ...] | None]:
        deck = self.deck
        return deck.journal.poll(), deck.source.reload_if_changed(), deck.config_watch.poll()

    def _take_config(self, new: Config | tuple[Fault, ...]) -> None:
        before = self.deck.config
        waiting = self.deck.take_config(new)
        if waiting:
            self.say(f"opsdeck.toml: {', '.join(waiting)} will count when you start anew", "warn")
        elif self.deck.config != before:
            self.say("opsdeck.toml was edited: it counts from now on", "good")

    # Going about

    def modes(self) -> tuple[tuple[str, str, str, str], ...]:
        """What digits switch to."""
        return (
            ("1", "deck", "Deck", "What needs you now, what is due, what happened last"),
            ("2", "checklists", "Checklists", "All checklists with their progress"),
            ("3", "gauges", "Gauges", "Everything that is measured, live and as it was"),
            ("4", "playbooks", "Playbooks", "Playbooks to walk, and incidents, open and over"),
            ("5", "signoff", "Sign-off", "Who signed a release, who must, what is in the way"),
            ("6", "journal", "Journal", "Everything that happened, newest first"),
        )

    def open_mode(self, mode: str) -> None:
        """Show the screen of a digit, from whatever lies above it."""
        self.switch_mode(mode)
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_open_mode(self, mode: str) -> None:
        """A digit was typed."""
        self.open_mode(mode)

    def open_checklist(
        self, checklist_id: str, run: str | None = None, item: str | None = None
    ) -> None:
        """Show a checklist above the present screen, in place of another one."""
        from opsdeck.screens.checklist import ChecklistScreen

        screen = ChecklistScreen(checklist_id, run, item)
        if isinstance(self.screen, ChecklistScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def open_gauge(self, identity: str, moment: float | None = None) -> None:
        """Show one gauge above the present screen."""
        from opsdeck.screens.gauge import GaugeScreen

        if not isinstance(self.screen, GaugeScreen):
            self.push_screen(GaugeScreen(identity, moment))

    def ask_for_echo(self) -> None:
        """Ask again whether the terminal knows synchronized output: it answers at once."""
        if self._driver is not None:
            self._driver.write(ECHO)

    def on_terminal_supports_synchronized_output(self) -> None:
        """The terminal answered."""
        self._answers = True
        if self.live is not None:
            self.live.echoed()

    def action_help(self) -> None:
        """The keys that apply here."""
        from opsdeck.screens.help import build_help
        from opsdeck.screens.reader import Reader

        screen = self.screen
        if isinstance(screen, Frame) and not isinstance(screen, Reader):
            self.push_screen(Reader("Help", lambda width: build_help(screen, width)))

    def action_command_palette(self) -> None:
        """Go to anything by name."""
        from opsdeck.screens.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(self.glyphs))

    def get_system_commands(self, screen: Screen[Any]) -> Any:
        """The palette names OpsDeck's own things only."""
        return ()


def run_app(
    *,
    environ: Mapping[str, str],
    cwd: Path,
    config_file: Path | None,
    operator: str | None,
    read_only: bool = False,
) -> int:
    """Open the app in this terminal; gives the exit status. Raises the OpsDeckError family."""
    check_terminal(environ)
    ensure_utf8_mode(environ)
    gc.disable()  # until the first paint: looking for cycles among imports takes a tenth of it
    deck = open_deck(
        environ=environ,
        cwd=cwd,
        config_file=config_file,
        operator=operator,
        interactive=True,
        thorough=False,
    )
    deck.read_only_asked = read_only
    at_once = deck.journal.bytes_to_read() <= LOAD_AT_ONCE_BYTES
    if at_once:
        deck.load()
    glyphs = ASCII if use_ascii(environ, deck.config.ui.glyphs) else UNICODE
    app = OpsDeckApp(deck, glyphs, loaded=at_once)
    status = app.run()
    if app.begun and not app.journal_thread.wait_idle(QUIT_WAITS_S):
        print("opsdeck: the last act may not be saved: the disk has not answered yet")
    return status or app.return_code or 0
