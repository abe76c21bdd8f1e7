"""The shipped catalog is the reference document, item by item, with guides worth reading."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pytest

from opsdeck.catalog.load import load_catalog, parse_checklists, shipped_checklists_path
from opsdeck.catalog.model import Catalog

REFERENCE = Path(__file__).parents[1] / "data" / "production-readiness-checklist.md"

CADENCE_BY_SECTION = {
    "Pre-Deployment Verification": "release",
    "Production Deployment Checklist": "release",
    "Scaling Checklist": "standing",
    "Incident Response Plan": "standing",
    "Disaster Recovery Checklist": "standing",
}
CADENCE_BY_TITLE = {
    "Daily Operations": "daily",
    "Weekly Operations": "weekly",
    "Monthly Operations": "monthly",
}
CONDITIONAL = re.compile(
    r"\bif (?:using|configured|applicable)|load balancer|\bCDN\b|\breplication\b|\bredis\b|\bAWS\b",
    re.IGNORECASE,
)


class Expected(NamedTuple):
    """A checklist of the reference document: its section, its title and its texts in order."""

    section: str
    title: str
    texts: list[str]


def read_reference() -> list[Expected]:
    """The document's headings and numbered parents that have tasks of their own."""
    found: list[Expected] = []
    section = ""
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## (.+)", line):
            section = heading[1].strip()
        elif heading := re.match(r"### (.+)|\d+\. \*\*(.+)\*\*", line):
            found.append(Expected(section, (heading[1] or heading[2]).strip(), []))
        elif task := re.match(r" *- \[ \] (.+)", line):
            found[-1].texts.append(task[1].strip())
    return [checklist for checklist in found if checklist.texts]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(shipped_checklists_path())


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def test_the_reference_has_what_it_is_known_for() -> None:
    reference = read_reference()
    assert len(reference) == 20
    assert sum(len(checklist.texts) for checklist in reference) == 153


def test_its_probes_and_expectations_have_no_fault() -> None:
    # Loading it does not look into them again.
    path = shipped_checklists_path()
    assert parse_checklists(path.read_bytes(), str(path))[1] == ()


def test_it_has_20_checklists_and_153_items(catalog: Catalog) -> None:
    assert len(catalog.checklists) == 20
    assert catalog.item_count == 153


def test_checklists_are_those_of_the_document_in_its_order(catalog: Catalog) -> None:
    assert [c.title for c in catalog.checklists] == [c.title for c in read_reference()]
    assert [c.section for c in catalog.checklists] == [c.section for c in read_reference()]


@pytest.mark.parametrize("number", range(20))
def test_items_are_word_for_word_and_in_order(catalog: Catalog, number: int) -> None:
    expected = read_reference()[number]
    assert [item.text for item in catalog.checklists[number].items] == expected.texts


def test_cadence_follows_from_what_the_list_is_for(catalog: Catalog) -> None:
    for checklist, expected in zip(catalog.checklists, read_reference(), strict=True):
        cadence = CADENCE_BY_TITLE.get(expected.title) or CADENCE_BY_SECTION[expected.section]
        assert checklist.cadence == cadence, checklist.id


def test_guides_have_a_readable_length(catalog: Catalog) -> None:
    lengths = {f"{c.id}/{i.id}": len(i.guide) for c in catalog.checklists for i in c.items}
    assert {name: n for name, n in lengths.items() if not 80 <= n <= 900} == {}


def test_no_two_guides_are_alike(catalog: Catalog) -> None:
    guides = {f"{c.id}/{i.id}": words(i.guide) for c in catalog.checklists for i in c.items}
    assert len(set(guides.values())) == len(guides)
    alike = []
    for (one, a), (other, b) in combinations(guides.items(), 2):
        # Compared word by word, so that the quick upper bound spares nearly all full comparisons.
        matcher = SequenceMatcher(None, a.split(), b.split(), autojunk=False)
        if matcher.quick_ratio() >= 0.7 and matcher.ratio() >= 0.7:
            alike.append((one, other))
    assert alike == []


def test_no_guide_merely_repeats_its_text(catalog: Catalog) -> None:
    for checklist in catalog.checklists:
        for item in checklist.items:
            text, guide = words(item.text), words(item.guide)
            own = [word for word in guide.split() if word not in text.split()]
            assert not guide.startswith(text), item.id
            assert len(own) >= 10, item.id


def test_conditional_items_name_the_feature_they_depend_on(catalog: Catalog) -> None:
    items = [item for checklist in catalog.checklists for item in checklist.items]
    always = [item.text for item in items if CONDITIONAL.search(item.text) and not item.uses]
    assert always == []


def test_every_item_says_how_long_its_evidence_is_worth(catalog: Catalog) -> None:
    assert [i.id for c in catalog.checklists for i in c.items if i.valid_for_s is None] == []


def test_ids_are_readable(catalog: Catalog) -> None:
    for checklist in catalog.checklists:
        for name in (checklist.id, *(item.id for item in checklist.items)):
            assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", name), name
            assert len(name) <= 40, name
