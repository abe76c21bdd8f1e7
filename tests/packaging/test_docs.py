"""What the documents say is so: examples load, keys and commands are all there, links lead on."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import opsdeck
import opsdeck.screens
import opsdeck.widgets
from opsdeck.app import OpsDeckApp
from opsdeck.catalog import config, raw
from opsdeck.catalog.config import load_config
from opsdeck.catalog.gauge_sets import SETS
from opsdeck.catalog.gauges import STATS, GaugeSpec
from opsdeck.catalog.gauges_read import GAUGE_KEYS, OWN_KEYS
from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.catalog.model import CADENCES
from opsdeck.catalog.signoff_rules import DEFERRED, SIGNATURES, SIGNOFF_KEYS
from opsdeck.commands.root import COMMANDS
from opsdeck.gauges import host
from opsdeck.screens.keymap import keymap_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FORMAT = ROOT / "docs" / "catalog-format.md"

_TOML = re.compile(r"^```toml\n# (checklists|opsdeck)\.toml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CHARACTERS = {
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
}
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    """A document's name below the root, for the names of tests."""
    return str(path.relative_to(ROOT))


def examples(kind: str) -> list[tuple[str, str]]:
    """(where, text) of every example of `checklists` or `opsdeck.toml` in the documents."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for match in _TOML.finditer(text):
            if match[1] == kind:
                line = text.count("\n", 0, match.start()) + 1
                found.append((f"{name_of(path)}:{line}", match[2]))
    return found


def bindings() -> dict[str, str]:
    """Id -> keys of every binding that the keymap may change."""
    names = ["opsdeck.app"]
    for package in (opsdeck.screens, opsdeck.widgets):
        prefix = f"{package.__name__}."
        names += [m.name for m in pkgutil.iter_modules(package.__path__, prefix)]
    found = {}
    for module in map(importlib.import_module, names):
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                for binding in value.__dict__.get("BINDINGS", ()):
                    keys = binding.key.split(",")
                    found[binding.id] = ",".join(_CHARACTERS.get(key, key) for key in keys)
    known = keymap_of(OpsDeckApp, dict.fromkeys(found, "f20"))
    refused = {problem.split('"')[1] for problem in known.problems if "is no key to set" in problem}
    return {name: keys for name, keys in found.items() if name not in refused}


def test_every_toml_example_says_which_file_it_is() -> None:
    # THEN none escapes the tests below
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n```toml") == len(_TOML.findall(text)), name_of(path)
    assert len(examples("checklists")) >= 4
    assert len(examples("opsdeck")) >= 1


@pytest.mark.parametrize("example", examples("checklists"), ids=lambda pair: pair[0])
def test_a_catalog_example_loads_over_the_shipped_one(
    example: tuple[str, str], tmp_path: Path
) -> None:
    # GIVEN an example as a team's own file
    team = tmp_path / "checklists.toml"
    team.write_text(example[1], encoding="utf-8")
    # WHEN it is laid over the shipped catalog
    catalog = load_catalog(shipped_checklists_path(), team)
    # THEN it has no fault, and what it gives is there
    for given in tomllib.loads(example[1])["checklist"]:
        checklist = catalog.checklist(given["id"])
        assert checklist is not None
        assert checklist.read_do is given.get("read_do", False)
        for item in given.get("item", ()):
            found = checklist.item(item["id"])
            assert found is not None
            assert found.text == item["text"]


@pytest.mark.parametrize("example", examples("opsdeck"), ids=lambda pair: pair[0])
def test_a_configuration_example_loads(example: tuple[str, str], tmp_path: Path) -> None:
    # GIVEN an example as a file
    file = tmp_path / "opsdeck.toml"
    file.write_text(example[1], encoding="utf-8")
    # WHEN it is read
    found = load_config(file, {"HOME": str(tmp_path)})
    # THEN it has no fault, and its keys can be set
    assert found.name == tomllib.loads(example[1]).get("deck", {}).get("name", "default")
    assert keymap_of(OpsDeckApp, found.keys).problems == []


def test_every_key_of_the_formats_is_described() -> None:
    # GIVEN the tables of the document
    described = set(re.findall(r"^\| `([^`]+)` \|", FORMAT.read_text(encoding="utf-8"), re.M))
    # THEN each key that the program reads has its row
    known = {*raw.CHECKLIST_KEYS, *raw.ITEM_KEYS, *config.DECK_KEYS, *config.UI_KEYS, *SIGNOFF_KEYS}
    assert known - described == set()
    text = FORMAT.read_text(encoding="utf-8")
    words = {*CADENCES, *config.THEMES, *config.GLYPHS, *config.REFRESH, *raw.FILE_KEYS}
    words |= {*SIGNATURES, *DEFERRED}
    assert [word for word in words if f"`{word}`" not in text and f'`"{word}"`' not in text] == []
    assert [name for name in config.SECTIONS if f"[{name}" not in text] == []


def test_every_key_and_set_of_gauges_is_described() -> None:
    text = (ROOT / "docs" / "gauges.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9_-]+)`", text)) | set(re.findall(r"(?m)^(\w+) = ", text))
    # THEN what the program reads, makes and shows by itself is there
    own = {spec.id for spec in vars(host).values() if isinstance(spec, GaugeSpec)}
    assert {*GAUGE_KEYS, *OWN_KEYS, *STATS, *SETS, *own} - named == set()


def test_the_features_of_the_shipped_catalog_are_listed() -> None:
    catalog = load_catalog(shipped_checklists_path())
    used = {item.uses for checklist in catalog.checklists for item in checklist.items if item.uses}
    row = next(
        line
        for line in FORMAT.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `uses` | the features the team uses")
    )
    assert set(re.findall(r"`([^`]+)`", row)) - {"uses"} == used


def test_the_keymap_lists_every_binding_with_its_keys() -> None:
    # GIVEN the table of the keymap, each row as far as its keys
    keymap = FORMAT.read_text(encoding="utf-8").partition("\n## The keymap\n")[2]
    rows = set(re.findall(r"^(\| `[^`]+` \| .+? \|)", keymap, re.M))
    # THEN it has a row for everything that the app binds, and for nothing else
    bound = {
        f"| `{name}` | {' '.join(f'`{key}`' for key in keys.split(','))} |"
        for name, keys in bindings().items()
    }
    assert {"missing": bound - rows, "outdated": rows - bound} == {
        "missing": set(),
        "outdated": set(),
    }


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for link in _LINK.findall(text):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        # GIVEN a link within the project
        file = path.parent / target if target else path
        # THEN there is such a file, and such a heading in it
        assert file.is_file(), link
        if anchor:
            assert anchor in anchors(file), link


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, by the rule of code hosts."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def test_the_readme_begins_with_how_to_run_it() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[:6] == ["```sh", "make run", "make test", "```", "", "# OpsDeck"]


def test_the_readme_names_every_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("\n## Command line\n")[2].partition("\n## ")[0]
    # WHEN the commands of its summary are read: `attest|reopen|note ITEM` are three
    named = re.findall(r"^    opsdeck ([a-z|]+) ", section, re.M)
    words = {word for group in named for word in group.split("|")}
    # THEN they are those of the program
    assert words == set(COMMANDS)


def test_the_readme_shows_what_fits_a_small_terminal() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    screens = re.findall(r"^```\n( OpsDeck .*?)^```$", text, re.DOTALL | re.M)
    assert len(screens) == 4
    for screen in screens:
        lines = screen.splitlines()
        assert len(lines) == 24
        assert max(map(len, lines)) <= 80


def test_the_decisions_say_why_for_each_dependency_and_no_other() -> None:
    # GIVEN what pyproject.toml asks for
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*found["project"]["dependencies"], *found["dependency-groups"]["dev"]]
    # THEN each has its paragraph
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    reasons = text.partition("\n## Decisions of design\n")[0]
    paragraphs = re.findall(r"^(\*\*.+?) — ", reasons, re.M)
    named = {name for head in paragraphs for name in re.findall(r"\*\*(.+?)\*\*", head)}
    assert named == {Requirement(text).name for text in wanted}


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.search(r"^## ([0-9][^ ]*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert newest is not None
    assert newest[1] == project["version"] == opsdeck.__version__
