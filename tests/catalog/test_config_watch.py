"""Edits of opsdeck.toml while the program runs: taken over where that is safe, never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.catalog.config import Config, load_config
from opsdeck.catalog.config_watch import ConfigWatch, left_waiting, taken_over

GOOD = '[deck]\nname = "shop"\nuses = ["aws"]\n[targets.web]\nkind = "web"\nurl = "http://a"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "opsdeck.toml"
    path.write_text(GOOD)
    return path


def read(watch: ConfigWatch) -> Config | list[str] | None:
    """What two polls in a row give: the second is when the file has come to rest."""
    assert watch.poll() is None
    found = watch.poll()
    return [str(fault) for fault in found] if isinstance(found, tuple) else found


def test_an_edit_is_read_once_the_file_has_come_to_rest(file: Path) -> None:
    # GIVEN a watched file that nobody touches
    watch = ConfigWatch(file, {})
    assert read(watch) is None
    # WHEN it is emptied and then written, as some editors do THEN the emptiness is not believed
    file.write_text("")
    assert watch.poll() is None
    file.write_text(GOOD.replace("http://a", "http://bb"))
    found = read(watch)
    assert isinstance(found, Config)
    assert found.targets["web"]["url"] == "http://bb"
    # AND it is told of once
    assert read(watch) is None


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (GOOD + "[targets.x]\n", "kind"),
        (GOOD + "[targets", "toml"),
        (None, "opsdeck.toml"),
    ],
    ids=["a fault", "no TOML", "gone"],
)
def test_a_broken_file_gives_faults_until_it_is_mended(
    file: Path, broken: str | None, says: str
) -> None:
    # GIVEN a file that is broken, or gone
    watch = ConfigWatch(file, {})
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)
    # THEN its faults name it
    found = read(watch)
    assert isinstance(found, list)
    assert any(says in fault for fault in found), found
    assert all(str(file) in fault for fault in found), found
    # WHEN it is mended THEN it counts
    file.write_text(GOOD)
    assert isinstance(read(watch), Config)


def test_no_file_is_never_news() -> None:
    """GIVEN a deck without opsdeck.toml THEN there is nothing to read."""
    assert read(ConfigWatch(None)) is None


def test_what_decides_where_the_state_lies_waits_for_a_start(file: Path) -> None:
    # GIVEN an edit of targets, features, name and keys
    old = load_config(file, {})
    file.write_text(
        GOOD.replace("shop", "other").replace('"aws"', '"redis"').replace("http://a", "http://b")
        + '[keys]\n"list.check" = "B"\n'
    )
    new = load_config(file, {})
    # WHEN it is taken over
    now = taken_over(old, new)
    # THEN targets and features count at once; the rest is named, and stays as it was
    assert now.targets["web"]["url"] == "http://b"
    assert now.uses == ("redis",)
    assert (now.name, now.keys) == ("shop", {})
    assert left_waiting(old, new) == ["name", "keys"]
