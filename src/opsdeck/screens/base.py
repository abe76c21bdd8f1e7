"""The frame of every screen: header, banner, body, a line for messages, the keys that apply."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from opsdeck.screens.wording import clock
from opsdeck.text import plural, visible
from opsdeck.widgets.lines import Line, LineView, Part, fit, wrap
from opsdeck.widgets.narrow import NarrowCompositor

if TYPE_CHECKING:
    from opsdeck.deck import Deck, Touched
    from opsdeck.screens.host import DeckHost
    from opsdeck.session import Place
    from opsdeck.widgets.glyphs import Glyphs

MESSAGE_S = 10.0
BANNER_LINES = 3
_HEADING_CELLS = 24
"""So much of a heading stays, whatever else the header has to say."""
_HEADER_GAPS = 4 + 2


class Frame(Screen[None]):
    """A screen of the app; subclasses give the body and say what changes in it."""

    AUTO_FOCUS = "LineList"
    DEFAULT_CSS = """
    Frame { layout: vertical; overflow: hidden; background: $background; }
    Frame .rule { height: 1; }
    """
    HORIZONTAL_BREAKPOINTS = [
        (0, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [
        (0, "-short"),
        (20, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+c,super+c",
            "app.interrupt",
            show=False,
            id="app.interrupt",
            tooltip="Says how to leave",
        ),
        Binding("tab", "nothing", show=False, id="screen.tab", tooltip="Nothing here"),
        Binding("shift+tab", "nothing", show=False, id="screen.backtab", tooltip="Nothing here"),
    ]
    KEYS: ClassVar[tuple[str, ...]] = ("list.open",)
    """Ids of the bindings to name first at the bottom."""
    LABELS: ClassVar[dict[str, str]] = {}
    """Id of a binding -> what it is called at the bottom of this screen."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = NarrowCompositor()
        self._shown_before = False
        self._message = ""
        self._message_style = ""
        self._message_timer: Timer | None = None

    # What subclasses say

    def body(self) -> Iterable[Widget]:
        """The widgets between header and keys."""
        return ()

    def heading(self) -> str:
        """What the header says between the deck's name and the operator."""
        return ""

    def changed(self, touched: Touched | None) -> None:
        """State, catalog or time changed: build again what depends on them."""

    def checking_changed(self) -> None:
        """A look began or ended."""

    def gauges_changed(self) -> None:
        """Gauges have new values."""

    def walks_changed(self) -> None:
        """A diagnostic answered, or a command printed."""

    def start_at(self, key: str | None) -> None:
        """Put the cursor there, if the screen has such a row."""

    def place(self) -> Place | None:
        """Where the operator stands, for the next session."""
        return self.host.place_of()

    # Services

    @property
    def ready(self) -> bool:
        """Whether all lines are there: a screen counts as mounted a moment before they are, and
        when it is left, or the app ends, they go one after the other."""
        return self.is_mounted and not self._pruning and bool(self.query("#keys"))

    @property
    def host(self) -> DeckHost:
        """The app, as what it is."""
        return self.app  # type: ignore[return-value]

    @property
    def deck(self) -> Deck:
        """The Deck."""
        return self.host.deck

    @property
    def glyphs(self) -> Glyphs:
        """The glyphs this terminal can show."""
        return self.host.glyphs

    def compose(self) -> ComposeResult:
        """Header, banner, body, message, keys."""
        yield LineView(self._header, id="header")
        yield LineView(self._banner, id="banner")
        yield from self.body()
        yield LineView(self._message_line, id="message")
        yield LineView(self._keys, id="keys")

    def view(self, name: str) -> LineView:
        """One of the frame's lines."""
        return self.query_one(f"#{name}", LineView)

    def on_screen_resume(self) -> None:
        """What happened while another screen was in front is shown."""
        if self._shown_before:
            self.state_changed(None)
        self._shown_before = True
        self.host.keep_place()

    def state_changed(self, touched: Touched | None) -> None:
        """Show what State says now."""
        if not self.ready:
            return
        banner = self.view("banner")
        if bool(self._banner(self.size.width)) != banner.display:
            banner.display = not banner.display
        banner.refresh(layout=True) if banner.display else None
        banner.rebuild()
        self.changed(touched)
        if touched is None:
            self.tick()
        else:  # an act changes no keys, and asking for them costs more than the rest of this
            self.view("header").rebuild()

    def on_mount(self) -> None:
        """An empty banner takes no room."""
        self.view("banner").display = bool(self._banner(80))

    def tick(self) -> None:
        """The clock and the keys that apply may have changed."""
        self.view("header").rebuild()
        self.view("keys").rebuild()

    def say(self, text: str, style: str = "") -> None:
        """Show a message above the keys for a while."""
        self._message, self._message_style = text, style
        if not self.ready:
            return
        self.view("message").rebuild()
        if self._message_timer is not None:
            self._message_timer.stop()
        if text:
            self._message_timer = self.set_timer(MESSAGE_S, lambda: self.say(""))

    def action_nothing(self) -> None:
        """For keys that would otherwise do something surprising."""

    # The frame's lines

    def _header(self, width: int) -> list[Line]:
        """What gives way to the heading in a narrow terminal: the clock, then the deck's name."""
        deck, glyphs = self.deck, self.glyphs
        heading = glyphs.plain(self.heading())
        name = glyphs.plain(visible(deck.operator))
        if cell_len(name) > max(8, width // 5):
            name = fit(name, max(8, width // 5), glyphs.ellipsis).rstrip()
        if deck.read_only:
            name += " (read-only)"
        left, right = f" OpsDeck  {visible(deck.config.name)}", f"{name} {glyphs.dot} "
        right += f"{clock(deck.now(), deck.zone)} "
        wanted = min(cell_len(heading), _HEADING_CELLS)
        for shorter_left, shorter_right in ((left, f"{name} "), (" OpsDeck", f"{name} "), ("", "")):
            if width - cell_len(left) - cell_len(right) - _HEADER_GAPS >= wanted:
                break
            left, right = shorter_left, shorter_right
        gap, apart = ("    ", 2) if left else (" ", 1)
        room = width - cell_len(f"{left}{gap}{right}") - apart
        middle = fit(heading, max(0, room), glyphs.ellipsis)
        return [
            (
                Part(left, "title"),
                Part(gap),
                Part(middle, "strong"),
                Part(" " * max(0, width - cell_len(f"{left}{gap}{middle}{right}"))),
                Part(right, "dim"),
            )
        ]

    def _banner(self, width: int) -> list[Line]:
        host, deck = self.host, self.deck
        said: list[str] = []
        if host.unsaved:
            said.append(
                f"NOT SAVED: {plural(len(host.unsaved), 'act')}. {host.unsaved_reason}."
                " ctrl+r tries again; nothing is shown as done until it is on disk"
            )
        if host.checking.offline_since is not None:
            since = clock(host.checking.offline_since, deck.zone)
            said.append(
                f"OFFLINE OpsDeck itself is cut off since {since}: what probes would look at is"
                " unknown, and nobody is blamed. What was last found stays"
            )
        for what, faults in (("CONFIG", deck.config_faults), ("CATALOG", deck.source.faults)):
            if faults:
                more = f" (and {len(faults) - 1} more)" if faults[1:] else ""
                kept = "stays on screen" if what == "CATALOG" else "counts until it is mended"
                said.append(f"{what} {faults[0]}{more}. The last good one {kept}")
        if deck.faults:
            first_fault = deck.faults[0]
            more = f" (and {len(deck.faults) - 1} more)" if deck.faults[1:] else ""
            said.append(f"JOURNAL {first_fault}{more}. See `opsdeck journal verify`")
        if host.key_problems:
            more = f" (and {len(host.key_problems) - 1} more)" if host.key_problems[1:] else ""
            said.append(f"KEYS opsdeck.toml, [keys]: {host.key_problems[0]}{more}")
        return [line for text in said for line in self._alarm(text, width)]

    def _alarm(self, text: str, width: int) -> list[Line]:
        """What is wrong, on as many lines as it needs, at most BANNER_LINES."""
        lines = wrap(self.glyphs.plain(visible(text)), width - 2)
        if lines[BANNER_LINES:]:
            rest = " ".join(lines[BANNER_LINES - 1 :])
            lines = [*lines[: BANNER_LINES - 1], fit(rest, width - 2, self.glyphs.ellipsis)]
        return [(Part(fit(f" {line}", width), "alarm"),) for line in lines]

    def _message_line(self, width: int) -> list[Line]:
        glyphs = self.glyphs
        if not self._message:
            return [(Part(glyphs.rule * width, "dim"),)]
        text = fit(glyphs.plain(visible(self._message)), width - 6, glyphs.ellipsis).rstrip()
        rest = glyphs.rule * (width - cell_len(text) - 3)
        return [
            (
                Part(f"{glyphs.rule} ", "dim"),
                Part(text, self._message_style),
                Part(f" {rest}", "dim"),
            )
        ]

    def _keys(self, width: int) -> list[Line]:
        """The keys that apply, as many as fit; help is always the last of them."""
        parts: list[Part] = [Part(" ")]
        help_size = len("? help") + 1
        used = 1
        for key, label in self.keys_now():
            size = cell_len(key) + cell_len(label) + 3
            if used + size > width - help_size:
                break
            parts += [Part(key, "accent"), Part(f" {label}  ", "dim")]
            used += size
        parts += [
            Part(" " * max(0, width - used - help_size)),
            Part("?", "accent"),
            Part(" help ", "dim"),
        ]
        return [tuple(parts)]

    def offers(self, name: str) -> bool:
        """Whether the binding with this id is worth naming now, if it applies."""
        return True

    def keys_now(self) -> list[tuple[str, str]]:
        """Keys that apply now and are worth naming, with their labels, in the order of KEYS."""
        found: dict[str, tuple[str, str]] = {}
        for active in self.active_bindings.values():
            binding = active.binding
            name = binding.id or binding.action
            if binding.show and active.enabled and name not in found and self.offers(name):
                label = self.glyphs.plain(self.LABELS.get(name, binding.description))
                found[name] = (self.app.get_key_display(binding), label)
        first = [name for name in self.KEYS if name in found]
        return [found[name] for name in (*first, *(n for n in found if n not in first))]
