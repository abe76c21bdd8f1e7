"""`opsdeck.toml`: where it lies, what it says about the deck, and where the state then lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from opsdeck.catalog.contacts import Contacts, read_contacts
from opsdeck.catalog.faults import ConfigFaults, Report, shown
from opsdeck.catalog.gauges import Gauges
from opsdeck.catalog.gauges_read import read_gauges
from opsdeck.catalog.load import shipped_checklists_path
from opsdeck.catalog.signoff_rules import SignoffRules, read_signoff
from opsdeck.catalog.source import UnusableError, open_source
from opsdeck.catalog.validate import Table, id_problem
from opsdeck.catalog.watch import CatalogSource, existing_team
from opsdeck.catalog.zones import zone_problem
from opsdeck.errors import ConfigError, NoInputError

__all__ = [
    "Config",
    "ConfigFaults",
    "Ui",
    "expanded",
    "find_config",
    "load_config",
    "open_catalog",
    "state_home",
    "team_catalog_candidate",
    "team_catalog_path",
]

CONFIG_NAME = "opsdeck.toml"
CATALOG_NAME = "checklists.toml"

Theme = Literal["dark", "light", "ansi"]
Glyphs = Literal["auto", "unicode", "ascii"]
Refresh = Literal["normal", "slow"]
THEMES: tuple[Theme, ...] = ("dark", "light", "ansi")
GLYPHS: tuple[Glyphs, ...] = ("auto", "unicode", "ascii")
REFRESH: tuple[Refresh, ...] = ("normal", "slow")

SECTIONS = (
    "deck",
    "targets",
    "gauge",
    "incident",
    "oncall",
    "contact",
    "signoff",
    "sync",
    "ui",
    "keys",
)
DECK_KEYS = (
    "name",
    "timezone",
    "operators",
    "operator",
    "shared_accounts",
    "uses",
    "home",
    "anchors",
    "auto_check",
    "read_only",
)
UI_KEYS = ("theme", "glyphs", "refresh", "animations")


class Ui(msgspec.Struct, frozen=True, kw_only=True):
    """How the terminal app looks and how often it repaints; `[ui]`."""

    theme: Theme = "dark"
    glyphs: Glyphs = "auto"
    refresh: Refresh = "normal"
    animations: bool = False


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in `opsdeck.toml`, with defaults for what it does not say.

    `home` is absolute. `anchors` are what tells whether this machine is cut off (default: the
    targets and the resolver); with `auto_check` a list's stale items are checked when it is
    opened; with `read_only` no command of a playbook can be run. `targets` are the raw tables of
    `[targets.NAME]`, each with its `kind`; `keys` maps the id of a binding to its keys (comma
    separated); `extra` holds `sync` (a table) as it stands in the file.
    """

    name: str = "default"
    timezone: str = "UTC"
    operators: tuple[str, ...] = ()
    operator: str | None = None
    shared_accounts: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    home: Path | None = None
    anchors: tuple[str, ...] = ()
    auto_check: bool = False
    read_only: bool = False
    targets: dict[str, dict[str, Any]] = {}
    gauges: Gauges = Gauges()
    contacts: Contacts = Contacts()
    signoff: SignoffRules = SignoffRules()
    ui: Ui = Ui()
    keys: dict[str, str] = {}
    extra: dict[str, Any] = {}
    file: Path | None = None


def load_config(
    path: Path | None, environ: Mapping[str, str] | None = None, *, thorough: bool = True
) -> Config:
    """The configuration in a file; the defaults for None.

    `environ` is asked for `HOME` where the file writes `~`. Unless `thorough`, the probes of gauges
    are not held against their kinds, which costs more than all the rest. Raises `ConfigFaults`
    with every fault of the file.
    """
    if path is None:
        return Config()
    try:
        source = open_source(path)
    except UnusableError as error:
        raise ConfigFaults([error.fault]) from None
    report = Report(str(path), source, proven=not thorough)
    config = _read(Table(report, source.data), path, environ)
    if report.faults:
        raise ConfigFaults(report.faults)
    return config


def _read(top: Table, path: Path, environ: Mapping[str, str] | None) -> Config:
    top.only(SECTIONS, "section")
    deck = _section(top, "deck", 'name = "production"')
    deck.only(DECK_KEYS)
    targets = _targets(top)
    return Config(
        name=deck.identifier("name", capitals=True) or "default",
        timezone=_timezone(deck),
        operators=_names(deck, "operators"),
        operator=deck.line("operator"),
        shared_accounts=_names(deck, "shared_accounts"),
        uses=deck.identifiers("uses", capitals=True),
        home=_home(deck, path, environ),
        anchors=_anchors(deck),
        auto_check=deck.boolean("auto_check") or False,
        read_only=deck.boolean("read_only") or False,
        targets=targets,
        gauges=read_gauges(top, targets),
        contacts=read_contacts(top),
        signoff=read_signoff(top),
        ui=_ui(top),
        keys=_keys(top),
        extra=_extra(top),
        file=path,
    )


def _section(top: Table, name: str, example: str) -> Table:
    """A section of the file; an empty one where it is absent or no table."""
    values = top.table(name, f"[{name}] with {example}")
    return Table(top.report, values or {}, (name,), prefix=f"{name}.")


def _timezone(deck: Table) -> str:
    name = deck.string("timezone")
    if name is None:
        return "UTC"
    problem = zone_problem(name)
    if problem is not None:
        deck.fault(problem, "timezone")
    return name


def _names(deck: Table, key: str) -> tuple[str, ...]:
    """A list of people's names or logins; repeated ones count once."""
    return tuple(dict.fromkeys(deck.strings(key, may_be_empty=True)))


def _anchors(deck: Table) -> tuple[str, ...]:
    """What tells whether this machine is cut off: `HOST:PORT`, `dns:IP` or a URL each."""
    found = deck.strings("anchors")
    if found:
        from opsdeck.probes.base import ProbeError
        from opsdeck.probes.online import configured_anchor

        for text in found:
            try:
                configured_anchor(text)
            except ProbeError as error:
                deck.fault(str(error), "anchors")
    return found


def _home(deck: Table, path: Path, environ: Mapping[str, str] | None) -> Path | None:
    """Where the state is kept; relative to the file that says so."""
    text = deck.string("home")
    if text is None:
        return None
    try:
        return path.absolute().parent / expanded(text, environ)
    except (RuntimeError, ValueError):
        deck.fault(f"is {shown(text)}: there is no such user or folder; write a full path", "home")
        return None


def expanded(text: str, environ: Mapping[str, str] | None = None) -> Path:
    """A path with `~` replaced by the home folder; raises `RuntimeError` for an unknown user."""
    home = (environ or {}).get("HOME")
    if home and (text == "~" or text.startswith("~/")):
        return Path(home) / text[2:]
    if "\0" in text:
        raise ValueError("a path cannot hold a NUL character")
    return Path(text).expanduser()


def _targets(top: Table) -> dict[str, dict[str, Any]]:
    section = _section(top, "targets", '[targets.web] and kind = "http"')
    found: dict[str, dict[str, Any]] = {}
    for name in section.values:
        values = section.table(name, '[targets.web] with kind = "http"')
        if values is None:
            continue
        problem = id_problem(name, capitals=True)
        if problem is not None:
            section.fault(f"as a name {problem}", name)
        target = Table(top.report, values, ("targets", name), prefix=f"targets.{name}.")
        target.identifier("kind", required=True)
        found[name] = values
    return found


def _ui(top: Table) -> Ui:
    section = _section(top, "ui", 'theme = "dark"')
    section.only(UI_KEYS)
    return Ui(
        theme=section.choice("theme", THEMES) or "dark",
        glyphs=section.choice("glyphs", GLYPHS) or "auto",
        refresh=section.choice("refresh", REFRESH) or "normal",
        animations=section.boolean("animations") or False,
    )


def _keys(top: Table) -> dict[str, str]:
    """The keymap: whether a binding has that id is known to the app alone."""
    section = _section(top, "keys", '"item.attest" = "space,a"')
    values = {key: section.string(key) for key in section.values}
    return {key: value for key, value in values.items() if value is not None}


def _extra(top: Table) -> dict[str, Any]:
    """Sections whose content belongs to other parts of the program, as they are."""
    found: dict[str, Any] = {
        "sync": top.table("sync", "[sync]"),
    }
    return {key: value for key, value in found.items() if value is not None}


def find_config(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The `opsdeck.toml` that applies, or None.

    The first of: `explicit` (a flag), `$OPSDECK_CONFIG`, `opsdeck.toml` in `cwd` or a folder above
    it, `$XDG_CONFIG_HOME/opsdeck/opsdeck.toml`. Raises `NoInputError` when one of the first two
    names a file that does not exist.
    """
    if explicit is not None:
        return _named(explicit, "--config", cwd)
    variable = environ.get("OPSDECK_CONFIG")
    if variable:
        return _named(_expanded(variable, "OPSDECK_CONFIG", environ), "OPSDECK_CONFIG", cwd)
    folders = [cwd, *cwd.parents]
    settings = _xdg("XDG_CONFIG_HOME", ".config", environ)
    candidates = [folder / CONFIG_NAME for folder in folders]
    if settings is not None:
        candidates.append(settings / "opsdeck" / CONFIG_NAME)
    return next((path for path in candidates if _is_there(path)), None)


def state_home(config: Config, environ: Mapping[str, str]) -> Path:
    """The folder that holds a deck's journal: `$OPSDECK_HOME`, else what the config says, else
    `$XDG_STATE_HOME/opsdeck/NAME`.

    Raises `ConfigError` when there is no home folder to put it in.
    """
    variable = environ.get("OPSDECK_HOME")
    if variable:
        return _expanded(variable, "OPSDECK_HOME", environ).absolute()
    if config.home is not None:
        return config.home
    states = _xdg("XDG_STATE_HOME", ".local/state", environ)
    if states is None:
        raise ConfigError(
            "there is no home folder to keep the deck in: set OPSDECK_HOME to a folder,"
            ' or home = "..." in the [deck] section of opsdeck.toml'
        )
    return states / "opsdeck" / config.name


def team_catalog_candidate(config: Config) -> Path | None:
    """Where the team's `checklists.toml` is or would be: beside its `opsdeck.toml`."""
    return None if config.file is None else config.file.parent / CATALOG_NAME


def team_catalog_path(config: Config) -> Path | None:
    """The team's `checklists.toml` if there is one; never the shipped file itself."""
    return existing_team(shipped_checklists_path(), team_catalog_candidate(config))


def open_catalog(
    config: Config, home: Path | None = None, *, tolerant: bool = False
) -> CatalogSource:
    """The catalog of a deck, shipped and team's own, ready to follow edits.

    `home` is the deck's folder, whose `cache/` makes the next opening quicker. Raises
    `CatalogFaults`; if `tolerant`, only where not even the shipped catalog can be read.
    """
    cache = home / "cache" if home else None
    return CatalogSource(
        shipped_checklists_path(), team_catalog_candidate(config), cache, tolerant=tolerant
    )


def _named(path: Path, by: str, cwd: Path) -> Path:
    path = cwd / path
    if not _is_there(path):
        raise NoInputError(f"{path}: does not exist (named by {by}); check the path")
    return path


def _is_there(path: Path) -> bool:
    """Whether something has this name; what it is worth shows when it is read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError):
        return False
    except OSError:
        # A loop of links or a failing disk: reading it tells what is wrong.
        return True
    return True


def _expanded(text: str, variable: str, environ: Mapping[str, str]) -> Path:
    try:
        return expanded(text, environ)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"{variable}: {text}: {error}; write a full path") from error


def _xdg(variable: str, fallback: str, environ: Mapping[str, str]) -> Path | None:
    """A base folder of the XDG specification, by which relative paths are to be ignored."""
    named = environ.get(variable)
    if named and Path(named).is_absolute():
        return Path(named)
    try:
        return expanded("~", environ) / fallback
    except RuntimeError:
        return None
