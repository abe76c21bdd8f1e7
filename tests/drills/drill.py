"""A team's folder for a drill: `opsdeck.toml`, a runbook of its own, the deck's journal."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsdeck.app import OpsDeckApp
from opsdeck.catalog.load import shipped_checklists_path
from opsdeck.catalog.playbook_read import read_playbook
from opsdeck.deck import Deck, open_deck
from opsdeck.widgets.glyphs import UNICODE
from tests.drills.faults import Gauge

UNIT = {
    "ssh {{host}} sudo -n systemctl restart {{service}}": "./orders restart",
    "ssh {{host}} systemctl is-active {{service}}": "./orders is-active",
}
"""Where there is no systemd to ask, a script of the team's own restarts the instance."""


class Drill:
    """What a team has that is on call: one gauge, and the playbook for it.

    The playbook is the shipped one, with the same steps; `edits` put in the place of some of its
    lines what really ends the fault here.
    """

    def __init__(
        self, folder: Path, gauge: Gauge, playbook: str, edits: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.home = folder / "deck"
        self.gauge = gauge
        self.playbook = playbook
        self.config = folder / "opsdeck.toml"
        self.config.write_text(f'[deck]\nname = "drill"\n{gauge.toml}', encoding="utf-8")
        shipped = shipped_checklists_path().parent / "runbooks" / f"{playbook}.md"
        text = before = shipped.read_text(encoding="utf-8")
        for old, new in (edits or {}).items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "runbooks").mkdir()
        (folder / "runbooks" / shipped.name).write_text(text, encoding="utf-8")
        was, self.book = (read_playbook(t.encode(), playbook, "") for t in (before, text))
        assert [s.title for s in self.book.steps] == [s.title for s in was.steps]

    def write_book(self, text: str) -> None:
        """Another text of the team's own playbook."""
        file = self.folder / "runbooks" / f"{self.playbook}.md"
        file.write_text(text, encoding="utf-8")
        self.book = read_playbook(text.encode(), self.playbook, "")

    def deck(self) -> Deck:
        """The deck as a process sees it that starts now."""
        environ = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "OPSDECK_HOME": str(self.home),
        }
        deck = open_deck(
            environ=environ, cwd=self.folder, config_file=self.config, operator="alice"
        )
        deck.load()
        return deck

    def app(self) -> OpsDeckApp:
        """An app upon it."""
        return OpsDeckApp(self.deck(), UNICODE)

    # What is on disk

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The data of the events of these types, oldest first."""
        found = [r.event for r in self.deck().state.recent()[::-1]]
        return [event.data for event in found if event.type in types]

    def turns(self) -> list[tuple[str | None, str]]:
        """(from, to) of the drill's gauge."""
        changed = self.events("gauge.changed")
        return [(d["from"], d["to"]) for d in changed if d["gauge"] == self.gauge.id]

    def report(self) -> str:
        """The report, as it lies on disk."""
        [incident] = self.events("incident.reported")
        assert incident["file"] == f"incidents/{incident['incident']}.md"
        file = self.home / str(incident["file"])
        return file.read_text(encoding="utf-8")


def section(report: str, heading: str) -> str:
    """What stands below a heading (a pattern), to the next of its rank or above."""
    found = re.search(rf"^(#+) {heading}$\n(.*?)(?=^#|\Z)", report, re.M | re.S)
    assert found is not None, f"no {heading} in\n{report}"
    return found[2].strip()
