"""`opsdeck list playbooks`: when they were walked, and what of them rots."""

from __future__ import annotations

from typing import Any

from tests.cli.conftest import CommandLine
from tests.cli.test_hostile import HOSTILE, NOTE
from tests.cli.walked import make_deck, walk

ROTTEN = """\
# Rotten

## One

```sh name="Missing"
no-such-program --now | cat
```

```toml probe
title = "Target"
kind = "http"
target = "nowhere"
```

See [gone](gone.md) and [no step](#nowhere), not [the web](https://example.org/x.md).
"""


def playbooks(opsdeck: CommandLine) -> dict[str, Any]:
    """All of them, by id."""
    return {found["id"]: found for found in opsdeck.json("list", "playbooks")}


def test_every_key_is_there(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    found = playbooks(opsdeck)
    assert "high-cpu-usage" in found
    assert found["own"] == {
        "id": "own",
        "title": "Own playbook",
        "file": str(opsdeck.folder / "runbooks" / "own.md"),
        "severity": "critical",
        "steps": 4,
        "commands": 6,
        "last_walked": None,
        "last_success": None,
        "missing_programs": [],
        "dead_links": ["nothing.md"],
        "missing_targets": [],
        "faults": [],
        "rot": ["the link to nothing.md leads nowhere"],
    }


def test_what_rots(opsdeck: CommandLine) -> None:
    make_deck(opsdeck, ROTTEN)
    rotten = playbooks(opsdeck)["own"]
    assert rotten["missing_programs"] == ["no-such-program"]
    assert rotten["dead_links"] == ["gone.md", "#nowhere"]
    assert rotten["missing_targets"] == ["nowhere"]
    lines = opsdeck("list", "playbooks").lines
    at = next(n for n, line in enumerate(lines) if line.startswith("own "))
    assert lines[at + 1 : at + 5] == [f"    ! {rot}" for rot in rotten["rot"]]
    # WHEN it is mended
    config = '[targets.nowhere]\nkind = "web"\nurl = "http://127.0.0.1:9"\n'
    mended = ROTTEN.replace("no-such-program --now", "printf x").replace("gone.md", "other.md")
    make_deck(opsdeck, mended.replace("#nowhere", "#one"), config)
    assert playbooks(opsdeck)["own"]["rot"] == []


def test_when_it_was_walked(opsdeck: CommandLine) -> None:
    make_deck(opsdeck)
    # GIVEN an incident in which a step was done, not resolved yet
    walk(opsdeck, "d")
    walked = playbooks(opsdeck)["own"]
    assert walked["last_walked"] is not None
    assert walked["last_success"] is None
    assert "never to a good end" in opsdeck("list", "playbooks").out
    # WHEN it is resolved
    assert opsdeck("incident", "resolve").code == 0
    walked = playbooks(opsdeck)["own"]
    assert walked["last_success"] >= walked["last_walked"]
    # AND one that was only opened was not walked
    opsdeck("incident", "start", "x", "--playbook", "other")
    assert playbooks(opsdeck)["other"]["last_walked"] is None


def test_hostile_texts_are_harmless(opsdeck: CommandLine) -> None:
    evil = NOTE.replace("\r", "").replace("\u2028", "")
    make_deck(opsdeck, f"# {evil}\n\n## {evil}\n\n[{evil}](gone\x1b.md)\n")
    assert HOSTILE.findall(opsdeck("list", "playbooks").out) == []
    assert HOSTILE.findall(opsdeck("list", "playbooks", "--json").out) == []
