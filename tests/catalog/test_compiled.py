"""The checked catalog in the cache: quick, never trusted further than its files and its owner."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from opsdeck.catalog.compiled import key_of, read_compiled, write_compiled
from opsdeck.catalog.faults import CatalogFaults
from opsdeck.catalog.load import load_catalog
from opsdeck.catalog.watch import CatalogSource

LIST = """
[[checklist]]
id = "{id}"
title = "A list"
section = "S"
cadence = "standing"

[[checklist.item]]
id = "one"
text = "Look at {what}"
"""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    path = tmp_path / "shipped.toml"
    path.write_text(LIST.format(id="a", what="the first"))
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def kept_file(cache: Path) -> Path:
    (found,) = cache.iterdir()
    return found


def test_what_is_kept_is_what_was_loaded(shipped: Path, cache: Path) -> None:
    # GIVEN an opening that kept its catalog
    first = CatalogSource(shipped, cache=cache).catalog
    key = key_of([shipped])
    assert key is not None
    # THEN the next one gets the same without parsing, and only this account can read it
    assert read_compiled(cache, key) == first == load_catalog(shipped)
    assert kept_file(cache).stat().st_mode & 0o777 == 0o600


def test_an_edit_between_openings_counts(shipped: Path, cache: Path) -> None:
    CatalogSource(shipped, cache=cache)
    shipped.write_text(LIST.format(id="a", what="the second"))
    assert CatalogSource(shipped, cache=cache).catalog.checklists[0].items[0].text == (
        "Look at the second"
    )


def test_a_team_file_that_comes_later_counts(shipped: Path, cache: Path, tmp_path: Path) -> None:
    team = tmp_path / "checklists.toml"
    assert len(CatalogSource(shipped, team, cache).catalog.checklists) == 1
    team.write_text(LIST.format(id="b", what="ours"))
    assert len(CatalogSource(shipped, team, cache).catalog.checklists) == 2


def test_nothing_is_made_where_there_is_no_cache_folder(shipped: Path, tmp_path: Path) -> None:
    CatalogSource(shipped, cache=tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("cut", [0, 1, 40, 130, 140, -1])
def test_a_damaged_one_is_not_used(shipped: Path, cache: Path, cut: int) -> None:
    CatalogSource(shipped, cache=cache)
    kept, key = kept_file(cache), key_of([shipped])
    content = kept.read_bytes()
    kept.write_bytes(content[:cut])
    assert read_compiled(cache, key) is None
    flipped = bytearray(content)
    flipped[cut] ^= 1
    kept.write_bytes(bytes(flipped))
    assert read_compiled(cache, key) is None
    assert CatalogSource(shipped, cache=cache).catalog == load_catalog(shipped)


def test_one_that_others_may_write_or_a_link_is_not_used(shipped: Path, cache: Path) -> None:
    CatalogSource(shipped, cache=cache)
    kept, key = kept_file(cache), key_of([shipped])
    kept.chmod(0o620)
    assert read_compiled(cache, key) is None
    kept.chmod(0o600)
    assert read_compiled(cache, key) is not None
    aside = kept.rename(cache.parent / "aside")
    kept.symlink_to(aside)
    assert read_compiled(cache, key) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_one_that_another_account_wrote_is_not_used(shipped: Path, cache: Path) -> None:
    CatalogSource(shipped, cache=cache)
    os.chown(kept_file(cache), 12345, -1)
    assert read_compiled(cache, key_of([shipped])) is None


def test_a_bad_file_at_opening_leaves_the_last_good_one_on_screen(
    shipped: Path, cache: Path, tmp_path: Path
) -> None:
    # GIVEN a team's file that was good at the last opening and is broken now
    team = tmp_path / "checklists.toml"
    team.write_text(LIST.format(id="b", what="ours"))
    CatalogSource(shipped, team, cache)
    team.write_text("[[checklist]\n")
    # WHEN scripts open it THEN they are told
    with pytest.raises(CatalogFaults):
        CatalogSource(shipped, team, cache)
    # WHEN an operator opens it THEN the last good one is there, with the fault
    source = CatalogSource(shipped, team, cache, tolerant=True)
    assert [c.id for c in source.catalog.checklists] == ["a", "b"]
    assert source.faults[0].line == 1
    # and once it is mended it is taken up
    team.write_text(LIST.format(id="c", what="ours"))
    assert source.reload_if_changed()
    assert [c.id for c in source.catalog.checklists] == ["a", "c"]
    assert source.faults == ()


def test_without_a_last_good_one_the_shipped_catalog_opens_alone(
    shipped: Path, tmp_path: Path
) -> None:
    team = tmp_path / "checklists.toml"
    team.write_text("nonsense")
    source = CatalogSource(shipped, team, tmp_path / "none", tolerant=True)
    assert [c.id for c in source.catalog.checklists] == ["a"]
    assert source.faults


def test_a_full_disk_costs_only_time(shipped: Path, cache: Path) -> None:
    catalog = load_catalog(shipped)
    cache.rmdir()
    cache.write_text("a file where the folder was")
    write_compiled(cache, "key", catalog)
    assert read_compiled(cache, "key") is None


def test_a_disk_that_only_reads_costs_only_time(
    shipped: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a disk on which nothing can be made, nor removed
    catalog = load_catalog(shipped)

    def refuses(*_given: object, **_more: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuses)
    monkeypatch.setattr(Path, "unlink", refuses)
    # THEN keeping a catalog does nothing, quietly
    write_compiled(cache, "key", catalog)
    assert list(cache.iterdir()) == []


def test_a_read_do_list_is_one_from_the_cache_too(shipped: Path, cache: Path) -> None:
    shipped.write_text(shipped.read_text().replace('id = "a"', 'id = "a"\nread_do = true'))
    CatalogSource(shipped, cache=cache)
    kept = read_compiled(cache, key_of([shipped]))
    assert kept is not None
    assert [c.read_do for c in kept.checklists] == [True]
