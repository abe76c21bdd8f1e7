"""Edits while the program runs: noticed cheaply, and never at the cost of the last good catalog."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opsdeck.catalog.load import CatalogFaults
from opsdeck.catalog.watch import CatalogSource, CatalogWatch

GOOD = """\
[[checklist]]
id = "web"
title = "Web"
section = "Before"
cadence = "release"
item = [{ id = "tls", text = "Certificate valid" }]
"""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "shipped.toml"
    path.write_text(GOOD)
    return path


def test_a_watch_sees_each_change_once(tmp_path: Path) -> None:
    # GIVEN a watch on a file and on one that does not exist
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("1")
    watch = CatalogWatch([file, other])
    assert not watch.changed()
    # WHEN one is written, replaced, made unreadable; the other appears and goes THEN it is seen
    for change in (
        lambda: file.write_text("12"),
        lambda: (tmp_path / "c").write_text("12") and (tmp_path / "c").replace(file),
        lambda: os.utime(file, ns=(5, 5)),
        lambda: file.chmod(0o400),
        lambda: other.write_text(""),
        other.unlink,
        file.unlink,
    ):
        change()
        assert watch.changed()
        assert not watch.changed()


def test_a_bad_edit_keeps_the_last_good_catalog(shipped: Path) -> None:
    source = CatalogSource(shipped)
    good = source.catalog
    assert not source.reload_if_changed()
    # WHEN the file is damaged
    shipped.write_text(GOOD + "oops\n")
    # THEN the faults are there and the catalog is the old one
    assert source.reload_if_changed()
    assert source.catalog is good
    assert source.faults[0].line == 7
    # AND another bad edit of the same kind is nothing new
    shipped.write_text(GOOD + "oops\n# still")
    assert not source.reload_if_changed()
    # WHEN it is mended
    shipped.write_text(GOOD.replace("valid", "renewed"))
    # THEN the new one is there
    assert source.reload_if_changed()
    assert source.faults == ()
    assert source.catalog.checklists[0].items[0].text == "Certificate renewed"


def test_a_touch_without_a_difference_is_no_change(shipped: Path) -> None:
    source = CatalogSource(shipped)
    shipped.write_text("# a comment\n" + GOOD)
    assert not source.reload_if_changed()


def test_the_teams_file_may_come_and_go(shipped: Path, tmp_path: Path) -> None:
    team = tmp_path / "checklists.toml"
    source = CatalogSource(shipped, team)
    team.write_text('[[checklist]]\nid = "web"\ntitle = "Our web"\n')
    assert source.reload_if_changed()
    assert source.catalog.checklists[0].title == "Our web"
    assert len(source.catalog.sources) == 2
    team.unlink()
    assert source.reload_if_changed()
    assert source.catalog.checklists[0].title == "Web"


def test_the_shipped_file_is_never_laid_over_itself(shipped: Path, tmp_path: Path) -> None:
    link = tmp_path / "checklists.toml"
    link.symlink_to(shipped)
    assert CatalogSource(shipped, link).catalog.sources == (str(shipped),)


def test_a_team_file_that_is_a_broken_link_is_told(shipped: Path, tmp_path: Path) -> None:
    link = tmp_path / "checklists.toml"
    link.symlink_to("nothing")
    with pytest.raises(CatalogFaults, match="does not exist"):
        CatalogSource(shipped, link)


def test_the_first_load_raises(tmp_path: Path) -> None:
    with pytest.raises(CatalogFaults):
        CatalogSource(tmp_path / "none.toml")
