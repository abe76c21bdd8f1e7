"""A desk for every test of the screens, and an end to what its apps started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opsdeck.checks.remote import Remote
from tests.screens.desk import Desk
from tests.screens.gauge_desk import GaugeDesk
from tests.watched import Waiting, service

__all__ = ["service"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A deck with three small lists: one a release, one a day, one standing."""
    return Desk(tmp_path)


@pytest.fixture(autouse=True)
async def workers_end(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """An app that leaves does not wait for its worker; a test does, and sees that it ends."""
    left: list[Remote] = []
    leave = Remote.leave

    def remembered(self: Remote) -> None:
        left.append(self)
        leave(self)

    monkeypatch.setattr(Remote, "leave", remembered)
    yield
    for remote in left:
        async with asyncio.timeout(20):
            await remote.ended()


@pytest.fixture
def gauge_desk(tmp_path: Path, service: Waiting, monkeypatch: pytest.MonkeyPatch) -> GaugeDesk:
    """A deck that watches it; what is agreed to is kept in the test's own folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return GaugeDesk(tmp_path, service)
