"""A desk for every test of the screens."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A deck with three small lists: one a release, one a day, one standing."""
    return Desk(tmp_path)
