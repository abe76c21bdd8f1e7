"""Fixtures of the catalog's tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own ones are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder
