"""What may be said of every playbook at a glance: when it was walked, and whether it rots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbook_text import storable_name
from opsdeck.catalog.playbooks import follow, open_playbook, playbook_files, title_of
from opsdeck.incidents.commands import missing_programs

if TYPE_CHECKING:
    from opsdeck.catalog.config import Config

MOST_NAMED = 20
_WITHOUT_TARGET = ("host",)


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """When a playbook was walked last, and when last to a good end."""

    last: datetime | None = None
    success: datetime | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One playbook. What of it rots: programs that this machine has not, links that lead nowhere,
    targets that opsdeck.toml does not name, and what is wrong with the file itself."""

    id: str
    title: str
    file: str
    severity: str = ""
    steps: int = 0
    commands: int = 0
    last_walked: datetime | None = None
    last_success: datetime | None = None
    missing_programs: tuple[str, ...] = ()
    dead_links: tuple[str, ...] = ()
    missing_targets: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def rot(self) -> list[str]:
        """All of that in words."""
        return [
            *(f"{program} is not on this machine" for program in self.missing_programs),
            *(f"the link to {link} leads nowhere" for link in self.dead_links),
            *(f"target {name} is not configured" for name in self.missing_targets),
            *self.faults,
        ]


def facts_of(
    config: Config, environ: Mapping[str, str], walked: Mapping[str, Walked]
) -> list[Facts]:
    """All playbooks, in order of id; reads their files."""
    found = []
    for identity, file in playbook_files(config.file).items():
        playbook = open_playbook(file, identity)
        if playbook is None:
            said = ("it cannot be read",)
            title = title_of(identity)
            found.append(
                Facts(id=identity, title=title, file=storable_name(str(file)), faults=said)
            )
        else:
            found.append(_facts(playbook, config, environ, walked.get(identity, Walked())))
    return found


def _facts(playbook: Playbook, config: Config, environ: Mapping[str, str], walked: Walked) -> Facts:
    commands = [command for _, command in playbook.commands()]
    programs = [name for c in commands for name in missing_programs(c.text, environ)]
    links = [
        link.target
        for step in playbook.steps
        for link in step.links
        if link.inside and follow(link, playbook, config.file) is None
    ]
    probes = [probe for step in playbook.steps for probe in step.probes]
    targets = [str(p.probe.get("target") or "") for p in probes]
    unknown = [t for t in targets if t and t not in config.targets and t not in _WITHOUT_TARGET]
    return Facts(
        id=playbook.id,
        title=playbook.title,
        file=playbook.file,
        severity=playbook.severity,
        steps=len(playbook.steps),
        commands=len(commands),
        last_walked=walked.last,
        last_success=walked.success,
        missing_programs=_once(programs),
        dead_links=_once(links),
        missing_targets=_once(unknown),
        faults=_once([*playbook.faults, *(p.fault for p in probes if p.fault)]),
    )


def _once(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))[:MOST_NAMED]
