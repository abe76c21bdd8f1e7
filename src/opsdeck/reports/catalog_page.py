"""The catalog as a Markdown page: every item, what verifies it, or why a person must look.

`python -m opsdeck.reports.catalog_page > docs/catalog.md` writes the page of the shipped catalog.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opsdeck.catalog.load import load_catalog, read_toml, shipped_checklists_path
from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.reports.as_markdown import safe
from opsdeck.text import plural

Reasons = Mapping[str, str]
"""CHECKLIST/ITEM -> why no probe can prove it."""

_TELLING = (
    "service",
    "operation",
    "look",
    "command",
    "collection",
    "scan",
    "argv",
    "method",
    "path",
    "paths",
    "glob",
    "hosts",
    "host",
    "ports",
    "port",
    "name",
    "variable",
    "run",
    "item",
    "parts",
    "process",
    "listening",
)
"""Parameters that say what is looked at, in the order in which they read well."""

_LONGEST = 120

_INTRO = """\
# The catalog, item by item

Generated from `checklists.toml` and `docs/manual-items.toml` by
`python -m opsdeck.reports.catalog_page > docs/catalog.md`: change those, not this page.

*Sensed* items verify themselves: a probe looks and every expectation must be true. *Assisted* items
are a person's to judge; a probe shows what it found beside the tick. *Manual* items are a person's
alone. `{key}` and `{key|default}` stand for keys of the target, see [targets.md](targets.md).
"""


def catalog_page(catalog: Catalog, reasons: Reasons) -> str:
    """The whole page, ending in a newline."""
    return "\n".join(_page(catalog, reasons)).rstrip("\n") + "\n"


def read_reasons(path: Path) -> dict[str, str]:
    """The reasons in a TOML file with a table for each checklist; raises CatalogFaults."""
    return {
        f"{checklist}/{item}": str(reason)
        for checklist, items in read_toml(path).items()
        for item, reason in items.items()
    }


def _page(catalog: Catalog, reasons: Reasons) -> Iterator[str]:
    yield _INTRO
    yield "| Checklist | Cadence | Items | Sensed | Assisted | Manual |"
    yield "|---|---|---:|---:|---:|---:|"
    for checklist in catalog.checklists:
        name = f"[{safe(checklist.title)}](#{checklist.id})"
        yield f"| {name} | {checklist.cadence} | {_counts(checklist.items)} |"
    items = tuple(item for checklist in catalog.checklists for item in checklist.items)
    yield f"| **All** | | {_counts(items)} |"
    for checklist in catalog.checklists:
        yield ""
        yield from _checklist(checklist, reasons)


def _counts(items: tuple[Item, ...]) -> str:
    sensed = sum(1 for item in items if item.sensed)
    assisted = sum(1 for item in items if item.assist and item.probe is not None)
    counts = (len(items), sensed, assisted, len(items) - sensed - assisted)
    return " | ".join(map(str, counts))


def _checklist(checklist: Checklist, reasons: Reasons) -> Iterator[str]:
    yield f"## {checklist.id}"
    yield ""
    about = [checklist.title, checklist.section, checklist.cadence]
    about += ["read-do"] if checklist.read_do else []
    yield f"{' · '.join(map(safe, about))} · {plural(len(checklist.items), 'item')}"
    yield ""
    yield "| Item | Verified by | Holds when, or why a person must look |"
    yield "|---|---|---|"
    for item in checklist.items:
        reason = reasons.get(f"{checklist.id}/{item.id}", "")
        yield f"| {_named(item)} | {_by(item)} | {_why(item, reason)} |"


def _named(item: Item) -> str:
    uses = f" *(uses {safe(item.uses)})*" if item.uses else ""
    return f"`{item.id}` {safe(item.text)}{uses}"


def _by(item: Item) -> str:
    if item.probe is None:
        return "a person"
    target = item.probe.get("target")
    at = f" at `{target}`" if target else ""
    look = f"`{item.probe.get('kind')}`{at}{_details(item.probe)}"
    return f"a person, shown {look}" if item.assist else look


def _details(probe: Mapping[str, Any]) -> str:
    """What the probe looks at, in one code span."""
    told = [_brief(probe[key]) for key in _TELLING if key in probe]
    return f": {_code(' '.join(told))}" if told else ""


def _brief(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        text = " ".join(value)
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _why(item: Item, reason: str) -> str:
    if item.sensed:
        return "<br>".join(map(_code, item.expect))
    return safe(reason)


def _code(text: str) -> str:
    """A code span within a table: backticks and pipes are text in it."""
    flat = " ".join(text.split()).replace("|", "\\|")
    if "`" not in flat:
        return f"`{flat}`"
    return f"`` {flat} ``"


def _main() -> None:
    shipped = shipped_checklists_path()
    reasons = read_reasons(shipped.parent / "docs" / "manual-items.toml")
    sys.stdout.buffer.write(catalog_page(load_catalog(shipped), reasons).encode("utf-8"))


if __name__ == "__main__":
    _main()
