"""Everything that can be wrong inside a `checklists.toml`, and that all of it is told at once."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.catalog.load import parse_checklists

HEAD = """\
[[checklist]]
id = "web"
title = "Web"
section = "Before"
cadence = "daily"
"""
ITEM = """\
[[checklist.item]]
id = "tls"
text = "Certificate valid"
"""
GOOD = HEAD + ITEM


def one_fault(text: str | bytes) -> str:
    """The message of the only fault, its file name cut off."""
    _, faults = parse_checklists(text, "f.toml")
    assert len(faults) == 1, [str(fault) for fault in faults]
    return str(faults[0]).removeprefix("f.toml:")


def test_a_good_file_gives_its_items() -> None:
    # GIVEN an item with every key there is
    text = (
        HEAD
        + '''
[[checklist.item]]
id = "tls-1.2_x"
text = """  Certificate
   valid  """
guide = """

  Look at it.
    Twice.

"""
uses = "tls"
valid_for = "1d12h"
playbook = "renew"
group = [" 1. Certificates ", "Outer"]
note = " left\\u0007 here "
assist = true
probe = { kind = "http", target = "web", headers = { x = "1" } }
expect = ["trusted", "days_left > `30`", "length(names) == `2`", "state == `ok`"]
'''
    )
    # WHEN it is read
    raw, faults = parse_checklists(text, "f.toml")
    # THEN nothing is wrong and nothing is lost
    assert faults == ()
    (item,) = raw.checklists[0].items
    assert item.id == "tls-1.2_x"
    assert item.text == "Certificate valid"
    assert item.guide == "  Look at it.\n    Twice."
    assert (item.uses, item.valid_for_s, item.playbook) == ("tls", 129_600, "renew")
    assert item.group == ("1. Certificates", "Outer")
    assert item.note == "left\u0007 here"
    assert item.assist
    assert item.probe == {"kind": "http", "target": "web", "headers": {"x": "1"}}
    assert item.expect[1] == "days_left > `30`"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        "\ufeff" + GOOD,
        GOOD.rstrip("\n"),
    ],
    ids=["plain", "bom", "crlf", "bom text", "no last newline"],
)
def test_harmless_differences_are_accepted(content: str | bytes) -> None:
    raw, faults = parse_checklists(content, "f.toml")
    assert faults == ()
    assert raw.checklists[0].items[0].text == "Certificate valid"


IN_ITEM = [
    ('valid_fro = "1d"', "key valid_fro", 'unknown key "valid_fro"; did you mean "valid_for"?'),
    ("zzzzzz = 1", "key zzzzzz", "known are id, text, guide"),
    ("guide = 5", "key guide", "is the integer 5; it must be a string"),
    ("guide = true", "key guide", "is true; it must be a string"),
    ('uses = "A B"', "key uses", "allowed are letters"),
    ("uses = []", "key uses", "is an empty list; it must be a string"),
    ("valid_for = 24", "key valid_for", "is the integer 24; it must be a string"),
    ('valid_for = "soon"', "key valid_for", 'write for example "90s"'),
    ('valid_for = ""', "key valid_for", "is empty"),
    ("playbook = 1.5", "key playbook", "is the number 1.5"),
    ('group = "x"', "key group", 'is "x"; it must be a list of strings'),
    ('group = ["x", 5]', "key group", "entry 2 is the integer 5"),
    ('group = ["x", " "]', "key group", "entry 2 is empty"),
    ("note = 2026-01-01", "key note", "is a date or time"),
    ('assist = "yes"', "key assist", 'is "yes"; it must be true or false'),
    ("assist = 1", "key assist", "is the integer 1; it must be true or false"),
    ('probe = "tls"', "key probe", "it must be a table, such as probe = {"),
    ("probe = {}", "key probe", "has no kind"),
    ("probe = { kind = 5 }", "key probe", "its kind is the integer 5"),
    ('probe = { kind = "" }', "key probe", "its kind is empty"),
    ('expect = ["a"]', "key expect", "there is no probe"),
]


@pytest.mark.parametrize(("line", "place", "message"), IN_ITEM)
def test_a_faulty_key_of_an_item(line: str, place: str, message: str) -> None:
    found = one_fault(GOOD + line + "\n")
    assert found.startswith(f"9: checklist web, item tls, {place}: ")
    assert message in found


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ("[]", "is an empty list"),
        ('["days_left >"]', "days_left > is not valid: Incomplete expression"),
        ("['trusted', '']", "entry 2 is empty"),
        ("['a b']", "Unexpected token: b"),
        ("['a = b']", "Unknown token '='"),
        ("['lenght(a)']", 'there is no function lenght(); did you mean "length"?'),
        ("['b && length(a, b)']", "length() takes 1 argument(s) and got 2"),
        ("['contains(a)']", "contains() takes 2 argument(s) and got 1"),
        ("['not_null()']", "not_null() takes at least 1"),
        ("[5]", "entry 1 is the integer 5"),
        ('"trusted"', 'is "trusted"; it must be a list'),
    ],
)
def test_a_faulty_expectation(expect: str, message: str) -> None:
    found = one_fault(GOOD + f'probe = {{ kind = "tls" }}\nexpect = {expect}\n')
    assert found.startswith("10: checklist web, item tls, key expect: ")
    assert message in found


def test_an_expectation_nested_without_end_is_a_fault() -> None:
    deep = "(" * 5_000 + "a" + ")" * 5_000
    found = one_fault(GOOD + f'probe = {{ kind = "tls" }}\nexpect = ["{deep}"]\n')
    assert "nested too deeply" in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + '[[checklist.item]]\nid = "a"\n', "6: checklist web, item a, key text: missing"),
        (
            HEAD + '[[checklist.item]]\ntext = "a"\n',
            "6: checklist web, item number 1, key id: missing",
        ),
        (HEAD + '[[checklist.item]]\nid = "a"\ntext = " \\n "\n', "key text: is empty"),
        (
            HEAD + f'[[checklist.item]]\nid = "a"\ntext = "{"x" * 4001}"\n',
            "8: checklist web, item a, key text: has 4,001 characters; at most 4,000",
        ),
        (GOOD + ITEM, '10: checklist web, item tls, key id: duplicate item id "tls" (first on li'),
        (GOOD + GOOD, '10: checklist web, key id: duplicate checklist id "web" (first on line 2)'),
        (HEAD + "item = []\n", "6: checklist web, key item: is an empty list"),
        (HEAD + "item = [5]\n", "6: checklist web, key item: entry 1 is the integer 5"),
        (HEAD + "item = 'x'\n", '6: checklist web, key item: is "x"; it must be written as'),
        ("checklist = []\n", "1: key checklist: is an empty list"),
        ("checklist = 5\n", "1: key checklist: is the integer 5; it must be written as [["),
        ("", " key checklist: has no checklists"),
        ("# only a comment\n", " key checklist: has no checklists"),
        ('checklists = 1\nomit = ["x"]\n', '1: key checklists: unknown key "checklists"; did you'),
        ("omit = 'x'\n", '1: key omit: is "x"; it must be a list'),
        ("omit = []\n", "1: key omit: is an empty list"),
        (GOOD.replace('"daily"', '"dayly"'), '5: checklist web, key cadence: is "dayly"; allowed'),
        (GOOD.replace('"daily"', '"dayly"'), 'did you mean "daily"?'),
        (GOOD.replace('"Web"', "5"), "3: checklist web, key title: is the integer 5"),
        (GOOD.replace('"Before"', '""'), "4: checklist web, key section: is empty"),
        (GOOD.replace("cadence", "cadance"), 'unknown key "cadance"; did you mean "cadence"?'),
    ],
)
def test_a_fault_of_a_file_or_checklist(text: str, message: str) -> None:
    assert message in one_fault(text)


@pytest.mark.parametrize(
    "name", ["Tls", "tls cert", "", "-tls", "tls/cert", "tl\\u0007s", "tls\\n", "é", "x" * 81, " t"]
)
def test_a_bad_id_is_told_with_what_is_allowed(name: str) -> None:
    found = one_fault(GOOD.replace('"tls"', f'"{name}"'))
    assert found.startswith("7: checklist web, item ")
    assert (
        "lower-case letters, digits, hyphen, dot and underscore" in found or "at most 80" in found
    )
    assert found.isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('a = "x', "1:7: not valid TOML: "),
        ("[[checklist]]\nid = \n", "2:6: not valid TOML: Invalid value"),
        ("a = 1\na = 2\n", "2:6: not valid TOML: Cannot overwrite a value"),
        (b"a = 1\nb = '\xff'\n", "2: not UTF-8: byte 0xff at offset 11 (line 2)"),
        ("a = 1".encode("utf-16"), "1: not UTF-8: byte 0xff at offset 0 (line 1)"),
        (b"a = 1\n\0\n", "2: holds a NUL byte (line 2)"),
        ("a = " + "[" * 100_000, " not valid TOML: lists or tables are nested too deeply"),
        ("a = " + "9" * 5_000, " not valid TOML: a number has thousands of digits"),
        ("\n" + "a." * 40_000 + "a = 1", "2: a key has 64 dotted parts or more"),
        ("x = 0x" + "f" * 9_000, 'key x: unknown key "x"'),
        ("[[checklist]]\nid = 0x" + "f" * 9_000, "key id: is an integer"),
    ],
    ids=range(11),
)
def test_what_is_not_usable_toml_at_all(content: str | bytes, message: str) -> None:
    _, faults = parse_checklists(content, "f.toml")
    assert any(message in str(fault) for fault in faults)


NINE = """\
omitt = ["x"]

[[checklist]]
id = "web"
title = "Web"
section = "Before"
cadence = "fortnightly"

[[checklist.item]]
id = "tls"
text = 5

[[checklist.item]]
id = "tls"
text = "Again"
valid_fro = "1d"

[[checklist.item]]
id = "DNS"
text = "Name resolves"
valid_for = "a day"

[[checklist.item]]
id = "http"
text = "Answers"
probe = { kind = "http" }
expect = ["status ="]

[[checklist]]
id = "empty"
item = []
"""


def test_nine_mistakes_are_told_together_in_the_order_of_the_file() -> None:
    _, faults = parse_checklists(NINE, "f.toml")
    assert [(f.line, f.checklist, f.item, f.key) for f in faults] == [
        (1, None, None, "omitt"),
        (7, "web", None, "cadence"),
        (11, "web", "tls", "text"),
        (14, "web", "tls", "id"),
        (16, "web", "tls", "valid_fro"),
        (19, "web", "DNS", "id"),
        (21, "web", "DNS", "valid_for"),
        (27, "web", "http", "expect"),
        (31, "empty", None, "item"),
    ]
    assert all(f.file == "f.toml" for f in faults)


def test_junk_with_a_million_keys_is_told_without_a_million_lines() -> None:
    text = "\n".join(f"key{n} = 1" for n in range(20_000))
    _, faults = parse_checklists(text, "f.toml")
    assert len(faults) == 5_001
    assert "15,001 more faults" in faults[-1].message


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_give_faults_only(content: bytes) -> None:
    raw, faults = parse_checklists(content, "f.toml")
    assert faults or raw.checklists or raw.omit


PIECES = st.sampled_from(
    [*"[]{}=\"'\n.,#\\", "[[checklist]]\n", "[[checklist.item]]\n", "id = ", '"""', "expect = ["]
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_arbitrarily_damaged_toml_gives_faults_or_what_it_says(data: st.DataObject) -> None:
    # GIVEN a file with cuts and insertions at arbitrary places
    text = NINE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 30))
        text = text[:start] + data.draw(PIECES | st.text(max_size=3)) + text[start + length :]
    # WHEN it is read
    _, faults = parse_checklists(text, "f.toml")
    # THEN every fault has words, and lines lie within the file
    lines = text.count("\n") + 1
    assert all(f.message and (f.line is None or 1 <= f.line <= lines) for f in faults)


VALUES = st.recursive(
    st.sampled_from(["1", "true", "1.5", '"x"', '""', '"1d"', "1979-05-27", "nan", "{}", "[]"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda v: "[" + ", ".join(v) + "]")
        | inner.map(lambda v: f"{{ kind = {v} }}")
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [
            *("title", "section", "cadence", "item", "id"),
            *("text", "guide", "uses", "valid_for", "playbook", "group"),
            *("note", "assist", "probe", "expect", "other"),
        ]
    ),
    VALUES,
    st.booleans(),
)
def test_any_value_at_any_key_is_taken_or_told(key: str, value: str, in_item: bool) -> None:
    text = "[[checklist]]\n" + ("[[checklist.item]]\n" if in_item else "") + f"{key} = {value}\n"
    assert tomllib.loads(text)
    raw, faults = parse_checklists(text, "f.toml")
    assert faults or raw.checklists


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.[]*?@&|(){}`'\"<>=!,: 01-\\", max_size=25))
def test_any_expression_is_taken_or_told(expression: str) -> None:
    from opsdeck.catalog.expectations import expectation_problem

    problem = expectation_problem(expression)
    assert problem is None or problem.startswith("expectation ")
