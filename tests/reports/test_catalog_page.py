"""docs/catalog.md: every item of the shipped catalog, and the page is current."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from opsdeck.catalog.load import load_catalog
from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.reports.catalog_page import catalog_page, read_reasons

ROOT = Path(__file__).parents[2]
REASONS = read_reasons(ROOT / "docs" / "manual-items.toml")


@cache
def shipped() -> Catalog:
    """The shipped catalog."""
    return load_catalog(ROOT / "checklists.toml")


@cache
def items() -> dict[str, Item]:
    """CHECKLIST/ITEM -> item of the shipped catalog."""
    return {f"{c.id}/{i.id}": i for c in shipped().checklists for i in c.items}


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "catalog.md").read_text(encoding="utf-8")
    assert page == catalog_page(shipped(), REASONS), (
        "run: python -m opsdeck.reports.catalog_page > docs/catalog.md"
    )


def test_at_least_95_items_verify_themselves() -> None:
    sensed = [item for item in items().values() if item.sensed]
    assert len(items()) == 153
    assert len(sensed) >= 95
    assert all(item.expect for item in sensed)


def test_each_other_item_says_why_a_person_must_look() -> None:
    manual = {address for address, item in items().items() if not item.sensed}
    assert {"without a reason": manual - REASONS.keys()} == {"without a reason": set()}
    assert {"not manual": REASONS.keys() - manual} == {"not manual": set()}
    assert all(reason.strip() for reason in REASONS.values())


def test_the_page_says_what_each_item_is_verified_by() -> None:
    # GIVEN one item of each sort
    own = (
        Item(
            id="cert",
            text="A *certificate* | valid",
            uses="cdn",
            probe={"kind": "tls", "target": "web", "hosts": ["a.example", "b.example:8443"]},
            expect=("trusted", "days_left > `30` || false"),
        ),
        Item(
            id="costs",
            text="Costs",
            assist=True,
            probe={"kind": "aws", "target": "aws", "service": "ce", "operation": "GetCost"},
        ),
        Item(id="team", text="Team briefed"),
    )
    checklist = Checklist(id="own", title="Own", section="S", cadence="daily", items=own)
    # WHEN they are put on a page
    page = catalog_page(
        Catalog(checklists=(checklist,)),
        {"own/costs": "what is too much is a judgement", "own/team": "a [talk](x)"},
    )
    # THEN each row says by what, and what comes from the catalog is no markup
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    cert = r"| `cert` A \*certificate\* \| valid *(uses cdn)* | `tls` at `web`:"
    cert += r" `a.example b.example:8443` | `trusted`<br>`` days_left > `30` \|\| false `` |"
    costs = "| `costs` Costs | a person, shown `aws` at `aws`: `ce GetCost`"
    assert rows == [
        cert,
        f"{costs} | what is too much is a judgement |",
        r"| `team` Team briefed | a person | a \[talk\](x) |",
    ]
    assert "| [Own](#own) | daily | 3 | 1 | 1 | 1 |" in page
    assert "| **All** | | 3 | 1 | 1 | 1 |" in page


def test_the_page_says_which_lists_are_read_do() -> None:
    one = Checklist(id="a", title="A", section="S", cadence="daily", items=(), read_do=True)
    two = Checklist(id="b", title="B", section="S", cadence="daily", items=())
    lines = catalog_page(Catalog(checklists=(one, two)), {}).splitlines()
    assert [line for line in lines if " · S · " in line] == [
        "A · S · daily · read-do · 0 items",
        "B · S · daily · 0 items",
    ]
