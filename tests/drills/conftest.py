"""Looks end with the app that asked for them; what an operator trusts is kept in the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.screens.conftest import workers_end

__all__ = ["workers_end"]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust is given anew in each drill, and nobody's real folder is touched."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
