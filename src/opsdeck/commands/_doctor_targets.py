"""Doctor: the targets as they are written, before anybody looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opsdeck.catalog.config import Config
from opsdeck.catalog.faults import did_you_mean
from opsdeck.catalog.load import load_catalog
from opsdeck.catalog.model import Catalog
from opsdeck.checks.checker import Subject
from opsdeck.deck import Deck
from opsdeck.probes._mongo_uri import parse
from opsdeck.probes._written_secrets import variables, written_secrets
from opsdeck.probes.base import ProbeError
from opsdeck.probes.engine import Engine
from opsdeck.probes.registry import kind_of
from opsdeck.probes.targets import IMPLIED, KINDS, asked_keys, known_keys
from opsdeck.reports.findings import Finding, Level
from opsdeck.text import plural

PART = "targets"
SECRETS = "secrets"


def secret_findings(
    deck: Deck, subjects: Sequence[Subject], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Secrets that are written down, and variables that are not set."""
    config = deck.config
    written = {"targets": config.targets, **config.extra}
    clean = True
    plain = {k for kind in KINDS for k, about in known_keys(kind).items() if not about.secret}
    for name in written_secrets(written, plain):
        clean = False
        yield Finding(
            level="warn",
            part=SECRETS,
            where=name,
            what="a secret is written in opsdeck.toml",
            todo="put it into an environment variable and write ${VARIABLE} in its place",
        )
    for subject in _team_made(deck, subjects):
        for name in written_secrets(subject.probe):
            clean = False
            yield Finding(
                level="warn",
                part=SECRETS,
                where=subject.address,
                what=f"a secret is written in checklists.toml (probe.{name})",
                todo="put it into an environment variable and write ${VARIABLE} in its place",
            )
    unset = list(_unset(written, subjects, environ))
    yield from unset
    if clean and not unset:
        yield Finding(level="ok", part=SECRETS, where="secrets", what="none is written in a file")


def _team_made(deck: Deck, subjects: Sequence[Subject]) -> list[Subject]:
    """Those whose probe the team wrote: what is shipped holds nobody's secret."""
    if len(deck.catalog.sources) < 2:
        return []
    shipped = load_catalog(deck.source.shipped)
    return [s for s in subjects if s.probe != _probe_in(shipped, s)]


def _probe_in(catalog: Catalog, subject: Subject) -> Mapping[str, Any] | None:
    checklist = catalog.checklist(subject.checklist.id)
    item = checklist.item(subject.item.id) if checklist else None
    return item.probe if item else None


def _unset(
    written: Mapping[str, Any], subjects: Sequence[Subject], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Variables that the configuration or a probe asks for and nobody set."""
    for name in dict.fromkeys(variables(written)):
        if not environ.get(name):
            users = [
                f"targets.{target}"
                for target, values in written["targets"].items()
                if name in variables(values)
            ]
            yield _not_set(name, ", ".join(users) or "opsdeck.toml")
    asked: dict[str, list[str]] = {}
    for subject in subjects:
        for name in dict.fromkeys(variables(subject.probe)):
            if not environ.get(name):
                asked.setdefault(name, []).append(subject.address)
    for name, items in asked.items():
        yield _not_set(name, "checklists.toml", tuple(items))


def _not_set(name: str, where: str, items: tuple[str, ...] = ()) -> Finding:
    return Finding(
        level="bad",
        part=SECRETS,
        where=where,
        what=f"the variable {name} is not set",
        todo=f"export {name} where OpsDeck is started",
        items=items,
    )


def table_findings(config: Config, subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Kinds and keys that nobody knows, keys that are missing, targets that items miss."""
    for name, values in config.targets.items():
        kind = str(values.get("kind", ""))
        if kind not in KINDS:
            yield _finding(
                "bad",
                name,
                f'there is no kind of target "{kind}"{did_you_mean(kind, KINDS)}',
            )
            continue
        own = [s.probe for s in subjects if s.probe.get("target") == name]
        yield from _keys(name, kind, values, own)
    yield from _missing_keys(config, subjects)
    yield from _missing_targets(config, subjects)


def _finding(
    level: Level, where: str, what: str, todo: str = "", items: Iterable[str] = ()
) -> Finding:
    return Finding(level=level, part=PART, where=where, what=what, todo=todo, items=tuple(items))


def _keys(
    name: str, kind: str, values: Mapping[str, Any], probes: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    known = known_keys(kind, probes)
    for key in values:
        if key not in known:
            near = did_you_mean(key, known)
            hint = near if near.startswith("; did") else ": docs/targets.md has all there are"
            yield _finding("warn", name, f'nothing uses its key "{key}"{hint}')
    for key, about in KINDS[kind].keys.items():
        if about.required and not values.get(key):
            yield _finding("bad", name, f"has no {key}", f"add {key}: {about.about}")
    one_of = KINDS[kind].one_of
    if one_of and not any(values.get(key) for key in one_of):
        yield _finding("bad", name, f"has none of {', '.join(one_of)}", "add one")


def _missing_keys(config: Config, subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Keys that items cannot do without; those a target needs anyway were told already."""
    needing: dict[tuple[str, str], list[str]] = {}
    for subject in subjects:
        name = str(subject.probe.get("target", ""))
        values = config.targets.get(name, {} if name == "host" else None)
        if values is None:
            continue
        kind = str(values.get("kind", name))
        required = {k for k, v in KINDS[kind].keys.items() if v.required} if kind in KINDS else ()
        for key, default in dict.fromkeys(asked_keys(subject.probe)):
            if default is None and values.get(key) is None and key not in required:
                needing.setdefault((name, key), []).append(subject.address)
    for (name, key), items in sorted(needing.items()):
        needs = "needs" if len(items) == 1 else "need"
        meant = known_keys(str(config.targets.get(name, {}).get("kind", name))).get(key)
        yield _finding(
            "warn",
            name,
            f"{plural(len(items), 'item')} {needs} its key {key}",
            f"add {key} to [targets.{name}]" + (f": {meant.about}" if meant else ""),
            items,
        )


def _missing_targets(config: Config, subjects: Sequence[Subject]) -> Iterator[Finding]:
    needing: dict[str, list[Subject]] = {}
    for subject in subjects:
        name = str(subject.probe.get("target", ""))
        if name and name != "host" and name not in config.targets:
            needing.setdefault(name, []).append(subject)
    for name, those in needing.items():
        kind = kind_for(name, (subject.probe for subject in those))
        needs = "needs" if len(those) == 1 else "need"
        yield _finding(
            "warn",
            name,
            f"{plural(len(those), 'item')} {needs} a target {name}",
            f"add [targets.{name}] with {_example(kind)}",
            (subject.address for subject in those),
        )


def kind_for(name: str, probes: Iterable[Mapping[str, Any]]) -> str:
    """The kind of target that these probes look at under this name, as far as it is known."""
    if name in IMPLIED:
        return IMPLIED[name]
    for probe in probes:
        kind = kind_of(str(probe.get("kind", "")))
        if kind is not None and kind.TARGETS:
            return kind.TARGETS[0]
    return "network"


_EXAMPLES = {
    "web": 'kind = "web" and url = "https://..."',
    "mongodb": 'kind = "mongodb" and uri = "${MONGODB_URI}"',
    "aws": 'kind = "aws" and region = "..."',
    "repository": 'kind = "repository" and path = "."',
}


def _example(kind: str) -> str:
    return _EXAMPLES.get(kind, f'kind = "{kind}"')


def probes_in_use(
    config: Config, subjects: Sequence[Subject], all_probes: Sequence[Mapping[str, Any]], kind: str
) -> list[Mapping[str, Any]]:
    """The probes of a kind at the deck's targets; with none of that kind, all there are."""
    mine = {name for name, values in config.targets.items() if values.get("kind") == kind}
    if not mine:
        return [probe for probe in all_probes if probe.get("kind") == kind]
    found = (subject.probe for subject in subjects)
    return [p for p in found if p.get("kind") == kind and p.get("target") in mine]


def database_in_use(engine: Engine, config: Config) -> str | None:
    """The database that the first MongoDB target leads to; None where that cannot be told."""
    for name, values in config.targets.items():
        if values.get("kind") != "mongodb":
            continue
        try:
            found = engine.target(name).values
            database = found.get("database") or parse(str(found.get("uri", ""))).database
        except (ProbeError, ValueError):
            continue
        if database:
            return str(database)
    return None
