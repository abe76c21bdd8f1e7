"""Keys and a signed deck for all tests of sign-off: made once, since keys take a moment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.signoff.keys import Keys, make_keys
from tests.signoff.signed import Kept, Team, make_team, signed_home


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A deck whose releases are signed, never to be touched: `home` is a copy of it."""
    folder = tmp_path_factory.mktemp("signed")
    team = make_team(folder / "keys")
    return Kept(folder / "deck", team, signed_home(folder / "deck", team))


@pytest.fixture
def team(kept: Kept) -> Team:
    """Who signed it, with their keys."""
    return kept.team


@pytest.fixture
def home(kept: Kept, tmp_path: Path) -> Path:
    """That deck, for one test to do with as it likes."""
    return shutil.copytree(kept.home, tmp_path / "deck")
