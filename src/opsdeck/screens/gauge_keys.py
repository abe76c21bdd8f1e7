"""Keys that all screens with gauges have: the playbook, and the pace for bad links."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from opsdeck.screens.base import Frame
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.lines import Line, Part, wrap, wrap_exact

_LIST_MARK = re.compile(r"(?:[-*+]|[0-9]{1,3}[.)])\s+(?:\[.\]\s+)?")


class GaugeKeys(Frame):
    """A screen that shows gauges; subclasses say which one is meant."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "playbook", "playbook", id="gauges.playbook", tooltip="Read its playbook"),
        Binding(
            "i", "incident", "incident", id="incident.start", tooltip="Start an incident of this"
        ),
        Binding("s", "pace", "slow", id="gauges.pace", tooltip="Every 5 s, for bad links"),
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

    def action_incident(self) -> None:
        """i: an incident of the gauge under the cursor, if it is out of bounds; else of nothing."""
        from opsdeck.screens.starting import begin_incident

        identity, watching = self.chosen_gauge(), self.host.watching
        gauge = watching.board.gauge(identity) if identity and watching is not None else None
        breach = gauge is not None and gauge.level in ("warning", "critical")
        begin_incident(self.host, gauge=identity or "" if breach else "")

    def action_pace(self) -> None:
        """s: every five seconds and no trends, or every second with them."""
        if self.host.live is None:
            self.say("the gauges have not begun yet: press s again in a moment")
            return
        self.host.be_slow(not self.host.slow)
        if self.host.slow:
            self.say("slow: every 5 s, no trend lines; s goes back to every second")
        else:
            self.say("every second again", "good")
        self.gauges_changed()


def open_playbook(screen: Frame, identity: str, lacks: Sequence[str] = ()) -> None:
    """Show a playbook above a screen, after what it `lacks`; or say where it is missing."""
    from opsdeck.catalog.playbooks import find_playbook
    from opsdeck.screens.reader import Reader

    found = find_playbook(identity, screen.deck.config.file)
    if found is None:
        screen.say(f"there is no runbooks/{visible(identity)}.md, beside opsdeck.toml or shipped")
        return
    from opsdeck.catalog.playbook_front import split_front

    _, front, _ = split_front(found.text)
    text, plain = visible_lines(found.text)[front:], screen.glyphs.plain

    def build(width: int) -> list[Line]:
        said = [plain(visible(lack)) for lack in lacks]
        head: list[Line] = [(Part(part, "warn"),) for lack in said for part in wrap(lack, width)]
        return [*head, *([()] if head else []), *playbook_lines(text, width, plain)]

    screen.app.push_screen(Reader(visible(found.title), build))


def playbook_lines(text: list[str], width: int, plain: Callable[[str], str]) -> list[Line]:
    """Markdown as it is written, its headings and its commands standing out."""
    lines: list[Line] = []
    fence = ""
    for line in map(plain, text):
        bare = line.strip()
        if bare.startswith(fence or ("```", "~~~")):
            fence = "" if fence else bare[:3]
        elif fence:
            lines += code_lines(line.rstrip(), width, "    ")
        elif bare.startswith("#"):
            lines += [(Part(part, "title"),) for part in wrap(bare.lstrip("#").strip(), width)]
        else:
            lines += _paragraph(line, width)
    return lines


def _paragraph(line: str, width: int) -> list[Line]:
    """A line of prose; what goes on below a mark of a list stands below its text."""
    text = line.lstrip()
    margin = min(len(line) - len(text), width // 2)
    mark = _LIST_MARK.match(text)
    hang = margin + (len(mark[0]) if mark else 0)
    first, *more = wrap(text, max(1, width - hang))
    return [
        (Part(" " * margin + first),) if first else (),
        *((Part(" " * hang + part),) for part in more),
    ]


def code_lines(text: str, width: int, margin: str = "") -> list[Line]:
    """A line that is to be read exactly: all of it, in as many lines as it needs."""
    pieces = wrap_exact(text, width - len(margin))
    return [(Part(margin), Part(piece, "code")) for piece in pieces]
