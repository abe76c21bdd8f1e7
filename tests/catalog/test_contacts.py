"""`[incident]`, `[oncall]` and `[[contact]]`: who is on call when, and what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opsdeck.catalog.config import load_config
from opsdeck.catalog.contacts import Contacts, rung_at, shift_at
from opsdeck.catalog.faults import ConfigFaults

BERLIN = ZoneInfo("Europe/Berlin")
ROTATION = """
[oncall]
rotation = ["alice", "bob", "carol"]
start = "2026-10-19 09:00"
every = "1w"
[[oncall.override]]
from = 2026-11-24T18:00:00
until = "2026-11-25 09:00"
who = "dave"
[[oncall.escalate]]
after = "45m"
to = ["carol"]
[[oncall.escalate]]
after = "15m"
to = ["bob", "erin"]
"""


def contacts(tmp_path: Path, text: str) -> Contacts:
    file = tmp_path / "opsdeck.toml"
    file.write_text(text)
    return load_config(file).contacts


@pytest.mark.parametrize(
    ("at", "who", "until", "then", "instead_of"),
    [
        ("2026-10-19 09:00", "alice", "2026-10-26 09:00", "bob", ""),
        # Winter time began on 25 October: the hour of the change is the same on the wall.
        ("2026-10-26 08:59", "alice", "2026-10-26 09:00", "bob", ""),
        ("2026-10-26 09:00", "bob", "2026-11-02 09:00", "carol", ""),
        ("2026-11-09 10:00", "alice", "2026-11-16 09:00", "bob", ""),
        # An override ends a shift early, and gives it back.
        ("2026-11-24 17:59", "carol", "2026-11-24 18:00", "dave", ""),
        ("2026-11-24 18:00", "dave", "2026-11-25 09:00", "carol", "carol"),
        ("2026-11-25 09:00", "carol", "2026-11-30 09:00", "alice", ""),
    ],
)
def test_who_is_on_call(
    tmp_path: Path, at: str, who: str, until: str, then: str, instead_of: str
) -> None:
    oncall = contacts(tmp_path, ROTATION).oncall
    moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    shift = shift_at(oncall, moment.astimezone(UTC), BERLIN)
    assert shift is not None
    assert (shift.who, shift.then, shift.instead_of) == (who, then, instead_of)
    assert shift.until == datetime.fromisoformat(until).replace(tzinfo=BERLIN)


def test_before_it_begins_nobody_is(tmp_path: Path) -> None:
    oncall = contacts(tmp_path, ROTATION).oncall
    assert shift_at(oncall, datetime(2026, 10, 1, tzinfo=UTC), BERLIN) is None
    assert shift_at(Contacts().oncall, datetime(2026, 10, 1, tzinfo=UTC), BERLIN) is None


@pytest.mark.parametrize(
    ("minutes", "due", "later"), [(0, None, 15), (15, 15, 45), (44, 15, 45), (46, 45, None)]
)
def test_whom_to_call_after_how_long(
    tmp_path: Path, minutes: int, due: int | None, later: int | None
) -> None:
    found = rung_at(contacts(tmp_path, ROTATION).oncall, minutes * 60)
    assert [rung and rung.after_s / 60 for rung in found] == [due, later]


def test_contacts_are_found_by_name(tmp_path: Path) -> None:
    text = '[[contact]]\nname = "Bob"\nphone = "+49"\nchat = "#ops"\nrole = "Platform"\n'
    found = contacts(tmp_path, text).of("bob")
    assert found is not None
    assert found.ways == (("phone", "+49"), ("chat", "#ops"))
    assert contacts(tmp_path, '[incident]\nupdate_every = "10m"').update_every_s == 600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[oncall]\nrotation = ["a"]\n', "oncall.start: missing"),
        ('[oncall]\nrotation = ["a"]\nstart = "soon"\n', "write a local time in quotes"),
        ('[oncall]\nstart = 2026-01-01T09:00:00Z\nrotation = ["a"]\n', "write a local time"),
        ('[oncall]\nrotate = ["a"]\n', 'unknown key "rotate"'),
        (
            '[[oncall.override]]\nfrom = "2026-01-02"\nuntil = "2026-01-01"\nwho = "a"\n',
            "not after",
        ),
        ('[[oncall.override]]\nfrom = "2026-01-02"\nuntil = "2026-01-03"\n', "who: missing"),
        ('[[oncall.escalate]]\nto = ["a"]\n', "after: missing"),
        ('[[contact]]\nphone = "1"\n', "contact.name: missing"),
        ('[incident]\nupdate_every = "often"\n', "is not a duration"),
        ('[deck]\nread_only = "yes"\n', "true or false"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigFaults) as caught:
        contacts(tmp_path, text)
    assert said in str(caught.value)
