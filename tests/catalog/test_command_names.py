"""No two commands of a step have one name: what ran, and how it ended, is known by it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.catalog.playbook_read import read_playbook


def step_of(*fences: str) -> str:
    """A playbook with one step that holds these fences."""
    return "# T\n\n## One\n\n" + "\n\n".join(fences) + "\n"


def fence(name: str = "", text: str = "true", language: str = "sh") -> str:
    """A fence with one command, with a name or without."""
    attribute = f' name="{name}"' if name else ""
    return f"```{language}{attribute}\n{text}\n```"


def names(text: str) -> list[str]:
    """The names of all commands, in order."""
    found = read_playbook(text.encode(), "p", "p.md")
    return [command.name for step in found.steps for command in step.commands]


@pytest.mark.parametrize(
    ("given_names", "expected"),
    [
        (["", ""], ["One", "One (2)"]),
        (["", "", ""], ["One", "One (2)", "One (3)"]),
        (["Look", "Look"], ["Look", "Look (2)"]),
        (["Look", "", "Look", ""], ["Look", "One", "Look (2)", "One (2)"]),
        (["One", ""], ["One", "One (2)"]),
        (["", "One (2)", ""], ["One", "One (2)", "One (3)"]),
        (["", "", "One (2)"], ["One", "One (2)", "One (2) (2)"]),
        (["Look", "Act"], ["Look", "Act"]),
    ],
)
def test_names_by_order(given_names: list[str], expected: list[str]) -> None:
    # GIVEN commands of one step, some without a name WHEN it is read THEN each has its own
    assert names(step_of(*map(fence, given_names))) == expected


def test_what_stands_behind_prompts_is_numbered_and_unlike_what_has_a_name() -> None:
    # GIVEN a session with two commands, one that is named as they are, and the same once more
    typed = "```console\n$ uptime\n$ df\n```"
    found = names(step_of(fence("One 2"), typed, typed))
    # THEN none has the name of another
    assert len(set(found)) == len(found) == 5
    assert found[:2] == ["One 2", "One 1"]


def test_another_step_may_have_the_same_names() -> None:
    text = step_of(fence("Look"), fence()) + "\n## Two\n\n" + fence("Look") + "\n\n" + fence()
    assert names(text) == ["Look", "One", "Look", "Two"]


def test_all_but_the_name_stays() -> None:
    # GIVEN a command that needs another name THEN it is the same in all else
    kept = '```bash name="Look" risk="none" timeout="20s" confirm="go" cwd="/srv"\nuptime\n```'
    first, second = read_playbook(step_of(kept, kept).encode(), "p", "p.md").steps[0].commands
    assert (first.name, second.name) == ("Look", "Look (2)")
    for each in (first, second):
        assert (each.text, each.shell, each.risk) == ("uptime", "bash", "none")
        assert (each.timeout_s, each.confirm, each.cwd) == (20.0, "go", "/srv")
    assert second.line > first.line


given_names = st.lists(
    st.sampled_from(["", "", "One", "One (2)", "One (3)", "One (2) (2)", "Look", "Look (2)"]),
    max_size=9,
)


@settings(max_examples=200)
@given(wanted=given_names)
def test_every_name_is_its_own_and_does_not_hang_on_what_follows(wanted: list[str]) -> None:
    # GIVEN any names WHEN they are read
    found = names(step_of(*map(fence, wanted)))
    # THEN no two are the same
    assert len(set(found)) == len(found) == len(wanted)
    # AND who has a name first keeps it
    for number, name in enumerate(wanted):
        if name and name not in found[:number]:
            assert found[number] == name
    # AND what is written further down changes none
    for number in range(len(wanted)):
        assert names(step_of(*map(fence, wanted[:number]))) == found[:number]
