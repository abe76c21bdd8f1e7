"""The table of target kinds: it knows every key that probes and the shipped catalog ask for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from opsdeck.catalog.load import load_catalog
from opsdeck.probes import kinds, registry
from opsdeck.probes._target_keys import ITEM_KEYS
from opsdeck.probes._written_secrets import variables, written_secrets
from opsdeck.probes.targets import IMPLIED, KINDS, asked_keys, known_keys

ROOT = Path(__file__).parents[2]


@cache
def probes() -> list[tuple[str, dict[str, Any]]]:
    """CHECKLIST/ITEM and probe of every shipped item that has one."""
    checklists = load_catalog(ROOT / "checklists.toml").checklists
    return [(f"{c.id}/{i.id}", i.probe) for c in checklists for i in c.items if i.probe]


def asked() -> set[tuple[str, str]]:
    """(kind of target, key) that shipped items take from their targets."""
    return {
        (IMPLIED.get(str(probe.get("target", "")), ""), key)
        for _, probe in probes()
        for key, _ in asked_keys(probe)
    }


def test_every_placeholder_of_the_catalog_is_in_the_table() -> None:
    assert {(kind, key) for kind, key in asked() if key not in known_keys(kind)} == set()


def test_no_key_is_explained_that_no_item_asks_for() -> None:
    told = {(kind, key) for kind, keys in ITEM_KEYS.items() for key in keys}
    assert told - asked() == set()


def test_the_shipped_targets_are_of_kinds_that_suit_their_probes() -> None:
    for address, probe in probes():
        name = probe.get("target")
        kind = registry.kind_of(str(probe["kind"]))
        assert kind is not None
        assert name is None or name in IMPLIED, address
        assert name is None or not kind.TARGETS or IMPLIED[name] in kind.TARGETS, address


def test_every_kind_of_target_that_a_probe_names_is_in_the_table() -> None:
    named = {t for name in registry.names() for t in getattr(registry.kind_of(name), "TARGETS", ())}
    assert named <= KINDS.keys()


def test_keys_that_kinds_read_by_themselves_are_in_the_table() -> None:
    # GIVEN the source of the probes
    folder = Path(kinds.__path__[0]).parent
    read = re.compile(
        r'(?:target\.values|values|target\.raw)\.get\("([a-z_]+)"|\.text\("([a-z_]+)"'
    )
    text = "\n".join(file.read_text(encoding="utf-8") for file in folder.rglob("*.py"))
    keys = {first or second for first, second in read.findall(text)}
    # THEN every key that is read from a target is known to some kind
    known = {key for kind in KINDS for key in known_keys(kind)}
    assert len(keys) >= 10
    assert keys - known == set()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"uri": "mongodb://u:pw@h/d"}, ["uri"]),
        ({"uri": "mongodb+srv://u:p/w@h/d"}, ["uri"]),
        ({"url": "https://u:pw@h/"}, ["url"]),
        ({"url": "https://h/?token=abcdef1"}, ["url"]),
        ({"headers": {"X-Api-Key": "abc"}}, ["headers.X-Api-Key"]),
        ({"headers": {"Authorization": "Basic dTpw"}}, ["headers.Authorization"]),
        ({"headers": {"Cookie": "sid=abc"}}, ["headers.Cookie"]),
        ({"also": [{"password": "x"}]}, ["also[1].password"]),
        ({"key": "AKIAIOSFODNN7EXAMPLE"}, ["key"]),
    ],
)
def test_secrets_that_stand_in_a_table(values: dict[str, object], named: list[str]) -> None:
    assert list(written_secrets(values)) == named


@pytest.mark.parametrize(
    "values",
    [
        {"uri": "${MONGODB_URI}"},
        {"uri": "mongodb://u:${PW}@h/d"},
        {"uri": "mongodb://h/d?authSource=admin"},
        {"headers": {"Authorization": "Bearer ${TOKEN}", "Cookie": "a=${A}; b=${B}"}},
        {"url": "https://h/p?email=a:b@c", "region": "eu-central-1", "profile": "readonly"},
        {"token": "", "session_secrets": "A,B", "secrets_file": ".env"},
        {"headers": {"Cookie": "{session_cookie}", "Authorization": "Bearer {token|}"}},
    ],
)
def test_tables_without_secrets(values: dict[str, object]) -> None:
    assert list(written_secrets(values, harmless={"session_secrets"})) == []


def test_what_a_harmless_key_holds_is_still_looked_at() -> None:
    values = {"session_secrets": "A,B", "origin": "https://u:pw@h"}
    assert list(written_secrets(values, harmless=values.keys())) == ["origin"]


def test_variables_are_found_at_any_depth() -> None:
    assert list(variables({"a": ["${X}", {"b": "p${Y}q${Z}"}], "c": "$W {V}"})) == ["X", "Y", "Z"]
