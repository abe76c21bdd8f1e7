"""The evidence of an item: what was expected and found, then the document it was found in."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from textual.binding import Binding, BindingType

from opsdeck.catalog.model import Item
from opsdeck.deck import Deck, Touched
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Recorded
from opsdeck.journal.fold import Mark
from opsdeck.journal.paging import find_event
from opsdeck.screens.reader import Reader
from opsdeck.screens.wording import STATE_STYLES, occasion, span, when
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, wrap


def looks_at(deck: Deck, run: str, item: str) -> list[Mark]:
    """What probes said of an item in a run, newest first, as far as State keeps it."""
    entry = deck.state.entry(run, item)
    if entry is None:
        return []
    kept = {m.id: m for m in (*entry.verdicts, entry.passed, entry.looked) if m is not None}
    return sorted(kept.values(), reverse=True)


class EvidenceScreen(Reader):
    """One look at a time; [ and ] go to older and newer ones."""

    KEYS: ClassVar[tuple[str, ...]] = ("reader.back", "evidence.older", "evidence.copy")
    BINDINGS: ClassVar[list[BindingType]] = [
        *Reader.BINDINGS,
        Binding(
            "left_square_bracket",
            "turn(1)",
            "older",
            key_display="[",
            id="evidence.older",
            tooltip="The look before this one",
        ),
        Binding(
            "right_square_bracket",
            "turn(-1)",
            show=False,
            key_display="]",
            id="evidence.newer",
            tooltip="The look after this one",
        ),
        Binding("y", "copy", "copy", id="evidence.copy", tooltip="Copy the document"),
    ]

    def __init__(self, item: Item, run: str, looks: list[Mark]) -> None:
        super().__init__(f"Evidence · {visible(item.text)}", self._lines)
        self._item = item
        self._run = run
        self._looks = looks
        self._at = 0
        self._read: dict[str, Recorded | None] = {}

    def on_mount(self) -> None:
        """Read the event of the newest look."""
        super().on_mount()
        self._fetch()

    def changed(self, touched: Touched | None) -> None:
        """A new look comes first."""
        newest = looks_at(self.deck, self._run, self._item.id)
        if newest and newest[0].id != self._looks[0].id:
            shown = self._looks[self._at]
            self._looks = newest
            self._at = next((n for n, m in enumerate(newest) if m.id == shown.id), 0)
            if self._at == 1:
                self._at = 0
            self._fetch()
        super().changed(touched)

    @property
    def mark(self) -> Mark:
        """The look on screen."""
        return self._looks[self._at]

    def _fetch(self) -> None:
        mark = self.mark
        if mark.id not in self._read:
            self.run_worker(self._fetch_now(mark), group="evidence")

    async def _fetch_now(self, mark: Mark) -> None:
        folder = self.deck.journal.folder
        found = await self.host.journal_thread.run(
            lambda: find_event(folder, mark.writer, mark.seq)
        )
        self._read[mark.id] = found
        self.view("page").rebuild()

    def action_turn(self, by: int) -> None:
        """An older or newer look."""
        at = self._at + by
        if not 0 <= at < len(self._looks):
            self.say("that is the oldest kept here" if by > 0 else "that is the newest")
            return
        self._at = at
        self.page.show_found(None)
        self._fetch()
        self.view("page").rebuild()

    def action_copy(self) -> None:
        """Copy the document as JSON, through the terminal (OSC 52)."""
        evidence = self._evidence()
        document = evidence.get("document")
        if document is None:
            self.say("there is no document to copy")
            return
        self.app.copy_to_clipboard(_json(document))
        self.say("copied the document as JSON")

    def _evidence(self) -> dict[str, Any]:
        recorded = self._read.get(self.mark.id)
        found = recorded.event.data.get("evidence") if recorded else None
        return found if isinstance(found, dict) else {}

    def _lines(self, width: int) -> list[Line]:
        mark, glyphs = self.mark, self.glyphs
        lines = [*self._head(mark, width), ()]
        if mark.id not in self._read:
            return [*lines, (Part("reading ...", "dim"),)]
        evidence = self._evidence()
        if not evidence:
            return [*lines, (Part("this verdict came without evidence", "dim"),)]
        lines += expectation_lines(evidence, glyphs, width)
        document = evidence.get("document")
        if document is None:
            lines.append((Part("no document: the probe could not look", "dim"),))
            return lines
        lines.append((Part("document", "strong"),))
        return [*lines, *document_lines(document, glyphs, width)]

    def _head(self, mark: Mark, width: int) -> list[Line]:
        deck, glyphs = self.deck, self.glyphs
        state: Any = mark.kind if mark.kind in STATE_STYLES else "open"
        word = mark.kind if mark.kind != "looked" else "seen, for you to judge"
        at = parse_wall(mark.at)
        evidence = self._evidence()
        took = evidence.get("took_ms")
        facts = [
            f"{when(at, deck.now(), deck.zone)}, {span(at, deck.now())} ago" if at else "",
            f"by {visible(mark.by)}",
            f"{visible(str(evidence.get('kind', '')))} {visible(str(evidence.get('target', '')))}",
            f"{took} ms" if isinstance(took, int | float) else "",
            occasion(self._run),
            f"look {self._at + 1} of {len(self._looks)}" if self._looks[1:] else "",
        ]
        said = f" {glyphs.dot} ".join(fact.strip() for fact in facts if fact.strip())
        lines: list[Line] = [
            (Part(f"{glyphs.states[state]} {word}", STATE_STYLES[state]), Part(f"  {said}", "dim"))
        ]
        if mark.text and mark.kind != "passed":
            lines += [(Part(line),) for line in wrap(glyphs.plain(visible(mark.text)), width)]
        return lines


def expectation_lines(evidence: dict[str, Any], glyphs: Glyphs, width: int) -> list[Line]:
    """Each expectation with what was found; a failed one first says so by glyph and word."""
    lines: list[Line] = []
    expectations = evidence.get("expect")
    for one in expectations if isinstance(expectations, list) else []:
        if not isinstance(one, list) or len(one) != 3:
            continue
        expression, holds, found = one
        state: Any = "passed" if holds is True else "failed"
        word = "holds" if holds is True else "fails"
        head = f"{glyphs.states[state]} {word}  "
        texts = wrap(glyphs.plain(visible(str(expression))), width - len(head)) or [""]
        lines.append((Part(head, STATE_STYLES[state]), Part(texts[0], "code")))
        lines += [(Part(" " * len(head) + text, "code"),) for text in texts[1:]]
        actual = wrap(glyphs.plain(f"found {visible(str(found))}"), width - len(head))
        lines += [
            (Part(" " * len(head) + text, "" if holds is True else "strong"),) for text in actual
        ]
    return [(Part("expected", "strong"),), *lines, ()] if lines else []


def document_lines(document: Any, glyphs: Glyphs, width: int) -> list[Line]:
    """A document as indented JSON, harmless."""
    lines: list[Line] = []
    for raw in _json(document).split("\n"):
        indent = min(len(raw) - len(raw.lstrip()), width // 2)
        for text in wrap(glyphs.plain(visible(raw)), width - indent) or [""]:
            lines.append((Part(" " * indent + text),))
    return lines


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode("utf-8", "replace")
