"""Break-glass reviews on the command line, on the shipped checklists."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from opsdeck.deck import open_deck
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from tests.cli.conftest import CommandLine
from tests.cli.test_completion import offered

ADDRESS = "daily-operations/review-v1.4.2"


def break_glass(opsdeck: CommandLine, reason: str, *, ago: timedelta = timedelta()) -> None:
    """Erin starts v1.4.2 and signs it against a closed gate, so long ago."""
    deck = open_deck(
        environ=opsdeck.environ,
        cwd=opsdeck.folder,
        operator="erin",
        now=lambda: datetime.now(UTC) - ago,
    )
    deck.load()
    data = {"release": "v1.4.2", "role": "approver", "content": "x" * 64, "statement": "s"}
    deck.record(
        acts.start_release("v1.4.2", []), Draft(ev.SIGNOFF_SIGNED, {**data, "reason": reason})
    )


@pytest.fixture
def broken(opsdeck: CommandLine) -> CommandLine:
    """`opsdeck` on a deck on which the glass was broken just now."""
    break_glass(opsdeck, "the disk is full")
    return opsdeck


def test_items_and_lists_have_it(broken: CommandLine) -> None:
    items = broken.json("list", "items", "daily-operations")
    assert len(items) == 9
    assert len(broken.json("list", "items")) == 154
    last = items[-1]
    assert (last["id"], last["state"], last["sensed"]) == ("review-v1.4.2", "open", False)
    assert "signed by erin: the disk is full)" in last["text"]
    assert 'although the gate was closed: "the disk is full".' in last["guide"]
    lists = {one["id"]: one["items"] for one in broken.json("list", "checklists")}
    assert lists["daily-operations"] == 9
    assert "review-v1.4.2" in broken("list", "items", "daily-operations").out


def test_it_is_attested_reported_and_undone_by_its_address(broken: CommandLine) -> None:
    # WHEN it is attested by its address
    result = broken("attest", ADDRESS, "-m", "it was right; the disk is bigger now")
    assert (result.code, result.err) == (0, "")
    # THEN the list and every form of its report have that
    [found] = broken.json("list", "items", "daily-operations", "--state", "attested")
    assert (found["id"], found["by"]) == ("review-v1.4.2", "alice")
    for form in ("md", "json", "csv"):
        report = broken("report", "daily-operations", "--format", form)
        assert (report.code, report.err) == (0, "")
        assert "the disk is bigger now" in report.out
    # AND it can be undone
    undone = broken("undo", "daily-operations", "--json")
    assert [(i["id"], i["state"]) for i in json.loads(undone.out)] == [("review-v1.4.2", "open")]


def test_the_shell_offers_it(broken: CommandLine) -> None:
    assert offered(broken, "opsdeck attest daily-operations/rev") == [ADDRESS]
    day = datetime.now(UTC).date()
    assert offered(broken, f"opsdeck attest daily-operations/{day}/rev") == [
        f"daily-operations/{day}/review-v1.4.2"
    ]


def test_no_probe_can_do_it(broken: CommandLine) -> None:
    result = broken("check", ADDRESS)
    assert result.code == 64
    assert f"{ADDRESS} has no probe: a person must look at it" in result.err


def test_a_glance_warns_of_one_that_is_overdue_in_every_form(opsdeck: CommandLine) -> None:
    # GIVEN a signature of two weeks ago that nobody has reviewed, with a hostile reason
    break_glass(opsdeck, "\x1b[2J | no\ntime", ago=timedelta(days=14))
    # WHEN the glance is asked for in every form
    text, nagios, metrics = (
        opsdeck("glance", "--last-known", *form) for form in ((), ("--nagios",), ("--openmetrics",))
    )
    seen = json.loads(opsdeck("glance", "--last-known", "--json").out)
    # THEN each tells of it, and it is a warning
    assert {text.code, nagios.code, metrics.code} == {1}
    [line] = [line for line in text.lines if line.startswith("overdue")]
    assert line.startswith("overdue     ! Review the break-glass sign-off of v1.4.2")
    assert ": overdue for " in line
    assert f"`opsdeck attest {ADDRESS}` after the review" in text.out
    assert "1 review overdue" in nagios.out
    assert nagios.out.isascii()
    assert 'opsdeck_items{deck="default",state="overdue"} 1' in metrics.out
    [late] = seen["overdue"]
    assert (late["checklist"], late["item"]) == ("daily-operations", "review-v1.4.2")
    assert late["until"].endswith("T00:00:00.000Z")
    assert "\x1b" not in text.out + nagios.out + metrics.out
    # AND once it is done it is told of no more
    assert opsdeck("attest", ADDRESS).code == 0
    assert json.loads(opsdeck("glance", "--last-known", "--json").out)["overdue"] == []
