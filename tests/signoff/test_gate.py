"""The gate: which rules hold in which situation, in what numbers, and who may sign."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.signoff.gate import age, due_of, gate_of, set_aside_by
from opsdeck.signoff.model import ROLES, Role
from tests.signoff.gated import DEFAULT, PEOPLE, gate, may_not, people, rule, stand, stands
from tests.signoff.said import NOW

NEVER = SignoffRules(deferred="never")
OLD_TOO = SignoffRules(fresh_evidence=False)

# Items: (rules, states, the rules that close the gate, what `items` says)
ITEMS = [
    (DEFAULT, "passed", "", "1 of 1: 1 passed"),
    (
        DEFAULT,
        "passed attested overridden waived inactive",
        "",
        "5 of 5: 1 passed, 1 attested, 1 overridden, 1 waived, 1 inactive",
    ),
    (DEFAULT, "passed failed", "items", "1 of 2: 1 passed, 1 failed"),
    (DEFAULT, "open open", "items", "0 of 2: 2 open"),
    (DEFAULT, "unknown passed", "items", "1 of 2: 1 passed, 1 unknown"),
    (DEFAULT, "checking", "items", "0 of 1: 1 checking"),
    (DEFAULT, "", "items", "the release has no items"),
    (DEFAULT, "attested stale", "fresh", "2 of 2: 1 attested, 1 too old"),
    (DEFAULT, "attested stale-attested", "items", "1 of 2: 1 attested, 1 stale"),
    (DEFAULT, "stale stale-attested", "items fresh", "1 of 2: 1 too old, 1 stale"),
    (DEFAULT, "passed deferred:2026-12-01", "", "1 of 2: 1 passed, 1 deferred"),
    (DEFAULT, "passed deferred:2026-11-23", "", "1 of 2: 1 passed, 1 deferred"),
    (DEFAULT, "passed deferred:2026-11-22", "deferred", "1 of 2: 1 passed, 1 deferred"),
    (DEFAULT, "passed deferred", "deferred", "1 of 2: 1 passed, 1 deferred"),
    (DEFAULT, "deferred:soon open", "items deferred", "0 of 2: 1 deferred, 1 open"),
    (NEVER, "passed deferred:2026-12-01", "deferred", "1 of 2: 1 passed, 1 deferred"),
    (NEVER, "passed", "", "1 of 1: 1 passed"),
    (OLD_TOO, "passed stale", "", "2 of 2: 1 passed, 1 too old"),
    (OLD_TOO, "stale-attested", "items", "0 of 1: 1 stale"),
]


@pytest.mark.parametrize(("rules", "words", "closed_by", "says"), ITEMS)
def test_items_open_and_close_the_gate(
    rules: SignoffRules, words: str, closed_by: str, says: str
) -> None:
    items = stands(*words.split())
    found = gate(items, rules=rules)
    assert [one.id for one in found.closed_by] == closed_by.split()
    assert found.closed is bool(closed_by)
    assert rule(found, "items").detail == says
    # AND each rule leads to the items that are in its way, to no other
    for one in found.closed_by:
        assert set(map(id, one.items)) <= set(map(id, items))
        assert bool(one.items) is bool(items)


def test_each_rule_names_the_items_in_its_way() -> None:
    items = stands("passed", "failed", "stale", "stale-attested", "deferred", "deferred:2026-12-01")
    found = gate(items)
    in_the_way = {one.id: [items.index(s) for s in one.items] for one in found.rules if one.items}
    assert in_the_way == {"items": [1, 3], "deferred": [4], "fresh": [2]}


DEFERRALS = [
    ([], "none is deferred", True),
    (["deferred:2026-12-05", "deferred:2026-12-01"], "2 deferred, the first due 2026-12-01", True),
    (["deferred:2026-12-05", "deferred"], "1 of 2 without a date, or past it", False),
    (["deferred:2026-11-01"], "1 of 1 without a date, or past it", False),
]


@pytest.mark.parametrize(("words", "says", "holds"), DEFERRALS)
def test_what_is_deferred_needs_a_date_to_come(words: list[str], says: str, holds: bool) -> None:
    one = rule(gate(stands("passed", *words)), "deferred")
    assert (one.detail, one.holds) == (says, holds)


def test_all_that_is_deferred_is_listed_even_while_it_may_be() -> None:
    found = rule(gate(stands("passed", "deferred:2026-12-01")), "deferred")
    assert (found.holds, len(found.items)) == (True, 1)


def test_where_nothing_may_be_deferred_the_rule_says_so() -> None:
    one = rule(gate(stands("deferred:2026-12-01", "deferred"), rules=NEVER), "deferred")
    assert (one.title, one.detail, one.holds) == ("no deferred item", "2 items deferred", False)
    assert rule(gate(rules=NEVER), "deferred").detail == "none"


def test_the_day_is_that_of_the_team() -> None:
    # GIVEN 02:38 UTC, which is the day before in New York
    items = stands("deferred:2026-11-22")
    zone = timezone(timedelta(hours=-5))
    there = gate_of(DEFAULT, items, PEOPLE, now=NOW, zone=zone)
    assert rule(there, "deferred").holds
    assert not rule(gate(items), "deferred").holds


@pytest.mark.parametrize(
    ("due", "date"),
    [
        ("2026-12-01", "2026-12-01"),
        ("20261201", "2026-12-01"),
        ("", None),
        ("soon", None),
        ("9999", None),
        ("2026-13-01", None),
        ("zzzz-99-99", None),
    ],
)
def test_only_a_date_is_a_date(due: str, date: str | None) -> None:
    assert due_of(stand(f"deferred:{due}")) == date


def test_the_age_of_evidence_is_said() -> None:
    items = [stand("passed", minutes_ago=31), stand("passed", minutes_ago=5), *stands("attested")]
    assert rule(gate(items), "fresh").detail == "oldest 31 min"
    assert rule(gate(stands("attested")), "fresh").detail == "no item rests on a probe"
    assert rule(gate(stands("stale", "passed")), "fresh").detail == "1 item too old: check again"
    assert "fresh" not in {one.id for one in gate(rules=OLD_TOO).rules}


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-5, "0 min"), (0, "0 min"), (119.9, "119 min"), (120, "2 h"), (2879, "47 h"), (2880, "2 d")],
)
def test_ages(minutes: float, words: str) -> None:
    assert age(timedelta(minutes=minutes)) == words


def test_a_journal_with_a_fault_closes_the_gate() -> None:
    found = gate(journal="line 3 is lost: see `opsdeck journal verify`")
    assert [one.id for one in found.closed_by] == ["journal"]
    assert rule(found, "journal").detail.startswith("line 3 is lost")


# People


def test_nobody_needs_to_have_signed_for_the_gate_to_be_open() -> None:
    found = gate(signed=people())
    assert not found.closed
    assert [one.id for one in found.missing] == ["deployer", "verifier", "approver"]
    assert {one.detail for one in found.missing} == {"nobody yet"}


SIGNED = [
    (DEFAULT, "deployer ann|verifier bob|approver cid", ""),
    (DEFAULT, "deployer ann|approver cid", "verifier"),
    (DEFAULT, "deployer ann|verifier ann|approver cid", "differ"),
    (DEFAULT, "deployer ann|verifier bob|approver ann", "apart"),
    (DEFAULT, "deployer ann|verifier bob|approver bob", ""),
    (DEFAULT, "deployer ann|verifier ann|approver ann", "differ apart"),
    (DEFAULT, "deployer ann|verifier bob|approver cid|approver ann", "apart"),
    (SignoffRules(verifier_apart=False), "deployer ann|verifier ann|approver cid", ""),
    (SignoffRules(approver_apart=False), "deployer ann|verifier bob|approver ann", ""),
    (SignoffRules(approvals=2), "deployer ann|verifier bob|approver cid", "approver"),
    (SignoffRules(approvals=2), "deployer ann|verifier bob|approver cid|approver dee", ""),
]


@pytest.mark.parametrize(("rules", "signed", "missing"), SIGNED)
def test_what_is_still_missing(rules: SignoffRules, signed: str, missing: str) -> None:
    found = gate(signed=people(*signed.split("|")), rules=rules)
    assert [one.id for one in found.missing] == missing.split()
    assert not found.closed  # people never close it


def test_numbers_and_names_of_people_are_said() -> None:
    found = gate(signed=people("approver cid"), rules=SignoffRules(approvals=3))
    three = rule(found, "approver")
    assert (three.title, three.detail) == ("3 approvers have signed", "cid: 1 of 3")
    assert rule(found, "deployer").title == "deployer has signed"
    both = gate(signed=people("deployer ann", "verifier ann"))
    assert rule(both, "differ").detail == "ann signed as both"
    assert rule(gate(), "differ").detail == "nobody is both"


def test_who_may_not_approve_is_said_and_who_did_all_the_same() -> None:
    items = [stand("waived", "dee"), stand("overridden", "eve"), stand("passed", "fay")]
    assert set_aside_by(items) == ["dee", "eve"]
    assert "not ann, not dee, not eve" in rule(gate(items), "apart").detail
    assert "nobody is barred" in rule(gate(signed=people()), "apart").detail
    signed = people("deployer ann", "approver dee", "approver ann", "approver cid")
    wrong = rule(gate(items, signed), "apart")
    assert not wrong.holds
    assert wrong.detail == "dee waived or overrode, ann deployed, and signed as approver"


# Who may sign


@pytest.mark.parametrize(
    ("role", "name", "why"),
    [
        ("deployer", "dee", ""),
        ("deployer", "ann", "already signed this content as deployer"),
        ("deployer", "bob", "bob has signed as verifier: deployer and verifier must be two"),
        ("deployer", "cid", "cid has signed as approver: somebody else must sign as deployer"),
        ("verifier", "ann", "ann has signed as deployer: deployer and verifier must be two"),
        ("verifier", "cid", ""),
        ("verifier", "eve", ""),
        ("approver", "ann", "ann has signed as deployer: somebody else must approve"),
        ("approver", "bob", ""),
        ("approver", "eve", "eve waived or overrode an item: somebody else must approve"),
        ("approver", "dee", ""),
    ],
)
def test_who_is_refused_and_why(role: Role, name: str, why: str) -> None:
    said = may_not(gate(), role, name, aside=[stand("waived", "eve")])
    assert why in said
    assert bool(said) is bool(why)


@pytest.mark.parametrize(
    ("rules", "role", "name", "refused"),
    [
        (SignoffRules(approver_apart=False), "approver", "ann", False),
        (SignoffRules(approver_apart=False), "approver", "eve", False),
        (SignoffRules(approver_apart=False), "deployer", "cid", False),
        (SignoffRules(verifier_apart=False), "verifier", "ann", False),
        (SignoffRules(verifier_apart=False), "deployer", "bob", False),
        (SignoffRules(verifier_apart=False), "approver", "ann", True),
        (SignoffRules(approvers=("dee",)), "approver", "eve", True),
        (SignoffRules(approvers=("dee",)), "approver", "dee", False),
        (SignoffRules(approvers=("dee",)), "verifier", "fay", False),
        (SignoffRules(deployers=("dee", "fay")), "deployer", "bob", True),
    ],
)
def test_the_rules_say_who_is_refused(
    rules: SignoffRules, role: Role, name: str, refused: bool
) -> None:
    said = may_not(gate(), role, name, rules, [stand("overridden", "eve")])
    assert bool(said) is refused


@pytest.mark.parametrize("name", ["Ann", "ANN", "a\u200bnn", "ann\u2060", "\uff41nn"])
def test_nobody_signs_twice_by_spelling_the_name_otherwise(name: str) -> None:
    # GIVEN ann has deployed THEN no other spelling of ann signs, in whichever role
    loose = SignoffRules(approvals=2, approver_apart=False, verifier_apart=False)
    for role in ROLES:
        assert "is ann, spelled in another way" in may_not(gate(), role, name, loose)
    # AND neither does that of somebody who overrode
    assert "is eve, spelled" in may_not(gate(), "approver", "Eve", aside=[stand("waived", "eve")])
    assert may_not(gate(), "approver", "anne", loose) == ""


def test_whoever_is_not_listed_reads_who_is() -> None:
    said = may_not(gate(), "approver", "eve", SignoffRules(approvers=("dee", "fay")))
    assert said == "eve is not among the approvers of [signoff] in opsdeck.toml (dee, fay)"
