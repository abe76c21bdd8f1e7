"""docs/targets.md: every kind of target with all its keys, and the tables are current."""

from __future__ import annotations

import re
from pathlib import Path

from opsdeck.catalog.load import load_catalog
from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.probes.targets import KINDS, SHARED
from opsdeck.reports.targets_page import with_tables

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8")


def test_the_tables_are_current() -> None:
    assert with_tables(TEXT, load_catalog(ROOT / "checklists.toml")) == TEXT, (
        "run: python -m opsdeck.reports.targets_page docs/targets.md"
    )


def test_every_kind_and_key_is_described() -> None:
    for kind, about in KINDS.items():
        if kind == "http":
            assert "`http` is another word for `web`" in TEXT
            continue
        section = re.split(r"^##+ ", TEXT.partition(f"\n### `{kind}`\n")[2], flags=re.M)[0]
        assert about.keys.keys() <= set(re.findall(r"^\| `([a-z_]+)` \|", section, re.M)), kind
    assert all(f"| `{key}` |" in TEXT for key in SHARED)


def test_a_row_has_meaning_and_default() -> None:
    # GIVEN items that ask for keys of the web target
    probe = {"kind": "http", "target": "web", "path": "{health_path|/up}", "host": "{stage}"}
    items = tuple(Item(id=f"i{n}", text="T", probe=probe) for n in range(2))
    checklist = Checklist(id="own", title="Own", section="S", cadence="daily", items=items)
    # WHEN the tables are written
    text = with_tables(
        "### `web`\n\nAbout it.\n\n| old |\n|---|\n\nMore.\n", Catalog(checklists=(checklist,))
    )
    # THEN the text around the table is kept, and the rows say who asks
    assert text.startswith("### `web`\n\nAbout it.\n\n| key | meaning | default |\n|---|---|---|\n")
    assert text.endswith("|\n\nMore.\n")
    assert "| `health_path` | the path of its health endpoint; 2 items | `/health` |" in text
    assert "| `url` | where it is, e.g. `https://shop.example` | required |" in text
    assert "| `token` | " in text
    assert "(secret: a `${VARIABLE}`)" in text
