"""`opsdeck init` writes targets that bring items to life, and no secrets."""

from __future__ import annotations

import re

import pytest

from opsdeck.catalog.config import load_config
from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.probes._written_secrets import written_secrets
from opsdeck.probes.targets import asked_keys, known_keys
from tests.cli.conftest import CommandLine

TARGETS = (
    "--web-url", "https://shop.example/app", "--health-path", "/healthz",
    "--mongodb-uri-var", "ACME_URI", "--aws-region", "eu-central-1", "--aws-profile", "acme ro",
)  # fmt: skip


def test_targets_are_written_so_that_items_come_alive(opsdeck: CommandLine) -> None:
    # GIVEN a checkout below the folder of the file
    (opsdeck.folder / "code" / "shop").mkdir(parents=True)
    # WHEN every target is named
    result = opsdeck("init", "--yes", "--repository", "code/shop", "--uses", "aws", *TARGETS)
    # THEN they stand in the file, which has no fault and no key that nobody knows
    assert (result.code, result.err) == (0, "")
    config = load_config(opsdeck.folder / "opsdeck.toml")
    assert config.targets == {
        "web": {"kind": "web", "url": "https://shop.example/app", "health_path": "/healthz"},
        "mongodb": {"kind": "mongodb", "uri": "${ACME_URI}"},
        "aws": {"kind": "aws", "region": "eu-central-1", "profile": "acme ro"},
        "repo": {"kind": "repository", "path": "code/shop"},
    }
    for values in config.targets.values():
        assert values.keys() <= known_keys(str(values["kind"])).keys()
    assert not list(written_secrets(config.targets))
    # AND it is said how many items that brings to life, none of them waiting for a target
    catalog = load_catalog(shipped_checklists_path())
    sensed = [i for c in catalog.checklists for i in c.items if i.sensed]
    active = [item for item in sensed if item.uses in (None, "aws")]
    lacking = [i for i in active if any(d is None for _, d in asked_keys(i.probe or {}))]
    alive = len(active) - len(lacking)
    assert f"{alive} items of {catalog.item_count} can verify themselves now" in result.out
    assert f"{len(lacking)} items more with further keys: " in result.out
    assert "more with their targets" not in result.out
    assert "`opsdeck doctor`" in result.out
    assert "`opsdeck check`" in result.out


def test_without_targets_it_says_what_waits_for_them(opsdeck: CommandLine) -> None:
    result = opsdeck("init", "--yes")
    assert load_config(opsdeck.folder / "opsdeck.toml").targets == {}
    assert re.search(r"^\d+ items? more with their targets: .*web \d+", result.out, re.M)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (".", "."),
        ("sub/../sub", "sub"),
        ("..", "{parent}"),
        ("{folder}/sub", "sub"),
        ("~", "~"),
    ],
)
def test_a_repository_is_relative_where_it_lies_below(
    opsdeck: CommandLine, given: str, kept: str
) -> None:
    # GIVEN a home elsewhere
    opsdeck.environ["HOME"] = str(opsdeck.folder.parent)
    (opsdeck.folder / "sub").mkdir()
    places = {"folder": opsdeck.folder, "parent": opsdeck.folder.parent}
    # WHEN a repository is named
    result = opsdeck("init", "--yes", "--repository", given.format(**places))
    # THEN its path is as short as can be
    assert result.code == 0, result.err
    config = load_config(opsdeck.folder / "opsdeck.toml")
    assert config.targets["repo"]["path"] == kept.format(**places)


@pytest.mark.parametrize("name", ["MONGODB_URI", "$MONGODB_URI", "${MONGODB_URI}", " MONGODB_URI "])
def test_a_variable_may_be_written_in_any_way(opsdeck: CommandLine, name: str) -> None:
    assert opsdeck("init", "--yes", "--mongodb-uri-var", name).code == 0
    config = load_config(opsdeck.folder / "opsdeck.toml")
    assert config.targets["mongodb"]["uri"] == "${MONGODB_URI}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mongodb-uri-var", "mongodb://u:hunter22@db/app"), "give the name of the variable"),
        (("--mongodb-uri-var", "u:hunter22@db"), "give the name of the variable"),
        (("--mongodb-uri-var", "a b"), "no name of an environment variable"),
        (("--web-url", "https://u:hunter22@shop.example"), "give the URL without them"),
        (("--web-url", "ftp://shop.example"), "only http and https"),
        (("--web-url", "shop"), "begins with neither"),
        (("--web-url", "https://shop.example", "--health-path", "health"), "a slash"),
        (("--aws-region", "frankfurt"), "look like eu-central-1"),
        (("--aws-profile", "a\x1b[31m"), "one line"),
        (("--repository", "nowhere"), "is no folder on this machine"),
        (("--repository", "~no-such-user/x"), "is no folder"),
    ],
)
def test_targets_that_will_not_do_are_refused_without_their_secrets(
    opsdeck: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    result = opsdeck("init", "--yes", *arguments)
    assert result.code == 64
    assert message in result.err
    assert "hunter22" not in result.err
    assert list(opsdeck.folder.iterdir()) == []
