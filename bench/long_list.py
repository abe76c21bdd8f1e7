"""A team's catalog with one long checklist beside the shipped ones, and the app opened on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.history import write_history
from bench.programs import OPSDECK, Place
from bench.tty import Tty
from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.journal.clock import utc_now

ROWS = 150
LIST_ID = "everything"
TITLE = "Everything at once"
EVENTS = 2_000


def write_deck(folder: Path, home: Path) -> None:
    """`opsdeck.toml` and `checklists.toml` in `folder`, some history in `home`.

    The texts and guides are those of shipped items, so that lines are as long as they really are.
    """
    (folder / "opsdeck.toml").write_text('[deck]\nname = "bench"\n', encoding="utf-8")
    shipped = [i for c in load_catalog(shipped_checklists_path()).checklists for i in c.items]
    head = f'id = "{LIST_ID}"\ntitle = "{TITLE}"\nsection = "Bench"\ncadence = "standing"\n'
    lines = [f"[[checklist]]\n{head}"]
    for number, item in enumerate(shipped[:ROWS], 1):
        lines.append(
            f'[[checklist.item]]\nid = "item-{number}"\n'
            f"text = {_quoted(f'{number}. {item.text}')}\nguide = {_quoted(item.guide)}\n"
        )
    (folder / "checklists.toml").write_text("\n".join(lines), encoding="utf-8")
    write_history(home, EVENTS, utc_now())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@contextmanager
def opened_list(here: Place, operator: str = "alice") -> Iterator[Tty]:
    """The app with the long list on screen and the cursor on its first item, at rest."""
    env = {**here.env, "OPSDECK_OPERATOR": operator}
    with Tty(OPSDECK, env=env, cwd=here.folder) as tty:
        tty.wait_for(r"\bLAST\b")
        tty.press("2")
        tty.wait_for(TITLE)
        tty.press("end")
        tty.press("enter")
        tty.wait_for(r"\b1\. ")
        tty.settle(0.5)
        yield tty
