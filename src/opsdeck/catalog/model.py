"""The catalog as values: checklists and their items, immutable once loaded."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Cadence = Literal["release", "daily", "weekly", "monthly", "standing"]
CADENCES: tuple[Cadence, ...] = ("release", "daily", "weekly", "monthly", "standing")


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a checklist.

    `valid_for_s` is in seconds (None: its evidence never goes stale within its run).
    `uses` names the feature of the team that makes the item active (None: always active).
    `group` is the path of headings or numbered parents above it inside its checklist.
    `note` is what an import or an author left beside the item for the reader.
    """

    id: str
    text: str
    guide: str = ""
    uses: str | None = None
    valid_for_s: float | None = None
    playbook: str | None = None
    group: tuple[str, ...] = ()
    note: str | None = None
    assist: bool = False
    probe: dict[str, Any] | None = None
    expect: tuple[str, ...] = ()

    @property
    def sensed(self) -> bool:
        """Whether a probe verifies it (closed loop); otherwise a person must look."""
        return self.probe is not None and not self.assist


class Checklist(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A list of items done together on one occasion; `cadence` says when it starts afresh.

    Of a `read_do` list the next item is the only one offered.
    """

    id: str
    title: str
    section: str
    cadence: Cadence
    items: tuple[Item, ...]
    read_do: bool = False

    def item(self, item_id: str) -> Item | None:
        """The item with this id, or None."""
        return next((i for i in self.items if i.id == item_id), None)


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """All checklists in reading order; `sources` are the files it came from."""

    checklists: tuple[Checklist, ...]
    sources: tuple[str, ...] = ()

    def checklist(self, checklist_id: str) -> Checklist | None:
        """The checklist with this id, or None."""
        return next((c for c in self.checklists if c.id == checklist_id), None)

    @property
    def item_count(self) -> int:
        """How many items all checklists have together."""
        return sum(len(c.items) for c in self.checklists)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in a file that people wrote, placed as exactly as can be."""

    file: str
    message: str
    """What was found and what is allowed, or what to do."""
    line: int | None = None
    column: int | None = None
    checklist: str | None = None
    item: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}"
            if self.column is not None:
                place += f":{self.column}"
        names = [
            f"checklist {self.checklist}" if self.checklist else "",
            f"item {self.item}" if self.item else "",
            f"key {self.key}" if self.key else "",
        ]
        where = ", ".join(n for n in names if n)
        return f"{place}: {where}: {self.message}" if where else f"{place}: {self.message}"
