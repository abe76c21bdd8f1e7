"""`opsdeck.toml`: found, read whole or refused with every fault, and where the state then lies."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.catalog.config import (
    Config,
    ConfigFaults,
    Ui,
    find_config,
    load_config,
    open_catalog,
    state_home,
    team_catalog_path,
)
from opsdeck.catalog.gauges import Gauges, GaugeSpec
from opsdeck.catalog.load import shipped_checklists_path
from opsdeck.catalog.model import Fault
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.errors import ConfigError, NoInputError

FULL = """\
[deck]
name = "Production.eu-1"
timezone = "Europe/Berlin"
operators = ["ada", " grace "]
operator = "ada"
shared_accounts = ["deploy", "deploy"]
uses = ["aws", "redis"]
home = "state/deck"

[targets.web]
kind = "http"
url = "https://example.org"
[targets."db-1"]
kind = "mongodb"
uri = "${MONGO_URI}"

[[gauge]]
id = "p95"
probe = { kind = "http", target = "web", path = "/health" }
value = "latency_ms"
[signoff]
approvals = 2
approvers = ["alice", "dave"]
revoked_keys = "revoked"
identities = { alice = "alice@acme.io" }
[sync]
folder = "x"

[ui]
theme = "ansi"
glyphs = "ascii"
refresh = "slow"
animations = true

[keys]
"item.attest" = "space,enter"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "opsdeck.toml"


def faults_of(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(ConfigFaults) as caught:
        load_config(file)
    return [str(fault).removeprefix(f"{file}:") for fault in caught.value.faults]


def test_without_a_file_there_are_defaults() -> None:
    config = load_config(None)
    assert config == Config()
    assert (config.name, config.timezone, config.file) == ("default", "UTC", None)
    assert config.ui == Ui(theme="dark", glyphs="auto", refresh="normal", animations=False)


def test_an_empty_file_gives_defaults_too(file: Path) -> None:
    file.write_text("")
    assert load_config(file) == Config(file=file)


def test_reads_everything(file: Path) -> None:
    file.write_text(FULL)
    config = load_config(file)
    assert config == Config(
        name="Production.eu-1",
        timezone="Europe/Berlin",
        operators=("ada", "grace"),
        operator="ada",
        shared_accounts=("deploy",),
        uses=("aws", "redis"),
        home=file.parent / "state/deck",
        targets={
            "web": {"kind": "http", "url": "https://example.org"},
            "db-1": {"kind": "mongodb", "uri": "${MONGO_URI}"},
        },
        ui=Ui(theme="ansi", glyphs="ascii", refresh="slow", animations=True),
        gauges=Gauges(
            specs=(
                GaugeSpec(
                    id="p95",
                    title="p95",
                    source="web",
                    probe={"kind": "http", "target": "web", "path": "/health"},
                    value="latency_ms",
                ),
            )
        ),
        keys={"item.attest": "space,enter"},
        signoff=SignoffRules(
            approvals=2,
            approvers=("alice", "dave"),
            revoked_keys="revoked",
            identities={"alice": "alice@acme.io"},
        ),
        extra={"sync": {"folder": "x"}},
        file=file,
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[dekc]\nname = 'x'", '1: key dekc: unknown section "dekc"; did you mean "deck"?'),
        ("deck = 5", "1: key deck: is the integer 5; it must be a table"),
        ("[deck]\nnaem = 'x'", '2: key deck.naem: unknown key "naem"; did you mean "name"?'),
        ("[deck]\nname = 'a b'", '2: key deck.name: is "a b"; allowed are letters, digits'),
        ("[deck]\nname = '../x'", "key deck.name: is "),
        ("[deck]\nname = 5", "key deck.name: is the integer 5"),
        ("[deck]\ntimezone = 'Europe/Berln'", 'did you mean "Europe/Berlin"?'),
        ("[deck]\ntimezone = 'europe/berlin'", 'did you mean "Europe/Berlin"?'),
        ("[deck]\ntimezone = 'Europe'", "it must be an IANA time zone"),
        ("[deck]\ntimezone = '../../etc/passwd'", "it must be an IANA time zone"),
        ("[deck]\ntimezone = '/etc/localtime'", "it must be an IANA time zone"),
        ('[deck]\ntimezone = "a\\u0000b"', "it must be an IANA time zone"),
        ("[deck]\ntimezone = ''", "2: key deck.timezone: is empty"),
        ("[deck]\noperators = 'ada'", "it must be a list of strings"),
        ("[deck]\noperators = ['']", "entry 1 is empty"),
        ("[deck]\nuses = ['a b']", 'key deck.uses: is "a b"; allowed are'),
        ("[deck]\nhome = '~nobody-has-this-name/x'", "key deck.home: is"),
        ('[deck]\nhome = "a\\u0000b"', "key deck.home: is"),
        ("[targets]\nweb = 'x'", '2: key targets.web: is "x"; it must be a table'),
        ("[targets.web]\nurl = 'x'", "1: key targets.web.kind: missing"),
        ("[targets.web]\nkind = 5", "2: key targets.web.kind: is the integer 5"),
        ("[targets.'my web']\nkind = 'http'", '1: key targets.my web: as a name is "my web"'),
        ("[gauge]\nx = 1", "key gauge: is a table; it must be written as [[gauge]] blocks"),
        ("[[sync]]\nx = 1", "key sync: is a list; it must be a table"),
        ("[signoff]\nroles = ['x']", '2: key signoff.roles: unknown key "roles"'),
        ("[signoff]\nsignatures = 'key'", 'allowed are "keys", "names"; did you mean "keys"?'),
        (
            "[signoff]\napprovals = 0",
            "key signoff.approvals: is the integer 0; it must be a number from 1",
        ),
        (
            '[signoff]\napprovals = 3\napprovers = ["carol", "dave"]',
            "key signoff.approvals: is 3, and approvers has 2 names: so many can never approve",
        ),
        (
            "[signoff]\napprovals = true",
            "key signoff.approvals: is true; it must be a number from 1 to 9",
        ),
        (
            "[signoff]\nreview_days = 31",
            "key signoff.review_days: is the integer 31; it must be a number",
        ),
        ("[signoff]\nfresh_evidence = 1", "key signoff.fresh_evidence: is the integer 1; it must"),
        ("[signoff]\napprovers = 'alice'", 'key signoff.approvers: is "alice"; it must be a list'),
        ("[signoff]\nidentities = 'a'", 'key signoff.identities: is "a"; it must be a table'),
        ("[signoff.identities]\ncarol = 5", "key signoff.identities.carol: is the integer 5"),
        ("[ui]\ntheme = 'drak'", 'allowed are "dark", "light", "ansi"; did you mean "dark"?'),
        ("[ui]\nanimations = 'no'", 'key ui.animations: is "no"; it must be true or false'),
        ("[ui]\nglyph = 'auto'", "key ui.glyph: unknown key"),
        ("[keys]\n'item.attest' = 5", "2: key keys.item.attest: is the integer 5"),
        ("[keys]\nitem.attest = 'x'", "2: key keys.item: is a table; it must be a string"),
        ("[deck\n", "1:6: not valid TOML"),
    ],
)
def test_each_fault_says_where_and_what_is_allowed(file: Path, text: str, fault: str) -> None:
    (found,) = faults_of(file, text)
    assert fault in found


def test_all_faults_are_told_together(file: Path) -> None:
    text = "[deck]\nname = ''\ntimezone = 'Mars'\nx = 1\n[ui]\ntheme = 1\n[targets.a]\n[other]\n"
    assert [int(fault.split(":")[0]) for fault in faults_of(file, text)] == [2, 3, 4, 6, 7, 8]


@pytest.mark.parametrize("content", [b"\xff", b"\0", "a".encode("utf-16")])
def test_what_is_no_text_is_told(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigFaults) as caught:
        load_config(file)
    assert caught.value.exit_code == 78


def test_a_folder_is_told(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigFaults, match="is a folder"):
        load_config(file)


KEYS = st.sampled_from(
    ["deck", "targets", "gauge", "signoff", "sync", "ui", "keys", "name", "timezone", "home", "x"]
)
VALUES = st.sampled_from(["1", "'x'", "[]", "{}", "['a']", "[{}]", "{ a = {} }", "nan", "''"])


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_values_are_taken_or_told(
    tmp_path_factory: pytest.TempPathFactory, top: dict[str, str], deck: dict[str, str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    top.pop("deck", None)
    lines = [f"{k} = {v}" for k, v in top.items()] + ["[deck]"]
    file.write_text("\n".join(lines + [f"{k} = {v}" for k, v in deck.items()]))
    try:
        faults: tuple[Fault, ...] | None = None
        load_config(file)
    except ConfigFaults as error:
        faults = error.faults
    assert faults != ()


# --- where files lie


def test_the_nearest_config_wins(tmp_path: Path) -> None:
    # GIVEN configs in the settings folder, in a parent, in the folder, in a variable and a flag
    settings_folder = tmp_path / "settings"
    work = tmp_path / "a" / "b"
    places = [
        settings_folder / "opsdeck" / "opsdeck.toml",
        tmp_path / "a" / "opsdeck.toml",
        work / "opsdeck.toml",
        tmp_path / "variable.toml",
        tmp_path / "flag.toml",
    ]
    work.mkdir(parents=True)
    environ = {"XDG_CONFIG_HOME": str(settings_folder), "HOME": str(tmp_path / "home")}
    assert find_config(None, environ, work) is None
    # WHEN they come one after the other THEN the later ones go before
    for number, place in enumerate(places):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
        if number == 3:
            environ["OPSDECK_CONFIG"] = str(place)
        flag = place if number == 4 else None
        assert find_config(flag, environ, work) == place


def test_settings_lie_in_the_home_folder_by_default(tmp_path: Path) -> None:
    place = tmp_path / ".config" / "opsdeck" / "opsdeck.toml"
    place.parent.mkdir(parents=True)
    place.write_text("")
    work = tmp_path / "work"
    work.mkdir()
    assert find_config(None, {"HOME": str(tmp_path)}, work) == place
    # A relative base folder is to be ignored.
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative"}
    assert find_config(None, environ, work) == place


def test_a_named_config_must_exist(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="--config"):
        find_config(Path("none.toml"), {}, tmp_path)
    with pytest.raises(NoInputError, match="OPSDECK_CONFIG"):
        find_config(None, {"OPSDECK_CONFIG": "none.toml"}, tmp_path)


def test_a_named_config_may_be_relative_or_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("")
    assert find_config(Path("x.toml"), {}, tmp_path) == tmp_path / "x.toml"
    environ = {"OPSDECK_CONFIG": "~/x.toml", "HOME": str(tmp_path)}
    assert find_config(None, environ, Path("/")) == tmp_path / "x.toml"


@pytest.mark.parametrize(
    ("environ", "home", "expected"),
    [
        ({"OPSDECK_HOME": "/deck", "XDG_STATE_HOME": "/s"}, "/own", "/deck"),
        ({"OPSDECK_HOME": "~/deck", "HOME": "/home/ada"}, None, "/home/ada/deck"),
        ({"OPSDECK_HOME": "", "XDG_STATE_HOME": "/s"}, "/own", "/own"),
        ({"XDG_STATE_HOME": "/s"}, None, "/s/opsdeck/blue"),
        ({"XDG_STATE_HOME": "s", "HOME": "/h"}, None, "/h/.local/state/opsdeck/blue"),
        ({"HOME": "/h"}, None, "/h/.local/state/opsdeck/blue"),
    ],
)
def test_the_state_lies_where_it_is_told(
    environ: dict[str, str], home: str | None, expected: str
) -> None:
    config = Config(name="blue", home=Path(home) if home else None)
    assert state_home(config, environ) == Path(expected)


def test_a_home_of_an_unknown_user_is_told() -> None:
    with pytest.raises(ConfigError, match="OPSDECK_HOME: ~nobody-has-this-name"):
        state_home(Config(), {"OPSDECK_HOME": "~nobody-has-this-name/x"})


@pytest.mark.parametrize(("home", "expected"), [("~/d", "h/d"), ("../d", "d"), ("/d", "/d")])
def test_home_is_relative_to_its_file(tmp_path: Path, home: str, expected: str) -> None:
    folder = tmp_path / "team"
    folder.mkdir()
    file = folder / "opsdeck.toml"
    file.write_text(f'[deck]\nhome = "{home}"\n')
    config = load_config(file, {"HOME": str(tmp_path / "h")})
    assert config.home is not None
    assert config.home.resolve() == tmp_path / expected


def test_the_teams_catalog_lies_beside_its_config(file: Path) -> None:
    config = Config(file=file)
    assert team_catalog_path(Config()) is None
    assert team_catalog_path(config) is None
    (file.parent / "checklists.toml").write_text("")
    assert team_catalog_path(config) == file.parent / "checklists.toml"


@pytest.mark.skipif(not shipped_checklists_path().exists(), reason="needs the shipped catalog")
def test_the_shipped_catalog_is_no_teams_catalog(file: Path) -> None:
    (file.parent / "checklists.toml").symlink_to(shipped_checklists_path())
    assert team_catalog_path(Config(file=file)) is None
    assert open_catalog(Config(file=file)).catalog.sources == (str(shipped_checklists_path()),)
