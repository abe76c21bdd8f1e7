"""Where a task stands: headings, list parents and tasks above it, gathered while walking."""

from __future__ import annotations

from dataclasses import dataclass, field

from opsdeck.catalog.markdown_text import Plain, clean, shorten

TEXT_LIMIT = 4_000
GUIDE_LIMIT = 4_000
NAME_LIMIT = 160
GROUP_DEPTH = 20
FRAME_LIMIT = 250


@dataclass(slots=True)
class DraftItem:
    """A task as found, before it has an id."""

    text: str
    group: tuple[str, ...]
    note: str | None
    guide: str = ""


@dataclass(slots=True)
class DraftList:
    """A checklist as found; a title or section of None is the document's own title."""

    title: str | None
    section: str | None
    parents: tuple[str, ...]
    items: list[DraftItem] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class _Heading:
    level: int
    text: str
    serial: int


@dataclass(slots=True)
class _Frame:
    """Something open around the current place: a list item, a `<details>`, a quotation."""

    kind: str
    serial: int
    headings: list[_Heading]
    marker: str = "- "
    label: str = ""
    fresh: bool = True
    holds_tasks: bool = False
    task: DraftItem | None = None
    lines: list[str] = field(default_factory=list)
    size: int = 0


class Outline:
    """Receives what a document holds, in reading order, and sorts its tasks into checklists.

    `source` names the file in notes. The document's title is its first heading, where that is
    an `h1` outside any list or quotation.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._headings: list[_Heading] = []
        self._frames: list[_Frame] = []
        self._lists: dict[tuple[int, int], DraftList] = {}
        self._heading_count = 0
        self._serial = 0
        self.title: str | None = None

    @property
    def lists(self) -> list[DraftList]:
        """The checklists in the order of their first task."""
        return list(self._lists.values())

    def heading(self, level: int, text: str) -> None:
        """A heading begins; those of the same or a lower rank end."""
        # A <details> that was never closed ends with the part of the document it stands in.
        while self._frames and self._frames[-1].kind == "details":
            above = self._frames[-1].headings
            if above and above[-1].level < level:
                break
            self._frames.pop()
        self._touch()
        text = shorten(text, NAME_LIMIT)
        self._headings = [h for h in self._headings if h.level < level]
        if not text:
            return
        self._heading_count += 1
        serial = self._heading_count
        if level == 1 and serial == 1 and not self._frames:
            self.title = text
            serial = 0
        self._headings.append(_Heading(level, text, serial))

    def open(self, kind: str, marker: str = "- ", label: str = "") -> None:
        """A list item ("item"), quotation ("quote") or `<details>` ("details") begins."""
        self._serial += 1
        if kind == "quote":
            self._touch()
        elif kind == "details" and len(self._frames) >= FRAME_LIMIT:
            return
        frame = _Frame(kind, self._serial, self._headings, marker, shorten(label, NAME_LIMIT))
        self._frames.append(frame)

    def close(self, kind: str) -> None:
        """The innermost list item, quotation or `<details>` ends, with all left open in it."""
        if kind == "details":
            # A stray </details> must not close the list item it stands in.
            if self._frames and self._frames[-1].kind == "details":
                self._frames.pop()
            return
        while self._frames:
            frame = self._frames.pop()
            if frame.kind == kind:
                break
        else:
            return
        self._headings = frame.headings
        if frame.task is not None and frame.lines:
            frame.task.guide = shorten("\n".join(frame.lines), GUIDE_LIMIT)
        elif frame.task is None and frame.label and not frame.holds_tasks:
            self._add([frame.marker + frame.label, *("  " + line for line in frame.lines)])

    def name_details(self, label: str) -> None:
        """The `<summary>` of the innermost `<details>`."""
        if self._frames and self._frames[-1].kind == "details":
            self._frames[-1].label = shorten(label, NAME_LIMIT)

    @property
    def in_item(self) -> bool:
        """Whether a list item is open around the current place."""
        return any(frame.kind == "item" for frame in self._frames)

    @property
    def at_item_start(self) -> bool:
        """Whether the next paragraph is the first thing in its list item."""
        return bool(self._frames) and self._frames[-1].kind == "item" and self._frames[-1].fresh

    def label(self, text: str) -> None:
        """The list item's own text, when it is not a task."""
        frame = self._frames[-1]
        frame.fresh = False
        # What is not a parent of tasks ends up in a guide, whole; as a name it is cut.
        frame.label = shorten(text, TEXT_LIMIT)

    def skip_item(self) -> None:
        """The list item has a check box and no text: it is neither a task nor a parent."""
        self._frames[-1].fresh = False

    def prose(self, text: str) -> None:
        """Anything else that may explain the task it stands below."""
        self._touch()
        self._add([line.rstrip() for line in clean(text).splitlines() if line.strip()])

    def task(self, plain: Plain, ticked: bool, *, guide: str = "", group: str = "") -> None:
        """A task; it names the list item it opens, or stands alone (table cell, HTML).

        `guide` and `group` add to what the place itself says.
        """
        own = self._frames[-1] if self.at_item_start else None
        if own is not None:
            own.fresh = False
        path, parent = self._path(own)
        text = shorten(plain.text, TEXT_LIMIT)
        item = DraftItem(
            text, (*path, group) if group else path, self._note(plain, ticked),
            shorten(clean(guide), GUIDE_LIMIT),
        )  # fmt: skip
        if own is not None:
            own.label, own.task = text, item
        for frame in self._frames:
            if frame is not own:
                frame.holds_tasks = True
        self._list_for(parent).items.append(item)

    def _note(self, plain: Plain, ticked: bool) -> str | None:
        parts = []
        if ticked:
            parts.append(f"ticked in {self._source} when imported")
        if len(plain.text) > TEXT_LIMIT:
            parts.append(f"cut from {len(plain.text):,} characters in {self._source}")
        if plain.links:
            parts.append("See " + ", ".join(plain.links))
        return ". ".join(parts) or None

    def _path(self, own: _Frame | None) -> tuple[tuple[str, ...], _Frame | None]:
        """The group of a task here, and the list parent that is its checklist, if any."""
        names = []
        parent: _Frame | None = None
        outermost = True
        for frame in self._frames:
            if frame is own or not frame.label:
                continue
            if frame.kind == "item" and outermost:
                outermost = False
                if frame.task is None:
                    parent = frame
                    continue
            names.append(shorten(frame.label, NAME_LIMIT))
        return tuple(names[-GROUP_DEPTH:]), parent

    def _list_for(self, parent: _Frame | None) -> DraftList:
        heading = self._headings[-1] if self._headings else None
        key = (heading.serial if heading else 0, parent.serial if parent else 0)
        found = self._lists.get(key)
        if found is not None:
            return found
        names = [h.text for h in reversed(self._headings)]
        above = [h.text for h in reversed(self._headings) if h.serial != 0]
        if parent is None:
            title = heading.text if heading and heading.serial else None
            section = above[1] if len(above) > 1 else None
            parents = tuple(names[1:])
        else:
            title = shorten(parent.label, NAME_LIMIT).rstrip(":： ") or parent.label
            # The heading over numbered parents only names their kind ("Scenarios"), so the
            # section is the one that this heading itself stands in, where there is one.
            section = (above[1] if len(above) > 1 else above[0]) if above else None
            parents = tuple(names)
        found = self._lists[key] = DraftList(title, section, parents)
        return found

    def _touch(self) -> None:
        """Something that is no paragraph came first: the list item has no text of its own."""
        if self._frames:
            self._frames[-1].fresh = False

    def _add(self, lines: list[str]) -> None:
        """Keep lines for the guide of the nearest list item around, within its bounds."""
        for frame in reversed(self._frames):
            if frame.kind != "item":
                continue
            for line in lines:
                if frame.size > GUIDE_LIMIT:
                    return
                frame.lines.append(line)
                frame.size += len(line) + 1
            return
