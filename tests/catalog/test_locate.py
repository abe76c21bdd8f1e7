"""Lines of tables and keys in TOML text."""

from __future__ import annotations

import pytest

from opsdeck.catalog.locate import TomlPath, find_line, line_index

TEXT = '''\
omit = [
  "a", # [[checklist]]
  "b = [",
]
[[checklist]] # first
id = "x"
[[checklist.item]]
id = "one"
guide = """
[[checklist]]
text = "no key"
"""
"text" = 'it''s'
[checklist.item.probe]
kind = "tls"
[[checklist.item]]
id = "two"
probe.kind = "dns"
[[checklist]]
  item = [
    { id = "three", text = "t" },
  ]
[targets."my host"]
kind = "host"
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("omit",), 1),
        (("checklist",), 5),
        (("checklist", 0), 5),
        (("checklist", 0, "id"), 6),
        (("checklist", 0, "item", 0), 7),
        (("checklist", 0, "item", 0, "guide"), 9),
        (("checklist", 0, "item", 0, "text"), 13),
        (("checklist", 0, "item", 0, "probe"), 14),
        (("checklist", 0, "item", 0, "probe", "kind"), 15),
        (("checklist", 0, "item", 1, "id"), 17),
        (("checklist", 0, "item", 1, "probe"), 18),
        (("checklist", 0, "item", 1, "probe", "kind"), 18),
        (("checklist", 1), 19),
        (("checklist", 1, "item", 0, "text"), 20),
        (("targets", "my host", "kind"), 24),
        (("checklist", 0, "item", 1, "absent"), 16),
        (("nothing",), None),
        ((), None),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_finds_the_line_of_a_part(path: TomlPath, line: int | None, newline: str) -> None:
    assert find_line(line_index(TEXT.replace("\n", newline)), path) == line
