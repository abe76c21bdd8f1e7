"""What may be done with a release as a whole, and what is refused in which words."""

from __future__ import annotations

import pytest

from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.runs.acts import start_release
from opsdeck.signoff import acts
from opsdeck.signoff.model import Field, Release
from opsdeck.signoff.releases import heads
from tests.signoff.said import Written, content, release, said, signed, state_of

STARTED = said(0, ev.RELEASE_STARTED, window="22:00", stakeholders="sales")
ABANDONED = said(9, ev.RELEASE_ABANDONED, reason="v2 replaces it")
SIGNED = [
    content(1),
    *(signed(2, "ann", "deployer"), signed(3, "bob", "verifier"), signed(4, "cid", "approver")),
]
V2 = said(8, ev.RELEASE_STARTED, release="v2")


def choose(events: list[Written], name: str = "v1") -> dict[str, str]:
    everything = heads(state_of(events))
    return acts.choose(next(one for one in everything if one.name == name), everything).data


# Starting


def test_a_start_keeps_window_and_stakeholders_where_they_are_given() -> None:
    draft = start_release("v1", [], " n ", window="Tue\n 22:00", stakeholders="")
    assert draft.data == {"release": "v1", "note": "n", "window": "Tue 22:00"}
    draft = start_release("v1", [], stakeholders=" sales,\tsupport ")
    assert draft.data == {"release": "v1", "stakeholders": "sales, support"}


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("window", "the deployment window has 4,001 characters; at most 4,000 fit"),
        ("stakeholders", "the list of stakeholders has 4,001 characters"),
    ],
)
def test_a_start_says_what_is_too_long(field: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        start_release("v1", [], **{field: "x" * 4_001})


# Changing


def change(given: dict[Field, str], one: Release | None = None) -> dict[str, str]:
    draft = acts.change(one or release([STARTED]), given)
    assert draft.type == ev.RELEASE_CHANGED
    return draft.data


def test_only_what_is_given_and_new_is_changed() -> None:
    assert change({"date": " 2026-11-24 "}) == {"release": "v1", "date": "2026-11-24"}
    given: dict[Field, str] = {"window": "22:00", "stakeholders": "sales, support"}
    assert change(given) == {"release": "v1", "stakeholders": "sales, support"}


def test_an_empty_text_clears_a_field() -> None:
    assert change({"window": "", "stakeholders": "  "}) == {
        "release": "v1",
        "window": "",
        "stakeholders": "",
    }


def test_notes_keep_their_lines_and_the_others_have_one() -> None:
    notes = "\n first\r\n\r\n  - second\t\tx\rthird \n"
    assert change({"notes": notes, "window": "Tue\n  22:00"}) == {
        "release": "v1",
        "window": "Tue 22:00",
        "notes": "first\n\n  - second\t\tx\nthird",
    }


@pytest.mark.parametrize("text", ["a\x1b[31mb", "\ud800", "[/]", "日本", "e\u0301"])
def test_any_text_can_be_stored(text: str) -> None:
    kept = change({"notes": text})["notes"]
    assert kept.encode() == text.encode("utf-8", "replace")


def test_a_change_that_changes_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"nothing to change: release v1 .* says so \(window\)"):
        change({"window": " 22:00 "})
    with pytest.raises(UsageError, match="say what is new of release v1: date, window"):
        change({})


@pytest.mark.parametrize(
    ("field", "called"),
    [
        ("date", "deployment date"),
        ("window", "deployment window"),
        ("stakeholders", "list of stakeholders"),
        ("notes", "text of the notes"),
    ],
)
def test_a_change_says_what_is_too_long(field: Field, called: str) -> None:
    with pytest.raises(UsageError, match=f"the {called} has 4,001 characters; at most 4,000 fit"):
        change({field: "x" * 4_001})


def test_a_signed_release_may_be_changed_and_an_abandoned_one_may_not() -> None:
    assert change({"date": "x"}, release([STARTED, *SIGNED]))["date"] == "x"
    with pytest.raises(UsageError, match=r"was abandoned; `opsdeck release use v1` opens it again"):
        change({"date": "x"}, release([STARTED, ABANDONED]))


# Choosing


def test_another_open_release_may_be_chosen_and_the_current_one_is_already() -> None:
    assert choose([STARTED, V2]) == {"release": "v1"}
    with pytest.raises(UsageError, match="release v2 is the current one already"):
        choose([STARTED, V2], "v2")


def test_an_abandoned_release_may_be_chosen_whatever_else_is_open() -> None:
    assert choose([STARTED, ABANDONED]) == {"release": "v1"}
    assert choose([STARTED, ABANDONED, V2]) == {"release": "v1"}


def test_a_signed_release_gives_way_to_an_open_one() -> None:
    with pytest.raises(UsageError, match="v1 is signed off, and while v2 is open that is the"):
        choose([STARTED, *SIGNED, V2])
    # AND with none open the signed one that was started last is current, and another can be
    v2_too = [said(20 + n, e.type, e.by, "v2", **_rest(e.data)) for n, (_, e) in enumerate(SIGNED)]
    assert choose([STARTED, *SIGNED, V2, *v2_too]) == {"release": "v1"}
    with pytest.raises(UsageError, match="v1 is the current one already"):
        choose([STARTED, *SIGNED])


def _rest(data: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in data.items() if key != "release"}


# Abandoning


def test_a_release_is_abandoned_with_a_reason() -> None:
    one = release([STARTED])
    draft = acts.abandon(one, " v2 replaces it\n")
    assert draft.type == ev.RELEASE_ABANDONED
    assert draft.data == {"release": "v1", "reason": "v2 replaces it"}
    with pytest.raises(UsageError, match="a reason is needed"):
        acts.abandon(one, "  ")


def test_what_has_ended_is_not_abandoned() -> None:
    with pytest.raises(UsageError, match="signed off by all roles, and what was signed cannot be"):
        acts.abandon(release([STARTED, *SIGNED]), "r")
    with pytest.raises(UsageError, match=r"was abandoned; .*because: v2 replaces it\)"):
        acts.abandon(release([STARTED, ABANDONED]), "r")


def test_only_an_abandoned_release_is_closed() -> None:
    assert acts.why_closed(release([STARTED])) == ""
    assert acts.why_closed(release([STARTED, *SIGNED])) == ""
    found = acts.why_closed(release([STARTED, ABANDONED]))
    assert found == (
        "release v1 was abandoned; `opsdeck release use v1` opens it again"
        " (abandoned because: v2 replaces it)"
    )
    assert acts.why_closed(release([STARTED, said(9, ev.RELEASE_ABANDONED)])).endswith("again")
