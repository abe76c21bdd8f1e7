"""The tables of keys in `docs/targets.md`, from the table of target kinds and the catalog.

`python -m opsdeck.reports.targets_page docs/targets.md` writes them anew; the rest is hand-made.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.catalog.model import Catalog
from opsdeck.probes.targets import IMPLIED, KINDS, SHARED, Key, asked_keys, known_keys

_TABLE = re.compile(
    r"(?P<head>^### `(?P<kind>[a-z]+)`\n(?:(?!^#|^\|).*\n)*)(?P<table>(?:^\|.*\n)+)", re.M
)

Asked = dict[tuple[str, str], tuple[str, int]]
"""(kind, key) -> the default that items bring, and how many items ask for it."""


def with_tables(text: str, catalog: Catalog) -> str:
    """The document with the table below each `### `kind`` heading written anew."""
    asked = _asked(catalog)
    return _TABLE.sub(lambda m: m["head"] + "\n".join(_table(m["kind"], asked)) + "\n", text)


def _asked(catalog: Catalog) -> Asked:
    found: Asked = {}
    for checklist in catalog.checklists:
        for item in checklist.items:
            probe = item.probe or {}
            kind = IMPLIED.get(str(probe.get("target", "")), "")
            for key, default in dict(asked_keys(probe)).items():
                told, count = found.get((kind, key), ("", 0))
                found[kind, key] = (default or told, count + 1)
    return found


def _table(kind: str, asked: Asked) -> Iterator[str]:
    yield "| key | meaning | default |"
    yield "|---|---|---|"
    own = KINDS[kind].keys if kind in KINDS else {}
    keys = {key: about for key, about in known_keys(kind).items() if key not in SHARED}
    for key, about in sorted(keys.items(), key=lambda pair: (pair[0] not in own, pair[0])):
        default, count = asked.get((kind, key), ("", 0))
        yield f"| `{key}` | {_meaning(about, count)} | {_default(about, default)} |"


def _meaning(about: Key, items: int) -> str:
    text = about.about.replace("|", "\\|")
    secret = " (secret: a `${VARIABLE}`)" if about.secret else ""
    return f"{text}{secret}" + (f"; {items} items" if items > 1 else "; 1 item" if items else "")


def _default(about: Key, asked: str) -> str:
    if about.required:
        return "required"
    given = about.default or asked
    plain = about.default and not about.default.startswith("/")
    if not given or plain:
        return given
    return "`" + given.replace("|", "\\|") + "`"


def _main(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(with_tables(text, load_catalog(shipped_checklists_path())), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
