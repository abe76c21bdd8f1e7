"""Decks that several tests begin with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.journal.helpers import (
    Desk,
)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A deck with three notes by `w`, and the lock as it was before the last was acknowledged."""
    desk = Desk(tmp_path / "three")
    desk.note("one")
    desk.note("two")
    lock = tmp_path / "three" / "journal" / "w.lock"
    shutil.copy(lock, tmp_path / "lock before")
    desk.note("three")
    shutil.copy(lock, tmp_path / "lock after")
    return tmp_path / "three"
