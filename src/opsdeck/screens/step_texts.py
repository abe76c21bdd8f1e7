"""A command as it is shown: filled in as far as is known, and what it lacks on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsdeck.errors import UsageError
from opsdeck.incidents.commands import missing_programs
from opsdeck.incidents.variables import filled, names_in, unset_in

if TYPE_CHECKING:
    from opsdeck.catalog.playbook import Command, Playbook
    from opsdeck.incidents.model import Incident
    from opsdeck.screens.walks import Walks


def shown_text(walks: Walks, one: Incident, playbook: Playbook, command: Command) -> str:
    """The command exactly as r would run it; as it is written while a placeholder is unknown."""
    text = walks.edited.get((playbook.digest, command.line), command.text)
    try:
        return filled(text, walks.walking.variables(one, playbook), command.shell)
    except UsageError:
        return text


def needs_of(walks: Walks, one: Incident, playbook: Playbook, command: Command) -> list[str]:
    """What stands in the way of running it here, in words."""
    walking = walks.walking
    text = walks.edited.get((playbook.digest, command.line), command.text)
    key = (playbook.digest, command.line, text)
    known = walks.lacks.get(key)
    if known is None:
        known = walks.lacks[key] = (
            tuple(missing_programs(text, walking.environ)),
            tuple(unset_in(text, walking.environ)),
        )
    programs, unset = known
    values = walking.variables(one, playbook)
    unknown = [n for n in names_in([text]) if not values.get(n, "").strip()]
    said = []
    if not unknown:
        try:
            filled(text, values, command.shell)
        except UsageError as error:
            said.append(f"cannot be run: {error}")
    if text != command.text:
        said.append("edited in this session (e)")
    if unknown:
        said.append(f"r asks for {', '.join(unknown)}")
    if programs:
        said.append(f"not on this machine: {', '.join(programs)}")
    if unset:
        said.append(f"not set in this session: {', '.join('$' + name for name in unset)}")
    return said
