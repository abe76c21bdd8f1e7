"""Merging into TOML: what people wrote stays, ids stay, the Markdown's texts come through."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from opsdeck.catalog.markdown_merge import MergeResult, merge_into
from opsdeck.catalog.markdown_read import import_markdown
from opsdeck.errors import DataError

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "tests" / "data" / "production-readiness-checklist.md"


def merged(existing: str | None, markdown: str, name: str = "t.md") -> MergeResult:
    """The merge, after which a second one must change nothing."""
    imported = import_markdown(markdown, name)
    result = merge_into(existing, imported, name)
    again = merge_into(result.text, imported, name)
    assert again.text == result.text
    assert not again.added
    assert not again.updated
    return result


def lists_of(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(text).get("checklist", [])
    return found


def ids_of(text: str) -> dict[str, str]:
    return {i["text"]: f"{c['id']}/{i['id']}" for c in lists_of(text) for i in c.get("item", [])}


WRITTEN = '''\
# our own file
omit = ["x"]

[[checklist]] # imported from t.md
id = "ops"   # why this id
title = "Ops"
section = "T"
cadence = "daily"

# about first
[[checklist.item]]
id = "custom"
text = "First thing to check every morning"  # why
guide = """
keep
me"""
uses = 'redis'
valid_for = "24h"

# about second
[[checklist.item]]
id = "second"
text = "Second"
[checklist.item.probe]
kind = "tls"
# end of probe

# about gone
[[checklist.item]]
id = "gone"
text = "Removed from the document"
expect = ["days_left > `30`"]

# ---- not imported ----
[[checklist]]
id = "mine"
title = "Mine"
section = "M"
cadence = "weekly"
item = [
  { id = "a", text = "Alpha" }, # first
  { id = "b", text = "Beta" },
]

[[checklist]]
id = "empty"
title = "Empty"
section = "T"
cadence = "weekly"
# the end

[deck]
name = "x"'''

MARKDOWN = """\
# T
## Ops
- [ ] Zero
- [ ] First thing to check each morning
- [ ] New after first
- [ ] Second
  - [x] Child, with [link](http://x.example/)

    guide with "quotes\\"\\"\\" and \\\\ back

    second line"
## Empty
- [ ] now filled
## New list
- [ ] n
"""

EXPECTED = '''\
# our own file
omit = ["x"]

[[checklist]] # imported from t.md
id = "ops"   # why this id
title = "Ops"
section = "T"
cadence = "daily"

[[checklist.item]]
id = "zero"
text = "Zero"

# about first
[[checklist.item]]
id = "custom"
text = "First thing to check each morning"  # why
guide = """
keep
me"""
uses = 'redis'
valid_for = "24h"

[[checklist.item]]
id = "new-after-first"
text = "New after first"

# about second
[[checklist.item]]
id = "second"
text = "Second"
[checklist.item.probe]
kind = "tls"
# end of probe

[[checklist.item]]
id = "child-with-link"
text = "Child, with link"
guide = """
guide with "quotes\\""" and \\\\ back
second line\\""""
group = ["Second"]
note = "ticked in t.md when imported. See http://x.example/"

# about gone
[[checklist.item]]
id = "gone"
text = "Removed from the document"
expect = ["days_left > `30`"]

# ---- not imported ----
[[checklist]]
id = "mine"
title = "Mine"
section = "M"
cadence = "weekly"
item = [
  { id = "a", text = "Alpha" }, # first
  { id = "b", text = "Beta" },
]

[[checklist]]
id = "empty"
title = "Empty"
section = "T"
cadence = "weekly"
# the end

[[checklist.item]]
id = "now-filled"
text = "now filled"

[deck]
name = "x"

[[checklist]]  # imported from t.md
id = "new-list"
title = "New list"
section = "T"
cadence = "standing"

[[checklist.item]]
id = "n"
text = "n"
'''


def test_all_that_people_wrote_survives() -> None:
    result = merged(WRITTEN, MARKDOWN)
    assert result.text == EXPECTED
    assert result.added == (
        "ops/zero",
        "ops/new-after-first",
        "ops/child-with-link",
        "empty/now-filled",
        "new-list/n",
    )
    assert result.updated == ("ops/custom",)
    assert result.unchanged == ("ops/second",)
    assert result.gone == ("ops/gone",)


def test_windows_line_ends_and_byte_order_mark_stay() -> None:
    existing = "\ufeff" + WRITTEN.replace("\n", "\r\n")
    text = merged(existing, MARKDOWN).text
    assert text == "\ufeff" + EXPECTED.replace("\n", "\r\n")


def test_fresh_file() -> None:
    result = merged(None, MARKDOWN)
    assert result.text.startswith("# Checklists imported from t.md by `opsdeck import`.\n")
    assert result.added == tuple(ids_of(result.text).values())
    assert [c["id"] for c in lists_of(result.text)] == ["ops", "empty", "new-list"]
    assert lists_of(result.text)[0]["item"][4]["guide"].endswith('\nsecond line"')


@pytest.mark.parametrize("existing", ["", "\n\n", "# only a remark", "[deck]\nname = 'x'"])
def test_files_without_checklists(existing: str) -> None:
    result = merged(existing, "# T\n- [ ] a\n")
    assert result.text.startswith(existing.rstrip())
    assert ids_of(result.text) == {"a": "t/a"}


def test_items_in_inline_tables() -> None:
    existing = WRITTEN.replace('section = "M"', 'section = "T"')
    result = merged(existing, "# T\n## Mine\n- [ ] Alpha\n- [ ] Alpha two\n- [ ] Beta!\n")
    assert "# first" in result.text
    assert ids_of(result.text)["Alpha two"] == "mine/alpha-two"
    assert ids_of(result.text)["Beta!"] == "mine/b"
    assert [i["text"] for i in lists_of(result.text)[1]["item"]] == [
        "Alpha",
        "Alpha two",
        "Beta!",
    ]


def test_shipped_catalog_knows_the_reference_document() -> None:
    existing = (ROOT / "checklists.toml").read_text(encoding="utf-8")
    result = merged(existing, REFERENCE.read_text(encoding="utf-8"))
    assert result.text == existing
    assert len(result.unchanged) == 153
    assert not result.gone


def test_reordered_items_keep_their_ids() -> None:
    before = merged(None, "# T\n- [ ] x\n- [ ] b\n- [ ] x\n- P\n  - [ ] q\n").text
    result = merged(before, "# T\n- P\n  - [ ] q\n- [ ] x\n- [ ] x\n- [ ] b\n")
    assert result.text == before
    assert len(result.unchanged) == 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Verify the backups", "Verify all the backups"),
        ("Verify backups.", "verify BACKUPS"),
        ("1.1 Rotate keys", "1.2 Rotate keys"),
        ("long " * 200 + "old end", "long " * 200 + "new end"),
        ("配置备份和恢复", "配置备份和恢复流程"),
    ],
)
def test_edited_text_keeps_its_id(before: str, after: str) -> None:
    first = merged(None, f"# T\n- [ ] {before}\n- [ ] Another\n").text
    address = ids_of(first)[before]
    result = merged(first, f"# T\n- [ ] {after}\n- [ ] Another\n")
    assert result.updated == (address,)
    assert ids_of(result.text)[after] == address
    assert not result.gone


def test_most_alike_texts_find_each_other() -> None:
    first = merged(None, "# T\n- [ ] Disk of db-1 is healthy\n- [ ] Disk of db-2 is healthy\n").text
    result = merged(
        first, "# T\n- [ ] The disk of db-2 is healthy\n- [ ] The disk of db-1 is healthy\n"
    )
    ids = ids_of(result.text)
    assert ids["The disk of db-1 is healthy"] == "t/disk-of-db-1-is-healthy"
    assert ids["The disk of db-2 is healthy"] == "t/disk-of-db-2-is-healthy"


def test_another_text_is_another_item() -> None:
    first = merged(None, "# T\n- [ ] Rotate keys\n").text
    result = merged(first, "# T\n- [ ] Water the plants\n")
    assert result.added == ("t/water-the-plants",)
    assert result.gone == ("t/rotate-keys",)
    assert "Rotate keys" in ids_of(result.text)


def test_what_people_added_is_kept_and_what_is_missing_filled() -> None:
    first = merged(None, "# T\n- [ ] a\n- [ ] b\n- [ ] c\n").text
    first = first.replace('text = "a"', 'text = "a"\nguide = "ours"\nnote = ""')
    result = merged(first, "# T\n- G\n  - [x] a\n# T\n- [x] b\n\n  theirs\n- [ ] c\n")
    # `a` now stands in a checklist of its own; the old one stays as it was.
    assert result.added == ("g/a",)
    items = {i["id"]: i for i in lists_of(result.text)[0]["item"]}
    assert (items["a"]["guide"], items["a"]["note"]) == ("ours", "")
    assert items["b"]["guide"] == "theirs"
    assert items["b"]["note"] == "ticked in t.md when imported"
    assert "note" not in items["c"]


def test_groups_follow_the_markdown() -> None:
    first = merged(None, "# T\n- [ ] p\n  - [ ] a\n- [ ] b\n").text
    result = merged(first, "# T\n- [ ] p\n  - [ ] b\n- [ ] a\n")
    items = {i["id"]: i.get("group") for i in lists_of(result.text)[0]["item"]}
    assert items == {"p": None, "a": None, "b": ["p"]}
    assert result.updated == ("t/b", "t/a")


def test_renamed_heading_is_found_by_its_id() -> None:
    first = merged(None, "# T\n## Daily checks\n- [ ] a\n").text
    result = merged(first, "# T\n## 2. Daily Checks!\n- [ ] a\n")
    (checklist,) = lists_of(result.text)
    assert (checklist["id"], checklist["title"]) == ("daily-checks", "2. Daily Checks!")
    assert checklist["cadence"] == "daily"


def test_documents_with_the_same_heading_stay_apart() -> None:
    first = merged(None, "# One\n## Security\n- [ ] a\n", "one.md").text
    result = merged(first, "# Two\n## Security\n- [ ] b\n", "two.md")
    assert ids_of(result.text) == {"a": "security/a", "b": "two-security/b"}
    assert not result.gone
    # AND each document still finds its own
    assert merged(result.text, "# One\n## Security\n- [ ] a!\n", "one.md").updated == (
        "security/a",
    )


def test_checklists_that_the_document_lost_are_reported() -> None:
    first = merged(None, "# T\n## A\n- [ ] a\n## B\n- [ ] b\n").text
    result = merged(first, "# T\n## A\n- [ ] a\n")
    assert result.text == first
    assert result.gone == ("b/b",)


def test_new_ids_avoid_those_on_file() -> None:
    # GIVEN items whose ids people chose, among them what the import would give to others
    existing = WRITTEN.replace('id = "second"', 'id = "zero"')
    result = merged(existing, MARKDOWN)
    assert ids_of(result.text)["Second"] == "ops/zero"
    assert ids_of(result.text)["Zero"] == "ops/zero-2"


@pytest.mark.parametrize(
    ("existing", "said"),
    [
        ("a = 1\nb = = 2\n", r"team\.toml: not valid TOML.*line 2, column 5"),
        ("checklist = 1", r"team\.toml: key checklist: must be an array of tables"),
        ("checklist = [1]", r"key checklist: must be"),
        ('[[checklist]]\nid = "c"\nitem = "x"', r"checklist c, key item: must be"),
    ],
)
def test_unusable_files_are_explained(existing: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        merge_into(existing, import_markdown("- [ ] a", "t.md"), "t.md", into_name="team.toml")


def test_other_tables_between_the_checklists_are_not_moved() -> None:
    # GIVEN a file in which another table stands between two checklists
    one = '[[checklist]]\nid = "{0}"\ntitle = "{1}"\nsection = "T"\ncadence = "daily"\n\n'
    existing = one.format("a", "A") + '[deck]\nname = "x"\n\n' + one.format("b", "B")
    imported = import_markdown("# T\n## A\n- [ ] a\n", "t.md")
    # WHEN it would have to be edited THEN it is refused with what to do
    with pytest.raises(DataError, match=r"do not stand together.*import into another file"):
        merge_into(existing, imported, "t.md")
