"""Keys that all screens with gauges have: the playbook, and the pace for bad links."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from opsdeck.screens.base import Frame
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, Part, wrap


class GaugeKeys(Frame):
    """A screen that shows gauges; subclasses say which one is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "playbook", "playbook", id="gauges.playbook", tooltip="Read its playbook"),
        Binding(
            "s", "pace", "slow", show=False, id="gauges.pace", tooltip="Every 5 s, for bad links"
        ),
    ]

    def chosen_gauge(self) -> str | None:
        """The id of the gauge under the cursor."""
        return None

    def playbook_of_chosen(self) -> str | None:
        """The id of its playbook; None where there is none."""
        identity, watching = self.chosen_gauge(), self.host.watching
        gauge = watching.board.gauge(identity) if identity and watching is not None else None
        return gauge.spec.playbook if gauge is not None else None

    def action_playbook(self) -> None:
        """p: read the playbook."""
        identity = self.playbook_of_chosen()
        if identity is None:
            self.say("no playbook is named for this: playbook = in its [[gauge]] names one")
        else:
            open_playbook(self, identity)

    def action_pace(self) -> None:
        """s: every five seconds and no trends, or every second with them."""
        self.host.be_slow(not self.host.slow)
        if self.host.slow:
            self.say("slow: every 5 s, no trend lines; s goes back to every second")
        else:
            self.say("every second again", "good")
        self.gauges_changed()


def open_playbook(screen: Frame, identity: str) -> None:
    """Show a playbook above a screen, or say where it is missing."""
    from opsdeck.catalog.playbooks import find_playbook
    from opsdeck.screens.reader import Reader

    found = find_playbook(identity, screen.deck.config.file)
    if found is None:
        screen.say(f"there is no runbooks/{visible(identity)}.md, beside opsdeck.toml or shipped")
        return
    text = found.text
    screen.app.push_screen(
        Reader(visible(found.title), lambda width: _lines(text, width, screen.glyphs.plain))
    )


def _lines(text: str, width: int, plain: object) -> list[Line]:
    """Markdown as it is written, its headings and its commands standing out."""
    lines: list[Line] = []
    fenced = False
    for raw in text.splitlines():
        line = visible(raw.rstrip())
        line = plain(line) if callable(plain) else line
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            lines.append((Part("  $ ", "dim"), Part(line, "code")))
        elif line.startswith("#"):
            lines.append((Part(line.lstrip("#").strip(), "title"),))
        elif not line:
            lines.append(())
        else:
            lines += [(Part(part),) for part in wrap(line, width)]
    return lines
