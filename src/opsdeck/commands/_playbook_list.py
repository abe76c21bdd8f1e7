"""What `opsdeck list playbooks` prints: when each was walked, and what of it rots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opsdeck.catalog.playbooks import playbook_files
from opsdeck.commands.door import Door
from opsdeck.commands.output import say, say_json, warn
from opsdeck.commands.table import columns, width
from opsdeck.durations import format_duration
from opsdeck.playbook_facts import Facts, facts_of
from opsdeck.reports.objects import moment
from opsdeck.text import plural, visible
from opsdeck.walking import Walking


def show_playbooks(door: Door, *, as_json: bool = False) -> None:
    """Every playbook, in order of id."""
    deck = door.deck()
    walked = Walking(deck, door.environ, _no_looks, _no_commit).walked()
    found = facts_of(deck.config, door.environ, walked)
    if left_out := playbook_files(deck.config.file).left_out:
        warn(visible(left_out))
    if as_json:
        say_json([facts_object(facts) for facts in found])
        return
    limit, now = width(), deck.now()
    rows = [_row(facts, now) for facts in found]
    for facts, line in zip(found, columns(rows, limit, 0), strict=True):
        say(line)
        for rot in facts.rot:
            say(f"    ! {visible(rot)}")
    if not found:
        say("there is no playbook: put Markdown files into runbooks/ beside opsdeck.toml")


async def _no_looks() -> Any:
    raise AssertionError("a list looks at nothing")


async def _no_commit(drafts: object) -> bool:
    return False


def facts_object(facts: Facts) -> dict[str, Any]:
    """All that is known of a playbook, as JSON has it."""
    return {
        "id": facts.id,
        "title": facts.title,
        "file": facts.file,
        "severity": facts.severity or None,
        "steps": facts.steps,
        "commands": facts.commands,
        "last_walked": moment(facts.last_walked),
        "last_success": moment(facts.last_success),
        "missing_programs": list(facts.missing_programs),
        "dead_links": list(facts.dead_links),
        "missing_targets": list(facts.missing_targets),
        "faults": list(facts.faults),
        "rot": facts.rot,
    }


def _row(facts: Facts, now: datetime) -> tuple[str, ...]:
    if facts.last_walked is None:
        walked, success = "never walked", ""
    else:
        walked = f"walked {_ago(facts.last_walked, now)}"
        good = facts.last_success
        success = f"success {_ago(good, now)}" if good is not None else "never to a good end"
    return facts.id, plural(facts.steps, "step"), walked, success, facts.title


def _ago(at: datetime, now: datetime) -> str:
    return f"{format_duration(max(0.0, (now - at).total_seconds()))} ago"
