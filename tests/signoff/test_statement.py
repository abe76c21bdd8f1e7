"""What a role signs: one text for one set of values, and no other text is taken for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdeck.signoff.model import ROLES
from opsdeck.signoff.statement import (
    BREAK_GLASS,
    LARGEST,
    TITLE,
    Head,
    Statement,
    StatementError,
    is_statement,
    one_line,
    parse_statement,
    statement_text,
)

AT = datetime(2026, 11, 23, 2, 38, 7, 123000, UTC)
OPEN = Statement(
    release="v1.4.2",
    deck="acme",
    role="verifier",
    name="bob",
    identity="bob@acme",
    key="SHA256:abc/def+ghi",
    at=AT,
    content="a" * 64,
    sums="b" * 64,
    rules=((True, "every item of the release done: 3 of 3"), (True, "evidence fresh: none")),
    heads=(Head("alice@one", 17, "c" * 64), Head("bob two", 1, "d" * 64)),
)
CLOSED = msgspec.structs.replace(
    OPEN,
    reason="the shop is down: every minute costs",
    rules=((False, "every item of the release done: 2 of 3: 1 open"), (True, "journal whole: x")),
)
NAMES = msgspec.structs.replace(OPEN, identity="", key="", heads=())
SAID = [OPEN, CLOSED, NAMES]
HOSTILE = [
    "x\nrole: approver",
    "x\n\n" + "e" * 64 + "  content.json",
    "x\r\nholds: all",
    "x\u2028reason: none",
    "x\x85gate: open",
    "x: y: z",
    "holds: everything",
    ": ",
    "-",
    "not signed",
    "\x1b[2J",
    "\ud800",
    "  x  ",
    BREAK_GLASS,
    TITLE,
    "",
]

texts = st.text(max_size=60).map(one_line)
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)
statements = st.builds(
    Statement,
    release=texts,
    deck=texts,
    role=st.sampled_from(ROLES),
    name=texts,
    identity=texts.filter(lambda text: text != "-"),
    key=texts.filter(lambda text: text != "not signed"),
    at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
    content=hexes,
    sums=hexes,
    rules=st.lists(st.tuples(st.booleans(), texts), max_size=5).map(tuple),
    reason=texts,
    heads=st.lists(
        st.builds(Head, texts.filter(bool), st.integers(0, 10**15 - 1), hexes), max_size=5
    ).map(tuple),
)


def parsed(text: str) -> Statement | None:
    """The values of a text; None where it is refused."""
    try:
        return parse_statement(text)
    except StatementError:
        return None


@given(statements)
def test_what_is_written_is_read_back(one: Statement) -> None:
    text = statement_text(one)
    assert parse_statement(text) == one
    assert is_statement(text, one)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(statements, statements)
def test_other_values_give_another_text(one: Statement, other: Statement) -> None:
    assert (statement_text(one) == statement_text(other)) == (one == other)


def test_it_reads_as_people_expect_it() -> None:
    assert statement_text(CLOSED).splitlines() == [
        "BREAK-GLASS: signed against a closed gate",
        "OpsDeck sign-off statement 1",
        "release: v1.4.2",
        "deck: acme",
        "role: verifier",
        "name: bob",
        "identity: bob@acme",
        "key: SHA256:abc/def+ghi",
        "time: 2026-11-23T02:38:07.123Z",
        "gate: closed",
        "reason: the shop is down: every minute costs",
        "does not hold: every item of the release done: 2 of 3: 1 open",
        "holds: journal whole: x",
        f"journal: {'c' * 64} 17 alice@one",
        f"journal: {'d' * 64} 1 bob two",
        "",
        f"{'a' * 64}  content.json",
        f"{'b' * 64}  evidence.sha256",
    ]
    assert statement_text(OPEN).startswith(f"{TITLE}\nrelease: v1.4.2\n")
    names = statement_text(NAMES)
    assert "identity: -\nkey: not signed\n" in names
    assert "journal: " not in names


@pytest.mark.parametrize("one", SAID)
def test_no_changed_character_goes_unnoticed(one: Statement) -> None:
    text = statement_text(one)
    for place in range(len(text)):
        changed = {text[:place] + text[place + 1 :]}
        for letter in "a0 :\n-\u00e9\x1b\0":
            changed |= {text[:place] + letter + text[place:]}
            changed |= {text[:place] + letter + text[place + 1 :]}
        for other in changed - {text}:
            found = parsed(other)
            assert found != one
            if found is not None:  # it is a statement, of something else
                assert statement_text(found) == other


@pytest.mark.parametrize("one", SAID)
def test_nothing_before_behind_or_instead_of_it_is_accepted(one: Statement) -> None:
    text = statement_text(one)
    lines = text.splitlines(keepends=True)
    others = [text + "\n", text + text, "\n" + text, text[:-1], text.replace("\n", "\r\n"), ""]
    others += ["".join(lines[:n] + lines[n + 1 :]) for n in range(len(lines))]
    others += ["".join(lines[: n + 1] + lines[n:]) for n in range(len(lines))]
    others += ["".join(lines[:n] + lines[n : n + 2][::-1] + lines[n + 2 :]) for n in range(17)]
    for other in others:
        if other != text:
            assert parsed(other) != one
    for cut in range(len(text)):
        assert parsed(text[:cut]) is None


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["release", "deck", "name", "identity", "key", "reason"])
def test_no_text_can_say_more_than_itself(field: str, text: str) -> None:
    # GIVEN a text of somebody's, as one line
    line = one_line(text)
    assert one_line(line) == line
    assert line.splitlines() in ([line], [])
    # WHEN it stands in a statement THEN it stands there and nowhere else
    changed: dict[str, Any] = {field: line}
    one = msgspec.structs.replace(CLOSED, **changed)
    if field != "reason" and (field, line) not in (("identity", "-"), ("key", "not signed")):
        assert parse_statement(statement_text(one)) == one
    found = parsed(statement_text(one))
    assert found is None or statement_text(found) == statement_text(one)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_rule_or_writer_can_say_more_than_itself(text: str) -> None:
    line = one_line(text)
    one = msgspec.structs.replace(
        CLOSED,
        rules=((False, line), (True, line)),
        heads=(Head(line or "w", 1, "c" * 64), Head("z", 2, "d" * 64)),
    )
    assert parse_statement(statement_text(one)) == one


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["release", "deck", "name", "identity", "key", "reason"])
def test_raw_text_is_never_taken_for_other_values(field: str, text: str) -> None:
    # GIVEN a statement made of a text that was not put in one line first
    one = msgspec.structs.replace(CLOSED, **{field: text})
    found = parsed(statement_text(one))
    # THEN it is refused, or says just that
    assert found is None or field == "reason" or found == one or text in ("-", "not signed")
    if any(ord(c) < 32 and c != "\n" for c in text) or text == "\ud800":
        assert found is None


def test_a_reason_of_several_lines_cannot_be_smuggled_in() -> None:
    # a line of its own would read as another rule: that is why texts become one line
    one = msgspec.structs.replace(CLOSED, reason=one_line("x\nholds: journal whole: yes"))
    assert parse_statement(statement_text(one)).reason == "x holds: journal whole: yes"
    assert parse_statement(statement_text(one)).rules == CLOSED.rules


def test_values_that_do_not_come_back_are_no_statement() -> None:
    for changed in ({"at": AT + timedelta(microseconds=1)}, {"identity": "-"}, {"name": "a\nb: c"}):
        one = msgspec.structs.replace(OPEN, **changed)
        assert not is_statement(statement_text(one), one)


def test_many_journals_fit_and_what_is_endless_is_refused_at_once() -> None:
    heads = tuple(Head(f"host{n}@x", n, "c" * 64) for n in range(1_500))
    one = msgspec.structs.replace(OPEN, heads=heads)
    assert parse_statement(statement_text(one)) == one
    too_many = msgspec.structs.replace(OPEN, heads=heads * 3)
    with pytest.raises(StatementError, match="characters: it is none of OpsDeck's"):
        parse_statement(statement_text(too_many))


@pytest.mark.parametrize("piece", ["\n", ": ", "a: b\n", "holds: x\n", "\n\n", "x", "0" * 64 + " "])
def test_hostile_text_of_any_shape_is_refused(piece: str) -> None:
    for text in (piece * (LARGEST // len(piece)), TITLE + "\n" + piece * 9_000):
        with pytest.raises(StatementError):
            parse_statement(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("role: verifier", "role: owner"),
        ("time: 2026-11-23T02:38:07.123Z", "time: 2026-11-23T03:38:07.123+01:00"),
        ("time: 2026-11-23T02:38:07.123Z", "time: noon"),
        ("gate: open", "gate: closed"),
        (" 17 alice", " 017 alice"),
        (" 17 alice", " ١٧ alice"),
        ("  content.json", " *content.json"),
        ("a" * 64, "A" * 64),
        ("holds: ", "perhaps holds: "),
        (TITLE, TITLE.replace("1", "2")),
        (TITLE, f"{BREAK_GLASS}\n{TITLE}"),
    ],
)
def test_what_says_the_same_otherwise_is_refused_with_a_reason(old: str, new: str) -> None:
    text = statement_text(OPEN)
    assert old in text
    with pytest.raises(StatementError, match="statement"):
        parse_statement(text.replace(old, new, 1))
